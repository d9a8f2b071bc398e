"""Addresses that lead to accounts: who gets the mail of an address, and the aliases behind it.

The first of these that exists decides, so nothing is ever looked up twice and nothing loops:

1. an account with the address
2. an alias with the address, plus tag and all
3. an account, then an alias, with the address without its plus tag
4. the catch-all of the domain, `*@domain`

An alias leads to accounts, never to another alias or to another server (forwarding does that). It
opens no door: people sign in with their account's own address.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from penfold.base.addresses import canonical_address, exact_address
from penfold.base.clock import Clock
from penfold.base.errors import ConflictError, NotFoundError, ParseError
from penfold.base.limits import ALIAS_TARGETS_MAX, ALIASES_OF_ACCOUNT_MAX
from penfold.domain.access.accounts import parse_domain_name
from penfold.ports.directory import Account, Directory
from penfold.ports.identity import Alias, Domain, IdentityBook, IdentityWriter
from penfold.proto.address import domain_of, parse_mailbox

#: The local part of a catch-all.
ANY = "*"


def find_targets(directory: Directory, address: str) -> list[Account]:
    """Return the accounts that get mail for an address; suspended ones get none."""
    return [each for each in find_candidates(directory, address) if not each.suspended]


def find_candidates(directory: Directory, address: str, *, catch_all: bool = True) -> list[Account]:
    """Return the accounts an address leads to, suspended ones too."""
    candidates = _iter_candidates(directory, address, catch_all=catch_all)
    return next((found for found in candidates if found), [])


def _iter_candidates(
    directory: Directory, address: str, *, catch_all: bool
) -> Iterator[list[Account]]:
    exact, plain = exact_address(address), canonical_address(address)
    if exact != plain:  # no account has a plus tag
        yield directory.list_targets(exact)
    account = directory.find_account(plain)
    yield [account] if account else []
    yield directory.list_targets(plain)
    if catch_all:
        yield directory.list_targets(f"{ANY}@{domain_of(plain)}")


def list_own_aliases(directory: Directory, account: Account) -> list[str]:
    """Return the aliases an account may send as: those that lead to it, but for catch-alls.

    A catch-all takes in what is for addresses that others may get tomorrow.
    """
    return [each for each in directory.list_aliases(account.id) if not is_catch_all(each)]


def is_catch_all(alias: str) -> bool:
    return alias.startswith(f"{ANY}@")


@dataclass(frozen=True, slots=True)
class Aliases:
    """Makes and removes aliases."""

    book: IdentityBook
    clock: Clock

    def add(self, address: str, target: str) -> Alias:
        """Let an account get the mail of an address as well; others that get it go on doing so.

        ConflictError when it does so already, when an account has the address, or when there are
        too many; NotFoundError when the account or the domain is not ours.
        """
        spelt = parse_alias(address)
        account = self.book.find_account(target)
        if account is None:
            if self.book.list_targets(exact_address(target)):
                raise ConflictError("an alias leads to accounts, not to aliases", address=target)
            raise NotFoundError("no such account", address=target)
        domain = domain_of(spelt)
        alias = Alias(f"{spelt} {account.id}", spelt, domain, account.id, self.clock.now_ms())

        def add(writer: IdentityWriter) -> None:
            if writer.find(Domain, domain) is None:
                raise NotFoundError("the domain is not one of ours", domain=domain)
            if writer.list_by(Account, address=spelt):
                raise ConflictError("the account is there already", address=spelt)
            if writer.find(Alias, alias.id) is not None:
                raise ConflictError("the alias is there already", address=spelt)
            if len(writer.list_by(Alias, address=spelt)) >= ALIAS_TARGETS_MAX:
                raise ConflictError("the alias leads to too many accounts", most=ALIAS_TARGETS_MAX)
            if len(writer.list_by(Alias, account_id=account.id)) >= ALIASES_OF_ACCOUNT_MAX:
                raise ConflictError("the account has too many aliases", most=ALIASES_OF_ACCOUNT_MAX)
            writer.add(alias)

        self.book.change(add)
        return alias

    def list(self) -> "list[tuple[Alias, Account]]":
        """Return all aliases by address, each with every account it leads to."""
        accounts = {account.id: account for account in self.book.list_accounts()}
        found = sorted(self.book.list_by(Alias), key=lambda each: (each.address, each.created_ms))
        # An account that is removed at this moment takes its aliases along.
        return [(each, accounts[each.account_id]) for each in found if each.account_id in accounts]

    def remove(self, address: str, target: str | None = None) -> int:
        """Remove an alias, or one account from it; return how many accounts it led to.

        NotFoundError when there is no such alias.
        """
        spelt = parse_alias(address)
        account = None if target is None else self.book.find_account(target)
        if target is not None and account is None:
            raise NotFoundError("no such account", address=target)

        def remove(writer: IdentityWriter) -> int:
            found = [
                each
                for each in writer.list_by(Alias, address=spelt)
                if account is None or each.account_id == account.id
            ]
            if not found:
                raise NotFoundError("no such alias", address=spelt)
            return sum(writer.delete(Alias, each.id) for each in found)

        return self.book.change(remove)


def parse_alias(text: str) -> str:
    """Return the spelling under which an alias is kept; ParseError when it cannot be one."""
    local, at, domain = text.strip().rpartition("@")
    if at and local == ANY:
        return f"{ANY}@{parse_domain_name(domain)}"
    parsed = parse_mailbox(text.strip())
    if '"' in parsed or ANY in parsed or domain_of(parsed).startswith("["):
        raise ParseError("not an address an alias can have", address=text.strip())
    return exact_address(parsed)
