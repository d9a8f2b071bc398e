"""What `penfold placement` prints and ends with."""

import json
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from penfold.base.clock import FixedClock
from penfold.front.cli.output import WrongUseError
from penfold.front.cli.placement import add_placement_command
from penfold.ports.seeds import Place, SeedError, Where


class Seed:
    """A mailbox with every message it is asked for, but none before something was sent."""

    def __init__(self, place):
        self.place = place

    def find(self, message_id):
        if self.place is SeedError:
            raise SeedError("imap.example.net: the login is refused")
        return self.place if message_id == "e@home.example" else None


class Api:
    def ask(self, verb, path, value=None):
        if verb == "POST":
            return {"id": "e"}
        return {"message_id": "<e@home.example>", "last_event": "delivered"}


@pytest.fixture
def run(tmp_path):
    def run_it(text, *options, **seeds):
        file = tmp_path / "email"
        file.write_text(text)
        tools = SimpleNamespace(
            load_file=lambda path, _: path.read_bytes(), open_api=lambda _: Api()
        )
        opened = {f"{name}@seed.example": Seed(place) for name, place in seeds.items()}
        clock = FixedClock()
        doors = SimpleNamespace(
            now_ms=clock.now_ms,
            wait=lambda seconds: clock.advance(ms=round(1_000 * seconds)),
            find_templates=lambda: tools,
            open_seeds=lambda _: opened,
        )
        commands = typer.Typer()
        add_placement_command(commands, doors)
        return CliRunner().invoke(commands, [str(file), *options])

    return run_it


def test_a_person_reads_places_and_what_shares_are_of(run):
    odd = Place(Where.FOLDER, "a\x1b[2J")
    done = run("Subject: x\n\nx\n", a=Place(Where.INBOX), b=odd, c=SeedError)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "a@seed.example\tinbox\tdelivered\t",
        "b@seed.example\tfolder a\\x1b[2J\tdelivered\t",
        "c@seed.example\t\t\timap.example.net: the login is refused",
    ]
    assert done.stderr.splitlines() == [
        "2 of 2 found",
        "inbox: 1 of 2 reached seeds (50%)",
        "folder a\\x1b[2J: 1 of 2 reached seeds (50%)",
        "1 not reached, in no share",
    ]


def test_what_is_missing_is_looked_for_as_long_as_is_said(run):
    done = run("{}", "--within", "5", "--json", a=None)
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "0 of 1 found; 5 s left", "0 of 1 found; 4 s left", "0 of 1 found; 2 s left", "0 of 1 found",
    ]  # fmt: skip
    answer = json.loads(done.stdout)
    assert answer["shares"] == [{"place": "missing", "seeds": 1, "of": 1, "share": 1.0}]


def test_a_mail_that_is_where_it_should_be_ends_in_success(run):
    assert run("{}", a=Place(Where.INBOX)).exit_code == 0
    assert isinstance(run("{bad", a=None).exception, WrongUseError)
