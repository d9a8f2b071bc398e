"""Accept emails: all that follows is one transaction, durable before anybody is told.

The answer to a call with an idempotency key is kept in it, so a repeat, in whatever process, waits
for it and gets the same answer. What was refused is not kept: it was judged by the same rules
again, and a call that was mended may use the key it has.
"""

import hashlib
from collections.abc import Callable, Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.limits import IDEMPOTENCY_KEPT_MS
from penfold.domain.sending.checking import Draft
from penfold.domain.sending.metering import Price, charge
from penfold.domain.sending.streams import pace
from penfold.ports.sending.answers import KeptAnswer
from penfold.ports.sending.book import SendingBook, SendingReader, SendingWriter
from penfold.ports.sending.emails import Email, EmailState, NewEmail
from penfold.ports.sending.events import NOBODY, EventKind, NewEvent
from penfold.ports.sending.records import ApiKey
from penfold.ports.sending.suppressions import Suppression
from penfold.proto.address import canonical
from penfold.spec.sending.problems import INVALID_IDEMPOTENT_REQUEST, SendingError


class Keyed(Struct, frozen=True, gc=False):
    """A call with an idempotency key (`word`). request: what was asked, in one form."""

    route: str
    word: str
    request: bytes

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.request).digest()


class Accepted(Struct, frozen=True, gc=False):
    """body: the answer. replayed: it was given before."""

    body: bytes
    replayed: bool = False


def make_id(chance: Chance) -> str:
    """Return a random UUID (RFC 9562 §5.4), as Resend's ids are."""
    return str(UUID(int=chance.getrandbits(128), version=4))


def accept(
    book: SendingBook,
    key: ApiKey,
    check: Callable[[], Sequence[Draft]],
    *,
    keyed: Keyed | None,
    price: Price,
    now_ms: int,
    chance: Chance,
    make_body: Callable[[list[str]], bytes],
) -> Accepted:
    """Store the emails `check` makes and return the answer made from their ids.

    A repeat gets its answer unchecked: what was right then may be wrong by now. Raises what
    `check` raises.
    """
    if keyed and (kept := book.read(lambda b: _find_kept(b, key, keyed, now_ms=now_ms))):
        return Accepted(kept.body, replayed=True)
    drafts = check()

    def change(writer: SendingWriter) -> Accepted:
        # The first call may have been accepted since.
        kept = _find_kept(writer, key, keyed, now_ms=now_ms) if keyed else None
        if kept is not None:
            return Accepted(kept.body, replayed=True)
        batch = make_id(chance) if len(drafts) > 1 else ""
        made = [_name(draft, batch, chance) for draft in drafts]
        stored = [_store(writer, draft, chance) for draft in made]
        for crossing in charge(writer, key.account_id, stored, price, now_ms=now_ms):
            event = NewEvent(
                *(make_id(chance), key.account_id, 0, NOBODY, crossing.kind.value, now_ms),
                *(crossing.cause, crossing.data),
            )
            writer.add_event(event, notice=True)
        body = make_body([draft.new.email.id for draft in made])
        if keyed:
            writer.put_answer(
                KeptAnswer(key.id, keyed.route, keyed.word, keyed.digest, 200, body, now_ms)
            )
        return Accepted(body)

    return book.change(change)


def _find_kept(
    reader: SendingReader, key: ApiKey, keyed: Keyed, *, now_ms: int
) -> KeptAnswer | None:
    kept = reader.find_answer(key.id, keyed.route, keyed.word)
    if kept is None or kept.created_ms + IDEMPOTENCY_KEPT_MS <= now_ms:
        return None
    if kept.request != keyed.digest:
        raise SendingError(INVALID_IDEMPOTENT_REQUEST)
    return kept


def _name(draft: Draft, batch: str, chance: Chance) -> Draft:
    email = draft.new.email
    email_id = make_id(chance)
    message_id = email.message_id or f"{email_id}@{draft.domain}"
    named = replace(email, id=email_id, batch=batch, message_id=message_id, domain=draft.domain)
    return replace(draft, new=replace(draft.new, email=named))


def _store(writer: SendingWriter, draft: Draft, chance: Chance) -> tuple[Email, list[int]]:
    """Store an email; return it with the positions of those who will get it."""
    email, addresses = draft.new.email, draft.new.addresses
    plain = [canonical(address) for address, _ in addresses]
    suppressed = writer.find_suppressed(
        email.account_id,
        plain,
        domain=draft.domain,
        stream=email.stream,
        now_ms=email.created_ms,
    )
    free = [at for at, address in enumerate(plain) if address not in suppressed]
    if not free:
        email = replace(email, state=EmailState.SUPPRESSED)
    else:
        email = pace(writer, email, len(free))
    number = writer.add_email(NewEmail(email, draft.new.content, addresses))
    email = replace(email, number=number)
    for at, address in enumerate(plain):
        writer.add_event(_first_event(email, at, suppressed.get(address), chance))
    return email, free


def _first_event(
    email: Email, position: int, suppression: Suppression | None, chance: Chance
) -> NewEvent:
    kind, data = EventKind.QUEUED, {}
    if suppression is not None:
        kind = EventKind.SUPPRESSED
        data = {"suppression": suppression.id, "reason": suppression.reason.value}
    elif email.state is EmailState.SCHEDULED:
        kind = EventKind.SCHEDULED
    return NewEvent(
        make_id(chance),
        email.account_id,
        email.number,
        position,
        kind.value,
        email.created_ms,
        f"accept:{email.number}:{position}",
        data,
    )
