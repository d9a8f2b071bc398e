"""Webhooks: made, changed, turned off and on, given another secret, tried out, told again.

A secret is shown once, when it is made; here it is sealed, because it is needed for signing. While
it is changed the one before signs too, for WEBHOOK_ROTATE_MS.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import NotFoundError
from penfold.base.limits import (
    SENDING_RECORDS_MAX,
    WEBHOOK_REPLAY_MAX,
    WEBHOOK_REPLAY_SCAN_MAX,
    WEBHOOK_REPLAY_WAITING_MAX,
    WEBHOOK_ROTATE_MS,
    WEBHOOK_SECRETS_MAX,
    WEBHOOKS_MAX,
)
from penfold.domain.sending.accept import make_id
from penfold.ports import audit
from penfold.ports.sealing import Sealer
from penfold.ports.sending.book import SendingBook, SendingReader, SendingWriter
from penfold.ports.sending.events import NOBODY, Event, NewEvent
from penfold.ports.sending.records import Webhook
from penfold.proto.standard_webhooks import make_secret
from penfold.spec.sending.problems import NOT_NOW, VALIDATION, SendingError

#: The kind of an event that is made to try a webhook out.
TEST: str = "webhook.test"
#: Why a webhook is off, when its owner turned it off.
BY_OWNER = "turned off by its owner"


class NewWebhook(Struct, frozen=True):
    """secret: in the form receivers need, `whsec_…`."""

    webhook: Webhook
    secret: str


class Range(Struct, frozen=True, gc=False):
    """Events from first_ms to last_ms, behind the one with the id `after` unless that is ""."""

    first_ms: int
    last_ms: int
    after: str = ""


class Replayed(Struct, frozen=True, gc=False):
    """How many events will be told again; last: id of the last one; more: there are others."""

    count: int
    last: str = ""
    more: bool = False


def seal_context(webhook_id: str) -> str:
    return f"webhook {webhook_id}"


def list_secrets(webhook: Webhook, sealer: Sealer, *, now_ms: int) -> list[str]:
    """Return the secrets to sign with now, the newest first; SealBrokenError."""
    rotating = now_ms < webhook.rotated_ms + WEBHOOK_ROTATE_MS
    kept = webhook.secrets if rotating else webhook.secrets[:1]
    context = seal_context(webhook.id)
    return [sealer.open(b64decode(one), context=context).decode() for one in kept]


def get_webhook(book: SendingReader, webhook_id: str, account_id: str) -> Webhook:
    """Return an account's webhook; NotFoundError."""
    found = book.find(Webhook, webhook_id, account_id)
    if found is None:
        raise NotFoundError("no such webhook")
    return found


def turn_off(
    writer: SendingWriter, webhook: Webhook, why: str, *, now_ms: int, untold: bool = False
) -> Webhook:
    """Turn a webhook off; what waits for it ends, and can be replayed when it is on again."""
    off = _make_off(webhook, why, now_ms, untold=untold)
    writer.replace(off)
    writer.end_deliveries(webhook.id)
    return off


def _make_off(webhook: Webhook, why: str, now_ms: int, *, untold: bool = False) -> Webhook:
    return replace(webhook, disabled_ms=now_ms, why=why, untold=untold)


def _check_room(book: SendingReader, account_id: str) -> None:
    if len(book.list_records(Webhook, account_id, limit=WEBHOOKS_MAX)) >= WEBHOOKS_MAX:
        what = f"An account has at most {WEBHOOKS_MAX} webhooks; delete one."
        raise SendingError(VALIDATION, what)


@dataclass(frozen=True, slots=True)
class Webhooks:
    """note: to the audit log. local: receivers on this machine may be told."""

    book: SendingBook
    clock: Clock
    chance: Chance
    sealer: Sealer
    note: Callable[[audit.Event], None]
    local: bool = False

    def add(self, account_id: str, url: str, kinds: Sequence[str]) -> NewWebhook:
        """Make a webhook, for events of these kinds or, without any, of all."""
        secret = make_secret(self.chance)
        name = make_id(self.chance)
        webhook = Webhook(
            name, account_id, url, self.clock.now_ms(), tuple(kinds), (self._seal(name, secret),)
        )

        def change(writer: SendingWriter) -> None:
            _check_room(writer, account_id)
            writer.add(webhook)

        self.book.read(lambda book: _check_room(book, account_id))
        self._note("add", webhook)
        self.book.change(change)
        return NewWebhook(webhook, secret)

    def list(self, account_id: str) -> list[Webhook]:
        """Return an account's webhooks, the oldest first."""
        return self.book.read(
            lambda book: book.list_records(Webhook, account_id, limit=SENDING_RECORDS_MAX)
        )

    def change(
        self,
        webhook_id: str,
        account_id: str,
        *,
        url: str | None = None,
        kinds: Sequence[str] | None = None,
        enabled: bool | None = None,
    ) -> Webhook:
        """Change what is given. Another address, and turning it on, forget what failed."""
        now_ms = self.clock.now_ms()

        def make(book: SendingReader) -> Webhook:
            webhook = get_webhook(book, webhook_id, account_id)
            if kinds is not None:
                webhook = replace(webhook, events=tuple(kinds))
            if url is not None and url != webhook.url:
                webhook = replace(webhook, url=url, failing_ms=0)
            if enabled:
                webhook = replace(webhook, failing_ms=0, disabled_ms=0, why="", untold=False)
            if enabled is False and not webhook.disabled_ms:
                webhook = _make_off(webhook, BY_OWNER, now_ms)
            return webhook

        def change(writer: SendingWriter) -> Webhook:
            webhook = make(writer)
            writer.replace(webhook)
            if webhook.disabled_ms:
                writer.end_deliveries(webhook.id)
            return webhook

        self._note("change", self.book.read(make))
        return self.book.change(change)

    def delete(self, webhook_id: str, account_id: str) -> None:
        """Remove a webhook with its deliveries; events stay. NotFoundError."""

        def change(writer: SendingWriter) -> None:
            get_webhook(writer, webhook_id, account_id)
            writer.delete(Webhook, webhook_id, account_id)
            writer.drop_deliveries(webhook_id)

        self._note("delete", self._get(webhook_id, account_id))
        self.book.change(change)

    def rotate(self, webhook_id: str, account_id: str) -> NewWebhook:
        """Give a webhook a new secret; those before sign too until a day from now."""
        secret, now_ms = make_secret(self.chance), self.clock.now_ms()
        sealed = self._seal(webhook_id, secret)

        def change(writer: SendingWriter) -> Webhook:
            webhook = get_webhook(writer, webhook_id, account_id)
            rotating = now_ms < webhook.rotated_ms + WEBHOOK_ROTATE_MS
            before = webhook.secrets if rotating else webhook.secrets[:1]
            kept = (sealed, *before)[:WEBHOOK_SECRETS_MAX]
            webhook = replace(webhook, secrets=kept, rotated_ms=now_ms)
            writer.replace(webhook)
            return webhook

        self._note("rotate", self._get(webhook_id, account_id))
        return NewWebhook(self.book.change(change), secret)

    def test(self, webhook_id: str, account_id: str) -> str:
        """Have an event told to this webhook alone, and return the event's id."""
        name = make_id(self.chance)

        def change(writer: SendingWriter) -> None:
            get_enabled(writer, webhook_id, account_id)
            event = NewEvent(
                name, account_id, 0, NOBODY, TEST, self.clock.now_ms(), f"test:{name}",
                {"webhook_id": webhook_id}, webhook_id,
            )  # fmt: skip
            writer.add_event(event)

        self.book.change(change)
        return name

    def replay_event(self, webhook_id: str, account_id: str, event_id: str) -> Replayed:
        """Tell one event again, whether or not the webhook wants its kind; NotFoundError."""

        def change(writer: SendingWriter) -> Replayed:
            webhook = get_enabled(writer, webhook_id, account_id)
            event = writer.find_event(event_id, account_id)
            if event is None:
                raise NotFoundError("no such event")
            self._add(writer, webhook, [event.number])
            return Replayed(1, event.id)

        return self.book.change(change)

    def replay_range(self, webhook_id: str, account_id: str, wanted: Range) -> Replayed:
        """Tell the events of a time again, as far as the webhook wants them, the first first.

        Looks at WEBHOOK_REPLAY_SCAN_MAX events: the count may be 0 and there may be more.
        """

        def look(book: SendingReader) -> tuple[Webhook, list[Event]]:
            webhook = get_enabled(book, webhook_id, account_id)
            after = book.find_event(wanted.after, account_id) if wanted.after else None
            if wanted.after and after is None:
                raise NotFoundError("no such event")
            found = book.list_events_between(
                account_id,
                first_ms=wanted.first_ms,
                last_ms=wanted.last_ms,
                after=after,
                limit=WEBHOOK_REPLAY_SCAN_MAX + 1,
            )
            return webhook, found

        webhook, found = self.book.read(look)
        numbers: list[int] = []
        last, seen = wanted.after, 0
        for event in found[:WEBHOOK_REPLAY_SCAN_MAX]:
            if len(numbers) == WEBHOOK_REPLAY_MAX:
                break
            last, seen = event.id, seen + 1
            if event.kind != TEST and (not webhook.events or event.kind in webhook.events):
                numbers.append(event.number)

        def change(writer: SendingWriter) -> None:
            self._add(writer, get_enabled(writer, webhook_id, account_id), numbers)

        self.book.change(change)
        return Replayed(len(numbers), last, seen < len(found))

    def _add(self, writer: SendingWriter, webhook: Webhook, events: Sequence[int]) -> None:
        most = WEBHOOK_REPLAY_WAITING_MAX
        if writer.count_deliveries_waiting(webhook.id, limit=most) >= most:
            raise SendingError(
                NOT_NOW, f"{most} deliveries wait for this webhook already; ask again later."
            )
        writer.add_deliveries(webhook.id, events, now_ms=self.clock.now_ms(), replay=True)

    def _seal(self, webhook_id: str, secret: str) -> str:
        sealed = self.sealer.seal(secret.encode(), context=seal_context(webhook_id))
        return b64encode(sealed).decode()

    def _get(self, webhook_id: str, account_id: str) -> Webhook:
        return self.book.read(lambda book: get_webhook(book, webhook_id, account_id))

    def _note(self, action: str, webhook: Webhook) -> None:
        """Note what is about to be done: an entry may be without its change, none the reverse."""
        # The address may have a password of the receiver in it.
        values = {"events": list(webhook.events), "disabled": bool(webhook.disabled_ms)}
        self.note(audit.Event(action, "webhook", webhook.id, webhook.account_id, values))


def get_enabled(book: SendingReader, webhook_id: str, account_id: str) -> Webhook:
    """Return a webhook that is on, or refuse."""
    webhook = get_webhook(book, webhook_id, account_id)
    if webhook.disabled_ms:
        raise SendingError(NOT_NOW, "The webhook is disabled; enable it first.")
    return webhook
