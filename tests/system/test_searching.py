"""penfold search, the real command on a real mailbox."""

import json
import subprocess
import sys

import pytest

from penfold.testing.server import serve

MAIL = """From: Ann Lee <ann@shop.example>\r
To: alice@penfold.test\r
Subject: {subject}\r
Date: Tue, 03 Nov 2026 10:0{n}:00 +0000\r
Message-ID: <{n}@shop.example>\r
\r
{body}\r
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    with serve(folder / "data"):
        pass
    for n, (subject, body) in enumerate(
        [("Dinner", "tonight"), ("東京の会議", "agenda"), ("Bill", "dinner")]
    ):
        (folder / f"{n}.eml").write_text(MAIL.format(n=n, subject=subject, body=body), newline="")
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
    assert found["subject"] == "東京の会議"
    assert {"id", "threadId", "internalDate", "labelIds", "snippet", "from"} <= set(found)


def test_more_than_asked_for_is_said(data):
    done = search(data, "--limit", "1")
    assert len(done.stdout.splitlines()) == 1
    assert "1 of 3" in done.stderr


def test_explanation_says_how_the_query_is_read_and_answered(data):
    done = search(data, "dinner -from:ann@shop.example OR in:inbox", "--explain")
    assert "the address ann@shop.example in the sender" in done.stdout
    assert "Written out: dinner {-from:ann@shop.example in:inbox}" in done.stdout
    assert "Walked, newest first:" in done.stdout
    said = json.loads(search(data, "dinner is:unread", "--explain", "--json").stdout)
    assert said["query"] == "dinner in:unread"
    assert said["walked"][0]["messages"] >= 0
    assert said["estimate"] == len(said["messages"])


def test_unknown_address_is_one_clear_line(data):
    done = run("search", "nobody@penfold.test", "x", data=data)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "penfold user list" in done.stderr
