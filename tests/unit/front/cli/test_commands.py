"""The command line against ports in memory: what it prints, what it changes, how it ends."""

import contextlib
import json
from random import Random

import pytest
from msgspec import structs
from tests.signatures import private_key
from typer.testing import CliRunner

from penfold.base.clock import FixedClock
from penfold.base.errors import ConflictError, NotFoundError, ParseError
from penfold.domain import health
from penfold.domain.access import local_mode
from penfold.domain.access.identity import build_identity
from penfold.domain.dns_advice.row import Report
from penfold.domain.outgoing.domains import Domains
from penfold.domain.sending.domains import SendingDomains
from penfold.domain.sending.keys import Keys
from penfold.domain.tracing.address import AddressTracer
from penfold.domain.tracing.mail import MailTracer
from penfold.front.cli.doors import Doors, QuotaView, SendingTools, Tracers, Value
from penfold.front.cli.output import WrongUseError
from penfold.front.cli.tree import build_cli
from penfold.ports.erasing import Erasure
from penfold.ports.queue import Attempt, Facts, NewQueueRow, QueueState, Tried
from penfold.ports.sending.metering import Charge
from penfold.proto.totp import make_code
from penfold.spec.registry import REGISTRY
from penfold.spec.sending.openapi import make_sending_openapi
from penfold.spec.settings import SETTINGS
from penfold.store.backup_log import Backup
from penfold.testing.directory import MemoryDirectory
from penfold.testing.faults import MemoryFaults
from penfold.testing.mailbox import MemoryMailboxes
from penfold.testing.queue import MemoryQueue
from penfold.testing.reports import MemoryReports
from penfold.testing.sealing import PlainSealer
from penfold.testing.sending.book import MemorySending

BASE = "http://127.0.0.1:8025"
ACCOUNT = "kim@penfold.test"


class Tools:
    """Data tools that say what they were asked."""

    def __init__(self):
        self.all_well = True

    def verify(self, data, say):
        say(f"verified {data}")
        return self.all_well

    def backup(self, data, target, say):
        say(f"copied {data} to {target}")
        return self.all_well

    def restore(self, data, source, say):
        say(f"copied {source} to {data}")
        return self.all_well

    def reindex(self, data, say):
        say(f"reindexed {data}")
        return self.all_well

    def rotate_key(self, data, new, say):
        say(f"sealed {data} under {new}")
        return self.all_well


class Bench:
    """A command line whose world is in memory."""

    def __init__(self):
        clock = FixedClock()
        book = MemoryDirectory(clock=clock)
        mailboxes = MemoryMailboxes()
        self.identity = build_identity(
            book, mailboxes, clock=clock, chance=Random(7), sealer=PlainSealer()
        )
        self.identity.accounts.add_domain("penfold.test")
        self.domains = Domains(
            book, self.identity.accounts, PlainSealer(), clock, lambda _: private_key("ed")
        )
        self.report = Report(())
        self.queue = MemoryQueue()
        self.reports = MemoryReports()
        self.backups = []
        self.findings = []
        self.faults = MemoryFaults()
        self.mailboxes = mailboxes
        ports = (book, mailboxes, self.queue)
        self.tracers = Tracers(
            self.identity.accounts.get, MailTracer(*ports), AddressTracer(*ports)
        )
        sending = MemorySending()
        #: What is found of the records of sending domains.
        self.dns = {}
        self.sending = SendingTools(
            Keys(sending, clock, Random(7), lambda _: None, lambda _: None),
            SendingDomains(
                *(sending, PlainSealer(), clock, Random(7), "mx.penfold.test"),
                *(book.is_local_domain, lambda _: self.dns),
            ),
            book.find_account,
        )
        self.tools = Tools()
        self.served = []
        self.flags = None
        self.quota = QuotaView("google-2026", 6000, 1_200_000, 100, 2000, None, lambda *_: 20)
        self.credentials = {}
        doors = Doors(
            now_ms=clock.now_ms,
            open_identity=lambda data: contextlib.nullcontext(self.identity),
            open_domains=lambda data: contextlib.nullcontext(self.domains),
            check_domain=lambda data, name: self.report,
            open_queue=lambda data: contextlib.nullcontext(self.queue),
            open_reports=lambda data: contextlib.nullcontext(self.reports),
            open_tracers=lambda data: contextlib.nullcontext(self.tracers),
            open_sending=lambda data: contextlib.nullcontext(self.sending),
            open_preflight=lambda data: contextlib.nullcontext(None),
            open_seeds=lambda data: {},
            open_faults=lambda data: self.faults,
            load_base_url=lambda data: BASE,
            load_credentials=lambda data: self.credentials,
            erase_account=self.erase_account,
            list_backups=lambda data: self.backups,
            save_private=self.save_private,
            find_care=lambda: self.tools,
            find_templates=lambda: None,
            open_moving=lambda data: contextlib.nullcontext(None),
            open_account_export=lambda data: contextlib.nullcontext(None),
            load_values=self.load_values,
            load_quota=lambda data: self.quota,
            examine=lambda data: iter(self.findings),
            open_watch=lambda data: contextlib.nullcontext(None),
            wait=lambda seconds: None,
            serve=self.serve,
        )
        self._cli = build_cli(doors)

    def load_values(self, flags):
        self.flags = flags
        return [Value("http", "127.0.0.1:8025", "default", "Where.")]

    def erase_account(self, data, address, say):
        say("waiting")
        gone = self.identity.accounts.remove(address)
        return Erasure(gone.id, 1_000, messages=2, files=3, octets=4096, blobs=1, kept=1, queue=5)

    def save_private(self, path, octets):
        if path.parent.name == "credentials":
            self.credentials[path.name] = octets
        else:
            path.write_bytes(octets)

    def serve(self, arguments):
        self.served.append(list(arguments))
        return 3

    def run(self, *arguments, stdin=None):
        return CliRunner().invoke(self._cli, list(arguments), input=stdin, catch_exceptions=True)

    def out(self, *arguments, stdin=None):
        result = self.run(*arguments, stdin=stdin)
        assert result.exit_code == 0, result.exception
        return result.output

    def json(self, *arguments):
        return json.loads(self.out(*arguments, "--json"))

    def error(self, *arguments, stdin=None):
        return self.run(*arguments, stdin=stdin).exception


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def kim(bench):
    return bench.identity.accounts.add(ACCOUNT, password="correct horse", name="Kim")


@pytest.fixture
def queued(bench):
    row = NewQueueRow(
        origin="m1",
        number=1,
        sender=ACCOUNT,
        recipient="lee@elsewhere.example",
        subject="hello \x1b[31m",
        raw=b"Subject: hello\r\n\r\nbody\r\n",
        created_ms=FixedClock().now_ms(),
    )
    [row_id] = bench.queue.add([row], state=QueueState.QUEUED)
    return str(row_id)


# --- users -----------------------------------------------------------------------------


def test_a_new_account_can_sign_in_with_the_password_printed(bench):
    made = bench.json("user", "add", ACCOUNT, "--name", "Kim")
    assert (made["address"], made["name"]) == (ACCOUNT, "Kim")
    assert bench.identity.accounts.find_sign_in(ACCOUNT, made["password"]).name == "Kim"


def test_a_password_from_standard_input_is_used_and_not_shown(bench):
    shown = bench.out("user", "add", ACCOUNT, "--password-stdin", stdin="correct horse\n")
    assert "correct horse" not in shown
    assert bench.identity.accounts.find_sign_in(ACCOUNT, "correct horse")


def test_no_password_on_standard_input_is_wrong_use(bench):
    assert isinstance(
        bench.error("user", "add", ACCOUNT, "--password-stdin", stdin=""), WrongUseError
    )


@pytest.mark.parametrize(
    ("address", "error"),
    [
        pytest.param(ACCOUNT, ConflictError, id="taken"),
        pytest.param("kim@other.example", NotFoundError, id="other-domain"),
        pytest.param("not an address", ParseError, id="no-address"),
    ],
)
def test_an_account_that_cannot_be_made_is_an_error(bench, kim, address, error):
    assert isinstance(bench.error("user", "add", address), error)


def test_accounts_are_listed_as_rows_and_as_json(bench, kim):
    assert bench.out("user", "list").split("\t")[:2] == [ACCOUNT, "Kim"]
    [row] = bench.json("user", "list")
    assert row["address"] == ACCOUNT
    assert row["created"] == "2026-09-21T14:13:20Z"
    assert row["suspended"] is False


def test_a_changed_password_takes_the_old_ones_place(bench, kim):
    new = bench.run("user", "password", ACCOUNT).stdout.split()[-1]
    assert bench.identity.accounts.find_sign_in(ACCOUNT, new)
    assert bench.identity.accounts.find_sign_in(ACCOUNT, "correct horse") is None


def test_removing_an_account_needs_a_yes(bench, kim):
    assert isinstance(bench.error("user", "remove", ACCOUNT), WrongUseError)
    assert bench.identity.book.find_account(ACCOUNT)
    bench.out("user", "remove", ACCOUNT, "--yes")
    assert bench.identity.book.find_account(ACCOUNT) is None


def test_removing_an_account_tells_when_its_mail_is_erased(bench, kim):
    said = bench.out("user", "remove", ACCOUNT, "--yes")
    assert "erased by the server within two minutes" in said
    assert "makes it anew" not in said


def test_erasing_an_account_reports_what_went_and_which_backups_are_left(bench, kim):
    bench.backups = [Backup(1_000, "/nowhere/monday"), Backup(2_000, "/")]
    assert isinstance(bench.error("user", "erase", ACCOUNT), WrongUseError)
    said = bench.out("user", "erase", ACCOUNT, "--yes")
    assert bench.identity.book.find_account(ACCOUNT) is None
    assert f"Erased {ACCOUNT} (account {kim.id})" in said
    assert "       5 rows of the outbound queue" in said
    assert "another mailbox has them too" in said
    assert "1970-01-01T00:00:01Z  /nowhere/monday  (not there now)" in said
    assert "/  (" not in said


def test_a_report_of_an_erasure_is_one_document(bench, kim):
    document = json.loads(bench.run("user", "erase", ACCOUNT, "--yes", "--json").stdout)
    assert document["former"] == kim.id
    assert document["backups"] == []
    assert ACCOUNT not in json.dumps(document)


def test_an_app_password_opens_smtp(bench, kim):
    password = bench.out("app-password", "add", ACCOUNT, "--label", "printer").strip()
    assert bench.identity.book.find_app_login(ACCOUNT, password).address == ACCOUNT


# --- applications and tokens --------------------------------------------------------------


def test_a_new_application_gets_a_client_secret_file(bench, tmp_path):
    path = tmp_path / "secret.json"
    bench.out("app", "add", "Reader", "--out", str(path))
    document = json.loads(path.read_text())["installed"]
    assert document["token_uri"] == f"{BASE}/token"
    [row] = bench.json("app", "list")
    assert (row["id"], row["name"], row["type"]) == (document["client_id"], "Reader", "desktop")


def test_a_web_application_keeps_its_redirect_addresses(bench, tmp_path):
    uris = ["https://app.example/back", "https://app.example/other"]
    options = [part for uri in uris for part in ("--redirect-uri", uri)]
    path = tmp_path / "secret.json"
    bench.out("app", "add", "Site", "--type", "web", *options, "--out", str(path))
    assert json.loads(path.read_text())["web"]["redirect_uris"] == uris


def test_a_device_has_a_client_without_redirect_addresses(bench, tmp_path):
    path = tmp_path / "secret.json"
    bench.out("app", "add", "Television", "--type", "device", "--out", str(path))
    assert "redirect_uris" not in json.loads(path.read_text())["installed"]
    [row] = bench.json("app", "list")
    assert (row["type"], row["redirect_uris"]) == ("device", [])


def test_a_folder_that_is_not_there_is_told_before_an_application_is_made(bench, tmp_path):
    path = tmp_path / "nowhere" / "secret.json"
    assert "its folder is not there" in str(bench.error("app", "add", "Reader", "--out", str(path)))
    assert bench.json("app", "list") == []


def test_a_file_that_is_there_is_not_overwritten_and_no_application_made(bench, tmp_path):
    path = tmp_path / "secret.json"
    path.write_text("mine")
    assert isinstance(bench.error("app", "add", "Reader", "--out", str(path)), WrongUseError)
    assert path.read_text() == "mine"
    assert bench.json("app", "list") == []


def add_key(bench, *arguments):
    return bench.out("sending", "key", "add", ACCOUNT, "shop", *arguments).splitlines()[0]


def test_an_api_key_is_shown_once_and_listed_without_its_secret(bench, kim):
    secret = add_key(bench, "--test", "--domain", "Penfold.Test")
    assert secret.startswith("test_")
    listed = bench.out("sending", "key", "list", ACCOUNT, "--json")
    assert secret not in listed
    [row] = json.loads(listed)
    assert row["secret"] == [f"…{secret[-4:]}"]
    assert (row["name"], row["test"]) == ("shop", True)
    assert (row["domains"], row["scopes"]) == (["penfold.test"], ["emails:send", "emails:read"])


def test_a_rotated_api_key_has_two_secrets_and_a_revoked_one_has_none(bench, kim):
    first = add_key(bench)
    [shown] = bench.sending.keys.list(kim.id)
    second = bench.out("sending", "key", "rotate", ACCOUNT, shown.key.id).splitlines()[0]
    assert first != second
    [both] = bench.sending.keys.list(kim.id)
    assert [one.last4 for one in both.secrets] == [first[-4:], second[-4:]]
    bench.out("sending", "key", "revoke", ACCOUNT, shown.key.id)
    [ended] = bench.sending.keys.list(kim.id)
    assert (ended.secrets, bool(ended.key.revoked_ms)) == ((), True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("--scope", "everything"), "has none of", id="scope"),
        pytest.param(("--domain", "no domain"), "no domain", id="domain"),
        pytest.param(("--network", "here"), "no network", id="network"),
    ],
)
def test_an_api_key_that_may_what_there_is_not_is_wrong_use(bench, kim, arguments, said):
    error = bench.error("sending", "key", "add", ACCOUNT, "shop", *arguments)
    assert isinstance(error, WrongUseError)
    assert said in str(error)
    assert bench.sending.keys.list(kim.id) == []


def test_a_key_ends_within_a_time_that_can_be_printed(bench, kim):
    assert bench.run("sending", "key", "add", ACCOUNT, "x", "--days", "36501").exit_code == 2
    add_key(bench, "--days", "36500")
    assert bench.json("sending", "key", "list", ACCOUNT)


def test_a_credit_is_given_and_taken_back(bench, kim):
    bench.out("sending", "balance", "credit", ACCOUNT, "25")
    bench.out("sending", "balance", "credit", ACCOUNT, "-5")
    [row] = bench.json("sending", "balance", "show", ACCOUNT)
    assert row["left"] == "20.00"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("list", "--before", str(2**64)), id="before"),
        pytest.param(("verify", "--expect", f"{2**64}:{'a' * 64}"), id="expect"),
    ],
)
def test_a_number_no_entry_can_have_is_wrong_use(bench, arguments):
    assert isinstance(bench.run("audit", *arguments).exception, SystemExit | WrongUseError)


def test_a_removed_application_is_gone(bench, tmp_path):
    bench.out("app", "add", "Reader", "--out", str(tmp_path / "secret.json"))
    [row] = bench.json("app", "list")
    bench.out("app", "remove", row["id"])
    assert bench.json("app", "list") == []
    assert isinstance(bench.error("app", "remove", row["id"]), NotFoundError)


def test_a_service_account_gets_a_key_file(bench, tmp_path):
    path = tmp_path / "robot.json"
    bench.out("service-account", "add", "robot", "--delegate", "penfold.test", "--out", str(path))
    document = json.loads(path.read_text())
    assert document["type"] == "service_account"
    assert document["private_key"].startswith("-----BEGIN")


@pytest.fixture
def local(bench):
    """Local mode as the first start leaves it."""
    secrets = local_mode.set_up(bench.identity, local_mode.parse({}))
    bench.credentials = local_mode.render(secrets, base=BASE)
    return bench


def test_a_token_opens_the_mailbox_with_the_default_scopes(local):
    token = local.out("token", "alice@penfold.test").strip()
    credential = local.identity.book.find_credential(token)
    assert credential.account.address == "alice@penfold.test"
    assert credential.scopes == local_mode.DEFAULT_SCOPES


def test_files_of_local_mode_follow_a_changed_password(local):
    old = json.loads(local.credentials["alice.json"])["token"]
    local.out("user", "password", "alice@penfold.test", "--password-stdin", stdin="new horse\n")
    accounts, book = local.identity.accounts, local.identity.book
    kept = json.loads(local.credentials["passwords.json"])["alice@penfold.test"]
    new = json.loads(local.credentials["alice.json"])["token"]
    assert kept["password"] == "new horse"
    assert accounts.find_sign_in("alice@penfold.test", kept["password"])
    assert book.find_app_login("alice@penfold.test", kept["app_password"])
    assert book.find_credential(new).account.address == "alice@penfold.test"
    assert book.find_credential(old) is None


def test_files_of_local_mode_stay_when_somebody_else_changes_a_password(local):
    local.identity.accounts.add(ACCOUNT, password="correct horse", name="Kim")
    before = dict(local.credentials)
    local.out("user", "password", ACCOUNT)
    assert local.credentials == before


def test_removing_an_account_of_local_mode_tells_that_it_comes_back(local):
    said = local.out("user", "remove", "alice@penfold.test", "--yes")
    assert "The next start of local mode makes it anew" in said


@pytest.mark.parametrize(
    "scope", ["gmail.readonly", "https://www.googleapis.com/auth/gmail.readonly"]
)
def test_a_token_may_be_narrowed(local, scope):
    token = local.out("token", "alice@penfold.test", "--scope", scope).strip()
    credential = local.identity.book.find_credential(token)
    assert credential.scopes == {"https://www.googleapis.com/auth/gmail.readonly"}


def test_a_token_as_json_is_an_authorized_user_file_that_can_refresh(local):
    document = local.json("token", "alice@penfold.test")
    known = json.loads(local.credentials["alice.json"])
    assert document["client_secret"] == known["client_secret"]
    assert document["refresh_token"]
    assert document["token_uri"] == f"{BASE}/token"


def test_an_unknown_scope_is_wrong_use(local):
    error = local.error("token", "alice@penfold.test", "--scope", "gmail.everything")
    assert isinstance(error, WrongUseError)
    assert "gmail.readonly" in str(error)


# --- queue -----------------------------------------------------------------------------------


def test_the_queue_is_listed_without_control_characters(bench, queued):
    line = bench.out("queue", "list")
    assert line.split("\t")[:2] == [queued, "queued"]
    assert "\x1b" not in line
    assert bench.json("queue", "list")[0]["subject"] == "hello \x1b[31m"


def test_the_queue_is_listed_by_state(bench, queued):
    assert bench.json("queue", "list", "--state", "captured") == []
    assert len(bench.json("queue", "list", "--state", "queued")) == 1
    assert bench.run("queue", "list", "--state", "lost").exit_code == 2


def test_a_message_is_shown_with_every_transcript(bench, queued):
    bench.queue.add_attempt(
        int(queued),
        Attempt(at_ms=0, outcome="450 later", transcript="S: 220 hi\nC: EHLO \x1b[2J\n"),
        state=QueueState.FAILED,
    )
    shown = bench.out("queue", "show", queued)
    assert "1970-01-01T00:00:00Z  450 later" in shown
    assert "    S: 220 hi" in shown
    assert "\x1b" not in shown
    assert bench.json("queue", "show", queued)["attempts"][0]["outcome"] == "450 later"


def test_what_a_server_was_is_shown_with_its_words_unless_they_are_the_outcome(bench, queued):
    said = Tried(
        "a.example", "192.0.2.1", 25, "", "", "auth", "failed", "no-login", text="/pw is gone"
    )
    other = structs.replace(said, host="b.example", text="later")
    attempt = Attempt(0, "450 later", "", facts=Facts(tried=(said, other)))
    bench.queue.add_attempt(int(queued), attempt, state=QueueState.QUEUED)
    shown = bench.out("queue", "show", queued)
    assert "    said /pw is gone" in shown
    assert "said later" not in shown


def test_the_octets_of_a_message_are_printed_as_they_are(bench, queued):
    result = bench.run("queue", "show", queued, "--raw")
    assert result.stdout_bytes == b"Subject: hello\r\n\r\nbody\r\n"


def test_a_waiting_message_is_cancelled_once(bench, queued):
    bench.out("queue", "cancel", queued)
    assert bench.queue.get_row(int(queued)).state is QueueState.CANCELLED
    assert isinstance(bench.error("queue", "cancel", queued), ConflictError)


def test_a_waiting_message_is_made_due(bench, queued):
    bench.out("queue", "retry", queued)
    assert bench.queue.get_row(int(queued)).next_attempt_ms == FixedClock().now_ms()


# --- the rest ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify", "--data", "d"], "verified d"),
        (["backup", "t", "--data", "d"], "copied d to t"),
        (["restore", "s", "--data", "d"], "copied s to d"),
        (["reindex", "--data", "d"], "reindexed d"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_care_for_the_data_ends_with_its_verdict(bench, arguments, said):
    assert bench.out("data", *arguments).splitlines()[0] == said
    bench.tools.all_well = False
    assert bench.run("data", *arguments).exit_code == 1


def test_an_examination_ends_with_1_for_errors_alone(bench):
    bench.findings = [
        health.fine("clock", "Right."),
        health.warning("disk", "Low.", why="", mend=""),
    ]
    assert bench.out("doctor", "--quiet").splitlines()[0] == "WARN   disk         Low."
    bench.findings.append(health.error("keys", "Gone.", why="", mend=""))
    assert bench.run("doctor").exit_code == 1


def test_quota_is_shown_with_what_is_left(bench):
    account = bench.identity.accounts.add("kim@penfold.test")
    note = lambda box: box.add_sent(3, now_ms=bench.identity.accounts.clock.now_ms())
    bench.identity.accounts.mailboxes.change(account.id, note)
    rows = {row["what"]: row for row in bench.json("quota", "show", "kim@penfold.test")}
    assert rows["units of the user, this minute"] == {
        "what": "units of the user, this minute",
        "used": 20,
        "limit": 6000,
        "next_free": "2026-09-21T14:14:00Z",
    }
    assert rows["messages sent, 24 hours"]["used"] == 1
    assert rows["recipients, 24 hours"] == {
        "what": "recipients, 24 hours",
        "used": 3,
        "limit": None,
        "next_free": "2026-09-22T14:13:20Z",
    }


def test_quota_that_is_off_says_so(bench):
    bench.identity.accounts.add("kim@penfold.test")
    bench.quota = QuotaView(None, None, None, None, None, None, lambda *_: 0)
    assert "Quotas are off" in bench.out("quota", "show", "kim@penfold.test")


def test_coverage_counts_every_method_of_the_api(bench):
    table = bench.json("api", "coverage")
    assert table["methods"] == len(REGISTRY) == len(table["coverage"])
    assert table["served"] == sum(row["served"] for row in table["coverage"])
    assert bench.out("api", "coverage").endswith(
        f"{table['served']} of {table['methods']} methods are served.\n"
    )


def test_the_sending_api_is_printed_as_openapi(bench):
    assert json.loads(bench.out("api", "openapi", "--sending")) == make_sending_openapi()


def test_serve_and_config_show_take_every_setting_that_has_a_flag(bench):
    flags = {s.name: "1" for s in SETTINGS if s.serve}
    words = [part for s in SETTINGS if s.serve for part in (s.flag, "1")]
    assert bench.run("serve", *words).exit_code == 3
    assert bench.served == [words]
    bench.json("config", "show", *words)
    assert bench.flags == flags


@pytest.mark.parametrize("setting", [s for s in SETTINGS if s.serve], ids=lambda s: s.name)
def test_help_of_serve_names_every_flag_and_its_variable(bench, setting):
    text = bench.out("serve", "--help")
    assert setting.flag in text
    assert setting.env in text


@pytest.mark.parametrize(
    "command",
    [
        "", "serve", "token", "user", "user add", "user erase", "user export", "user list", "user password", "user remove",
        "user role", "audit list", "audit verify", "audit export",
        "app", "app add", "app list", "app remove", "service-account add", "app-password add",
        "queue", "queue list", "queue show", "queue retry", "queue cancel", "quota show", "data verify",
        "domain", "domain add", "domain list", "domain check", "domain keys", "domain rotate", "domain activate", "domain remove",
        "trace", "queue destinations", "queue release", "alias", "alias add", "alias list", "alias remove",
        "import", "export", "data backup", "data restore", "data reindex", "data rotate-key", "api coverage", "api diff", "api openapi", "config show", "config sample",
    ],
)  # fmt: skip
def test_every_command_explains_itself(bench, command):
    text = bench.out(*command.split(), "--help")
    assert "Usage: penfold" in text
    assert all(len(line) <= 80 for line in text.splitlines())


# --- audit ---------------------------------------------------------------------------------


def test_a_role_is_given_shown_and_taken(bench):
    bench.out("user", "add", ACCOUNT)
    assert bench.out("user", "role", ACCOUNT, "auditor") == f"{ACCOUNT} is an auditor now.\n"
    assert bench.json("user", "list")[0]["role"] == "auditor"
    bench.out("user", "role", ACCOUNT, "user")
    assert bench.json("user", "list")[0]["role"] == "user"
    assert isinstance(bench.run("user", "role", ACCOUNT, "king").exception, ParseError)


def test_the_log_tells_of_an_account_by_its_address(bench):
    bench.out("user", "add", ACCOUNT, "--name", "Kim")
    rows = bench.json("audit", "list", "--account", ACCOUNT)
    assert [(row["action"], row["kind"], row["account"]) for row in rows] == [
        ("add", "password", ACCOUNT), ("add", "user", ACCOUNT),
    ]  # fmt: skip
    assert '"name":"Kim"' in rows[1]["what"]


def test_the_log_is_checked_against_what_an_export_said_last(bench):
    bench.out("user", "add", ACCOUNT)
    *entries, last = map(json.loads, bench.out("audit", "export").splitlines())
    assert [entry["number"] for entry in entries] == [*range(1, len(entries) + 1)]
    assert last["last"] == f"{entries[-1]['number']}:{entries[-1]['hash']}"
    bench.out("user", "role", ACCOUNT, "admin")
    assert "entries fit" in bench.out("audit", "verify", "--expect", last["last"])
    wrong = f"{entries[-1]['number']}:{'0' * 64}"
    assert "not the one expected" in str(bench.run("audit", "verify", "--expect", wrong).exception)
    assert isinstance(bench.run("audit", "verify", "--expect", "7").exception, WrongUseError)


# --- fault ---------------------------------------------------------------------------------


def test_a_fault_is_ordered_listed_and_cleared(bench, kim):
    said = bench.out(
        "fault", "add", "user-rate-limit-exceeded", "--method", "gmail.users.messages.send",
        "--account", "Kim@penfold.test", "--times", "3", "--after", "2",
    )  # fmt: skip
    assert said == (
        "Fault 1 is ordered: 403 user-rate-limit-exceeded for the next 3 requests to "
        "gmail.users.messages.send of kim@penfold.test after 2 that pass.\n"
    )
    bench.out("fault", "add", "bad-gateway", "--times", "0")
    assert bench.json("fault", "list") == [
        {
            "number": 1, "problem": "user-rate-limit-exceeded", "status": 403,
            "method": "gmail.users.messages.send", "account": ACCOUNT, "times": 3, "after": 2,
        },
        {
            "number": 2, "problem": "bad-gateway", "status": 502,
            "method": None, "account": None, "times": None, "after": None,
        },
    ]  # fmt: skip
    assert bench.out("fault", "clear") == "2 cleared.\n"
    assert bench.json("fault", "list") == []


@pytest.mark.parametrize(
    "arguments", [["no-such"], ["bad-gateway", "--method", "gmail.users.nope"], ["invalid-label"]]
)
def test_a_fault_that_cannot_happen_is_refused(bench, arguments):
    assert isinstance(bench.error("fault", "add", *arguments), ParseError)
    assert bench.faults.orders == ()


def test_a_fault_for_nobody_is_refused(bench):
    error = bench.error("fault", "add", "bad-gateway", "--account", "nobody@penfold.test")
    assert isinstance(error, NotFoundError)
    assert bench.faults.orders == ()


def test_problems_that_can_be_ordered_are_listed(bench):
    listed = {row["problem"]: row for row in bench.json("fault", "problems")}
    assert {"access-not-configured", "backend-error", "bad-gateway"} <= set(listed)
    assert listed["daily-limit-exceeded"] == {
        "problem": "daily-limit-exceeded", "status": 403, "reason": "dailyLimitExceeded",
        "text": "Daily Limit Exceeded",
    }  # fmt: skip


def test_a_lost_second_factor_is_shown_and_removed(bench):
    bench.out("user", "add", "kim@penfold.test")
    account = bench.identity.accounts.get("kim@penfold.test")
    assert bench.json("user", "second-factor", "kim@penfold.test") == []
    step = bench.identity.factors.clock.now_ms() // 30_000
    bench.identity.factors.add_totp(account, b"s" * 20, make_code(b"s" * 20, step))
    [row] = bench.json("user", "second-factor", "kim@penfold.test")
    assert row["kind"] == "totp"
    assert "Removed 1" in bench.out("user", "second-factor", "kim@penfold.test", "--remove")
    assert not bench.identity.factors.list_of(account)


def test_sessions_of_an_account_are_listed_and_ended(bench):
    bench.out("user", "add", "kim@penfold.test")
    account = bench.identity.accounts.get("kim@penfold.test")
    sessions = bench.identity.sessions
    cookie = sessions.enter("", account, client="192.0.2.1", agent="Firefox / Linux")
    [row] = bench.json("user", "sessions", "kim@penfold.test")
    assert (row["browser"], row["address"]) == ("Firefox / Linux", "192.0.2.1")
    assert "Ended 1" in bench.out("user", "sessions", "kim@penfold.test", "--end")
    assert sessions.list_accounts(cookie) == []
    assert bench.json("user", "sessions", "kim@penfold.test") == []


@pytest.mark.parametrize("command", ["queue show", "queue retry", "queue cancel", "reports show"])
@pytest.mark.parametrize("number", ["0", str(2**63)])
def test_a_number_no_row_can_have_is_a_wrong_use(bench, command, number):
    result = bench.run(*command.split(), number)
    assert result.exit_code == 2
    assert "Invalid value for 'ID'" in result.stderr


def balance(bench):
    [row] = bench.json("sending", "balance", "show", ACCOUNT)
    return row


def test_credit_makes_an_account_a_prepaid_one_with_what_was_spent_as_paid(bench, kim):
    spent = Charge(kim.id, 1, 0, bench.sending.keys.clock.now_ms(), "2026-11-28", "otp", 3_000_000)
    bench.sending.keys.book.change(lambda writer: writer.charge([spent]))
    bench.out("sending", "balance", "credit", ACCOUNT, "2.5")
    row = balance(bench)
    assert (row["prepaid"], row["left"], row["spent"]) == (True, "2.50", "3.00")
    bench.out("sending", "balance", "credit", ACCOUNT, "0.000001")
    assert balance(bench)["left"] == "2.500001"


def test_a_budget_changes_what_is_named_alone(bench, kim):
    bench.out("sending", "balance", "budget", ACCOUNT, "--soft", "10", "--hard", "12.50")
    bench.out("sending", "balance", "budget", ACCOUNT, "--soft", "0")
    row = balance(bench)
    assert (row["soft"], row["hard"], row["prepaid"]) == ("", "12.50", False)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("credit", ACCOUNT, "1,5"), id="comma"),
        pytest.param(("credit", ACCOUNT, "1e3"), id="exponent"),
        pytest.param(("budget", ACCOUNT, "--hard", "0.0000001"), id="too-fine"),
        pytest.param(("budget", ACCOUNT), id="nothing"),
    ],
)
def test_an_amount_that_is_none_is_wrong_use(bench, kim, arguments):
    assert isinstance(bench.error("sending", "balance", *arguments), WrongUseError)
    assert balance(bench)["prepaid"] is False
