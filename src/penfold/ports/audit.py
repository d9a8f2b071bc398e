"""The audit log: what was changed, by whom, from where; append-only and chained by hashes.

A directory appends an entry for every record it adds, replaces or deletes, in the same
transaction (ports.audit_rules), so no change can be without one.

An entry's hash is SHA-256 over the hash before it and the entry (`seal`). What is personal,
and where somebody came from, is kept beside it as `Personal` under a random salt; the entry holds
only SHA-256 of the two. So erasing a person breaks no link (docs/decisions/0022).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from penfold.base.acting import VISITOR, Actor

#: Bytes of random salt; as long as the hash is strong.
SALT_BYTES: Final = 16
#: The hash before the first entry.
START: Final = "0" * 64

_VALUES: Final = "values"
SOURCE: Final = "source"


class Entry(Struct, frozen=True, gc=False):
    """One entry. number: from 1, without gaps. account_id: whose record, "" for nobody's.

    actor, client: see base.acting. before, after: JSON objects of plain values, "" for none.
    personal, source: commitments to the erasable parts, "" for none. hash: of the chain.
    """

    number: int
    time_ms: int
    actor: str
    client: str
    action: str
    kind: str
    key: str
    account_id: str
    before: str
    after: str
    personal: str
    source: str
    hash: str


class Personal(Struct, frozen=True, gc=False):
    """An erasable part of an entry: its personal values (JSON), or where the actor came from."""

    number: int
    part: str
    account_id: str
    salt: bytes
    body: str


class Event(Struct, frozen=True):
    """Something to write down that changed no record. values stay; personal can be erased."""

    action: str
    kind: str
    key: str = ""
    account_id: str = ""
    values: Mapping[str, Any] = {}
    personal: Mapping[str, Any] = {}


class Shown(Struct, frozen=True):
    """An entry with its erasable parts, as far as they are there: source, personal (JSON)."""

    entry: Entry
    source: str
    personal: str


class Draft(Struct, frozen=True):
    """An entry before it has a place in the chain."""

    action: str
    kind: str
    key: str
    account_id: str
    before: str
    after: str
    personal: str


class AuditLog(Protocol):
    """Reading the log, and forgetting. Entries are written by IdentityBook.change alone."""

    def list_audit(self, *, before: int = 0, account_id: str = "", most: int) -> list[Shown]:
        """Return entries older than the number `before` (0: all), newest first.

        account_id: only those about this account. At most AUDIT_PAGE_MAX.
        """
        ...

    def list_audit_from(self, after: int) -> list[Shown]:
        """Return the next entries after a number, oldest first; [] at the end."""
        ...

    def check_audit(self) -> tuple[str, tuple[int, str]]:
        """Return what does not fit ("": all does), and number and hash of the last that does."""
        ...

    def forget_strangers(self, *, before_ms: int) -> int:
        """Forget where visitors came from in older entries about nobody; return in how many.

        What belongs to an account goes with it. At most AUDIT_FORGET_MAX, the oldest first.
        """
        ...


def draft_event(event: Event) -> Draft:
    return Draft(
        event.action, event.kind, event.key, event.account_id,
        "", to_json(event.values), to_json({"after": event.personal} if event.personal else {}),
    )  # fmt: skip


def make_entry(
    draft: Draft,
    last: tuple[int, str],
    actor: Actor,
    *,
    now_ms: int,
    make_salt: Callable[[], bytes],
) -> tuple[Entry, list[Personal]]:
    """Return the entry after `last` (its number and hash) and the erasable parts of it."""
    number = last[0] + 1
    parts = []
    if draft.personal:
        parts.append(Personal(number, _VALUES, draft.account_id, make_salt(), draft.personal))
    if actor.source:
        owner = draft.account_id if actor.who == VISITOR else actor.who
        parts.append(Personal(number, SOURCE, owner, make_salt(), actor.source))
    kept = {part.part: commit_to(part) for part in parts}
    entry = Entry(
        number, now_ms, actor.who, actor.client, draft.action, draft.kind, draft.key,
        draft.account_id, draft.before, draft.after,
        kept.get(_VALUES, ""), kept.get(SOURCE, ""), "",
    )  # fmt: skip
    return msgspec.structs.replace(entry, hash=seal(last[1], entry)), parts


def seal(previous: str, entry: Entry) -> str:
    """Return the entry's hash: SHA-256, in hex, over the hash before it and its other fields.

    The fields are a JSON list in their order, as UTF-8 without spaces, so anybody can recompute it.
    """
    fields = msgspec.structs.astuple(entry)[:-1]
    return sha256(previous.encode() + msgspec.json.encode(fields)).hexdigest()


def commit_to(part: Personal) -> str:
    """Return what the entry holds of an erasable part: SHA-256, in hex, of salt and body."""
    return sha256(part.salt + part.body.encode()).hexdigest()


def find_break(
    last: tuple[int, str], entries: Iterable[tuple[Entry, Sequence[Personal]]]
) -> tuple[str, tuple[int, str]]:
    """Return what is wrong with the first entry that does not follow, "" when all follow `last`,
    and number and hash of the last one that does.
    """
    for entry, parts in entries:
        number, previous = last
        if entry.number != number + 1:
            return f"entry {number + 1} is missing", last
        if entry.hash != seal(previous, entry):
            return f"entry {entry.number} was changed, or what stands before it", last
        kept = {_VALUES: entry.personal, SOURCE: entry.source}
        for part in parts:
            if kept.get(part.part) != commit_to(part):
                return f"entry {entry.number}: its {part.part} were changed", last
        last = entry.number, entry.hash
    return "", last


def show(entry: Entry, parts: Iterable[Personal]) -> Shown:
    bodies = {part.part: part.body for part in parts}
    return Shown(entry, bodies.get(SOURCE, ""), bodies.get(_VALUES, ""))


def to_json(values: Mapping[str, Any]) -> str:
    """Return the values as a JSON object, "" for none."""
    return msgspec.json.encode(values, order="sorted").decode() if values else ""
