"""Webhooks: list, add, get, change, remove, rotate, test, replay, attempts."""

import re
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.domain.sending.findings import INVALID, NOT_ALLOWED, REQUIRED, Findings
from penfold.domain.sending.webhook_rules import read_kinds, read_url
from penfold.domain.sending.webhook_showing import show_delivery, show_webhook
from penfold.domain.sending.webhooks import NewWebhook, Range, Replayed, get_webhook
from penfold.front.http.sending.call import Call, page_list, read_page
from penfold.ports.sending.book import SendingReader
from penfold.proto.send_time import parse_time
from penfold.spec.sending import schemas, setup

_KIND: Final = "webhook"
_STATUSES: Final = MappingProxyType({"enabled": True, "disabled": False})
#: The number of a delivery: what SQLite counts to.
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


class _Numbered(Struct, frozen=True, gc=False):
    number: int


def webhooks_list(call: Call) -> setup.WebhookList:
    there = call.hooks.list(call.account_id)[::-1]
    items, more = page_list(call.query, there, lambda one: one.id)
    data = [show_webhook(one) for one in items]
    return setup.WebhookList(object="list", has_more=more, data=data)


def webhooks_add(call: Call) -> setup.WebhookSecret:
    findings = Findings()
    url = read_url(call.body.endpoint, findings, local=call.hooks.local)
    kinds = read_kinds(call.body.events, findings)
    findings.raise_any()
    return _show_secret(call.hooks.add(call.account_id, url, kinds))


def webhooks_get(call: Call) -> setup.Webhook:
    return show_webhook(call.book.read(lambda book: get_webhook(book, call.id, call.account_id)))


def webhooks_change(call: Call) -> schemas.Reference:
    body, findings = call.body, Findings()
    url = kinds = enabled = None
    if body.endpoint is not None:
        url = read_url(body.endpoint, findings, local=call.hooks.local)
    if body.events is not None:
        kinds = read_kinds(body.events, findings)
    if body.status is not None:
        enabled = _STATUSES.get(body.status)
        if enabled is None:
            findings.add("status", INVALID, f"is one of {', '.join(_STATUSES)}")
    findings.raise_any()
    call.hooks.change(call.id, call.account_id, url=url, kinds=kinds, enabled=enabled)
    return schemas.Reference(object=_KIND, id=call.id)


def webhooks_remove(call: Call) -> schemas.Reference:
    call.hooks.delete(call.id, call.account_id)
    return schemas.Reference(object=_KIND, id=call.id, deleted=True)


def webhooks_rotate(call: Call) -> setup.WebhookSecret:
    return _show_secret(call.hooks.rotate(call.id, call.account_id))


def webhooks_test(call: Call) -> setup.WebhookTest:
    event_id = call.hooks.test(call.id, call.account_id)
    return setup.WebhookTest(object=_KIND, id=call.id, event_id=event_id)


def webhooks_replay(call: Call) -> setup.Replayed:
    body, findings = call.body, Findings()
    if body.event_id:
        if body.since or body.until or body.after:
            findings.add("event_id", NOT_ALLOWED, "cannot be used together with a time")
        findings.raise_any()
        return _show_replayed(
            call, call.hooks.replay_event(call.id, call.account_id, body.event_id)
        )
    if body.since is None:
        findings.add("since", REQUIRED, "is missing, and `event_id` too")
    first_ms = _read_time("since", body.since, findings, otherwise=0)
    last_ms = _read_time("until", body.until, findings, otherwise=call.now_ms)
    if last_ms < first_ms:
        findings.add("until", INVALID, "is before `since`")
    findings.raise_any()
    wanted = Range(first_ms, last_ms, body.after)
    return _show_replayed(call, call.hooks.replay_range(call.id, call.account_id, wanted))


def webhooks_attempts(call: Call) -> setup.WebhookDeliveryList:
    if call.query.before:
        findings = Findings()
        findings.add("before", INVALID, "is not served here; `after` goes on to older ones")
        findings.raise_any()

    def look(book: SendingReader) -> setup.WebhookDeliveryList:
        webhook = get_webhook(book, call.id, call.account_id)
        page = read_page(call.query, _read_number)
        found = book.list_deliveries(webhook.id, older=page.older, limit=page.limit + 1)
        items, more = page.cut(found)
        return setup.WebhookDeliveryList(
            object="list", has_more=more, data=[show_delivery(book, one) for one in items]
        )

    return call.book.read(look)


def _read_number(text: str) -> _Numbered | None:
    return _Numbered(int(text)) if _NUMBER.fullmatch(text) else None


def _read_time(field: str, text: str | None, findings: Findings, *, otherwise: int) -> int:
    if text is None:
        return otherwise
    try:
        return parse_time(text)
    except ParseError:
        findings.add(field, INVALID, "is not a time such as 2026-11-28T09:30:00Z")
        return otherwise


def _show_secret(made: NewWebhook) -> setup.WebhookSecret:
    return setup.WebhookSecret(object=_KIND, id=made.webhook.id, signing_secret=made.secret)


def _show_replayed(call: Call, done: Replayed) -> setup.Replayed:
    return setup.Replayed(
        object="replay", id=call.id, replayed=done.count, last=done.last, has_more=done.more
    )
