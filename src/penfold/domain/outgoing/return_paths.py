"""The return address each message leaves with, and what comes back to it (VERP, proto.verp).

A row of the queue leaves as `b+TOKEN@domain` in place of its sender, in the sender's own domain so
that SPF and DMARC see no difference. Where mail of that domain is not delivered here (a sending
domain) it is a name that is, or the bounce would never come back. The token names the row and is
made from what never changes of it, so every try has the same one, as greylists want. Whoever writes
to it has seen the message: a bounce, an automatic answer, or a server that asks whether the sender
exists.

One key makes all tokens (kept_key.py); what left under another is answered as unknown.
"""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import NotFoundError, ParseError, PenfoldError
from penfold.base.limits import DELIVERY_LIFE_S
from penfold.domain.access.kept_key import VERP_KEY, KeptKey
from penfold.ports.directory import Account
from penfold.ports.identity import IdentityBook
from penfold.ports.queue import SENDING, Queue, QueueRow
from penfold.ports.sealing import Sealer
from penfold.proto.address import domain_of, parse_domain
from penfold.proto.mime.compose import header_values
from penfold.proto.mime.params import parse_params, parse_type
from penfold.proto.verp import is_shaped, make_verp, read_verp

#: RFC 3464 §2, RFC 5965 §2.
_REPORT_TYPES: Final = frozenset({"delivery-status", "feedback-report"})


class NoAnswerError(PenfoldError):
    """A message came to a return address, but answers nothing."""

    public = "No such address"


class Returned(Struct, frozen=True):
    """What a return address stands for: the row, and the account it was sent from."""

    row: QueueRow
    account: Account


class ReturnPaths:
    """Makes and reads return addresses. Calls are safe from any thread, and block."""

    def __init__(
        self,
        book: IdentityBook,
        sealer: Sealer,
        queue: Queue,
        clock: Clock,
        chance: Chance,
        *,
        find_home: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        """find_home: returns the name bounces of a sending domain come to, in A-labels."""
        self._book = book
        self._find_home = find_home
        self._queue = queue
        self._clock = clock
        self._key = KeptKey(VERP_KEY, book, sealer, chance)

    def make(self, row: QueueRow, *, local: bool = True) -> str:
        """Return the reverse-path a row leaves with, its sender's address where none can be made.

        That is for the null reverse-path, a sender in a domain of others that is no sending domain,
        and a row so old (it was tried again by hand) that the token would soon be refused. local:
        senders in domains of ours get one too.
        """
        domain = self._find_domain(row, local=local)
        age_ms = self._clock.now_ms() - row.created_ms
        if domain is None or age_ms > 1_000 * DELIVERY_LIFE_S:
            return row.sender
        made_s = row.created_ms // 1_000
        return make_verp(row.id, domain=domain, key=self._key.get(), now_s=made_s)

    def _find_domain(self, row: QueueRow, *, local: bool) -> str | None:
        try:
            domain = parse_domain(domain_of(row.sender))
        except ParseError:  # the null reverse-path has no domain
            return None
        if self._book.is_local_domain(domain):
            return domain if local else None
        return self._find_home(domain) if row.origin == SENDING else None

    def find_row(self, address: str) -> QueueRow | None:
        """Return the row that left with this address as its return path, VERP_DAYS ago at most."""
        if not is_shaped(address):
            return None
        key = self._key.find()
        if key is None:
            return None
        now_s = self._clock.now_ms() // 1_000
        found = read_verp(address, domain=domain_of(address), keys=[key], now_s=now_s)
        try:
            return self._queue.get_row(found.reference) if found else None
        except NotFoundError:
            return None

    def find(self, address: str) -> Returned | None:
        """Return what an address stands for; None also when the account takes no mail."""
        row = self.find_row(address)
        if row is None:
            return None
        try:
            account = self._book.get_account(row.origin)
        except NotFoundError:
            return None
        return None if account.suspended else Returned(row, account)


def is_answer(sender: str, data: bytes) -> bool:
    """Return whether a message may come to a return address.

    RFC 5321 §4.5.5, RFC 3834 §3.3: notifications and automatic answers have the null reverse-path.
    Complaints often have one; they and other reports say in their header what they are, and no
    more of a message is read.
    """
    if not sender:
        return True
    value = next(iter(header_values(data, "Content-Type")), "")
    kind = parse_params(value).find("report-type").lower()
    return parse_type(value) == "multipart/report" and kind in _REPORT_TYPES
