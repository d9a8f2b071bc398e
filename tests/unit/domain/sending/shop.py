"""A product in memory with a sending book: emails are stored, handed over, and told of."""

import threading
from uuid import UUID

from msgspec.structs import replace
from tests.unit.world import World

from penfold.base.limits import SENDING_LEASE_MS
from penfold.domain.access.kept_key import LINK_KEY, KeptKey
from penfold.domain.outgoing.carrying import Carrier
from penfold.domain.sending.content import Content, pack_content
from penfold.domain.sending.handing import Handing
from penfold.domain.sending.links import MailLinks
from penfold.domain.sending.outcomes import Outcomes
from penfold.domain.sending.reactions import Reactions
from penfold.domain.sending.streams import take_due
from penfold.ports.queue import Attempt, Lease, QueueState, Settlement
from penfold.ports.sending.emails import Email, EmailState, NewEmail
from penfold.proto.mail_links import MailLink, Purpose, sign_link
from penfold.testing.sealing import PlainSealer
from penfold.testing.sending.book import MemorySending

KIM = "kim@elsewhere.example"
BOB = "bob@penfold.test"
NOBODY = "nobody@penfold.test"


class Shop:
    """world: two accounts, alice's and bob's. Every change of the book in memory runs twice."""

    def __init__(self, *, captures=False, book=None, **more):
        self.world = World(captures=captures)
        self.book = book or MemorySending(runs_twice=True)
        self.clock, self.queue, self.chance = self.world.clock, self.world.queue, self.world.chance
        ports = {**self.world.hand_over_ports}
        del ports["notices"]
        self.carrier_ports = ports
        self.key = KeptKey(LINK_KEY, self.world.directory, PlainSealer(), self.chance)
        self.tracking = "https://links.penfold.test"
        self.links = MailLinks(self.key, "https://mail.penfold.test", lambda _: self.tracking)
        self.reactions = self.make_reactions()
        self.handing = self.make_handing(**more)
        self.outcomes = Outcomes(self.book, self.queue, self.clock, self.chance)

    def make_reactions(self, **more):
        return Reactions(self.book, self.key, self.clock, self.chance, **more)

    def make_handing(self, *, book=None, queue=None, mailboxes=None, **more):
        ports = dict(self.carrier_ports)
        ports |= {"queue": queue or self.queue, "mailboxes": mailboxes or ports["mailboxes"]}
        more = {"links": self.links, **more}
        return Handing(book or self.book, Carrier(**ports), self.clock, self.chance, **more)

    def accept(self, *to, content=None, **fields):
        """Store an email and return its number."""
        state = EmailState.SCHEDULED if fields.get("scheduled_ms") else EmailState.QUEUED
        number = 1 + len(self.book.read(lambda b: b.list_emails("a", limit=3_000)))
        new = self._make(number, to, content or Content(text="7 EUR"), state=state, **fields)
        return self.book.change(lambda writer: writer.add_email(new))

    def accept_many(self, count, **fields):
        """Store emails to as many people elsewhere."""
        text = Content(text="7 EUR")
        new = [
            self._make(n, [f"r{n}@x{n % 9}.example"], text, **fields) for n in range(1, count + 1)
        ]
        self.book.change(lambda writer: [writer.add_email(one) for one in new])

    def _make(self, number, to, content, **fields):
        email = Email(
            0, str(UUID(int=number)), "a", "k", "Shop <alice@penfold.test>", f"bill {number}",
            self.clock.now_ms(), to=tuple(to), message_id=f"e{number}@penfold.test",
        )  # fmt: skip
        new = NewEmail(email, pack_content(content), tuple((one, "to") for one in to))
        return replace(new, email=replace(email, **fields))

    def make_token(self, number, position=0, purpose=Purpose.UNSUBSCRIBE, target=""):
        """Return the token of a link in an email."""
        email = self.book.read(lambda b: b.get_email(number))
        return sign_link(MailLink(email.id, position, target), purpose, self.key.get())

    def take(self):
        now_ms = self.clock.now_ms()
        return self.book.change(
            lambda w: take_due(w, now_ms=now_ms, lease_ms=SENDING_LEASE_MS, limit=100)
        )

    def release(self):
        self.book.change(lambda w: w.release_emails(now_ms=self.clock.now_ms()))

    def hand_over(self, handing=None):
        return (handing or self.handing).hand_over(self.take())

    def settle(self, recipient, outcome, kind, state, *, tries=1):
        """Settle the newest row of a recipient and return what was settled."""
        row = next(row for row in self.queue.list_rows() if row.recipient == recipient)
        attempt = Attempt(self.clock.now_ms(), outcome, "", kind)
        self.queue.add_attempt(row.id, attempt, state=state)
        return Settlement(Lease(row, tries, tries), attempt, state)

    def bounce(self, recipient, outcome="550 5.1.1 no such user", kind="invalid_recipient"):
        return self.outcomes.note([self.settle(recipient, outcome, kind, QueueState.FAILED)])

    def sweep(self):
        return self.outcomes.sweep(threading.Event())

    def events(self, number=None, recipient=None):
        """Return the kinds of events, the first first."""
        found = self.book.read(lambda b: b.list_events("a", email=number, limit=1_000))
        return [
            one.kind for one in reversed(found) if recipient is None or one.address == recipient
        ]

    def event(self, kind):
        found = self.book.read(lambda b: b.list_events("a", kinds=[kind], limit=1))
        return found[0].data

    def state(self, number):
        return self.book.read(lambda b: b.get_email(number)).state

    def suppressed(self):
        return [
            (one.address, one.scope.value, one.value, one.reason.value)
            for one in self.book.read(lambda b: b.list_suppressions("a", limit=100))
        ]

    def count_mail(self, account):
        return len(self.world.list_ids(account=account))
