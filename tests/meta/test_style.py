"""Rules about the code that no linter knows; every exception carries its reason."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "penfold"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path.read_text().strip())
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "misc", "core", "manager"}

#: Longer than the budget, and why. Only ever remove lines: the last tests fail when one is
#: no longer needed.
LONG_FUNCTIONS: dict[str, str] = {}
LONG_FILES: dict[str, str] = {
    "base/limits.py": "a table: every number that bounds something, in one place",
    "spec/settings.py": "a table: every setting, declared once",
    "testing/mailbox.py": "the whole mailbox port in memory, one class per port",
}
FUNCTION_LINES = 60
FILE_LINES = 500

BARE_EXCUSE = re.compile(r"# (?:noqa: [A-Z0-9, ]+|type: ignore\[[a-z-]+\])\s*$")
BARE_NOTE = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))")
RFC = re.compile(r"RFC (\d{3,5})")


def name_of(path):
    return str(path.relative_to(SOURCE))


def functions_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{name_of(path)}:{node.name}", node.end_lineno - node.lineno + 1


LENGTHS = {name: lines for path in MODULES for name, lines in functions_of(path)}
FILE_LENGTHS = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_says_what_it_owns(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_has_a_name_that_says_something(path):
    assert not FORBIDDEN_NAMES & set(path.relative_to(SOURCE).with_suffix("").parts)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_notes_name_an_issue_and_nothing_is_kept_in_step_by_hand(path):
    text = path.read_text()
    assert not BARE_NOTE.search(text)
    assert "keep in sync" not in text.lower()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_what_a_checker_is_told_to_pass_over_has_its_reason_beside_it(path):
    bare = [line.strip() for line in path.read_text().splitlines() if BARE_EXCUSE.search(line)]
    assert not bare


def test_functions_fit_on_a_screen():
    long = {name for name, lines in LENGTHS.items() if lines > FUNCTION_LINES}
    assert long == set(LONG_FUNCTIONS)


def test_files_are_one_sitting():
    long = {name for name, lines in FILE_LENGTHS.items() if lines > FILE_LINES}
    assert long <= set(LONG_FILES)


def test_every_cited_rfc_is_in_the_table_of_standards_and_the_reverse():
    table = tomllib.loads((ROOT / "docs" / "standards.toml").read_text())
    cited = {int(number) for path in MODULES for number in RFC.findall(path.read_text())}
    listed = {int(number) for number in table}
    assert cited - listed == set(), "cited in the code, missing in docs/standards.toml"
    unused = {int(n) for n, row in table.items() if row["support"] == "full"} - cited
    assert unused == set(), "said to be fully supported, but nothing cites it"


def test_flow_page_names_modules_that_exist():
    page = (ROOT / "docs" / "flow.md").read_text()
    named = set(re.findall(r"`((?:\w+/)+\w+\.py)`", page))
    assert len(named) >= 10
    assert [name for name in sorted(named) if not (SOURCE / name).exists()] == []


def test_pages_name_tests_that_exist():
    named = {
        name
        for page in (ROOT / "docs").glob("*.md")
        for name in re.findall(r"`((?:tests|benchmarks)/[\w/.-]+\.\w+)`", page.read_text())
    }
    assert len(named) >= 40
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
