"""Mail of this server's own to the owner of API keys, into the mailbox of the account."""

import hashlib
from dataclasses import dataclass

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.domain.incoming.arriving import Arriving
from penfold.domain.incoming.inbound import add_trace
from penfold.domain.mailbox.messages import Letter, read_letter
from penfold.ports.directory import Account, Directory
from penfold.ports.mailbox import Mailboxes, MailboxWriter
from penfold.ports.sending.book import SendingBook
from penfold.proto.address import domain_of
from penfold.proto.mime.compose import format_date, prepend_headers, received_header


@dataclass(frozen=True, slots=True)
class OwnerMail:
    book: SendingBook
    directory: Directory
    mailboxes: Mailboxes
    arriving: Arriving
    clock: Clock
    chance: Chance
    hostname: str

    def deliver(self, account: Account, name: str, subject: str, text: str) -> None:
        """Deliver a message, once for each name; its receipt is in the same transaction.

        UnavailableError when the mailbox cannot take it now.
        """
        now_ms = self.clock.now_ms()
        key = hashlib.sha256(name.encode()).digest()
        letter = self._compose(account, name, subject, text, now_ms)

        def change(box: MailboxWriter) -> None:
            self.arriving.take_notice(box, account.id, key, letter, thread_id=None, now_ms=now_ms)

        self.mailboxes.change(account.id, change)

    def _compose(self, account: Account, name: str, subject: str, text: str, now_ms: int) -> Letter:
        domain, own = domain_of(account.address), account.address
        headers = [
            ("From", f"Penfold <noreply@{domain}>"),
            ("To", own),
            ("Subject", subject),
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
            identity="-".join(name.split("\0")[:2]),
            epoch_ms=now_ms,
            recipient=own,
        )
        return read_letter(add_trace(raw, [own], own=own, sender="", received=received))
