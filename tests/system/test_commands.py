"""The commands as a person types them, beside a running server."""

import json
import os
import smtplib
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from penfold.testing.server import serve


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("own") / "data") as server:
        yield server


def penfold(server, *arguments, stdin=None):
    """Run a command on the server's data and return what it did."""
    return subprocess.run(
        [sys.executable, "-m", "penfold.app.main", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        input=stdin,
        env={**os.environ, "PENFOLD_DATA": str(server.data)},
        check=False,
    )


def out(server, *arguments, stdin=None):
    result = penfold(server, *arguments, stdin=stdin)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def profile(server, token):
    request = urllib.request.Request(
        f"{server.http}/gmail/v1/users/me/profile", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def submit(server, address, password, recipient):
    context = ssl.create_default_context(cafile=server.data / "tls" / "ca.pem")
    host, port = server.submissions.split(":")
    text = f"From: {address}\r\nTo: {recipient}\r\nSubject: out\r\n\r\nbody\r\n".encode()
    with smtplib.SMTP_SSL(host, int(port), timeout=10, context=context) as smtp:
        smtp.login(address, password)
        smtp.sendmail(address, [recipient], text)


def test_an_account_made_beside_the_server_is_served_at_once(own):
    made = json.loads(out(own, "user", "add", "kim@penfold.test", "--json"))
    assert made["address"] == "kim@penfold.test"
    token = out(own, "token", "kim@penfold.test").strip()
    assert profile(own, token)["emailAddress"] == "kim@penfold.test"
    listed = json.loads(out(own, "user", "list", "--json"))
    assert {row["address"] for row in listed} >= {"alice@penfold.test", "kim@penfold.test"}


def test_a_removed_account_is_shut_out(own):
    out(own, "user", "add", "lee@penfold.test")
    token = out(own, "token", "lee@penfold.test").strip()
    out(own, "user", "remove", "lee@penfold.test", "--yes")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        profile(own, token)


def test_mail_for_another_domain_is_captured_and_shown(own):
    out(own, "user", "add", "sam@penfold.test")
    password = out(own, "app-password", "add", "sam@penfold.test").strip()
    submit(own, "sam@penfold.test", password, "pat@elsewhere.example")
    rows = json.loads(out(own, "queue", "list", "--state", "captured", "--json"))
    [row] = [row for row in rows if row["recipient"] == "pat@elsewhere.example"]
    assert row["sender"] == "sam@penfold.test"
    assert "kept here and never sent" in out(own, "queue", "show", str(row["id"]))
    assert "Subject: out" in out(own, "queue", "show", str(row["id"]), "--raw")
    assert penfold(own, "queue", "cancel", str(row["id"])).returncode == 1


def test_a_backup_beside_the_server_is_restored_and_served(own, tmp_path):
    token = own.load_document("alice")["token"]
    before = profile(own, token)
    assert "all are whole" in out(own, "data", "verify")
    out(own, "data", "backup", str(tmp_path / "copy"))
    restored = tmp_path / "restored"
    out(own, "data", "restore", str(tmp_path / "copy"), "--data", str(restored))
    with serve(restored) as again:
        assert profile(again, token) == before


def test_a_backup_into_the_data_directory_is_refused(own):
    result = penfold(own, "data", "backup", str(own.data / "copies" / "today"))
    assert (result.returncode, result.stdout) == (2, "")
    assert "name a directory outside it" in result.stderr
    assert not (own.data / "copies").exists()


def test_a_changed_password_shuts_programs_out_and_renews_the_files(own):
    old = own.load_document("bob")["token"]
    result = penfold(own, "user", "password", "bob@penfold.test", stdin="")
    assert result.returncode == 0
    with pytest.raises(urllib.error.HTTPError, match="401"):
        profile(own, old)
    assert profile(own, own.load_document("bob")["token"])["emailAddress"] == "bob@penfold.test"
    kept = own.load_document("passwords")["bob@penfold.test"]
    assert result.stdout.split()[-1] == kept["password"]
    submit(own, "bob@penfold.test", kept["app_password"], "alice@penfold.test")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["token", "nobody@penfold.test"], 1, "no such account", id="failed"),
        pytest.param(["user", "add", "kim"], 2, "address without", id="bad-address"),
        pytest.param(["frobnicate"], 2, "No such command", id="bad-command"),
        pytest.param(["user", "list", "--data", "/nowhere"], 2, "not a Penfold", id="no-data"),
        pytest.param(["config", "show", "--workers", "0"], 2, "--workers: must", id="setting"),
        pytest.param(["queue", "show", "x"], 2, "Invalid value for 'ID'", id="bad-id"),
        pytest.param(["token", "bob@penfold.test", "--scope", "x"], 2, "gmail.send", id="scope"),
        pytest.param(["data", "restore", "/nowhere"], 2, "new data directory", id="not-empty"),
        pytest.param(["data", "backup", "/proc/no/way"], 2, "/proc/no: No such", id="no-folder"),
    ],
)
def test_what_goes_wrong_is_said_and_told_by_the_exit_code(own, arguments, code, said):
    result = penfold(own, *arguments)
    assert (result.returncode, result.stdout) == (code, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr
