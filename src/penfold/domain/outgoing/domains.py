"""The domains whose mail is delivered here, and the keys their mail is signed with.

A domain gets a key of each algorithm when it is made. Its keys are replaced in three steps that
lose no mail: `rotate` makes new ones, the operator publishes their records, `activate` lets them
sign and retires the old ones, whose private halves are erased.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from penfold.base.clock import Clock
from penfold.base.errors import ConflictError, NotFoundError
from penfold.base.limits import DKIM_RETIRED_DAYS
from penfold.domain.access.accounts import Accounts, parse_domain_name
from penfold.domain.access.new_keys import make_keys
from penfold.domain.outgoing.signing_keys import KeyState, activate_keys, state_of
from penfold.ports.directory import Account
from penfold.ports.identity import DkimKey, Domain, IdentityBook, IdentityWriter
from penfold.ports.sealing import Sealer
from penfold.proto.mailauth.keys import PrivateKey
from penfold.proto.mailauth.private_keys import ALGORITHMS, make_private_key

_DAY_MS: Final = 86_400_000
_MONTH_MS: Final = 31 * _DAY_MS


@dataclass(frozen=True, slots=True)
class Domains:
    """Makes, changes and removes domains. make_key: by algorithm."""

    book: IdentityBook
    accounts: Accounts
    sealer: Sealer
    clock: Clock
    make_key: Callable[[str], PrivateKey] = make_private_key

    def add(self, name: str) -> Domain:
        """Deliver the domain's mail here from now on and make its keys.

        ConflictError when it is so already, ParseError when the name is none.
        """
        domain = Domain(parse_domain_name(name), self.clock.now_ms())
        if self.book.find(Domain, domain.name) is not None:
            raise ConflictError("the domain is there already", domain=domain.name)
        keys = self._make_keys(domain.name, ALGORITHMS)

        def add(writer: IdentityWriter) -> None:
            writer.add(domain)
            for key in keys:
                writer.add(key)

        self.book.change(add)
        return domain

    def remove(self, name: str) -> None:
        """Deliver the domain's mail here no longer and erase its keys; refused while it has
        accounts.
        """
        self.accounts.remove_domain(name)

    def get(self, name: str) -> Domain:
        domain = self.book.find(Domain, parse_domain_name(name))
        if domain is None:
            raise NotFoundError("no such domain", domain=name)
        return domain

    def list_domains(self) -> list[Domain]:
        return self.book.list_by(Domain)

    def count_accounts(self, domain: Domain) -> int:
        accounts = self.book.list_by(Account)
        return sum(one.address.endswith(f"@{domain.name}") for one in accounts)

    def list_keys(self, domain: Domain) -> list[DkimKey]:
        """Return the domain's keys, oldest first."""
        return self.book.list_by(DkimKey, domain_id=domain.name)

    def ensure_keys(self, domain: Domain) -> list[DkimKey]:
        """Return the domain's keys, which are made if it has none yet."""
        found = self.list_keys(domain)
        return found or self._add_keys(domain, ALGORITHMS)

    def rotate(self, domain: Domain) -> list[DkimKey]:
        """Return new keys, which wait; those that sign go on until `activate`.

        None is made for an algorithm that has one waiting; ConflictError when all have. Forgets
        keys that were retired long ago.
        """
        waiting = {
            key.algorithm for key in self.list_keys(domain) if state_of(key) is KeyState.WAITING
        }
        wanted = [algorithm for algorithm in ALGORITHMS if algorithm not in waiting]
        if not wanted:
            raise ConflictError("new keys of the domain wait already", domain=domain.name)
        return self._add_keys(domain, wanted)

    def activate(self, domain: Domain, selectors: Collection[str] | None = None) -> list[DkimKey]:
        """Let waiting keys sign (all of them, or those named); see activate_keys."""
        now_ms = self.clock.now_ms()
        return activate_keys(self.book, domain.name, selectors, now_ms=now_ms)

    def _add_keys(self, domain: Domain, algorithms: Sequence[str]) -> list[DkimKey]:
        new = self._make_keys(domain.name, algorithms)
        now_ms = self.clock.now_ms()

        def add(writer: IdentityWriter) -> None:
            for key in writer.list_by(DkimKey, domain_id=domain.name):
                # A selector is not used again within its month.
                if is_forgettable(key, now_ms) and key.created_ms <= now_ms - _MONTH_MS:
                    writer.delete(DkimKey, key.name)
            for key in new:
                writer.add(key)

        self.book.change(add)
        return new

    def _make_keys(self, domain: str, algorithms: Sequence[str]) -> list[DkimKey]:
        """Return a key of each algorithm under selectors that were not used yet."""
        return make_keys(
            domain,
            algorithms,
            self.book.list_by(DkimKey, domain_id=domain),
            make_key=self.make_key,
            sealer=self.sealer,
            now_ms=self.clock.now_ms(),
        )


def is_forgettable(key: DkimKey, now_ms: int) -> bool:
    """Return whether the record of a retired key may go from the DNS."""
    return bool(key.retired_ms) and key.retired_ms + DKIM_RETIRED_DAYS * _DAY_MS <= now_ms
