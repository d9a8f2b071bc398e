"""penfold search against a mailbox in memory: who, how many, and how it was found."""

import contextlib
from random import Random
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from penfold.base.clock import FixedClock
from penfold.base.errors import TooCostlyError
from penfold.domain.access.identity import build_identity
from penfold.front.cli.explaining import say_label
from penfold.front.cli.searching import add_search_command, say_how_many, show_sender
from penfold.ports.mailbox import LabelRow
from penfold.proto.search.parse import parse_query
from penfold.testing.directory import MemoryDirectory
from penfold.testing.mailbox import MemoryMailboxes
from penfold.testing.sealing import PlainSealer


def label(number, name, messages=0):
    return LabelRow(number, name, "", "", "", "", messages, 0, 0, 0)


LABELS = [
    label(3, "INBOX", 1_204),
    label(100, "Work/Deep", 1),
    label(101, "a&b"),
    label(102, "a(b"),
]


@pytest.mark.parametrize(
    ("q", "said"),
    [
        ("in:inbox", "label INBOX (1,204 messages)"),
        ("label:work-deep", "label Work/Deep (Label_100, 1 message)"),
        ("label:a-b", "label a&b (Label_101, 0 messages)"),
        ('label:"a(b"', "label a(b (Label_102, 0 messages)"),
        ("label:nowhere", "label nowhere, which is not here"),
    ],
)
def test_label_is_said_with_its_name_id_and_number_of_messages(q, said):
    assert say_label(parse_query(q, now_ms=0), LABELS) == said


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ('"Lee, Ann" <ann@x.example>', "Lee, Ann"),
        ("山田太郎 <yamada@x.example>", "山田太郎"),
        ("ann@x.example", "ann@x.example"),
        ("Ann <ann@x.example>, bob@x.example", "Ann, bob@x.example"),
        ("nobody in particular", "nobody in particular"),
        ("", ""),
    ],
)
def test_sender_is_a_name_or_else_an_address(header, shown):
    assert show_sender(header) == shown


@pytest.mark.parametrize(
    ("shown", "estimate", "said"),
    [
        (3, 12, "3 of 12 messages; --limit N shows more."),
        (25, 201, "25 of at least 201 messages; --limit N shows more."),
        (300, 201, "300 of at least 301 messages; --limit N shows more."),
        (500, 201, "500 of at least 501 messages; a before:YYYY/MM/DD shows older ones."),
    ],
)
def test_line_below_says_how_many_and_how_to_get_more(shown, estimate, said):
    assert say_how_many(shown, estimate, "messages", more=True) == [said]


class SlowReader:
    """A mailbox in which every listing takes too long."""

    def __init__(self, reader):
        self.list_labels, self.explain = reader.list_labels, reader.explain
        self.find_setting, self.list_settings = reader.find_setting, reader.list_settings

    def list_messages(self, query):
        raise TooCostlyError(f"a listing of {query.limit} took too long")


def test_search_that_takes_too_long_is_explained_all_the_same():
    mailboxes = MemoryMailboxes()
    identity = build_identity(MemoryDirectory(clock=FixedClock()), mailboxes,
                              clock=FixedClock(), chance=Random(7), sealer=PlainSealer())  # fmt: skip
    identity.accounts.add_domain("penfold.test")
    identity.accounts.add("kim@penfold.test")

    @contextlib.contextmanager
    def open_reader(mailbox):
        with mailboxes.open_reader(mailbox) as reader:
            yield SlowReader(reader)

    moving = SimpleNamespace(
        accounts=identity.accounts, mailboxes=SimpleNamespace(open_reader=open_reader)
    )
    doors = SimpleNamespace(now_ms=lambda: 0, open_moving=lambda _: contextlib.nullcontext(moving))
    commands = typer.Typer()
    add_search_command(commands, doors)
    done = CliRunner().invoke(commands, ["kim@penfold.test", "dinner", "--explain"])
    assert isinstance(done.exception, TooCostlyError)
    assert "the word dinner" in done.stdout
    assert "Walked, newest first:" in done.stdout
    assert "It took" not in done.stdout
