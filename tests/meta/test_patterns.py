"""No pattern takes long over a text that was made for it: each is tried with repetitions of its own
characters, the way its module uses it, and has a hundred times the processor time it needs.
"""

import ast
import importlib
import itertools
import re
import re._parser as parser
import signal
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
CHARACTERS = 20_000
#: Of the processor: by the square of that many characters a pattern takes many seconds.
ENOUGH_S = 0.3
SEARCHING = ("search", "sub", "subn", "split", "finditer", "findall")
CATEGORIES = {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a"}


def list_modules():
    for path in sorted((SOURCE / "penfold").rglob("*.py")):
        if "re.compile(" in path.read_text() and "testing" not in path.parts:
            yield path


def uses_of(tree):
    """Return how each name is used: {"_NAME": {"match"}}."""
    found = {}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=how):
                found.setdefault(name, set()).add("search" if how in SEARCHING else how)
    return found


def patterns_in(path):
    """Yield (name, pattern, how it is used) of a module."""
    words = path.relative_to(SOURCE).with_suffix("").parts
    module = importlib.import_module(".".join(words))
    uses = uses_of(ast.parse(path.read_text()))
    for name, value in vars(module).items():
        if isinstance(value, re.Pattern):
            for how in sorted(uses.get(name, set()) & {"search", "match", "fullmatch"}):
                yield name, value, how


def characters_of(pattern):
    """Return characters that the pattern names, one of each class."""
    found = []

    def walk(items):
        for code, value in items:
            match str(code):
                case "LITERAL":
                    found.append(chr(value))
                case "IN":
                    found.extend(filter(None, map(one_of, value)))
                case "ANY" | "NOT_LITERAL":
                    found.append("q")
                case "BRANCH":
                    for branch in value[1]:
                        walk(branch)
                case "SUBPATTERN":
                    walk(value[3])
                case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                    walk(value[2])
                case "ASSERT" | "ASSERT_NOT":
                    walk(value[1])
                case "ATOMIC_GROUP":
                    walk(value)

    walk(parser.parse(pattern.pattern, pattern.flags))
    return list(dict.fromkeys(found))


def one_of(item):
    match str(item[0]):
        case "LITERAL":
            return chr(item[1])
        case "RANGE":
            return chr(item[1][0])
    return CATEGORIES.get(str(item[1]), "")


def attacks(pattern):
    """Yield texts: a few characters over and over, after one of them, with an end that fits none."""
    letters = characters_of(pattern)
    few = letters[:4]
    units = [
        *letters[:12],
        "a",
        " ",
        *map("".join, itertools.permutations(few, 2)),
        "".join(letters),
    ]
    for unit in filter(None, units):
        for start in ("", *few[:1]):
            yield start + unit * (CHARACTERS // len(unit)) + "\0!"


@pytest.mark.parametrize("path", [*list_modules()], ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_pattern_takes_long_over_a_text_made_for_it(path):
    def stop(_signal, _frame):
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, stop)
    try:
        for name, pattern, how in patterns_in(path):
            for text in attacks(pattern):
                binary = isinstance(pattern.pattern, bytes)
                data = text.encode("utf-8", "surrogatepass") if binary else text
                signal.setitimer(signal.ITIMER_VIRTUAL, ENOUGH_S)
                try:
                    getattr(pattern, how)(data)
                except TimeoutError:
                    pytest.fail(f"{name}.{how} takes long over {text[:20]!r}…")
                finally:
                    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    finally:
        signal.signal(signal.SIGVTALRM, before)
