"""Bring one database file to the shape this release knows.

A file carries the number of its last migration in `user_version`. The steps of a kind of file
are the modules `penfold.store.sqlite.migrations.<kind>_NNNN_<what>`, each with `STATEMENTS` (SQL)
or `upgrade(connection)`. `migrate` is called on every open: at the newest number it costs one
pragma. Otherwise it takes the write lock, looks again (another process may have been first)
and runs the missing steps in one transaction, so a killed migration leaves the file as it was.

A file newer than the release is refused, never touched.
"""

import pkgutil
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from types import ModuleType

import apsw

from penfold.base.errors import NewerDataError
from penfold.store.sqlite import migrations
from penfold.store.sqlite.open import user_version

Step = Callable[[apsw.Connection], None]
_NAME = re.compile(r"([a-z]+)_([0-9]{4})_[a-z0-9_]+")


def migrate(
    connection: apsw.Connection, kind: str, *, steps: Mapping[int, Step] | None = None
) -> bool:
    """Run the missing steps of `kind` (`steps` in place of the shipped ones, if given).

    Returns whether anything was done. NewerDataError when the file is ahead of us; any other
    error leaves the file unchanged.
    """
    known = find_steps(kind) if steps is None else steps
    newest = max(known)
    if _check_version(connection, newest) == newest:
        return False
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _check_version(connection, newest)
        for number in range(found + 1, newest + 1):
            known[number](connection)
            connection.execute(f"PRAGMA user_version={number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return found != newest


@cache
def find_steps(kind: str) -> Mapping[int, Step]:
    """Return the shipped steps of a kind of file, numbered from 1 without gaps."""
    steps: dict[int, Step] = {}
    for module in pkgutil.iter_modules(migrations.__path__):
        match = _NAME.fullmatch(module.name)
        if match and match[1] == kind:
            steps[int(match[2])] = _step(import_module(f"{migrations.__name__}.{module.name}"))
    if sorted(steps) != list(range(1, len(steps) + 1)) or not steps:
        raise LookupError(f"migrations of {kind} are not 1..n: {sorted(steps)}")
    return steps


def newest_version(kind: str) -> int:
    return max(find_steps(kind))


def _check_version(connection: apsw.Connection, newest: int) -> int:
    found = user_version(connection)
    if found > newest:
        raise NewerDataError("file is newer than this release", found=found, newest=newest)
    return found


def _step(module: ModuleType) -> Step:
    if hasattr(module, "upgrade"):
        step: Step = module.upgrade
        return step
    statements: str = module.STATEMENTS
    return lambda connection: _run(connection, statements)


def _run(connection: apsw.Connection, statements: str) -> None:
    """Run every statement; a cursor stops at the first row, fetchall goes on."""
    connection.execute(statements).fetchall()
