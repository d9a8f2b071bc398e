"""Which applications an account has let in, and how it shuts them out again.

An application is shown once, whatever number of grants it has. To remove it deletes them all,
and with a grant its tokens: refused at once in this process, in a second or two elsewhere.
"""

from collections import defaultdict
from dataclasses import dataclass

from msgspec import Struct

from penfold.ports.directory import Account
from penfold.ports.identity import (
    AccessToken,
    Client,
    Grant,
    IdentityBook,
    IdentityWriter,
    RefreshToken,
)


class App(Struct, frozen=True, gc=False):
    """An application that may come in. used_ms: when it last got or showed a token; 0: never."""

    client_id: str
    name: str
    scopes: frozenset[str]
    since_ms: int
    used_ms: int


@dataclass(frozen=True, slots=True)
class AppsWithAccess:
    """Lists and removes them."""

    book: IdentityBook

    def list_of(self, account: Account) -> list[App]:
        """Return the applications, the newest first."""
        grants = defaultdict(list)
        for grant in self.book.list_by(Grant, account_id=account.id):
            grants[grant.client_id].append(grant)
        apps = (self._app(client_id, found) for client_id, found in grants.items())
        return sorted(apps, key=lambda app: -app.since_ms)

    def remove(self, account: Account, client_id: str) -> int:
        """End everything the account allowed the application; return how many grants that was."""

        def remove(writer: IdentityWriter) -> int:
            found = writer.list_by(Grant, account_id=account.id, client_id=client_id)
            return sum(writer.delete(Grant, grant.id) for grant in found)

        return self.book.change(remove)

    def _app(self, client_id: str, grants: list[Grant]) -> App:
        client = self.book.find(Client, client_id)
        used = [0]
        for grant in grants:
            used += [t.used_ms for t in self.book.list_by(RefreshToken, grant_id=grant.id)]
            used += [t.created_ms for t in self.book.list_by(AccessToken, grant_id=grant.id)]
        return App(
            client_id=client_id,
            name=client.name if client else client_id,
            scopes=frozenset[str]().union(*(grant.scopes for grant in grants)),
            since_ms=min(grant.created_ms for grant in grants),
            used_ms=max(used),
        )
