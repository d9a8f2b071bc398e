"""The owner of a webhook that was turned off is told: by mail, in the mailbox of the account.

Told exactly once: the message and its receipt, named after the webhook and the time, are one
transaction of the mailbox; the webhook's mark is taken away after it. What a crash leaves is found
by `sweep`.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import NotFoundError, UnavailableError
from penfold.base.limits import WEBHOOK_SWEEP
from penfold.domain.arriving import Arriving
from penfold.domain.inbound import add_trace
from penfold.domain.messages import Letter, read_letter
from penfold.domain.sending.showing import show_time
from penfold.ports.directory import Account, Directory
from penfold.ports.mailbox import Mailboxes, MailboxWriter
from penfold.ports.sending.book import SendingBook, SendingWriter
from penfold.ports.sending.records import Webhook
from penfold.proto.address import domain_of
from penfold.proto.mime.compose import format_date, prepend_headers, received_header

_TEXT: Final = """The webhook {id}

    {url}

was turned off at {at}: {why}.

It gets no more events until it is turned on again, and what waited for it was given up. Nothing is
lost: events are kept, and can be told again.

1. See what its last attempts met with:   GET   /v1/webhooks/{id}/attempts
2. Mend the receiver, turn it on again:   PATCH /v1/webhooks/{id}   {{"status": "enabled"}}
3. Have what it missed told again:        POST  /v1/webhooks/{id}/replay
                                          {{"since": "{since}"}}
"""


@dataclass(frozen=True, slots=True)
class OwnerNotices:
    """Every call blocks; it is made for a worker's thread."""

    book: SendingBook
    directory: Directory
    mailboxes: Mailboxes
    arriving: Arriving
    clock: Clock
    chance: Chance
    hostname: str

    def tell(self, webhook_id: str) -> bool:
        """Tell the owner of a webhook, unless there is nothing to tell; return whether it was.

        UnavailableError when the mailbox cannot take the message now: `sweep` makes up for it.
        """
        webhook = self.book.read(lambda book: book.find_unowned(Webhook, webhook_id))
        if webhook is None or not webhook.untold:
            return False
        with suppress(NotFoundError):  # nobody is left to be told
            self._deliver(webhook, self.directory.get_account(webhook.account_id))

        def change(writer: SendingWriter) -> None:
            now = writer.find_unowned(Webhook, webhook_id)
            if now is not None and now.disabled_ms == webhook.disabled_ms:
                writer.replace(replace(now, untold=False))

        self.book.change(change)
        return True

    def sweep(self) -> int:
        """Tell every owner who was not told; return how many were."""
        after, told = "", 0
        while page := self._list(after):
            after = page[-1].id
            told += sum(self._try(one) for one in page if one.untold)
        return told

    def _list(self, after: str) -> list[Webhook]:
        return self.book.read(
            lambda book: book.list_everywhere(Webhook, after=after, limit=WEBHOOK_SWEEP)
        )

    def _try(self, webhook: Webhook) -> bool:
        try:
            return self.tell(webhook.id)
        except UnavailableError:
            return False

    def _deliver(self, webhook: Webhook, account: Account) -> None:
        now_ms = self.clock.now_ms()
        letter = self._compose(webhook, account, now_ms)
        name = f"webhook\0{webhook.id}\0{webhook.disabled_ms}"
        key = hashlib.sha256(name.encode()).digest()

        def change(box: MailboxWriter) -> None:
            self.arriving.take_notice(box, account.id, key, letter, thread_id=None, now_ms=now_ms)

        self.mailboxes.change(account.id, change)

    def _compose(self, webhook: Webhook, account: Account, now_ms: int) -> Letter:
        text = _TEXT.format(
            id=webhook.id,
            url=webhook.url,
            at=show_time(webhook.disabled_ms),
            why=webhook.why,
            since=show_time(webhook.failing_ms or webhook.disabled_ms),
        )
        domain, own = domain_of(account.address), account.address
        headers = [
            ("From", f"Penfold <noreply@{domain}>"),
            ("To", own),
            ("Subject", "A webhook of yours was turned off"),
            ("Date", format_date(now_ms)),
            ("Message-ID", f"<{self.chance.getrandbits(128):032x}@{domain}>"),
            # RFC 3834 §5: so that nobody's vacation reply answers.
            ("Auto-Submitted", "auto-generated"),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]
        raw = prepend_headers(b"\r\n" + text.replace("\n", "\r\n").encode(), headers)
        received = received_header(
            helo=self.hostname,
            peer="",
            by=self.hostname,
            protocol="LMTP",
            identity=f"webhook-{webhook.id}",
            epoch_ms=now_ms,
            recipient=own,
        )
        return read_letter(add_trace(raw, [own], own=own, sender="", received=received))
