"""The server as a whole: how it starts, what it leaves on disk, how it stops, what it survives."""

import contextlib
import http.client
import json
import os
import signal
import smtplib
import socket
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.until import until

from penfold.testing.server import serve, start

COMMAND = [sys.executable, "-m", "penfold.app.main"]
#: Seconds a test waits for something that must happen; far above what it takes.
PATIENCE_S = 20


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A server for the tests of this file."""
    folder = tmp_path_factory.mktemp("own")
    with serve(folder / "data", args=["--workers", "2"], log=folder / "log") as server:
        yield server


def children_of(pid):
    """Return command line words of each serving child process, by pid."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except (OSError, IndexError):
            continue
        if parent == pid and words != [b""] and b"prepare" not in words:
            found[int(entry.name)] = [word.decode() for word in words]
    return found


def child(server, role):
    [pid, *_] = [pid for pid, words in children_of(server.process.pid).items() if role in words]
    return pid


def get(server, path, **options):
    with urllib.request.urlopen(server.http + path, timeout=10, **options) as answer:
        return answer.read().decode()


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def run(*arguments, env=None):
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **(env or {})},
        check=False,
    )


def log_of(server):
    lines = (server.data.parent / "log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def serve_arguments(data, **listeners):
    named = dict.fromkeys(("http", "smtp", "submission", "submissions"), "127.0.0.1:0") | listeners
    return ["serve", "--data", str(data), *(f"--{name}={value}" for name, value in named.items())]


# --- what is there when it is ready ------------------------------------------------------


def test_everything_in_the_data_directory_is_private(own):
    for path in (own.data, *own.data.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_credentials_files_carry_the_real_address(own):
    names = {path.name for path in (own.data / "credentials").iterdir()}
    people = {"alice.json", "bob.json", "passwords.json"}
    assert names == people | {"client_secret.json", "service-account.json"}
    assert own.load_document("alice")["token_uri"].startswith(own.http + "/")
    assert own.load_document("client_secret")["installed"]["auth_uri"].startswith(own.http + "/")


def test_every_listener_of_the_ready_line_answers(own):
    for address in (own.smtp, own.submission):
        host, port = address.split(":")
        with smtplib.SMTP(host, int(port), timeout=10) as smtp:
            assert smtp.ehlo()[0] == 250
            assert smtp.has_extn("starttls")
    assert get(own, "/healthz") == get(own, "/readyz") == "ok\n"


def test_one_port_answers_http_and_https_with_the_local_authority(own):
    context = ssl.create_default_context(cafile=own.data / "tls" / "ca.pem")
    with urllib.request.urlopen(
        own.http.replace("http:", "https:") + "/healthz", context=context, timeout=10
    ) as answer:
        assert answer.read() == b"ok\n"


def test_the_log_says_which_database_settings_are_in_force(own):
    [line, *_] = [line for line in log_of(own) if line["event"] == "storage"]
    assert (line["journal_mode"], line["synchronous"], line["mmap_size"]) == ("wal", 2, 0)
    assert tuple(map(int, line["sqlite"].split("."))) >= (3, 51, 3)


def test_a_request_is_one_line_with_the_id_of_its_answer(own):
    token = own.load_document("alice")["token"]
    request = urllib.request.Request(
        f"{own.http}/gmail/v1/users/me/profile?prettyPrint=false",
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        number = answer.headers["x-request-id"]
    [line] = until(lambda: [line for line in log_of(own) if line.get("id") == number])
    assert (line["method"], line["status"]) == ("gmail.users.getProfile", 200)
    assert token not in json.dumps(log_of(own))


def test_metrics_add_up_all_processes(own):
    for _ in range(20):
        get(own, "/healthz")
    families = text_string_to_metric_families(get(own, "/metrics"))
    samples = {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}
    assert samples["penfold_http_requests_total", "operations", "200"] >= 20
    assert samples["penfold_process_starts_total", "http"] >= 2
    assert samples["penfold_queue_messages", "captured"] == 0


@pytest.mark.parametrize("role", ["http", "mail"])
def test_no_process_leaves_its_memory_behind_when_it_crashes(own, role):
    limits = Path(f"/proc/{child(own, role)}/limits").read_text()
    [line] = [each for each in limits.splitlines() if each.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"]


# --- connections ---------------------------------------------------------------------------


def test_a_connection_serves_many_requests(own):
    with closing(http.client.HTTPConnection(own.http.removeprefix("http://"), timeout=10)) as conn:
        for _ in range(3):
            conn.request("GET", "/healthz")
            assert conn.getresponse().read() == b"ok\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"X-Long: " + b"a" * 400_000 + b"\r\n", 431, id="endless-header"),
        pytest.param(b"X-Many: a\r\n" * 5000, 431, id="many-headers"),
        pytest.param(b"no colon\r\n", 400, id="malformed"),
    ],
)
def test_a_bad_head_is_refused(own, head, status):
    host, port = own.http.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as conn:
        conn.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n")
        assert conn.recv(4096).split(b" ")[1] == b"%d" % status


def test_a_connection_that_ends_before_a_word_is_forgotten(own):
    host, port = own.http.removeprefix("http://").split(":")
    for _ in range(5):
        socket.create_connection((host, int(port)), timeout=10).close()
    assert get(own, "/healthz") == "ok\n"


# --- processes die ---------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["http", "mail"])
def test_a_killed_process_is_replaced_and_serves(own, role):
    before = child(own, role)
    os.kill(before, signal.SIGKILL)
    until(lambda: before not in children_of(own.process.pid))
    until(lambda: len(children_of(own.process.pid)) == 3)
    assert get(own, "/readyz") == "ok\n"
    host, port = own.smtp.split(":")
    with smtplib.SMTP(host, int(port), timeout=10) as smtp:
        assert smtp.noop()[0] == 250
    line = until(lambda: [x for x in log_of(own) if x["event"] == "process_died"])[-1]
    assert (line["role"], line["status"]) == (role, -9)


def test_killing_the_supervisor_leaves_nobody_behind(tmp_path):
    server = start(tmp_path / "data", log=tmp_path / "log")
    pids = list(children_of(server.process.pid))
    assert len(pids) == 2
    server.process.kill()
    server.process.wait()
    until(lambda: not any(lives(pid) for pid in pids))
    with serve(tmp_path / "data", log=tmp_path / "log") as again:
        assert get(again, "/readyz") == "ok\n"


# --- start and stop ----------------------------------------------------------------------------


def test_a_second_start_keeps_what_the_first_made(tmp_path):
    with serve(tmp_path / "data") as first:
        kept = first.load_document("alice"), (first.data / "tls" / "ca.pem").read_bytes()
    with serve(tmp_path / "data") as second:
        again = second.load_document("alice"), (second.data / "tls" / "ca.pem").read_bytes()
        assert kept[0] | {"token_uri": ""} == again[0] | {"token_uri": ""}
        assert kept[1] == again[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda s: s.name)
def test_asked_to_stop_it_ends_with_code_0_and_nobody_behind(tmp_path, number):
    server = start(tmp_path / "data")
    pids = list(children_of(server.process.pid))
    server.process.send_signal(number)
    assert server.process.wait(PATIENCE_S) == 0
    assert not any(lives(pid) for pid in pids)


def test_a_message_in_hand_is_answered_when_the_server_stops(tmp_path):
    server = start(tmp_path / "data")
    host, port = server.smtp.split(":")
    with smtplib.SMTP(host, int(port), timeout=PATIENCE_S) as smtp:
        smtp.ehlo()
        smtp.mail("kim@elsewhere.example")
        smtp.rcpt("alice@penfold.test")
        smtp.putcmd("DATA")
        assert smtp.getreply()[0] == 354
        server.process.send_signal(signal.SIGTERM)
        smtp.send(b"Subject: late\r\n\r\nbody\r\n.\r\n")
        code = smtp.getreply()[0]
        smtp.close()
    assert server.process.wait(PATIENCE_S) == 0
    assert code in (250, 421)


def test_a_second_server_on_the_same_data_is_refused(own):
    result = run(*serve_arguments(own.data))
    assert result.returncode == 2
    assert result.stderr.startswith(f"penfold: {own.data} is in use by another Penfold server")
    assert get(own, "/readyz") == "ok\n"


@pytest.mark.parametrize("listener", ["http", "smtp", "submission", "submissions"])
def test_a_port_in_use_is_refused_in_one_line(tmp_path, listener):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = run(*serve_arguments(tmp_path / "data", **{listener: address}))
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == (
        f"penfold: --{listener} {address}: the port is in use; "
        f"stop what uses it or choose another --{listener} HOST:PORT\n"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("workers = 0\n", "workers: must be from 1 to 64, not 0", id="bad-value"),
        pytest.param('domains = ["example.com"]\n', "hostname: production mode", id="no-name"),
    ],
)
def test_a_bad_configuration_is_refused_in_one_line(tmp_path, text, line):
    (tmp_path / "penfold.toml").write_text(text)
    result = run(*serve_arguments(tmp_path))
    assert (result.returncode, result.stdout) == (2, "")
    assert line in result.stderr
    assert result.stderr.count("\n") == 1


def test_data_of_a_newer_release_is_refused(tmp_path):
    start(tmp_path / "data").stop()
    schema = tmp_path / "data" / "schema.json"
    schema.write_text(json.dumps(json.loads(schema.read_text()) | {"mailbox": 999}))
    result = run(*serve_arguments(tmp_path / "data"))
    assert result.returncode == 2
    assert "was written by a newer release of Penfold (mailbox)" in result.stderr


def test_a_wiped_database_is_never_taken_for_a_new_one(tmp_path):
    start(tmp_path / "data").stop()
    path = tmp_path / "data" / "directory.db"
    with path.open("r+b") as file:
        file.write(bytes(4096))
    result = run(*serve_arguments(tmp_path / "data"))
    assert result.returncode != 0
    assert "penfold data restore" in result.stderr


def test_only_this_machine_reads_metrics_unless_forwarded(own):
    request = urllib.request.Request(own.http + "/metrics", headers={"X-Forwarded-For": "1.2.3.4"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=10)


def test_with_few_descriptors_the_surplus_is_told_so_and_the_server_goes_on(tmp_path):
    words = " ".join([*COMMAND, *serve_arguments(tmp_path / "data")])
    process = subprocess.Popen(
        ["bash", "-c", f"ulimit -n 256; exec {words}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        ready = json.loads(process.stdout.readline())
        for listener, served in (("smtp", b"220"), ("http", b"HTTP/1.1 200")):
            host, port = ready[listener].removeprefix("http://").split(":")
            address = (host, int(port))
            answers = set()
            with contextlib.ExitStack() as open_ones:
                for _ in range(300):
                    conn = open_ones.enter_context(socket.create_connection(address, timeout=10))
                    if listener == "http":
                        conn.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                    answers.add(conn.recv(12))
            assert {answer[: len(served)] == served for answer in answers} == {True, False}
            assert {a[:12] for a in answers} <= {
                b"220 penfold.", b"421 4.7.0 To", b"421 4.3.2 To", b"HTTP/1.1 200", b"HTTP/1.1 503",
            }  # fmt: skip
            until(lambda address=address, served=served: greeting(address).startswith(served))
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
        process.stdout.close()


def greeting(address):
    """Return what a newcomer is told."""
    with socket.create_connection(address, timeout=10) as conn:
        conn.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        return conn.recv(12)
