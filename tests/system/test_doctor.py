"""`penfold doctor`: each thing that can be wrong is found, with the command that mends it."""

import json
import shutil
import socket
import subprocess
import time

import pytest

from penfold.app.checkup import certificate, databases, folder, listeners, machine, mail
from penfold.app.checkup.patient import Patient
from penfold.app.checkup.run import examine
from penfold.app.command.care import Care
from penfold.app.config import load_settings
from penfold.base.limits import QUEUE_STUCK_MS
from penfold.domain.health import Level, is_sick
from penfold.net.certificates import make_authority, make_server_certificate
from penfold.ports.queue import NewQueueRow, QueueState
from penfold.store.backup_log import Backup, note_backup
from penfold.store.sqlite.queue import SqliteQueue
from penfold.testing.dns import DnsServer
from penfold.testing.server import configure, serve

#: An hour ahead: the tests of this file may begin long after this line.
NOW = time.time_ns() // 1_000_000 + 3_600_000
DAY_MS = 86_400_000
FREE = dict.fromkeys(("http", "smtp", "submission", "submissions"), "127.0.0.1:0")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The data directory of a server for a domain that has run once."""
    data = tmp_path_factory.mktemp("whole") / "data"
    configure(data, domains=["example.com"], hostname="mail.example.com", **FREE)
    with serve(data):
        pass
    return data


@pytest.fixture
def data(whole, tmp_path):
    """A copy to break, whose DNS answers nothing but that there is nothing."""
    copy = tmp_path / "data"
    shutil.copytree(whole, copy)
    with DnsServer({}) as dns:
        configure_more(copy, dns_servers=f"{dns.host}:{dns.port}")
        (copy / "penfold.toml").chmod(0o600)
        yield copy


def configure_more(data, **settings):
    text = (data / "penfold.toml").read_text()
    (data / "penfold.toml").write_text(
        text + "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    )


#: What is run of each area: an examination as a whole looks at everything, which takes its time.
CHECKS = {
    "files": (folder.check_modes,),
    "release": (folder.check_release,),
    "databases": (databases.check_databases,),
    "secrets": (databases.check_secrets,),
    "backup": (databases.check_backup,),
    "listeners": (listeners.check_listeners,),
    "certificate": (certificate.check_certificate,),
    "queue": (mail.check_queue,),
    "relays": (mail.check_relays,),
    "dns": (mail.check_domains,),
    "clock": (machine.check_clock,),
    "server": (machine.check_life,),
}


def findings(data, area, *, level=None, now_ms=NOW, running=False):
    if area == "settings":
        found = [each for each in examine(data, now_ms) if each.area == area]
    else:
        settings = load_settings({"data": str(data)}, {}).settings
        patient = Patient(data, settings, now_ms, running, {})
        found = [each for check in CHECKS[area] for each in check(patient)]
    assert {each.area for each in found} == {area}
    return [each for each in found if level is None or each.level is level]


def errors(data, area, **options):
    found = findings(data, area, level=Level.ERROR, **options)
    assert all(each.why and each.mend for each in found)
    return found


def test_beside_a_running_server_all_is_well_and_each_area_is_spoken_of(server):
    found = json.loads(server.run("doctor", "--json"))
    assert [each for each in found if each["level"] == "error"] == []
    areas = {each["area"] for each in found}
    assert areas >= {"settings", "files", "disk", "databases", "secrets", "listeners", "queue"}
    assert areas >= {"certificate", "dns", "limits", "memory", "clock", "server", "backup"}
    [said] = [each["what"] for each in found if each["area"] == "listeners"]
    assert said == "Each of http, smtp, submission, submissions answers."


def test_without_a_server_the_same_is_looked_at_and_nothing_of_local_mode_is_missed(data):
    found = list(examine(data, NOW))
    assert {each.area for each in found if each.level is Level.ERROR} == {"dns"}
    [said] = [each.what for each in found if each.area == "listeners"]
    assert "no server runs" in said


def test_the_command_says_what_why_and_how_and_ends_with_1(data):
    from penfold.app.command.commands import run_command

    data.chmod(0o755)
    assert run_command(["doctor", "--data", str(data), "--quiet"]) == 1


def test_files_that_others_may_read_are_an_error_that_chmod_mends(data):
    (data / "queue.db").chmod(0o644)
    [closed] = findings(data, "files")
    assert (closed.level, "queue.db" in closed.what) == (Level.WARNING, True)
    data.chmod(0o755)
    [found] = errors(data, "files")
    assert "queue.db" in found.what
    subprocess.run(found.mend, shell=True, check=True)
    assert findings(data, "files")[0].level is Level.OK


def test_a_damaged_database_is_found(data):
    (data / "queue.db").write_bytes(b"no database" * 1000)
    assert "queue.db" in errors(data, "databases")[0].what


def test_a_mailbox_that_was_set_aside_is_named(data):
    folder = data / "mailboxes" / "ab" / "cd"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "abcd12.db.damaged").write_text("{}")
    [found] = errors(data, "databases")
    assert "abcd12" in found.what
    assert found.mend == "penfold data verify"


def test_data_of_a_newer_release_is_an_error(data):
    schema = json.loads((data / "schema.json").read_text())
    (data / "schema.json").write_text(json.dumps(schema | {"mailbox": 9_999}))
    assert "newer release" in errors(data, "release")[0].what


def test_before_the_first_start_of_a_newer_release_its_databases_are_not_missed(data):
    schema = json.loads((data / "schema.json").read_text())
    del schema["sending"]
    (data / "schema.json").write_text(json.dumps(schema))
    (data / "sending.db").unlink()
    found = list(examine(data, NOW))
    assert [each.what for each in found if each.level is Level.ERROR] == []
    assert found[-1].what == "This release was not started here yet; it has new ones: sending."


def test_another_master_key_is_an_error(data):
    assert "sealed keys can be read" in findings(data, "secrets")[0].what
    (data / "master.key").write_bytes(bytes(range(32)))
    assert "cannot be read" in errors(data, "secrets")[0].what


def test_a_mistake_in_the_settings_is_told_with_its_place(data):
    configure_more(data, hostnam="x")
    [found] = errors(data, "settings")
    assert "did you mean hostname" in found.what


def test_a_port_that_somebody_has_is_an_error(data):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = (data / "penfold.toml").read_text()
        port = taken.getsockname()[1]
        (data / "penfold.toml").write_text(
            text.replace('http = "127.0.0.1:0"', f'http = "127.0.0.1:{port}"')
        )
        assert "the port is in use" in errors(data, "listeners")[0].what


def test_a_certificate_that_has_ended_or_is_for_another_name_is_an_error(data):
    authority = make_authority(now_ms=NOW)
    pair = make_server_certificate(authority, ["elsewhere.example"], now_ms=NOW)
    (data / "tls" / "server.pem").write_bytes(pair.certificate)
    (data / "tls" / "server.key").write_bytes(pair.key)
    assert "not for mail.example.com" in errors(data, "certificate")[0].what
    pair = make_server_certificate(authority, ["mail.example.com"], now_ms=NOW)
    (data / "tls" / "server.pem").write_bytes(pair.certificate)
    (data / "tls" / "server.key").write_bytes(pair.key)
    assert errors(data, "certificate") == []
    assert "has expired" in errors(data, "certificate", now_ms=NOW + 2_000 * DAY_MS)[0].what


def letter(**changed):
    facts = {"origin": "m1", "number": 1, "sender": "a@example.com", "recipient": "b@x.example"}
    facts |= {"subject": "", "raw": b"", "created_ms": NOW - 2 * DAY_MS}
    return NewQueueRow(**(facts | changed))


def test_mail_that_waits_and_a_domain_that_is_held_are_warnings(data):
    queue = SqliteQueue(data / "queue.db", create=False)
    queue.add([letter()], state=QueueState.QUEUED)
    queue.hold("x.example", until_ms=NOW + DAY_MS, why="550 5.7.1 blocked")
    queue.close()
    held, old = findings(data, "queue", level=Level.WARNING)
    assert "x.example (550 5.7.1 blocked)" in held.what
    assert (old.what, old.mend) == ("Row 1 has waited for 48 hours.", "penfold queue show 1")


def test_mail_that_is_due_and_that_nobody_takes_is_an_error_while_a_server_runs(data):
    queue = SqliteQueue(data / "queue.db", create=False)
    queue.add([letter(created_ms=NOW - 2 * QUEUE_STUCK_MS)], state=QueueState.QUEUED)
    queue.close()
    for running, wanted in ((True, ["Delivering stands still."]), (False, [])):
        assert [each.why for each in errors(data, "queue", running=running)] == wanted


def test_a_relay_that_does_not_answer_or_lacks_its_file_is_an_error(data, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (data / "penfold.toml").write_text(
        (data / "penfold.toml").read_text()
        + f'[[relay]]\nhost = "127.0.0.1"\nport = {port}\ndomains = ["*"]\ntls = "none"\n'
        + '[[relay]]\nhost = "relay.example"\ndomains = ["x.example"]\nuser = "kim"\n'
        + f'password_file = "{tmp_path / "none"}"\n'
    )
    silent, lacking = errors(data, "relays")
    assert "refused" in silent.what
    assert "No such file" in lacking.what


def test_the_dns_of_each_domain_is_looked_at(data):
    [found] = errors(data, "dns")
    assert "example.com: MX" in found.what
    assert found.mend == "penfold domain check example.com"


def test_the_last_backup_is_known_and_its_age_told(data, tmp_path):
    [none] = findings(data, "backup")
    assert none.level is Level.WARNING
    note_backup(data, Backup(NOW - 30 * DAY_MS, str(tmp_path), whole=True))
    assert "30 days old" in findings(data, "backup", level=Level.WARNING)[0].what
    note_backup(data, Backup(NOW, str(tmp_path), whole=False))
    assert errors(data, "backup")


def test_a_clock_that_was_put_back_is_an_error(data):
    assert "from the future" in errors(data, "clock", now_ms=NOW - DAY_MS)[0].what


def test_a_place_without_data_is_said_to_be_one(tmp_path):
    [found] = examine(tmp_path, NOW)
    assert "not a Penfold data directory" in found.what
    assert is_sick([found])


def test_a_backup_made_by_the_command_is_noted(data, tmp_path):
    assert Care().backup(data, tmp_path / "copy", str)
    now_ms = time.time_ns() // 1_000_000
    assert findings(data, "backup", now_ms=now_ms)[0].what == "The last backup is 0 days old."
