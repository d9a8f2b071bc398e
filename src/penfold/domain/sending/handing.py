"""From emails that are due to mailboxes here and to the queue, several at a time.

1. read what is in them                                    one look into the book
2. rendered, where they have a template                    worker processes
3. composed, or simulated for a test key, or too late      domain.sending.links, composing
4. who is here gets it                                     domain.carrying, one commit a mailbox
5. everybody else gets a row of the queue                  domain.carrying, one commit for all
6. events, and the email is done                           one commit for all

A crash leaves emails leased, and whoever comes next does all of it again: mailboxes and queue know
what they have by (SENDING, number, recipient), events by their cause. From 5 on the queue says
whether it is too late, so an email that was taken before is neither given up nor suppressed here.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import MailboxDamagedError, NotFoundError, UnavailableError
from penfold.base.limits import SENDING_AGAIN_MS, SENDING_LIFE_MS
from penfold.domain.envelope import Wishes
from penfold.domain.outgoing.carrying import Carrier, Parcel, Sorted
from penfold.domain.outgoing.handover import UNKNOWN_USER
from penfold.domain.sending.accept import make_id
from penfold.domain.sending.composing import (
    NotComposedError,
    choose_subject,
    compose,
)
from penfold.domain.sending.content import Content, unpack_content
from penfold.domain.sending.hard_bounces import find_suppressed, suppress_bounced
from penfold.domain.sending.links import MailLinks
from penfold.domain.sending.rendering import NotRenderedError, Render, render_nothing
from penfold.domain.sending.simulator import Happening, simulate
from penfold.ports.queue import SENDING
from penfold.ports.sending.book import SendingBook, SendingReader, SendingWriter
from penfold.ports.sending.emails import Email, EmailLease, EmailState, Recipient
from penfold.ports.sending.events import EventKind, NewEvent
from penfold.proto.address import canonical, parse_address_list, parse_mailbox
from penfold.proto.smtp.outcomes.rule import Kind
from penfold.proto.smtp.parameters import MailOptions


class Job(Struct):
    """An email in hand. people: its recipients who are not final yet.

    parcel, found: once it is composed. happened: (position, what) in order. rows: (position, row of
    the queue). again: whether somebody has to wait.
    """

    lease: EmailLease
    content: Content
    people: list[Recipient]
    parcel: Parcel | None = None
    found: Sorted | None = None
    state: EmailState = EmailState.HANDED
    happened: list[tuple[int, Happening]] = []
    rows: list[tuple[int, int]] = []
    again: bool = False

    @property
    def email(self) -> Email:
        return self.lease.email

    def end(self, state: EmailState, kind: EventKind, **data: object) -> None:
        """Let the same happen to all of its recipients, and be done with it."""
        self.state = state
        self.happened += [(one.position, (kind, data)) for one in self.people]


class Handing:
    """Every call blocks; it is made for a worker's thread."""

    def __init__(
        self,
        book: SendingBook,
        carrier: Carrier,
        clock: Clock,
        chance: Chance,
        *,
        render: Render = render_nothing,
        links: MailLinks | None = None,
    ) -> None:
        self._book = book
        self._carrier = carrier
        self._clock = clock
        self._chance = chance
        self._render = render
        self._links = links

    def hand_over(self, leases: Sequence[EmailLease]) -> int:
        """Hand over some emails; return of how many it counted."""
        return self.finish(self.prepare(leases))

    def prepare(self, leases: Sequence[EmailLease]) -> list[Job]:
        """Return what is to be handed over, steps 1 to 3. Nobody has anything of it yet."""
        jobs = self._book.read(lambda reader: [self._open(reader, lease) for lease in leases])
        self._render_all(jobs)
        for job in jobs:
            self._prepare(job)
        return jobs

    def finish(self, prepared: Sequence[Job]) -> int:
        """Hand over what was prepared, steps 4 to 6; return of how many emails it counted.

        The jobs stay as they were: what fails half-way can be finished again.
        """
        jobs = [replace(job, happened=list(job.happened), rows=[]) for job in prepared]
        sent = [job for job in jobs if job.parcel is not None]
        for job in sent:
            self._deliver(job)
        self._enqueue(sent)
        return self._book.change(lambda writer: sum(self._settle(writer, job) for job in jobs))

    def _open(self, reader: SendingReader, lease: EmailLease) -> Job:
        email = lease.email
        try:
            packed = reader.find_content(email.number)
        except MailboxDamagedError:  # this email's octets alone
            packed = None
        people = [one for one in reader.list_recipients(email.number) if not one.final]
        job = Job(lease, unpack_content(packed) if packed else Content(text=""), people)
        if packed is None:
            job.end(EmailState.FAILED, EventKind.FAILED, response="its content is gone")
        elif lease.number == 1:
            self._suppress(reader, job)
        return job

    def _suppress(self, reader: SendingReader, job: Job) -> None:
        """Leave out whoever was suppressed since the email was accepted; it may be weeks."""
        addresses = [one.address for one in job.people]
        known = find_suppressed(reader, job.email, addresses, now_ms=self._clock.now_ms())
        for one in job.people:
            if found := known.get(canonical(one.address)):
                data = {"suppression": found.id, "reason": found.reason.value}
                job.happened.append((one.position, (EventKind.SUPPRESSED, data)))
        job.people = [one for one in job.people if canonical(one.address) not in known]
        if not job.people:
            job.state = EmailState.SUPPRESSED

    def _render_all(self, jobs: Sequence[Job]) -> None:
        wanted = [job for job in jobs if job.content.template_id]
        if not wanted:
            return
        rendered = self._render([(job.email, job.content) for job in wanted])
        for job, made in zip(wanted, rendered, strict=True):
            if isinstance(made, NotRenderedError):
                job.end(EmailState.FAILED, EventKind.FAILED, response=str(made))
            else:
                job.content = made

    def _prepare(self, job: Job) -> None:
        """Compose the message, unless the email ends here."""
        email, now_ms = job.email, self._clock.now_ms()
        if job.state is not EmailState.HANDED or not job.people:
            return
        if 0 < email.expires_ms <= now_ms and job.lease.number == 1:
            job.end(EmailState.EXPIRED, EventKind.EXPIRED, **_TOO_LATE)
            return
        try:
            raw = self._compose(job)
        except NotComposedError:
            job.end(EmailState.FAILED, EventKind.FAILED, response="it makes no valid message")
            return
        if email.test:
            for one in job.people:
                job.happened += [(one.position, each) for each in simulate(one.address)]
            return
        recipients = tuple(one.address for one in job.people)
        [sender] = parse_address_list(email.sender)
        wishes = Wishes(MailOptions(until_ms=email.expires_ms))
        address = parse_mailbox(sender.address)
        job.parcel = Parcel(
            *(SENDING, email.number, address, recipients, raw, now_ms, wishes),
            subject=choose_subject(email, job.content),
            message_id=email.message_id,
            priority=email.priority,
        )
        job.found = self._carrier.sort(job.parcel)

    def _compose(self, job: Job) -> bytes:
        content, unsubscribe = job.content, None
        if self._links and job.email.is_personal:
            [reader] = job.people
            content, unsubscribe = self._links.personalise(job.email, content, reader.position)
        return compose(job.email, content, unsubscribe=unsubscribe)

    def _deliver(self, job: Job) -> None:
        """Put the message into the mailboxes of those who are here."""
        parcel, found = _get_parcel(job)
        late: set[str] = set()
        waiting: set[str] = set()
        for target, addresses in found.here.accounts.items():
            try:
                if not self._carrier.deliver(parcel, target, found.here):
                    late.update(addresses)
            except (UnavailableError, NotFoundError):
                waiting.update(addresses)
        here = {address for group in found.here.accounts.values() for address in group}
        for one in job.people:
            if one.address in found.here.unknown:
                job.happened += [(one.position, _SENT), (one.position, _UNKNOWN)]
            elif one.address in waiting:
                self._put_off(job, one)
            elif one.address in late:
                job.happened.append((one.position, (EventKind.EXPIRED, dict(_TOO_LATE))))
            elif one.address in here:
                job.happened += [(one.position, _SENT), (one.position, _DELIVERED)]

    def _put_off(self, job: Job, one: Recipient) -> None:
        """Let a recipient wait whose mailbox takes nothing now, but not for ever."""
        email = job.email
        since_ms = email.scheduled_ms or email.created_ms
        if self._clock.now_ms() - since_ms < SENDING_LIFE_MS:
            job.again = True
            return
        data = {"class": Kind.EXPIRED.value, "response": "the mailbox took nothing for days"}
        job.happened.append((one.position, (EventKind.EXPIRED, data)))

    def _enqueue(self, jobs: Sequence[Job]) -> None:
        """Give everybody elsewhere a row of the queue, in one transaction."""
        parcels = [(_get_parcel(job)[0], _get_parcel(job)[1].elsewhere) for job in jobs]
        ids = self._carrier.enqueue(parcels)
        for job, (_, addresses), rows in zip(jobs, parcels, ids, strict=True):
            row_of = dict(zip(addresses, rows, strict=True))
            for one in job.people:
                if one.address not in row_of:
                    continue
                job.rows.append((one.position, row_of[one.address]))
                job.happened.append((one.position, _SENT))
                if self._carrier.captures:
                    captured = (EventKind.DELIVERED, {"captured": True})
                    job.happened.append((one.position, captured))

    def _settle(self, writer: SendingWriter, job: Job) -> bool:
        """Note what became of an email, unless somebody else has it now."""
        state, due_ms = job.state, 0
        if job.again:
            state = EmailState.QUEUED
            due_ms = self._clock.now_ms() + SENDING_AGAIN_MS
        if not writer.settle_email(job.lease, state, due_ms=due_ms):
            return False
        writer.set_queue_rows(job.email.number, job.rows)
        addresses = {one.position: one.address for one in job.people}
        for position, (kind, data) in job.happened:
            event = self._make_event(job.email, position, kind, data)
            known = writer.add_event(event) is None
            if kind is EventKind.BOUNCED and not known and not job.email.test:
                suppress_bounced(writer, addresses[position], event, self._chance)
        return True

    def _make_event(
        self, email: Email, position: int, kind: EventKind, data: dict[str, object]
    ) -> NewEvent:
        return NewEvent(
            make_id(self._chance),
            email.account_id,
            email.number,
            position,
            kind.value,
            self._clock.now_ms(),
            f"hand:{email.number}:{position}:{kind.value}",
            data,
        )


_SENT: Happening = (EventKind.SENT, {})
_DELIVERED: Happening = (EventKind.DELIVERED, {"local": True})
_UNKNOWN: Happening = (
    EventKind.BOUNCED,
    {
        "smtp_code": 550, "enhanced_code": "5.1.1", "response": UNKNOWN_USER, "local": True,
        "class": Kind.INVALID_RECIPIENT.value, "type": "permanent", "source": "smtp",
    },
)  # fmt: skip
_TOO_LATE = {"class": Kind.EXPIRED.value, "response": "it was not to be delivered any more"}


def _get_parcel(job: Job) -> tuple[Parcel, Sorted]:
    if job.parcel is None or job.found is None:
        raise ValueError("the email was not composed")
    return job.parcel, job.found
