"""What it costs to see whose an access token is: seen lately, asked of the file, not ours.

CPU time of one thread, in a directory of 20,000 accounts with a token each. A token that was seen
lately is answered from memory; the others are looked up in the file by their digest.
"""

import random
import tempfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from benchmarks.steps import time_step
from penfold.base.clock import FixedClock
from penfold.ports.directory import Account
from penfold.ports.identity import ISSUED, AccessToken, Client, Domain, Grant, IdentityWriter
from penfold.proto.oauth import ACCESS_PREFIX, digest, make_token
from penfold.spec.scopes import FULL
from penfold.store.sqlite.directory import SqliteDirectory

ACCOUNTS = 20_000


def measure() -> Iterator[tuple[str, str, str, str]]:
    clock, chance = FixedClock(), random.Random(7)
    tokens = [make_token(ACCESS_PREFIX, chance) for _ in range(ACCOUNTS)]
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        book = SqliteDirectory(Path(name) / "directory.db", clock=clock)
        book.change(lambda writer: _fill(writer, tokens, clock.now_ms()))
        seen, others = tokens[0], cycle(tokens)
        steps = {
            "seen lately": lambda: book.find_credential(seen),
            "asked of the file": lambda: book.find_credential(next(others)),
            "not ours": lambda: book.find_credential("ya29.somebody"),
        }
        for what, step in steps.items():
            yield (f"token check, {what}", f"{time_step(step):,.1f} us", "", "")
        book.close()


def _fill(writer: IdentityWriter, tokens: list[str], now_ms: int) -> None:
    scopes = frozenset({FULL.url})
    writer.add(Domain("penfold.test", now_ms))
    writer.add(Client("app", "App", "desktop", b"", "1", (), True, now_ms))
    for number, token in enumerate(tokens):
        account = f"m{number:020x}"
        writer.add(Account(account, f"u{number}@penfold.test", "", now_ms))
        grant = Grant(f"g{number}", account, "app", scopes, False, now_ms, ISSUED)
        writer.add(grant)
        writer.add(
            AccessToken(
                digest(token), grant.id, account, "app", "1", scopes, now_ms, now_ms + 3_600_000
            )
        )
