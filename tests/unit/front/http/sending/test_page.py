"""docs/sending-api.md says what the code says."""

import re
from pathlib import Path

from penfold.ports.sending.events import EventKind
from penfold.spec.sending.problems import PROBLEMS
from penfold.spec.sending.registry import REGISTRY
from penfold.spec.sending.scopes import SCOPES

PAGE = (Path(__file__).parents[5] / "docs" / "sending-api.md").read_text()


def rows(*columns):
    return "| " + " | ".join(columns) + " |"


def test_the_page_has_every_call_in_its_order():
    wanted = [
        rows(f"`{one.id.removeprefix('sending.')}`", f"`{one.verb} /{one.path}`", f"`{one.scope}`",
             one.summary)
        for one in REGISTRY
    ]  # fmt: skip
    assert [line for line in PAGE.splitlines() if re.match(r"\| `\w+\.\w+` \|", line)] == wanted


def test_the_page_has_every_scope():
    wanted = [rows(f"`{scope}`", sentence) for scope, sentence in SCOPES.items()]
    assert [line for line in PAGE.splitlines() if re.match(r"\| `\w+:[\w*]+` \|", line)] == wanted


def test_the_page_has_every_error_by_its_status():
    shown = {
        (int(status), name)
        for status, names in re.findall(r"^\| (\d{3}) \| ([^|]*) \|", PAGE, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", names)
    }
    assert shown == {(each.status, each.name) for each in PROBLEMS}


def test_the_page_has_every_kind_of_event():
    [sentence] = re.findall(r"Types are (.*?), each of one recipient", PAGE, re.DOTALL)
    found = [name.removeprefix("email.") for name in re.findall(r"`([\w.]+)`", sentence)]
    assert found == list(EventKind)
