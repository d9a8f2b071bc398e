"""API keys: list, add, rotate, revoke."""

from penfold.base.limits import SENDING_ROTATE_MAX_MS, SENDING_ROTATE_MS
from penfold.domain.sending.findings import INVALID, Findings
from penfold.domain.sending.new_key import check_new_key, check_reach
from penfold.domain.sending.parts import read_expiry
from penfold.domain.sending.showing import show_key
from penfold.front.http.sending.call import Call, must, page_list
from penfold.ports.sending.records import ApiKey
from penfold.spec.sending import schemas


def keys_list(call: Call) -> schemas.KeyList:
    shown = call.keys.list(call.account_id)[::-1]
    shown.sort(key=lambda one: one.key.revoked_ms > 0)
    items, more = page_list(call.query, shown, lambda one: one.key.id)
    return schemas.KeyList(object="list", has_more=more, data=[show_key(one) for one in items])


def keys_add(call: Call) -> schemas.Secret:
    findings = Findings()
    expires_ms = read_expiry(call.body.expires_at, findings, after_ms=call.now_ms)
    key = check_new_key(call.body, call.key, findings, expires_ms=expires_ms)
    findings.raise_any()
    made = call.keys.add(key)
    return schemas.Secret(object="api_key", id=made.key.id, token=made.secret)


def keys_rotate(call: Call) -> schemas.Secret:
    """A key that may do more than the caller's is out of its reach: its secret would come here."""
    findings = Findings()
    grace_s = call.body.grace_s
    grace_ms = SENDING_ROTATE_MS if grace_s is None else 1_000 * grace_s
    if not 0 <= grace_ms <= SENDING_ROTATE_MAX_MS:
        most = SENDING_ROTATE_MAX_MS // 1_000
        findings.add("grace_s", INVALID, f"is not between 0 and {most}")
    key = must(call.book.read(lambda book: book.find(ApiKey, call.id, call.account_id)))
    check_reach(key, call.key, findings)
    findings.raise_any()
    made = call.keys.rotate(key.id, call.account_id, grace_ms=grace_ms)
    return schemas.Secret(object="api_key", id=made.key.id, token=made.secret)


def keys_revoke(call: Call) -> schemas.Reference:
    ended = call.keys.revoke(call.id, call.account_id)
    return schemas.Reference(object="api_key", id=ended.id, deleted=True)
