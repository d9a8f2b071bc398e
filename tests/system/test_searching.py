"""penfold search, the real command on a real mailbox."""

import contextlib
import json
import os
import pty
import subprocess
import sys

import pytest
from rich.cells import cell_len

from penfold.testing.server import serve

MAIL = """From: Ann Lee <ann@shop.example>\r
To: alice@penfold.test\r
Subject: {subject}\r
Date: Tue, 03 Nov 2026 10:0{n}:00 +0000\r
Message-ID: <{n}@shop.example>\r
{more}\r
\r
{body}\r
"""
#: Two columns a character, and a blank that is as wide.
LONG = "東京の会議　四半期報告書と来年度の予算案をお送りしますのでご確認をお願いいたします。添付の資料もご覧ください"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    with serve(folder / "data"):
        pass
    for n, (subject, body) in enumerate(
        [("Dinner", "tonight"), (LONG, "agenda"), ("Bill", "dinner"), ("Re: Bill", "paid")]
    ):
        more = "In-Reply-To: <2@shop.example>" if subject.startswith("Re:") else "X-First: yes"
        text = MAIL.format(n=n, subject=subject, body=body, more=more)
        (folder / f"{n}.eml").write_text(text, newline="")
        run("import", "alice@penfold.test", str(folder / f"{n}.eml"), data=folder / "data")
    return folder / "data"


def run(*args, data):
    command = [sys.executable, "-m", "penfold.app.main", *args, "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def search(data, *args):
    return run("search", "alice@penfold.test", *args, data=data)


def test_what_is_found_is_listed_newest_first(data):
    done = search(data, "dinner")
    assert done.returncode == 0
    assert [line.split("\t")[2] for line in done.stdout.splitlines()] == ["Bill", "Dinner"]


def test_json_has_the_names_of_the_api(data):
    [found] = json.loads(search(data, "京の", "--json").stdout)
    assert found["subject"] == LONG
    assert {"id", "threadId", "internalDate", "labelIds", "snippet", "from"} <= set(found)


def test_more_than_asked_for_is_said(data):
    done = search(data, "--limit", "1")
    assert len(done.stdout.splitlines()) == 1
    assert "1 of 4 messages; --limit N" in done.stderr


def test_explanation_says_how_the_query_is_read_and_answered(data):
    done = search(data, "dinner -from:ann@shop.example OR in:inbox", "--explain")
    assert "the address ann@shop.example in the sender" in done.stdout
    assert "Written out: dinner {-from:ann@shop.example in:inbox}" in done.stdout
    assert "label INBOX (0 messages)" in done.stdout
    assert "Walked, newest first:" in done.stdout
    said = json.loads(search(data, "dinner is:unread", "--explain", "--json").stdout)
    assert said["query"] == "dinner in:unread"
    assert said["walked"][0]["messages"] >= 0
    assert said["estimate"] == len(said["messages"])


@pytest.mark.parametrize("q", ["-from:dan", "-has:attachment", "-dinner"])
def test_query_may_begin_with_a_minus(data, q):
    done = search(data, q)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_unknown_address_is_one_clear_line(data):
    done = run("search", "nobody@penfold.test", "x", data=data)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "penfold user list" in done.stderr


def test_threads_are_shown_once_at_their_newest_match(data):
    assert list_subjects(data, "--threads") == ["Re: Bill", LONG, "Dinner"]
    assert list_subjects(data, "dinner", "--threads") == ["Bill", "Dinner"]


def list_subjects(data, *args):
    return [each["subject"] for each in json.loads(search(data, *args, "--json").stdout)]


@pytest.mark.parametrize("width", [80, 120])
def test_every_message_is_one_line_of_the_terminal(data, width):
    lines = show_on_terminal(data, width)
    assert all(cell_len(line) <= width for line in lines)
    ids = [each["id"] for each in json.loads(search(data, "--json").stdout)]
    assert [line.split()[-1] for line in lines] == ["id", *ids, "messages."]
    assert "東京の会議 四" in lines[3]
    assert "…" in lines[3]
    assert lines[-1] == "4 messages."


def show_on_terminal(data, width, *args):
    """Return the lines of penfold search on a terminal this wide."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "penfold.app.main", "search", "alice@penfold.test", *args]
    env = {**os.environ, "COLUMNS": str(width), "TERM": "dumb", "NO_COLOR": "1"}
    done = subprocess.run(
        [*command, "--data", str(data)], stdin=theirs, stdout=theirs, stderr=theirs, env=env,
        check=True,
    )  # fmt: skip
    os.close(theirs)
    assert done.returncode == 0
    text = b""
    with contextlib.suppress(OSError):  # EIO: Linux's end of a terminal
        while piece := os.read(ours, 65_536):
            text += piece
    os.close(ours)
    return [line.rstrip() for line in text.decode().splitlines()]
