"""A webhook, what it is told, and somebody who answers; time moves when it is told to."""

import json
from collections import Counter

from tests.unit.world import World

from penfold.domain.sending.webhook_notice import OwnerNotices
from penfold.domain.sending.webhook_sender import WebhookSender
from penfold.domain.sending.webhooks import Webhooks
from penfold.ports.http_out import Answered, NoAnswerError
from penfold.ports.sending.emails import Email, NewEmail
from penfold.ports.sending.events import NewEvent
from penfold.ports.sending.records import Webhook
from penfold.ports.sending.webhooks import DeliveryState
from penfold.proto.standard_webhooks import Signed
from penfold.testing.sending.book import MemorySending

URL = "https://shop.example/hook?token=t"
DAY_MS = 86_400_000


class Receiver:
    """Answers with the next of its answers, then with `usual`; None: nobody there."""

    def __init__(self, clock, *answers, usual=200):
        self.clock = clock
        self.answers = list(answers)
        self.usual = usual
        self.got = []
        self.takes_ms = 0

    def send(self, url, headers, body):
        self.clock.advance(ms=self.takes_ms)
        self.got.append((url, dict(headers), body))
        answer = self.answers.pop(0) if self.answers else self.usual
        if answer is None:
            raise NoAnswerError("nobody answers")
        return answer if isinstance(answer, Answered) else Answered(answer)

    @property
    def payloads(self):
        return [json.loads(body) for _, _, body in self.got]

    @property
    def ids(self):
        return [headers["webhook-id"] for _, headers, _ in self.got]

    def signed(self, at):
        _, headers, body = self.got[at]
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        return Signed(*(headers[name] for name in names)), body


class Desk:
    def __init__(self, *answers, kinds=(), usual=200):
        self.world = World()
        self.clock, self.chance = self.world.clock, self.world.chance
        self.account = self.world.alice
        self.book = MemorySending(runs_twice=True)
        self.audit = []
        self.receiver = Receiver(self.clock, *answers, usual=usual)
        self.tried = []
        self.hooks = Webhooks(
            self.book, self.clock, self.chance, self.world.sealer, self.audit.append
        )
        self.sender = WebhookSender(
            self.book,
            self.receiver,
            self.world.sealer,
            self.clock,
            self.chance,
            self.tried.append,
        )
        self.notices = OwnerNotices(
            self.book,
            self.world.directory,
            self.world.mailboxes,
            self.world.outbound.arriving,
            self.clock,
            self.chance,
            "mx.penfold.test",
        )
        self.made = self.hooks.add(self.account.id, URL, kinds)
        self.id = self.made.webhook.id

    def email(self, name="e1", **more):
        values = {"to": ("Kim <kim@elsewhere.example>",), "metadata": {"order": "7"}} | more
        email = Email(0, name, self.account.id, "k1", "shop@shop.example", "Hello", 1, **values)
        new = NewEmail(email, b"", (("kim@elsewhere.example", "to"),))
        return self.book.change(lambda writer: writer.add_email(new))

    def event(self, kind="delivered", *, name="", email=0, position=0, **data):
        name = name or f"ev{next_of(self)}"
        new = NewEvent(
            name, self.account.id, email, position, kind, self.clock.now_ms(), name, data
        )
        self.book.change(lambda writer: writer.add_event(new))
        return name

    def webhook(self):
        return self.book.read(lambda book: book.find(Webhook, self.id, self.account.id))

    def deliveries(self):
        """Return the webhook's deliveries, the oldest first."""
        found = self.book.read(lambda book: book.list_deliveries(self.id, limit=1_000))
        return found[::-1]

    def attempts(self, number):
        return self.book.read(lambda book: book.list_webhook_attempts(number))

    def run(self, *, until_ms):
        """Send whatever gets due until then, as the rounds do."""
        while True:
            due_ms = find_due(self.book)
            if due_ms is None or due_ms > until_ms:
                return
            self.clock.advance(ms=max(0, due_ms - self.clock.now_ms()))
            self.sender.send(self.id)


def find_due(book):
    """Return when the next delivery is due, None when none waits."""

    def look(reader):
        hooks = reader.list_everywhere(Webhook, limit=1_000)
        every = [one for hook in hooks for one in reader.list_deliveries(hook.id, limit=100_000)]
        return [one.due_ms for one in every if one.state is DeliveryState.WAITING]

    return min(book.read(look), default=None)


_COUNTS = Counter()


def next_of(desk):
    _COUNTS[id(desk)] += 1
    return _COUNTS[id(desk)]
