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
        """Return whose own address this is; plus tags and case do not matter.

        Who gets the mail of an address is the affair of domain.aliases.
        """
        ...

    def list_targets(self, alias: str) -> list[Account]:
        """Return who gets the mail of an alias, by its exact spelling (see ports.identity.Alias).

        Empty when there is no such alias; suspended accounts are among them.
        """
        ...

    def list_aliases(self, account_id: str) -> list[str]:
        """Return the addresses of the aliases that lead to an account, oldest first."""
        ...

    def get_account(self, account_id: str) -> Account: ...
    def list_accounts(self) -> list[Account]: ...
