"""Does somebody who reads an address's mail agree? A code by mail, and a page that takes it.

The code is 100 random bits, kept as a digest in the mailbox of the account that asks, beside what
it is for; it works once and for CONFIRMATION_S. Typed in by hand or in the link of the mail it is
the same, together with the address of the account that asks. Looking at the page changes nothing:
mail scanners follow links. What is found for a wrong code and for no account at all is the same.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from msgspec import Struct, structs

from penfold.base.addresses import canonical_address
from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import NotFoundError
from penfold.base.limits import CONFIRMATION_S, CONFIRMATIONS_A_DAY
from penfold.domain.incoming.inbound import find_recipient
from penfold.domain.outgoing.outbound import Outbound
from penfold.domain.settings.senders import put_sender
from penfold.ports.directory import Account, Directory
from penfold.ports.mailbox import Mailboxes, MailboxReader, MailboxWriter
from penfold.ports.settings import (
    FORWARDING,
    SEND_AS,
    Confirmation,
    ConfirmationsSent,
    SenderRecord,
)
from penfold.proto.address import canonical, domain_of
from penfold.proto.mime.compose import format_date, prepend_headers
from penfold.proto.oauth import digest
from penfold.spec.problems import TOO_MANY_CONFIRMATIONS, ProblemError
from penfold.spec.schemas import ForwardingAddress

PATH: Final = "/confirm"
_DAY_MS: Final = 86_400_000
#: Without letters and digits that are taken for each other.
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_LETTERS: Final = 20
_BLANKS = re.compile(r"[\s-]+")

_ASKS: Final = {
    SEND_AS: "{account} asks to send mail as {address}.",
    FORWARDING: "{account} asks to forward mail to {address}.",
}
_SUBJECTS: Final = {
    SEND_AS: "Confirm that {account} may send mail as {address}",
    FORWARDING: "Confirm that {account} may forward mail to {address}",
}
_TEXT: Final = """{asks}

If you agree, open this page and press Confirm:

{link}

Or open {page} and type in

    account: {account}
    code:    {code}

The code works once, within {days} days. If you do not agree, do nothing.
"""


class Asked(Struct, frozen=True, gc=False):
    """What a code is good for, for the page."""

    account: str
    kind: str
    address: str


@dataclass(frozen=True, slots=True)
class Confirmations:
    """The page's side: looks codes up and uses them."""

    directory: Directory
    mailboxes: Mailboxes
    clock: Clock

    def find(self, address: str, code: str) -> Asked | None:
        """Return what is asked; None for a code that is unknown, used or too old."""
        account = find_recipient(self.directory, address)
        if account is None:
            return None
        try:
            with self.mailboxes.open_reader(account.id) as box:
                return self._find(box, account, code)
        except NotFoundError:
            return None

    def confirm(self, address: str, code: str) -> Asked | None:
        """Accept what is asked and use the code up; None as above."""
        account = find_recipient(self.directory, address)
        if account is None:
            return None

        def change(box: MailboxWriter) -> Asked | None:
            asked = self._find(box, account, code)
            if asked:
                _accept(box, asked)
                forget_confirmations(box, asked.kind, asked.address)
            return asked

        try:
            return self.mailboxes.change(account.id, change)
        except NotFoundError:
            return None

    def _find(self, box: MailboxReader, account: Account, code: str) -> Asked | None:
        found = box.find_setting(Confirmation, _digest(code))
        if found is None or found.expires_ms <= self.clock.now_ms():
            return None
        return Asked(account.address, found.kind, found.address)


def _accept(box: MailboxWriter, asked: Asked) -> None:
    """Mark what was asked for as accepted; its code goes when it goes, so it is there."""
    if asked.kind == FORWARDING:
        record = ForwardingAddress(forwarding_email=asked.address, verification_status="accepted")
        box.put_setting(record, canonical_address(asked.address))
        return
    sender = box.find_setting(SenderRecord, canonical(asked.address))
    if sender:
        put_sender(box, structs.replace(sender, accepted=True))


def forget_confirmations(box: MailboxWriter, kind: str, address: str) -> None:
    """Make every code for an address worthless."""
    for each in box.list_settings(Confirmation):
        if each.kind == kind and canonical(each.address) == canonical(address):
            box.delete_setting(Confirmation, each.digest)


@dataclass(frozen=True, slots=True)
class Asking:
    """The settings' side: mails a code. base_url: where people reach our pages."""

    outbound: Outbound
    chance: Chance
    base_url: str

    def ask(
        self, box: MailboxWriter, account: Account, kind: str, address: str, *, now_ms: int
    ) -> None:
        """Mail a code to the address within this change; codes sent to it before are void."""
        _count(box, now_ms)
        forget_confirmations(box, kind, address)
        code = self._make_code()
        confirmation = Confirmation(
            _digest(code), kind, address, expires_ms=now_ms + 1000 * CONFIRMATION_S
        )
        box.put_setting(confirmation, confirmation.digest)
        raw = self._write(account, kind, address, code, now_ms)
        self.outbound.notify(box, account, address, raw, now_ms=now_ms)

    def _make_code(self) -> str:
        letters = [_ALPHABET[self.chance.getrandbits(5)] for _ in range(_LETTERS)]
        return "-".join("".join(letters[at : at + 5]) for at in range(0, _LETTERS, 5))

    def _write(self, account: Account, kind: str, address: str, code: str, now_ms: int) -> bytes:
        values = {"account": account.address, "address": address}
        page = self.base_url + PATH
        text = _TEXT.format(
            **values,
            asks=_ASKS[kind].format(**values),
            link=f"{page}?{urlencode({'account': account.address, 'code': code})}",
            page=page,
            code=code,
            days=CONFIRMATION_S // 86_400,
        )
        domain = domain_of(account.address)
        name = f"{self.chance.getrandbits(128):032x}"
        headers = [
            ("From", f"Penfold <noreply@{domain}>"),
            ("To", address),
            ("Subject", _SUBJECTS[kind].format(**values)),
            ("Date", format_date(now_ms)),
            ("Message-ID", f"<{name}@{domain}>"),
            # RFC 3834 §5: so that nobody's vacation reply answers.
            ("Auto-Submitted", "auto-generated"),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]
        body = b"\r\n" + text.replace("\n", "\r\n").encode()
        return prepend_headers(body, headers)


def _count(box: MailboxWriter, now_ms: int) -> None:
    """Refuse when the account has had too much of such mail sent within a day."""
    sent = box.find_setting(ConfirmationsSent) or ConfirmationsSent()
    times = tuple(each for each in sent.times_ms if each > now_ms - _DAY_MS)
    if len(times) >= CONFIRMATIONS_A_DAY:
        raise ProblemError(TOO_MANY_CONFIRMATIONS)
    box.put_setting(ConfirmationsSent((*times, now_ms)))


def _digest(code: str) -> str:
    return digest(_BLANKS.sub("", code).lower()).hex()
