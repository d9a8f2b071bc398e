"""What readers do with a mail: unsubscribe. Who has a link of it is taken for its reader."""

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.limits import SENDING_PAGE_MAX
from penfold.domain.kept_key import KeptKey
from penfold.domain.sending.accept import make_id
from penfold.domain.sending.hard_bounces import make_suppression
from penfold.ports.sending.book import SendingBook, SendingReader, SendingWriter
from penfold.ports.sending.emails import Email, Recipient
from penfold.ports.sending.events import EventKind, NewEvent
from penfold.ports.sending.suppressions import Reason, Scope
from penfold.proto.address import canonical
from penfold.proto.mail_links import MailLink, Purpose, read_link

#: What keeps mail of a stream from who wants none of it.
_UNWANTED = frozenset({Reason.UNSUBSCRIBE, Reason.COMPLAINT})


class Read(Struct, frozen=True):
    """A mail somebody has a link of, and whom it was for."""

    email: Email
    recipient: Recipient


class Reactions:
    """Every call blocks. A token that is not ours, or whose email was erased, is None."""

    def __init__(self, book: SendingBook, key: KeptKey, clock: Clock, chance: Chance) -> None:
        self._book = book
        self._key = key
        self._clock = clock
        self._chance = chance

    def find(self, token: str) -> Read | None:
        """Return the mail that a link to unsubscribe is of; changes nothing."""
        link = self._read(token, Purpose.UNSUBSCRIBE)
        return self._book.read(lambda reader: _find(reader, link)) if link else None

    def unsubscribe(self, token: str) -> Read | None:
        """Suppress the recipient for the stream of the mail, and tell it, unless that was done."""
        link = self._read(token, Purpose.UNSUBSCRIBE)
        now_ms = self._clock.now_ms()

        def change(writer: SendingWriter) -> Read | None:
            found = _find(writer, link) if link else None
            if found and not found.email.test and not _is_unwanted(writer, found, now_ms=now_ms):
                event = self._make_event(found, EventKind.UNSUBSCRIBED, now_ms)
                writer.add_event(event)
                made = make_suppression(
                    event, found.recipient.address, Reason.UNSUBSCRIBE, self._chance
                )
                stream = found.email.stream
                writer.put_suppression(replace(made, scope=Scope.STREAM, value=stream))
            return found

        return self._book.change(change)

    def _read(self, token: str, purpose: Purpose) -> MailLink | None:
        key = self._key.find()
        return read_link(token, purpose, key) if key else None

    def _make_event(self, found: Read, kind: EventKind, now_ms: int) -> NewEvent:
        email, position = found.email, found.recipient.position
        cause = f"{kind.value}:{email.number}:{position}:{now_ms}"
        return NewEvent(
            make_id(self._chance),
            email.account_id,
            email.number,
            position,
            kind.value,
            now_ms,
            cause,
        )


def _find(reader: SendingReader, link: MailLink) -> Read | None:
    email = reader.find_unowned_email(link.email_id)
    people = reader.list_recipients(email.number) if email else ()
    found = next((one for one in people if one.position == link.position), None)
    return Read(email, found) if email and found else None


def _is_unwanted(reader: SendingReader, found: Read, *, now_ms: int) -> bool:
    """Return whether the recipient gets no more of the stream already, by their own wish."""
    return any(
        (one.scope, one.value) == (Scope.STREAM, found.email.stream)
        and one.reason in _UNWANTED
        and not 0 < one.expires_ms <= now_ms
        for one in reader.list_suppressions(
            found.email.account_id,
            address=canonical(found.recipient.address),
            limit=SENDING_PAGE_MAX,
        )
    )
