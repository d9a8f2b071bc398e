"""Accounts, their domains and their passwords.

An account's mailbox is made before the account is, under the same id: a crash in between leaves
an empty file nobody knows, never an account without a mailbox. A removed account leaves a
`Removed` record behind; whoever sweeps erases the mailbox.

Changing a password ends what came in by the old one: sessions, grants and app passwords
(Gmail: documented, refresh tokens with Gmail scopes die).
"""

from dataclasses import dataclass

import msgspec

from penfold.base.addresses import canonical_address
from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import ConflictError, NotFoundError, ParseError
from penfold.base.limits import APP_PASSWORDS_MAX
from penfold.domain.access.passwords import check_password, hash_password
from penfold.ports.directory import Account
from penfold.ports.identity import (
    AppPassword,
    Domain,
    Grant,
    HalfSignIn,
    IdentityBook,
    IdentityWriter,
    Password,
    Removed,
    Session,
)
from penfold.ports.mailbox import Mailboxes
from penfold.proto.address import canonical, parse_mailbox
from penfold.proto.oauth import app_password_digest, make_app_password


@dataclass(frozen=True, slots=True)
class Accounts:
    """Makes, changes and removes accounts."""

    book: IdentityBook
    mailboxes: Mailboxes
    clock: Clock
    chance: Chance
    password_ends_grants: bool = True

    def add_domain(self, name: str) -> Domain:
        """Deliver the domain's mail here from now on; ConflictError when it is so already."""
        domain = Domain(parse_domain_name(name), self.clock.now_ms())
        self.book.change(lambda writer: writer.add(domain))
        return domain

    def remove_domain(self, name: str) -> None:
        """Deliver the domain's mail here no longer; refused while it has accounts."""
        name = parse_domain_name(name)

        def remove(writer: IdentityWriter) -> None:
            if any(one.address.endswith(f"@{name}") for one in writer.list_by(Account)):
                raise ConflictError("the domain has accounts", domain=name)
            if not writer.delete(Domain, name):
                raise NotFoundError("no such domain", domain=name)

        self.book.change(remove)

    def add(self, address: str, *, password: str | None = None, name: str = "") -> Account:
        """Make an account with an empty mailbox; without a password nobody can sign in."""
        spelt = self._parse_address(address)
        if self.book.find_account(spelt) is not None:
            raise ConflictError("the account is there already", address=spelt)
        if self.book.list_targets(spelt):
            raise ConflictError("the address is an alias", address=spelt)
        now_ms = self.clock.now_ms()
        hashed = None if password is None else hash_password(password)
        account = Account(f"m{self.chance.getrandbits(80):020x}", spelt, name, now_ms)
        self.mailboxes.create(account.id)

        def add(writer: IdentityWriter) -> None:
            writer.add(account)
            if hashed is not None:
                writer.add(Password(account.id, hashed, now_ms))

        self.book.change(add)
        return account

    def get(self, address: str) -> Account:
        account = self.book.find_account(canonical(address))
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
        """Change the password and end every session, app password and (as a rule) grant."""
        account = self.get(address)
        new = Password(account.id, hash_password(password), self.clock.now_ms())

        def change(writer: IdentityWriter) -> None:
            writer.delete(Password, account.id)
            writer.add(new)
            for session in writer.list_by(Session, account_id=account.id):
                writer.delete(Session, session.id)
            for half in writer.list_by(HalfSignIn, account_id=account.id):
                writer.delete(HalfSignIn, half.browser)
            grants = writer.list_by(Grant, account_id=account.id)
            for grant in grants if self.password_ends_grants else ():
                writer.delete(Grant, grant.id)
            for one in writer.list_by(AppPassword, account_id=account.id):
                writer.delete(AppPassword, one.digest)

        self.book.change(change)

    def find_sign_in(self, address: str, password: str) -> Account | None:
        """Return the account whose password this is; unknown ones take as long as wrong ones."""
        account = self.book.find_account(canonical(address))
        stored = None if account is None else self.book.find(Password, account.id)
        fits = check_password(stored.hash if stored else None, password)
        return account if account is not None and fits and not account.suspended else None

    def add_app_password(self, address: str, *, label: str = "") -> str:
        """Return a new app password: 16 letters, shown this once."""
        password = make_app_password(self.chance)
        self.save_app_password(self.get(address), password, label=label)
        return password

    def save_app_password(self, account: Account, password: str, *, label: str) -> None:
        """Take an app password into use; ConflictError when there are too many, or it is there."""
        kept = app_password_digest(account.id, password)
        record = AppPassword(kept, account.id, label, self.clock.now_ms())

        def save(writer: IdentityWriter) -> None:
            if len(writer.list_by(AppPassword, account_id=account.id)) >= APP_PASSWORDS_MAX:
                raise ConflictError("too many app passwords", address=account.address)
            writer.add(record)

        self.book.change(save)

    def remove_app_password(self, account: Account, key: bytes) -> bool:
        """Remove the app password with this digest if it is of this account."""

        def remove(writer: IdentityWriter) -> bool:
            found = writer.find(AppPassword, key)
            return bool(
                found and found.account_id == account.id and writer.delete(AppPassword, key)
            )

        return self.book.change(remove)

    def remove_app_passwords(self, address: str, *, label: str) -> int:
        """Remove the app passwords with this label; return how many there were."""
        account = self.get(address)

        def remove(writer: IdentityWriter) -> int:
            found = writer.list_by(AppPassword, account_id=account.id)
            return sum(writer.delete(AppPassword, p.digest) for p in found if p.label == label)

        return self.book.change(remove)

    def _parse_address(self, address: str) -> str:
        """Return the canonical form of an address an account here can have."""
        parsed = parse_mailbox(address)
        if "+" in parsed or '"' in parsed:
            raise ParseError("an account's address has no tag and no quotes", address=address)
        found = canonical_address(parsed)
        domain = found.rpartition("@")[2]
        if not self.book.is_local_domain(domain):
            raise NotFoundError("the domain is not one of ours", domain=domain)
        return found


def parse_domain_name(name: str) -> str:
    """Return a domain in lower case and A-labels, as addresses in it will be spelt."""
    domain = parse_mailbox(f"x@{name.strip().rstrip('.')}").rpartition("@")[2]
    if domain.startswith("["):
        raise ParseError("an IP address is no domain", domain=domain)
    return domain
