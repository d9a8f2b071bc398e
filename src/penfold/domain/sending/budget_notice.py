"""The owner is told by mail that a soft limit is passed, or that little is left of what was paid.

Told once: the event and its mark are of the transaction that accepted, the message and its receipt
of one of the mailbox; the mark is taken away after it.
"""

from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from penfold.base.errors import NotFoundError, UnavailableError
from penfold.base.limits import BUDGET_NOTICES
from penfold.domain.sending.owner_mail import OwnerMail
from penfold.ports.sending.events import Event, OtherKind

_SOFT: Final = """The keys of {address} have used {spent} {currency} in {month}, which is more
than the soft limit of {limit} {currency}. It goes on: that limit refuses nothing.

What it was used for, and what the server's operator may change:

    penfold sending stats {address} --by day,stream
    penfold sending balance show {address}
    penfold sending balance budget {address} --soft AMOUNT --hard AMOUNT
"""
_LOW: Final = """Of what was prepaid for the keys of {address}, {left} {currency} are left, which is
less than {limit} {currency}. When nothing is left, everything more is refused (402).

What is left, and what the server's operator enters when more was paid:

    penfold sending balance show {address}
    penfold sending balance credit {address} AMOUNT
"""
#: Subject and text by kind of event.
_WORDS: Final = MappingProxyType({
    OtherKind.BUDGET_SOFT_LIMIT.value: ("The sending API is over its soft limit", _SOFT),
    OtherKind.BALANCE_LOW.value: ("Little is left for the sending API", _LOW),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class BudgetNotices(OwnerMail):
    """Every call blocks; it is made for a worker's thread."""

    def sweep(self) -> int:
        """Tell owners who are to be told, up to BUDGET_NOTICES; return how many were.

        One whose mailbox takes nothing now is told by a later sweep.
        """
        events = self.book.read(lambda book: book.list_notices(limit=BUDGET_NOTICES))
        return sum(self._tell(one) for one in events)

    def _tell(self, event: Event) -> bool:
        subject, text = _WORDS[event.kind]
        try:
            with suppress(NotFoundError):  # nobody is left to be told
                account = self.directory.get_account(event.account_id)
                told = text.format(address=account.address, **event.data)
                self.deliver(account, f"budget\0{event.id}", subject, told)
        except UnavailableError:
            return False
        self.book.change(lambda writer: writer.end_notice(event.number))
        return True
