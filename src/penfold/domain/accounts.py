"""Accounts, their domains and their passwords.

An account's mailbox is made before the account is, under the same id: a crash in between leaves
an empty file nobody knows, never an account without a mailbox. A removed account leaves a
`Removed` record behind; whoever sweeps erases the mailbox.

Changing a password ends what came in by the old one: sessions, grants and app passwords
(Gmail: documented, refresh tokens with Gmail scopes die).
"""

import re
from dataclasses import dataclass

import msgspec

from penfold.base.addresses import canonical_address, canonical_domain
from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import ConflictError, NotFoundError, ParseError
from penfold.domain.passwords import check_password, hash_password
from penfold.ports.directory import Account
from penfold.ports.identity import (
    AppPassword,
    Domain,
    Grant,
    IdentityBook,
    IdentityWriter,
    Password,
    Removed,
    Session,
)
from penfold.ports.mailbox import Mailboxes
from penfold.proto.oauth import app_password_digest, make_app_password

#: RFC 5321 §4.1.2 Dot-string (RFC 6531: with letters of any script), without the tag sign.
_LOCAL_PART = re.compile(r"(?=.{1,64}@)[\w!#$%&'*/=?^`{|}~-]+(?:\.[\w!#$%&'*/=?^`{|}~-]+)*@")
#: RFC 1035 §2.3.1 in A-labels; a single label is allowed for test networks.
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
                     r"(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Accounts:
    """Makes, changes and removes accounts."""

    book: IdentityBook
    mailboxes: Mailboxes
    clock: Clock
    chance: Chance

    def add_domain(self, name: str) -> Domain:
        """Deliver the domain's mail here from now on; ConflictError when it is so already."""
        name = canonical_domain(name)
        if not _DOMAIN.fullmatch(name):
            raise ParseError("not a domain name", domain=name)
        domain = Domain(name, self.clock.now_ms())
        self.book.change(lambda writer: writer.add(domain))
        return domain

    def remove_domain(self, name: str) -> None:
        """Deliver the domain's mail here no longer; refused while it has accounts."""
        name = canonical_domain(name)

        def remove(writer: IdentityWriter) -> None:
            if any(one.address.endswith(f"@{name}") for one in writer.list_by(Account)):
                raise ConflictError("the domain has accounts", domain=name)
            if not writer.delete(Domain, name):
                raise NotFoundError("no such domain", domain=name)

        self.book.change(remove)

    def add(self, address: str, *, password: str | None = None, name: str = "") -> Account:
        """Make an account with an empty mailbox; without a password nobody can sign in."""
        canonical = self._check_address(address)
        if self.book.find_account(canonical) is not None:
            raise ConflictError("the account is there already", address=canonical)
        now_ms = self.clock.now_ms()
        hashed = None if password is None else hash_password(password)
        account = Account(f"m{self.chance.getrandbits(80):020x}", canonical, name, now_ms)
        self.mailboxes.create(account.id)

        def add(writer: IdentityWriter) -> None:
            writer.add(account)
            if hashed is not None:
                writer.add(Password(account.id, hashed, now_ms))

        self.book.change(add)
        return account

    def get(self, address: str) -> Account:
        account = self.book.find_account(address)
        if account is None:
            raise NotFoundError("no such account", address=address)
        return account

    def remove(self, address: str) -> Account:
        """Remove the account with everything that lets somebody in; its mailbox waits."""
        account = self.get(address)
        gone = Removed(account.id, account.address, self.clock.now_ms())

        def remove(writer: IdentityWriter) -> None:
            if not writer.delete(Account, account.id):
                raise NotFoundError("no such account", address=address)
            writer.add(gone)

        self.book.change(remove)
        return account

    def set_suspended(self, address: str, *, suspended: bool) -> Account:
        """Shut an account out, or let it in again; nothing it has is lost."""
        changed = msgspec.structs.replace(self.get(address), suspended=suspended)
        self.book.change(lambda writer: writer.replace(changed))
        return changed

    def set_password(self, address: str, password: str) -> None:
        """Change the password and end every session, grant and app password."""
        account = self.get(address)
        new = Password(account.id, hash_password(password), self.clock.now_ms())

        def change(writer: IdentityWriter) -> None:
            writer.delete(Password, account.id)
            writer.add(new)
            for session in writer.list_by(Session, account_id=account.id):
                writer.delete(Session, session.id)
            for grant in writer.list_by(Grant, account_id=account.id):
                writer.delete(Grant, grant.id)
            for one in writer.list_by(AppPassword, account_id=account.id):
                writer.delete(AppPassword, one.digest)

        self.book.change(change)

    def find_sign_in(self, address: str, password: str) -> Account | None:
        """Return the account whose password this is; unknown ones take as long as wrong ones."""
        account = self.book.find_account(address)
        stored = None if account is None else self.book.find(Password, account.id)
        fits = check_password(stored.hash if stored else None, password)
        return account if account is not None and fits and not account.suspended else None

    def add_app_password(self, address: str, *, label: str = "") -> str:
        """Return a new app password: 16 letters, shown this once."""
        account = self.get(address)
        password = make_app_password(self.chance)
        kept = app_password_digest(account.id, password)
        record = AppPassword(kept, account.id, label, self.clock.now_ms())
        self.book.change(lambda writer: writer.add(record))
        return password

    def remove_app_passwords(self, address: str, *, label: str) -> int:
        """Remove the app passwords with this label; return how many there were."""
        account = self.get(address)

        def remove(writer: IdentityWriter) -> int:
            found = writer.list_by(AppPassword, account_id=account.id)
            return sum(writer.delete(AppPassword, p.digest) for p in found if p.label == label)

        return self.book.change(remove)

    def _check_address(self, address: str) -> str:
        canonical = canonical_address(address)
        if "+" in address or not _LOCAL_PART.match(canonical):
            raise ParseError("not an address an account can have", address=address)
        domain = canonical.rpartition("@")[2]
        if not self.book.is_local_domain(domain):
            raise NotFoundError("the domain is not one of ours", domain=domain)
        return canonical
