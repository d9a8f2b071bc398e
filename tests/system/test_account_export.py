"""`penfold user export` beside a running server: everything is in it, and no secret."""

import base64
import contextlib
import hashlib
import io
import json
import mailbox
import secrets

import msgspec
import pytest
import requests
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from penfold.app.command.commands import run_command
from penfold.app.command.doors import open_identity
from penfold.app.config import find_key_source
from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import open_stores
from penfold.domain.settings import mail_servers
from penfold.ports.identity import (
    AccessToken,
    AppPassword,
    Grant,
    Passkey,
    Password,
    RecoveryCode,
    RefreshToken,
    Session,
    Totp,
)
from penfold.ports.settings import MailServer, SenderRecord
from penfold.proto.totp import make_code
from penfold.spec.account_export import FORMAT, MANIFEST_NAME
from penfold.testing.server import serve

ALICE, BOB = "alice@penfold.test", "bob@penfold.test"
SHARING = "https://www.googleapis.com/auth/gmail.settings.sharing"
SCOPE = "https://www.googleapis.com/auth/gmail.readonly"


class House:
    """Alice has something everywhere. secrets: what must not be in the export, by its kind."""

    def __init__(self, server):
        self.server = server
        document = server.load_document("alice")
        self.headers = {"Authorization": f"Bearer {document['token']}"}
        self.secrets = {
            "access token": document["token"],
            "refresh token": document["refresh_token"],
            "client secret": document["client_secret"],
            **server.load_document("passwords")[ALICE],
        }
        self.labels = {}
        self._fill_mailbox()
        self._fill_settings()
        self._let_in()
        self._add_mail_server()

    def ask(self, verb, path, headers=None, **body):
        url = f"{self.server.http}/gmail/v1/users/me/{path}"
        headers = headers or self.headers
        answer = requests.request(verb, url, json=body or None, headers=headers, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def insert(self, subject, *labels):
        mail = f"From: {BOB}\r\nTo: {ALICE}\r\nSubject: {subject}\r\n\r\nhello\r\n"
        return self.ask("POST", "messages", raw=encode(mail), labelIds=labels)

    def _fill_mailbox(self):
        label = self.ask("POST", "labels", name="Größe/XL", color={"backgroundColor": "#000000", "textColor": "#ffffff"})["id"]  # fmt: skip
        self.insert("starred", "INBOX", "UNREAD", "STARRED", label)
        self.insert("trashed", "TRASH")
        self.insert("spam", "SPAM")
        draft = encode(f"To: {BOB}\r\nSubject: draft\r\n\r\nnot yet\r\n")
        self.ask("POST", "drafts", message={"raw": draft})
        sent = encode("To: x@elsewhere.example, y@elsewhere.example\r\nSubject: sent\r\n\r\nout\r\n")  # fmt: skip
        self.ask("POST", "messages/send", raw=sent)

    def _fill_settings(self):
        self.ask("POST", "settings/filters", criteria={"from": "news@x.example"}, action={"addLabelIds": ["TRASH"]})  # fmt: skip
        robot = self._delegated()
        self.ask("POST", "settings/forwardingAddresses", robot, forwardingEmail=BOB)
        self.ask("POST", "settings/delegates", robot, delegateEmail=BOB)
        self.ask("PATCH", f"settings/sendAs/{ALICE}", signature="<b>Alice</b>")
        self.ask("PUT", "settings/vacation", enableAutoReply=True, responseSubject="Away")

    def _delegated(self):
        """Return the header of an administrator's program, which alone may let others in."""
        key = {
            **self.server.load_document("service-account"),
            "token_uri": f"{self.server.http}/token",
        }
        robot = Credentials.from_service_account_info(key, scopes=[SHARING]).with_subject(ALICE)
        robot.refresh(Request())
        self.secrets["delegated token"] = robot.token
        return {"Authorization": f"Bearer {robot.token}"}

    def _let_in(self):
        self.secrets["another app password"] = self.run("app-password", "add", ALICE, "--label", "printer").strip()  # fmt: skip
        more = json.loads(self.run("token", ALICE, "--scope", SCOPE, "--json"))
        self.secrets |= {f"second {name}": more[name] for name in ("token", "refresh_token")}
        with open_identity(self.server.data) as identity:
            account = identity.accounts.get(ALICE)
            browser = identity.sessions.make_browser()
            self.secrets["cookie"] = identity.sessions.sign_in(
                browser, ALICE, self.secrets["password"], client="192.0.2.7", agent="Firefox"
            )
            totp = secrets.token_bytes(20)
            code = make_code(totp, SystemClock().now_ms() // 30_000)
            assert identity.factors.add_totp(account, totp, code)
            self.secrets["totp"] = base64.b32encode(totp).decode()
            codes = identity.factors.make_codes()
            identity.factors.save_codes(account, codes)
            self.secrets |= {f"recovery code {n}": one for n, one in enumerate(codes)}

    def _add_mail_server(self):
        data, password = self.server.data, "canary-of-a-mail-server"
        stores = open_stores(
            data, clock=SystemClock(), fatal=pytest.fail, master_key=find_key_source(data)
        )
        account = stores.directory.find_account(ALICE)
        context = mail_servers.seal_context(account.id, "mail.example")
        sealed = stores.sealer.seal(password.encode(), context=context)
        server = MailServer("mail.example", 587, "starttls", "canary-user", sealed)
        record = SenderRecord("shop@elsewhere.example", name="Shop", server=server)
        stores.mailboxes.change(account.id, lambda box: box.put_setting(record, record.address))
        stores.close()
        self.secrets |= {"password of a mail server": password, "its user": "canary-user"}
        self.secrets["sealed"] = base64.b64encode(sealed).decode()

    def list_kept(self):
        """Return what the directory keeps of Alice's secrets: digests, hashes, sealed octets."""
        with open_identity(self.server.data) as identity:
            account = identity.accounts.get(ALICE)
            find = identity.book.list_by
            records = [
                one
                for kind in (AppPassword, Passkey, Password, RecoveryCode, Session, Totp)
                for one in find(kind, account_id=account.id)
            ]
            for grant in find(Grant, account_id=account.id):
                records += find(AccessToken, grant_id=grant.id)
                records += find(RefreshToken, grant_id=grant.id)
        values = [value for one in records for value in msgspec.structs.astuple(one)]
        hashes = [one.hash.encode() for one in records if isinstance(one, Password)]
        return hashes + [value for value in values if isinstance(value, bytes)]

    def run(self, *arguments, code=0):
        """Run a command in this process, beside the server, and return what it printed."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            ended = run_command([*map(str, arguments), "--data", str(self.server.data)])
        assert ended == code
        return out.getvalue()


def spell(octets):
    """Return the forms in which octets could stand in a file."""
    coded = base64.b64encode(octets).rstrip(b"=")
    return {"plain": octets, "hex": octets.hex().encode(), "base64": coded}


def encode(text):
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("export") / "data") as server:
        yield House(server)


@pytest.fixture(scope="module")
def folder(house, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "alice"
    assert json.loads(house.run("user", "export", ALICE, folder, "--json"))["files"]
    return folder


def read_mbox(path):
    with contextlib.closing(mailbox.mbox(path)) as box:
        return list(box)


def load(folder, name):
    return json.loads((folder / name).read_bytes())


def test_the_manifest_tells_every_file_with_its_size_and_hash(folder):
    manifest = load(folder, MANIFEST_NAME)
    assert (manifest["format"], manifest["address"], manifest["damaged"]) == (FORMAT, ALICE, [])
    assert {path.name for path in folder.iterdir()} - {MANIFEST_NAME} == {
        each["name"] for each in manifest["files"]
    }
    for each in manifest["files"]:
        octets = (folder / each["name"]).read_bytes()
        assert (len(octets), hashlib.sha256(octets).hexdigest()) == (each["size"], each["sha256"])
        assert (folder / each["name"]).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / MANIFEST_NAME).stat().st_mode & 0o777 == 0o600


def test_the_counts_are_those_of_the_files_and_of_the_api(house, folder):
    counts = {each["name"]: each["counts"] for each in load(folder, MANIFEST_NAME)["files"]}
    mail = read_mbox(folder / "mail.mbox")
    assert counts["mail.mbox"] == {"messages": len(mail), "drafts": 1}
    assert len(mail) == house.ask("GET", "profile")["messagesTotal"] == 5
    for name in (
        "account.json",
        "labels.json",
        "access.json",
        "queue.json",
        "audit.json",
        "complaints.json",
    ):
        document = load(folder, name)
        lists = {key: len(value) for key, value in document.items() if isinstance(value, list)}
        assert counts[name] == lists
    assert counts["labels.json"]["labels"] == len(house.ask("GET", "labels")["labels"])
    assert counts["account.json"]["filters"] == 1
    assert (counts["queue.json"], counts["queue.mbox"]) == ({"messages": 2}, {"messages": 1})


def test_settings_and_labels_are_as_the_api_answers_them(house, folder):
    account = load(folder, "account.json")
    assert (account["address"], account["name"]) == (ALICE, "Alice Example")
    assert account["sendAs"] == house.ask("GET", "settings/sendAs")["sendAs"]
    assert account["filters"] == house.ask("GET", "settings/filters")["filter"]
    assert account["vacation"] == house.ask("GET", "settings/vacation")
    assert account["autoForwarding"] == house.ask("GET", "settings/autoForwarding")
    forwarding = house.ask("GET", "settings/forwardingAddresses")["forwardingAddresses"]
    assert account["forwardingAddresses"] == forwarding
    assert account["delegates"] == [{"delegateEmail": BOB, "verificationStatus": "accepted"}]
    for name in ("imap", "pop", "language"):
        assert account[name] == house.ask("GET", f"settings/{name}")
    for label in load(folder, "labels.json")["labels"]:
        assert label == house.ask("GET", f"labels/{label['id']}")


def test_who_may_come_in_is_told_with_kinds_and_dates(folder):
    access = load(folder, "access.json")
    [session] = access["sessions"]
    assert (session["address"], session["browser"]) == ("192.0.2.7", "Firefox")
    grants = {each["clientId"]: each["grants"] for each in access["applications"]}
    assert len(grants) == 2
    assert {"issued", "assertion"} == {one["origin"] for each in grants.values() for one in each}
    assert [SCOPE] in [one["scopes"] for each in grants.values() for one in each]
    assert all(one["created"].endswith("Z") for each in grants.values() for one in each)
    assert "printer" in {each["label"] for each in access["appPasswords"]}
    assert [each["kind"] for each in access["secondFactors"]] == ["totp"]
    assert access["recoveryCodes"] == 10
    assert access["passwordChanged"].endswith("Z")


def test_what_was_sent_is_there_by_recipient_and_its_octets_once(folder):
    rows = load(folder, "queue.json")["messages"]
    assert {row["recipient"] for row in rows} == {"x@elsewhere.example", "y@elsewhere.example"}
    assert {row["state"] for row in rows} == {"captured"}
    [letter] = read_mbox(folder / "queue.mbox")
    assert (letter["Subject"], letter.get_from().split()[0]) == ("sent", f"{rows[0]['number']}@queue")  # fmt: skip


def test_no_secret_is_in_any_file_nor_what_is_kept_of_one(house, folder):
    octets = {path.name: path.read_bytes() for path in folder.iterdir()}
    needles = {kind: one.encode() for kind, one in house.secrets.items()}
    kept = house.list_kept()
    assert len(kept) >= 16
    assert any(one.startswith(b"$argon2") for one in kept)
    for number, one in enumerate([*kept, (house.server.data / "master.key").read_bytes()]):
        needles |= {f"{number} {kind}": form for kind, form in spell(one).items()}
    found = {
        (kind, name) for kind, one in needles.items() for name in octets if one in octets[name]
    }
    assert found == set()


def test_the_mail_comes_back_through_an_import_with_its_labels(house, folder):
    house.run("user", "add", "kim@penfold.test")
    house.run("import", "kim@penfold.test", str(folder / "mail.mbox"))
    again = folder.parent / "kim"
    house.run("user", "export", "kim@penfold.test", str(again))
    strip = lambda raw: sorted(
        line for line in raw.splitlines() if not line.startswith((b"From ", b"X-GM-THRID"))
    )
    assert strip((again / "mail.mbox").read_bytes()) == strip((folder / "mail.mbox").read_bytes())


def test_a_folder_with_something_in_it_is_refused_and_left_alone(house, folder):
    before = (folder / MANIFEST_NAME).read_bytes()
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        house.run("user", "export", BOB, folder, code=1)
    assert told.getvalue() == f"penfold: {folder} is not empty; name another folder\n"
    assert (folder / MANIFEST_NAME).read_bytes() == before
