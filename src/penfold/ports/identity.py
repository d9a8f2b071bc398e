"""Who is calling: tokens and passwords to accounts."""

from typing import Protocol

from msgspec import Struct

from penfold.ports.directory import Account


class Credential(Struct, frozen=True, gc=False):
    """A live access token: whose it is and what it may do.

    scopes are full scope URLs as granted. project is the project number of the client.
    """

    account: Account
    scopes: frozenset[str]
    client_id: str
    project: str


class Authenticator(Protocol):
    def find_credential(self, token: str) -> Credential | None:
        """Return whose live access token this is; answers from memory for a few seconds."""
        ...

    def find_app_login(self, address: str, password: str) -> Account | None:
        """Return the account whose app password this is."""
        ...
