"""What accounts may do for the installation: admin, auditor, user.

An admin may change what there is over the administration API, an auditor may read it, a user has
a mailbox. A role counts from the next request on; nothing about it is remembered.
"""

from dataclasses import dataclass

from penfold.base.clock import Clock
from penfold.base.errors import NotFoundError, ParseError
from penfold.ports.directory import Account
from penfold.ports.identity import ROLES, USER, IdentityBook, IdentityReader, IdentityWriter, Role


def find_role(reader: IdentityReader, account_id: str) -> str:
    """Return ADMIN, AUDITOR or USER."""
    role = reader.find(Role, account_id)
    return USER if role is None else role.name


@dataclass(frozen=True, slots=True)
class Roles:
    """Gives roles."""

    book: IdentityBook
    clock: Clock

    def set(self, account: Account, name: str) -> None:
        """Give the account this role in place of the one it has; ParseError when there is none."""
        if name not in ROLES:
            raise ParseError("no such role", role=name)
        role = Role(account.id, name, self.clock.now_ms())

        def put(writer: IdentityWriter) -> None:
            if writer.find(Account, account.id) is None:
                raise NotFoundError("no such account", account=account.id)
            if find_role(writer, account.id) == name:
                return
            writer.delete(Role, account.id)
            if name != USER:
                writer.add(role)

        self.book.change(put)
