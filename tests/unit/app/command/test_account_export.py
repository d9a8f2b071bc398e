"""`penfold user export` without a server: what is in it of each kind, and how it ends."""

import contextlib
import io
import json
import shutil
from pathlib import Path
from random import SystemRandom
from types import SimpleNamespace

import apsw
import pytest
import typer
from msgspec import Struct
from msgspec.structs import replace
from tests.moving import ALICE, BOB, make_data
from typer.testing import CliRunner

from penfold.app.command.account_export import open_account_export
from penfold.app.command.commands import run_command
from penfold.app.mail.reports import REPORTS_NAME
from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import open_stores
from penfold.base.acting import VISITOR, Actor, act
from penfold.base.labels import INBOX
from penfold.base.limits import EXPORT_STEP
from penfold.domain.account_export.run import EXPORTED, LEFT_OUT
from penfold.domain.account_export.sending import SENDING_EXPORTED, SENDING_LEFT_OUT
from penfold.domain.mailbox.messages import add_letter, read_letter
from penfold.domain.sending.content import Content, pack_content
from penfold.front.cli.exporting import add_account_export
from penfold.ports import identity
from penfold.ports.audit import Event
from penfold.ports.identity import Alias, Passkey, ProviderLogin
from penfold.ports.pubsub import Topic, Watch
from penfold.ports.queue import Attempt, NewQueueRow, QueueState
from penfold.ports.reports import Report, ReportKind
from penfold.ports.sending.emails import Email, NewEmail
from penfold.ports.sending.events import EventKind, NewEvent
from penfold.ports.sending.records import RULES, ApiKey, ApiSecret, Webhook
from penfold.ports.sending.suppressions import Reason, Scope, Suppression
from penfold.ports.settings import (
    KINDS,
    Confirmation,
    DelegateRecord,
    DelegatorNote,
    SmimeRecord,
    VacationAnswer,
)
from penfold.spec import account_export
from penfold.store.sqlite.reports import SqliteReports

NOW = 1_790_000_000_123
THEN = "2026-09-21T14:13:20.123Z"
TOPIC = "projects/p/topics/t"
ISSUER = "https://login.example"


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A data directory in which Alice has the rarer things, and Bob things like hers."""
    data = make_data(tmp_path_factory.mktemp("full") / "data")
    stores = open_stores(data, clock=SystemClock(), fatal=pytest.fail)
    alice, bob = (stores.directory.find_account(each) for each in (ALICE, BOB))

    def add_records(writer):
        writer.add(Alias("a", "sales@penfold.test", "penfold.test", alice.id, NOW))
        for number, account in enumerate((alice, bob)):
            key = b"canary-key"
            writer.add(Passkey(b"%d" % number, account.id, "localhost", key, "phone", 0, NOW))
            writer.add(ProviderLogin(b"canary%d" % number, account.id, ISSUER, NOW, NOW))

    stores.directory.change(add_records)
    rename(stores, Actor(bob.id, "192.0.2.1"), alice, "A")
    rename(stores, Actor(alice.id, "192.0.2.2"), alice, "Al")
    with act(Actor(VISITOR, "192.0.2.3")):
        event = Event("note", "sign-in", account_id=alice.id)
        stores.directory.change(lambda writer: writer.note(event))
    for account in (alice, bob):
        stores.sending.change(lambda writer, account=account: use_sending_api(writer, account))
    stores.pubsub.add_topic(Topic(TOPIC))
    for account, other in ((alice, bob), (bob, alice)):
        stores.mailboxes.change(account.id, lambda box, other=other: fill(box, other))
        watch = Watch(account.id, "p", account.address, TOPIC, (), False, 1, 0, NOW)
        stores.pubsub.put_watch(watch, b"{}", now_ms=NOW)
        new = [
            NewQueueRow(account.id, number, account.address, each, f"s{number}", b"x\r\n", NOW)
            for number in range(2)
            for each in ("x@e.example", "y@e.example")
        ]
        first, *_ = stores.queue.add(new, state=QueueState.QUEUED)
        stores.queue.add_attempt(first, Attempt(NOW, "250 ok", "S: 250 ok"), state=QueueState.SENT)
    stores.close()
    with contextlib.closing(SqliteReports(data / REPORTS_NAME)) as reports:
        for address in (ALICE, BOB, f"m{ALICE}", f"{ALICE}.example"):
            about = (("From", f"A <{address.upper()}>, b@x"), ("Subject", "spam"))
            report = Report(kind=ReportKind.COMPLAINT, reporter="r.example", domain="d", report_id=address, about=about)  # fmt: skip
            reports.add(report, sender="r.example", now_ms=NOW)
    return data


def use_sending_api(writer, account):
    name, more = account.address.partition("@")[0], EXPORT_STEP if account.address == ALICE else 0
    writer.add(ApiKey(f"k-{name}", account.id, "shop", NOW))
    writer.add(ApiSecret(f"canary-{name}", account.id, f"k-{name}", "wxyz", NOW))
    hook = Webhook(f"w-{name}", account.id, "https://h.example", NOW, secrets=("canary",))
    writer.add(hook)
    content = pack_content(Content(text="Hi", headers={"X-Kind": "otp"}))
    for count in range(1 + more):
        email = Email(
            0, f"e{count}-{name}", account.id, f"k-{name}", account.address, name, NOW,
            to=("x@e.example",),
        )  # fmt: skip
        number = writer.add_email(NewEmail(email, content, (("x@e.example", "to"),)))
        cause = f"sent:{name}:{count}"
        writer.add_event(NewEvent(cause, account.id, number, 0, EventKind.SENT, NOW, cause))
    for each in ("y", "z"):
        address = f"{each}@{name}.example"
        writer.put_suppression(Suppression(
            f"s-{each}-{name}", account.id, address, Scope.ACCOUNT, "", Reason.BOUNCE, NOW,
        ))  # fmt: skip


def rename(stores, actor, account, name):
    with act(actor):
        stores.directory.change(lambda writer: writer.replace(replace(account, name=name)))


def fill(box, other):
    for record, key in (
        (VacationAnswer("news@x.example", NOW), "news@x.example"),
        (Confirmation("canary-digest", "send_as", "me@x.example", NOW), "canary-digest"),
        (SmimeRecord("1", ALICE, "PEM", "CA", NOW, b"canary-sealed"), "1"),
        (DelegateRecord(other.address, other.id), other.address),
        (DelegatorNote(other.id), other.id),
        (DelegatorNote("m" + "0" * 20), "m" + "0" * 20),
    ):
        box.put_setting(record, key)
    letter = read_letter(b"Subject: one\r\n\r\nx\r\n")
    add_letter(box, letter, labels=frozenset({INBOX}), thread_id=None, internal_ms=NOW,
               now_ms=NOW, chance=SystemRandom())  # fmt: skip


def export(data, *arguments, code=0):
    """Run the command and return what it printed, to both."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        ended = run_command(["user", "export", *map(str, arguments), "--data", str(data)])
    assert ended == code, err.getvalue()
    return out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def folder(full, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out") / "alice"
    export(full, ALICE, folder)
    return folder


def load(folder, name):
    return json.loads((folder / name).read_bytes())


def test_every_kind_of_record_an_account_has_is_exported_or_left_out_for_a_reason():
    kinds = {
        kind
        for kind in vars(identity).values()
        if isinstance(kind, type)
        and kind.__module__ == identity.__name__
        and issubclass(kind, Struct)
        and "account_id" in kind.__struct_fields__
    }
    assert len(kinds) >= 10
    assert kinds | KINDS.keys() == EXPORTED | LEFT_OUT.keys()
    assert not EXPORTED & LEFT_OUT.keys()


def test_every_kind_of_record_of_the_sending_api_is_exported_or_left_out_for_a_reason():
    assert RULES.keys() == SENDING_EXPORTED | SENDING_LEFT_OUT.keys()
    assert not SENDING_EXPORTED & SENDING_LEFT_OUT.keys()


def test_what_the_sending_api_keeps_is_there_whole_and_is_that_of_the_account_alone(folder):
    sending = load(folder, "sending.json")
    [key], [webhook] = sending["keys"], sending["webhooks"]
    assert (key["id"], key["last4"]) == ("k-alice", ["wxyz"])
    assert (webhook["id"], webhook["endpoint"]) == ("w-alice", "https://h.example")
    emails = load(folder, "emails.json")["emails"]
    count = EXPORT_STEP + 1
    assert [one["email"]["id"] for one in emails] == [f"e{n}-alice" for n in reversed(range(count))]
    [first, *_] = emails
    assert (first["email"]["text"], first["email"]["last_event"]) == ("Hi", "sent")
    assert [one["email"] for one in first["email"]["recipients"]] == ["x@e.example"]
    assert first["content"] == {"headers": {"X-Kind": "otp"}}
    events = load(folder, "events.json")["events"]
    assert {one["email_id"] for one in events} == {one["email"]["id"] for one in emails}
    assert len(events) == count
    suppressions = load(folder, "suppressions.json")["suppressions"]
    assert [one["email"] for one in suppressions] == ["z@alice.example", "y@alice.example"]


def test_the_page_names_every_file_and_every_member_of_its_document():
    page = (Path(__file__).parents[4] / "docs" / "data-protection.md").read_text()
    table = page.partition("## Giving a person")[2].partition("\n## ")[0]
    names = [value for name, value in vars(account_export).items() if name.endswith("_NAME")]
    documents = (
        account_export.AccountDocument, account_export.LabelsDocument,
        account_export.AccessDocument, account_export.Manifest, account_export.SendingDocument,
    )  # fmt: skip
    members = [name for each in documents for name in each.__struct_encode_fields__]
    assert (len(names), len(members) >= 30) == (13, True)
    assert [each for each in (*names, *members) if f"`{each}`" not in table] == []


def test_the_rarer_settings_are_there_without_their_secrets(folder):
    account = load(folder, "account.json")
    assert account["aliases"] == ["sales@penfold.test"]
    assert account["vacationAnswers"] == [{"sender": "news@x.example", "answered": THEN}]
    pending = {"purpose": "send_as", "address": "me@x.example", "expires": THEN}
    assert account["confirmations"] == [pending]
    assert account["certificates"] == [
        {
            "sendAsEmail": ALICE,
            "smimeInfo": {"id": "1", "pem": "PEM", "issuerCn": "CA", "expiration": str(NOW)},
        }
    ]
    assert account["delegates"] == [{"delegateEmail": BOB, "verificationStatus": "accepted"}]
    assert account["actsFor"] == [BOB], "a note whose account is gone counts for nothing"
    octets = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"canary" not in octets


def test_passkeys_watches_rows_and_complaints_are_those_of_the_account_alone(folder):
    access = load(folder, "access.json")
    passkey = {"kind": "passkey", "name": "phone", "host": "localhost", "created": THEN, "used": None}  # fmt: skip
    assert access["secondFactors"] == [passkey]
    assert access["providerLogins"] == [{"issuer": ISSUER, "created": THEN, "used": THEN}]
    assert access["watches"] == [{"topic": TOPIC, "expires": THEN}]
    rows = load(folder, "queue.json")["messages"]
    assert [(row["number"], row["recipient"]) for row in rows] == [
        (1, "x@e.example"), (1, "y@e.example"), (0, "x@e.example"), (0, "y@e.example"),
    ]  # fmt: skip
    assert {row["sender"] for row in rows} == {ALICE}
    assert rows[2]["attempts"] == [{"at": THEN, "outcome": "250 ok", "transcript": "S: 250 ok"}]
    assert (rows[2]["nextAttempt"], rows[0]["nextAttempt"]) == (None, THEN)
    assert (folder / "queue.mbox").read_bytes().count(b"@queue ") == 2
    [complaint] = load(folder, "complaints.json")["complaints"]
    assert complaint["about"] == [["From", f"A <{ALICE.upper()}>, b@x"], ["Subject", "spam"]]


def test_the_audit_log_tells_what_was_done_to_the_account_and_names_nobody_else(full, folder):
    entries = load(folder, "audit.json")["entries"]
    found = {(each["action"], each["kind"], each["by"]) for each in entries}
    assert {("export", "account", "operator"), ("change", "user", "administrator"), ("change", "user", "self"), ("note", "sign-in", "visitor")} <= found  # fmt: skip
    sources = {each["by"]: each["source"] for each in entries}
    assert sources == {
        "operator": None, "administrator": None, "self": "192.0.2.2", "visitor": "192.0.2.3", "system": None,
    }  # fmt: skip
    renamed = next(each for each in entries if each["by"] == "self")
    assert renamed["personal"] == {"before": {"name": "A"}, "after": {"name": "Al"}}
    text = (folder / "audit.json").read_text()
    assert "192.0.2.1" not in text
    assert BOB not in text


def test_a_person_reads_what_is_where(full, tmp_path):
    out, err = export(full, ALICE, tmp_path / "new")
    assert "queue.json" in out
    assert "4 messages" in out
    assert err.startswith(f"Everything of {ALICE} is in {tmp_path / 'new'} (")


def test_an_empty_folder_is_taken_and_made_private(full, tmp_path):
    (tmp_path / "new").mkdir(mode=0o755)
    export(full, ALICE, tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("address", "where", "code", "said"),
    [
        pytest.param("nobody@penfold.test", "out", 1, "no such account: nobody@penfold.test; `penfold user list` shows who is here", id="unknown"),
        pytest.param(ALICE, "data/out", 2, "is in the data directory; name a folder elsewhere", id="inside"),
        pytest.param(ALICE, "file", 2, "Not a directory", id="a-file"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_and_nothing_is_made(full, tmp_path, address, where, code, said):  # fmt: skip
    shutil.copytree(full, tmp_path / "data")
    (tmp_path / "file").write_text("mine")
    _, err = export(tmp_path / "data", address, tmp_path / where, code=code)
    assert said in err
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "file").read_text() == "mine"


def test_a_message_that_is_damaged_is_named_and_the_rest_is_there(full, tmp_path):
    shutil.copytree(full, tmp_path / "data")
    with contextlib.closing(apsw.Connection(str(tmp_path / "data" / "queue.db"))) as db:
        db.execute("UPDATE letter SET sha256 = x'00' WHERE number = 0")
    _, err = export(tmp_path / "data", ALICE, tmp_path / "out", code=1)
    assert "message queue/0 is damaged and left out" in err
    assert load(tmp_path / "out", account_export.MANIFEST_NAME)["damaged"] == ["queue/0"]


def test_asked_to_stop_it_leaves_half_an_export_which_nothing_goes_on_with(full, tmp_path):
    asked = iter([False, True])
    with open_account_export(full) as opened:
        account = opened.get_account(ALICE)
        folder = opened.open_folder(tmp_path / "out")
        assert opened.exporter.run(account, folder, stop=lambda: next(asked)) is None
    assert (tmp_path / "out" / "queue.json").exists()
    assert not (tmp_path / "out" / account_export.MANIFEST_NAME).exists()
    _, err = export(full, ALICE, tmp_path / "out", code=1)
    assert "is not empty; name another folder" in err


def test_who_pressed_ctrl_c_is_told_what_is_there():
    export = SimpleNamespace(
        get_account=str, exporter=SimpleNamespace(run=lambda *_, **__: None), open_folder=Path
    )
    doors = SimpleNamespace(open_account_export=lambda _: contextlib.nullcontext(export))
    commands = typer.Typer()
    add_account_export(commands, doors)
    result = CliRunner().invoke(commands, [ALICE, "somewhere"])
    assert result.exit_code == 1
    words = "Stopped. somewhere is half an export, without manifest.json; delete it.\n"
    assert result.stderr == words
