"""docs/compatibility.md is what `make gen` makes, and its notes are about methods that exist."""

import subprocess
import sys
from pathlib import Path

import pytest

from penfold.spec.compatibility import ASSUMED, DEPARTURES
from penfold.spec.registry import BY_ID

DOCS = Path(__file__).parents[2] / "docs"


def test_compatibility_page_is_up_to_date():
    command = [sys.executable, str(DOCS / "make_compatibility.py"), "--check"]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr


@pytest.mark.parametrize("note", [*DEPARTURES, *ASSUMED], ids=str)
def test_note_is_about_methods_that_exist(note):
    names = set(note.methods) - {""}
    assert all(f"gmail.users.{name}" in BY_ID for name in names)
    assert note.methods
