"""Make docs/compatibility.md: `python docs/make_compatibility.py` writes, `--check` only compares.

What shows a method is read from the tests: its name (`labels.create`), its id or its handler's
name as a word of its own in quotes.
"""

import re
import sys
from pathlib import Path

from penfold.front.http.registration import find_handlers
from penfold.spec.compatibility import ASSUMED, DEPARTURES
from penfold.spec.discovery import REVISION
from penfold.spec.registry import REGISTRY

DOCS = Path(__file__).parent
TESTS = DOCS.parent / "tests"
PAGE = DOCS / "compatibility.md"
PREFIX = "gmail.users."


def make_page():
    served = find_handlers()
    head = (DOCS / "compatibility.head.md").read_text()
    head = head.format(revision=REVISION, served=len(served), methods=len(REGISTRY))
    return "\n".join(
        [
            head,
            "## Methods",
            "",
            "Units: in the table since 2026-05-01 / in the one before. Numbers point to the notes.",
            "",
            "| method | since | units | shown by | notes |",
            "|---|---|---|---|---|",
            *(_method_row(method) for method in REGISTRY),
            "",
            "## Differences on purpose",
            "",
            "| | methods | here | Gmail | why |",
            "|---|---|---|---|---|",
            *(
                f"| {number} | {_names(row.methods)} | {row.here} | {row.gmail} | {row.why} |"
                for number, row in enumerate(DEPARTURES, 1)
            ),
            "",
            "## Assumed",
            "",
            "Nobody has published what Gmail does here; a later measurement may change it.",
            "",
            "| | methods | what |",
            "|---|---|---|",
            *(
                f"| {number} | {_names(row.methods)} | {row.text} |"
                for number, row in enumerate(ASSUMED, len(DEPARTURES) + 1)
            ),
            "",
        ]
    )


def _method_row(method):
    name = method.id.removeprefix(PREFIX)
    units = f"{method.cost.since_2026} / {method.cost.before_2026}"
    notes = ", ".join(
        str(number) for number, row in enumerate((*DEPARTURES, *ASSUMED), 1) if name in row.methods
    )
    return f"| {name} | {method.since or '-'} | {units} | {_shown_by(method)} | {notes} |"


def _shown_by(method):
    words = {method.id.removeprefix(PREFIX), method.id, method.handler}
    found = [
        path.stem.removeprefix("test_") if "conformance" not in path.parts else "conformance"
        for path, quoted in _quoted().items()
        if words & quoted
    ]
    return ", ".join(sorted(dict.fromkeys(found))) or "-"


_QUOTED = {}


def _quoted():
    """Return the words in quotes of every test, by path."""
    if not _QUOTED:
        for path in sorted(TESTS.rglob("test_*.py")):
            if "node_modules" not in path.parts and "meta" not in path.parts:
                _QUOTED[path] = set(re.findall(r'"([\w.]+)"', path.read_text()))
    return _QUOTED


def _names(methods):
    return "all" if methods == ("",) else ", ".join(f"`{name}`" for name in methods)


def main():
    page = make_page()
    if "--check" in sys.argv:
        if PAGE.read_text() != page:
            sys.exit(f"{PAGE.name} is not up to date: run `make gen` and commit it")
    else:
        PAGE.write_text(page)


if __name__ == "__main__":
    main()
