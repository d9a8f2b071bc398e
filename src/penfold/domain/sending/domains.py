"""Sending domains: added by an account, verified by their DNS, looked at again and again.

A name has one owner. Somebody else may take it over until its DNS has said that it is theirs, and
once it says so no more: whoever cannot publish its records cannot keep others from it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import ConflictError, NotFoundError, UnavailableError
from penfold.base.limits import (
    DOMAIN_MAX_BYTES,
    SENDING_DOMAIN_PENDING_MS,
    SENDING_DOMAINS_MAX,
    SENDING_SWEEP_MAX,
)
from penfold.domain.access.accounts import parse_domain_name
from penfold.domain.access.new_keys import make_keys
from penfold.domain.outgoing.domains import is_forgettable
from penfold.domain.outgoing.signing_keys import KeyState, state_of
from penfold.domain.sending.accept import make_id
from penfold.domain.sending.domain_dns import PENDING, VERIFIED, Verdict, judge, leads_here
from penfold.ports.identity import DkimKey
from penfold.ports.sealing import Sealer
from penfold.ports.sending.book import SendingBook, SendingReader, SendingWriter
from penfold.ports.sending.events import NOBODY, NewEvent
from penfold.ports.sending.records import INSTALLATION, SendingDomain, domain_id
from penfold.proto.mailauth.keys import PrivateKey
from penfold.proto.mailauth.private_keys import ALGORITHMS, make_private_key

#: Looks at the DNS of a domain and returns what was found of each record; blocks.
Look = Callable[[SendingDomain], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class SendingDomains:
    """is_local: whether a domain's mail is delivered here: its mail may be sent already.

    look: None in local mode, where nothing is looked up. told: of every event, with its domain.
    """

    book: SendingBook
    sealer: Sealer
    clock: Clock
    chance: Chance
    hostname: str
    is_local: Callable[[str], bool]
    look: Look | None
    told: Callable[[Verdict], None] = lambda _: None
    make_key: Callable[[str], PrivateKey] = make_private_key

    def add(self, text: str, account_id: str) -> SendingDomain:
        """Add a domain and make its keys. ParseError: no domain; ConflictError: not to be had."""
        name = parse_domain_name(text)
        if self.is_local(name):
            raise ConflictError("mail of that domain is sent from here already", domain=name)
        now_ms = self.clock.now_ms()
        domain = SendingDomain(
            domain_id(name),
            account_id,
            name,
            now_ms,
            token=f"{self.chance.getrandbits(160):040x}",
            return_path=f"send.{name}",
            tracking=f"links.{name}",
            keys=tuple(self._make_keys(name, ())),
        )

        def add(writer: SendingWriter) -> None:
            other = writer.find_unowned(SendingDomain, domain.id)
            if other is not None and other.account_id != account_id and other.state != VERIFIED:
                writer.delete(SendingDomain, other.id, other.account_id)
            mine = writer.list_records(SendingDomain, account_id, limit=SENDING_DOMAINS_MAX)
            if len(mine) >= SENDING_DOMAINS_MAX:
                raise ConflictError("an account has no more domains than that", domain=name)
            writer.add(domain)

        self.book.change(add)
        return domain

    def list_visible(self, account_id: str) -> list[SendingDomain]:
        """Return the account's domains and those of everybody, the oldest first."""

        def look(reader: SendingReader) -> list[SendingDomain]:
            owners = dict.fromkeys((INSTALLATION, account_id))
            found = [reader.list_records(SendingDomain, one, limit=SENDING_DOMAINS_MAX)
                     for one in owners]  # fmt: skip
            return sorted((each for group in found for each in group), key=lambda d: d.created_ms)

        return self.book.read(look)

    def get(self, name_or_id: str, account_id: str) -> SendingDomain:
        """Return one the account can send from, by its id or its name; NotFoundError."""
        found = self.book.read(lambda reader: _find(reader, name_or_id, account_id))
        if found is None:
            raise NotFoundError("no such sending domain", domain=name_or_id[:DOMAIN_MAX_BYTES])
        return found

    def remove(self, name_or_id: str, account_id: str) -> SendingDomain:
        """Forget a domain and its keys; one of everybody goes by INSTALLATION alone."""
        domain = self.get(name_or_id, account_id)
        if not self.book.change(lambda w: w.delete(SendingDomain, domain.id, account_id)):
            raise NotFoundError("the domain is not the account's own", domain=domain.name)
        return domain

    def rotate(self, name_or_id: str, account_id: str) -> SendingDomain:
        """Make new keys, which wait until their records are seen; ConflictError: some wait."""
        domain = self.get(name_or_id, account_id)
        if any(state_of(key) is KeyState.WAITING for key in domain.keys):
            raise ConflictError("new keys of the domain wait already", domain=domain.name)
        if domain.account_id != account_id:
            raise NotFoundError("the domain is not the account's own", domain=domain.name)
        made = self._make_keys(domain.name, domain.keys)
        now_ms = self.clock.now_ms()

        def change(writer: SendingWriter) -> SendingDomain:
            # Making keys takes a second, in which a check may have changed all but their names.
            current = _get_same(writer, domain)
            if [key.name for key in current.keys] != [key.name for key in domain.keys]:
                raise ConflictError("new keys of the domain were just made", domain=domain.name)
            kept = (key for key in current.keys if not is_forgettable(key, now_ms))
            new = replace(current, keys=(*kept, *made))
            writer.replace(new)
            return new

        return self.book.change(change)

    def check(self, domain: SendingDomain) -> SendingDomain:
        """Look at a domain's DNS and keep what follows. UnavailableError in local mode."""
        if self.look is None:
            raise UnavailableError("nothing is looked up in local mode", domain=domain.name)
        checks = self.look(domain)
        now_ms = self.clock.now_ms()

        def keep(writer: SendingWriter) -> Verdict:
            # What was added or rotated meanwhile is looked at by the next check.
            current = _get_same(writer, domain)
            verdict = judge(current, checks, now_ms=now_ms)
            writer.replace(verdict.domain)
            if verdict.event and domain.account_id != INSTALLATION:
                writer.add_event(self._make_event(verdict, now_ms))
            return verdict

        verdict = self.book.change(keep)
        if verdict.event:
            self.told(verdict)
        return verdict.domain

    def iter_due(self) -> Iterator[SendingDomain]:
        """Return the domains that are looked at without being asked to."""
        after, since_ms = "", self.clock.now_ms() - SENDING_DOMAIN_PENDING_MS
        while page := self.book.read(partial(_list_behind, after=after)):
            after = page[-1].id
            for one in page:
                if one.state != PENDING or one.created_ms >= since_ms:
                    yield one

    def _make_keys(self, name: str, known: tuple[DkimKey, ...]) -> list[DkimKey]:
        """Selectors begin with another letter than those of the directory's domains."""
        return make_keys(
            name, ALGORITHMS, known, make_key=self.make_key, sealer=self.sealer,
            now_ms=self.clock.now_ms(), letter="s",
        )  # fmt: skip

    def _make_event(self, verdict: Verdict, now_ms: int) -> NewEvent:
        domain = verdict.domain
        data = {"domain": domain.name, "state": domain.state, "records": domain.checks}
        cause = f"{verdict.event}:{domain.id}:{domain.token}:{now_ms}"
        return NewEvent(
            *(make_id(self.chance), domain.account_id, 0, NOBODY, verdict.event, now_ms, cause),
            data=data,
        )


def find_signing(book: SendingBook, name: str) -> tuple[DkimKey, ...]:
    """Return the keys of a sending domain, () when there is none."""
    found = book.read(lambda reader: reader.find_unowned(SendingDomain, domain_id(name)))
    return found.keys if found else ()


def find_return_host(book: SendingBook, hostname: str, name: str) -> str:
    """Return the name bounces of a domain's mail come to: its own for them, or this server's.

    Its own is below the domain, so that SPF counts for DMARC too.
    """
    found = book.read(lambda reader: reader.find_unowned(SendingDomain, domain_id(name)))
    if found is not None and leads_here(found):
        return found.return_path
    return hostname


def _list_behind(reader: SendingReader, *, after: str) -> list[SendingDomain]:
    return reader.list_everywhere(SendingDomain, after=after, limit=SENDING_SWEEP_MAX)


def _get_same(reader: SendingReader, domain: SendingDomain) -> SendingDomain:
    """Return a domain as it is now; NotFoundError: it is gone, or was added anew."""
    current = reader.find(SendingDomain, domain.id, domain.account_id)
    if current is None or current.token != domain.token:
        raise NotFoundError("the domain is gone", domain=domain.name)
    return current


def _find(reader: SendingReader, name_or_id: str, account_id: str) -> SendingDomain | None:
    for key in (name_or_id, domain_id(name_or_id.lower())):
        for owner in (account_id, INSTALLATION):
            found = reader.find(SendingDomain, key, owner)
            if found is not None:
                return found
    return None
