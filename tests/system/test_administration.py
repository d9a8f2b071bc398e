"""The administration API and the audit log on a running server, with Google's library."""

import json
import os
import signal
import subprocess
import sys

import httpx
import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

from penfold.base.clock import FixedClock
from penfold.ports.identity import Domain
from penfold.store.sqlite.directory import SqliteDirectory
from penfold.testing.server import serve

ALICE, BOB = "alice@penfold.test", "bob@penfold.test"
#: Adds domains as fast as it can and says so with the first.
WRITER = """
import itertools, sys
from pathlib import Path
from penfold.base.clock import FixedClock
from penfold.ports.identity import Domain
from penfold.store.sqlite.directory import SqliteDirectory
book = SqliteDirectory(Path(sys.argv[1]), clock=FixedClock())
for number in itertools.count():
    book.change(lambda writer: writer.add(Domain(f"d{number:06}.test", 1)))
    print(number, flush=True)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("administration")
    with serve(folder / "data", args=["--workers", "1"], log=folder / "log") as running:
        running.run("user", "role", ALICE, "admin")
        yield running


def build_admin(server, address):
    document = httpx.get(f"{server.http}/admin/v1/$discovery/rest").json()
    token = server.run("token", address, "--scope", "admin").strip()
    return build_from_document(document, credentials=Credentials(token))


def test_an_admin_suspends_somebody_at_once_and_the_log_says_who_and_from_where(server):
    bobs = {"Authorization": f"Bearer {server.load_document('bob')['token']}"}
    profile = f"{server.http}/gmail/v1/users/me/profile"
    assert httpx.get(profile, headers=bobs).status_code == 200
    with build_admin(server, ALICE) as admin:
        changed = admin.users().update(userKey=BOB, body={"suspended": True}).execute()
    assert changed["suspended"]
    assert httpx.get(profile, headers=bobs).status_code == 401
    [entry] = json.loads(server.run("audit", "list", "--account", BOB, "--limit", "1", "--json"))
    assert (entry["actor"], entry["source"], entry["what"]) == (
        ALICE, "127.0.0.1", '{"suspended":false} → {"suspended":true}',
    )  # fmt: skip
    with build_admin(server, ALICE) as admin:
        admin.users().update(userKey=BOB, body={"suspended": False}).execute()
    assert "entries fit" in server.run("audit", "verify")


def test_a_user_is_refused_whatever_scope_the_token_has(server):
    with build_admin(server, BOB) as admin, pytest.raises(HttpError) as refused:
        admin.users().list().execute()
    assert refused.value.status_code == 403
    rows = json.loads(server.run("audit", "list", "--account", BOB, "--json"))
    [denied] = [row for row in rows if row["action"] == "deny"]
    assert (denied["actor"], denied["kind"], denied["source"], denied["what"]) == (
        BOB, "admin.users.list", "127.0.0.1", '{"lack":"role"}',
    )  # fmt: skip


def test_the_command_line_is_named_as_the_operator(server):
    rows = json.loads(server.run("audit", "list", "--account", ALICE, "--limit", "500", "--json"))
    [role] = [row for row in rows if row["kind"] == "role"]
    assert role["actor"].startswith(f"operator {os.getuid()}")
    assert role["source"] == "command line"


def test_a_kill_leaves_as_many_entries_as_changes(tmp_path):
    path = tmp_path / "directory.db"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    said = [writer.stdout.readline() for _ in range(20)]
    writer.send_signal(signal.SIGKILL)
    writer.wait(10)
    writer.stdout.close()
    book = SqliteDirectory(path, clock=FixedClock())
    domains, (wrong, last) = book.list_by(Domain), book.check_audit()
    book.close()
    assert wrong == ""
    assert len(said) <= len(domains) == last[0]
