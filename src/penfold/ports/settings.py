"""What an account has set: records kept in its mailbox, beside its mail.

Each kind is one type; a record has a key within its kind, "" where there is only one. They live
in the mailbox because arriving mail is judged by them, in the transaction that stores it.

A record without a word of its own here is the API's type; secrets in it are kept as they are
needed, never as they were given.
"""

from typing import Final, TypeVar

from msgspec import Struct

from penfold.spec.schemas import (
    AutoForwarding,
    Delegate,
    Filter,
    ForwardingAddress,
    ImapSettings,
    LanguageSettings,
    PopSettings,
    VacationSettings,
)

S = TypeVar("S", bound=Struct)


class VacationAnswer(Struct, frozen=True, gc=False):
    """That a sender got the vacation reply, and when. Its key is the sender."""

    sender: str
    at_ms: int


#: The word each kind is stored under. A word stays, whatever becomes of the type's name.
KINDS: Final[dict[type[Struct], str]] = {
    AutoForwarding: "auto_forwarding",
    Delegate: "delegate",
    Filter: "filter",
    ForwardingAddress: "forwarding_address",
    ImapSettings: "imap",
    LanguageSettings: "language",
    PopSettings: "pop",
    VacationAnswer: "vacation_answer",
    VacationSettings: "vacation",
}
