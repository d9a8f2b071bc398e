"""Every method that is served is shown by the clients people have, with all it may answer.

What tests/conformance shows is read from its calls: `api.ok("labels.create", …)` and
`api.fails(LABEL_EXISTS, "labels.create", …)`. It runs on Google's client for Python, pointed at
the server in two ways, and on Node's.
"""

import ast
import re
from pathlib import Path

import pytest

from penfold.spec import problems
from penfold.spec.registry import REGISTRY

FOLDER = Path(__file__).parents[1] / "conformance"
SERVED = [method for method in REGISTRY if method.since]
PROBLEM_NAMES = {
    id(value): name for name, value in vars(problems).items() if isinstance(value, problems.Problem)
}
#: Problems that take too much to bring about three times over, and the test that shows them.
SHOWN_ELSEWHERE = {
    "MESSAGE_TOO_LARGE": "test_message_over_the_limit_is_refused",
    "SENDING_LIMIT_RETRY_AFTER": "test_the_message_after_the_last_waits_until_the_first_is_a_day_old",
    "TOO_MANY_CONFIRMATIONS": "test_only_so_many_codes_are_mailed_a_day",
    "TOO_MANY_FILTERS": "test_filters_end_at_the_limit_and_go_on_after_a_deletion",
    "TOO_MANY_USER_LABELS": "test_labels_end_at_the_limit_and_go_on_after_a_deletion",
}
#: What succeeds only after days, and the test that lets them pass.
SUCCEEDS_LATER = {
    "settings.cse.keypairs.obliterate": (
        "test_a_key_pair_is_obliterated_thirty_days_after_it_was_first_disabled"
    )
}


def calls():
    """Yield (function, literal arguments) of each call of the API."""
    for path in FOLDER.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                words = [
                    arg.value if isinstance(arg, ast.Constant) else getattr(arg, "id", None)
                    for arg in node.args
                ]
                yield node.func.attr, words


CALLS = list(calls())
SUCCEEDED = {words[0] for name, words in CALLS if name == "ok"}
FAILED = {(words[1], words[0]) for name, words in CALLS if name == "fails"}


@pytest.mark.parametrize("method", SERVED, ids=lambda m: m.id)
def test_served_method_is_shown_with_everything_it_may_answer(method):
    name = method.id.removeprefix("gmail.users.")
    assert name in SUCCEEDED | SUCCEEDS_LATER.keys()
    declared = {PROBLEM_NAMES[id(problem)] for problem in method.errors}
    shown = {problem for shown, problem in FAILED if shown == name}
    assert declared - shown - SHOWN_ELSEWHERE.keys() == set()


@pytest.mark.parametrize("test", [*SHOWN_ELSEWHERE.values(), *SUCCEEDS_LATER.values()])
def test_what_is_shown_elsewhere_is_shown_there(test):
    tests = (FOLDER.parent / "unit").rglob("test_*.py")
    assert any(f"def {test}(" in path.read_text() for path in tests)


def test_each_of_the_forty_oddities_has_a_test():
    text = (FOLDER / "test_oddities.py").read_text()
    assert sorted(map(int, re.findall(r"def test_(\d\d)_", text))) == list(range(1, 41))
