"""Who exists: domains, accounts and the addresses that lead to them."""

from typing import Protocol

from msgspec import Struct


class Account(Struct, frozen=True, gc=False):
    """A person or program with a mailbox.

    id names the mailbox too: "m" and 20 lower-case hex digits, made once. address is canonical
    (lower case, no plus tag).
    """

    id: str
    address: str
    name: str
    created_ms: int
    suspended: bool = False


class Directory(Protocol):
    """Lookups are point reads and may be called from an event loop."""

    def is_local_domain(self, domain: str) -> bool: ...
    def find_account(self, address: str) -> Account | None:
        """Return the account mail to this address is for; plus tags and case do not matter."""
        ...

    def get_account(self, account_id: str) -> Account: ...
    def list_accounts(self) -> list[Account]: ...
