"""What readers do with a mail: unsubscribe, open, click. Who has a link of it is taken for its
reader; what machines do that look at mail before them, or for them, is marked.
"""

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import UnavailableError
from penfold.base.limits import (
    AGENT_MAX,
    MACHINE_WITHIN_MS,
    SENDING_PAGE_MAX,
    TRACKED_EVENTS_MAX,
    TRACKED_MS,
    TRACKED_ONCE_MS,
)
from penfold.domain.access.kept_key import KeptKey
from penfold.domain.sending.accept import make_id
from penfold.domain.sending.hard_bounces import make_suppression
from penfold.ports.sending.book import SendingBook, SendingReader, SendingWriter
from penfold.ports.sending.emails import Email, Recipient
from penfold.ports.sending.events import Event, EventKind, NewEvent
from penfold.ports.sending.suppressions import Reason, Scope
from penfold.proto.address import canonical
from penfold.proto.mail_links import MailLink, Purpose, read_link

#: What keeps mail of a stream from who wants none of it.
_UNWANTED: Final = frozenset({Reason.UNSUBSCRIBE, Reason.COMPLAINT})
_LOOKED_AT: Final = (EventKind.DELIVERED, EventKind.OPENED, EventKind.CLICKED)
#: Programs that fetch for readers or before them (observed). Apple's proxy says no more than
#: Mozilla/5.0.
_MACHINES: Final = re.compile(
    r"(?:Mozilla/5\.0)?|.*(?:GoogleImageProxy|YahooMailProxy|bot\b|crawler|spider|preview|scanner"
    r"|barracuda|mimecast|proofpoint|curl/|wget/|python-|go-http-client).*",
    re.IGNORECASE | re.DOTALL,
)


class Read(Struct, frozen=True):
    """A mail somebody has a link of, and whom it was for."""

    email: Email
    recipient: Recipient


class Visit(Struct, frozen=True, gc=False):
    """agent: User-Agent, "" for none. client: network address. ahead: it says it prefetches."""

    agent: str
    client: str
    ahead: bool = False

    @property
    def is_machine(self) -> bool:
        return self.ahead or _MACHINES.fullmatch(self.agent[:AGENT_MAX]) is not None


class Reactions:
    """Every call blocks. A token that is not ours, or whose email was erased, is None.

    keeps_details: events tell who opened and clicked, by network address and program.
    """

    def __init__(
        self,
        book: SendingBook,
        key: KeptKey,
        clock: Clock,
        chance: Chance,
        *,
        keeps_details: bool = False,
    ) -> None:
        self._book = book
        self._key = key
        self._clock = clock
        self._chance = chance
        self._keeps_details = keeps_details

    def find(self, token: str) -> Read | None:
        """Return the mail that a link to unsubscribe is of; changes nothing."""
        link = self._read(token, Purpose.UNSUBSCRIBE)
        return self._find(link) if link else None

    def unsubscribe(self, token: str) -> Read | None:
        """Suppress the recipient for the stream of the mail, and tell it, unless that was done."""
        link = self._read(token, Purpose.UNSUBSCRIBE)
        if link is None:
            return None
        now_ms = self._clock.now_ms()

        def change(writer: SendingWriter) -> Read | None:
            found = _find(writer, link)
            if found and not found.email.test and not _is_unwanted(writer, found, now_ms=now_ms):
                event = self._make_event(found, EventKind.UNSUBSCRIBED, f"{now_ms}", {})
                writer.add_event(event)
                made = make_suppression(
                    event, found.recipient.address, Reason.UNSUBSCRIBE, self._chance
                )
                stream = found.email.stream
                writer.put_suppression(replace(made, scope=Scope.STREAM, value=stream))
            return found

        return self._book.change(change)

    def note_opened(self, token: str, visit: Visit | None) -> Read | None:
        """Tell that a mail was opened, once an hour; None: somebody looked at the address only."""
        link = self._read(token, Purpose.OPEN)
        found = self._find(link) if link else None
        if found:
            self._note(found, EventKind.OPENED, visit, {})
        return found

    def note_clicked(self, token: str, visit: Visit | None) -> str | None:
        """Return where a tracked link leads, and tell that it was followed, as above."""
        link = self._read(token, Purpose.CLICK)
        found = self._find(link) if link else None
        if found is None or link is None:
            return None
        self._note(found, EventKind.CLICKED, visit, {"link": link.target})
        return link.target

    def _read(self, token: str, purpose: Purpose) -> MailLink | None:
        key = self._key.find()
        return read_link(token, purpose, key) if key else None

    def _find(self, link: MailLink) -> Read | None:
        return self._book.read(lambda reader: _find(reader, link))

    def _note(
        self, found: Read, kind: EventKind, visit: Visit | None, data: dict[str, Any]
    ) -> None:
        email, now_ms = found.email, self._clock.now_ms()
        until_ms = (email.scheduled_ms or email.created_ms) + TRACKED_MS
        if visit is None or email.test or now_ms > until_ms:
            return
        with suppress(UnavailableError):  # the reader goes on; what is not told is lost
            heard = self._book.read(
                lambda reader: reader.list_events(
                    email.account_id, email=email.number, kinds=_LOOKED_AT, limit=TRACKED_EVENTS_MAX
                )
            )
            event = self._make_reaction(found, kind, visit, data, heard)
            if event:  # seldom: whoever has a link may ask as often as they like
                self._book.change(lambda writer: writer.add_event(event))

    def _make_reaction(
        self,
        found: Read,
        kind: EventKind,
        visit: Visit,
        data: dict[str, Any],
        heard: Sequence[Event],
    ) -> NewEvent | None:
        """Return what is to be told; None for what this hour was told, or nobody may hear."""
        now_ms = self._clock.now_ms()
        times = [one.at_ms for one in heard if one.kind == EventKind.DELIVERED]
        if len(heard) >= TRACKED_EVENTS_MAX or (found.recipient.final and not times):
            return None  # of the latter the events are gone, and who was counted is not known
        # Nobody has read yet what was not delivered, or just so.
        too_soon = now_ms < min(times, default=now_ms) + MACHINE_WITHIN_MS
        hour, machine = now_ms // TRACKED_ONCE_MS, visit.is_machine or too_soon
        said = {"machine": machine, **data}
        if any(
            (one.kind, one.at_ms // TRACKED_ONCE_MS) == (kind, hour)
            and said.items() <= one.data.items()
            for one in heard
        ):
            return None
        words = f"{hour} {machine} {data.get('link', '')}"
        cause = hashlib.sha256(words.encode()).hexdigest()[:32]  # settles who was first
        if self._keeps_details:
            said |= {"ip": visit.client, "user_agent": visit.agent[:AGENT_MAX]}
        return self._make_event(found, kind, cause, said)

    def _make_event(
        self, found: Read, kind: EventKind, cause: str, data: dict[str, Any]
    ) -> NewEvent:
        email, position = found.email, found.recipient.position
        return NewEvent(
            make_id(self._chance),
            email.account_id,
            email.number,
            position,
            kind.value,
            self._clock.now_ms(),
            f"{kind.value}:{email.number}:{position}:{cause}",
            data,
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
