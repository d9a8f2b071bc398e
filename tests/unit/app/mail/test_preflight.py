"""`penfold check` from a data directory, a real DNS and a real rspamd to what is told."""

import contextlib
import io
import json

import pytest
from tests.rspamd import GTUBE, run_rspamd
from tests.unit.domain.test_dns_advice import FOUR, HOST, NAME, SIX, reverse

from penfold.app.command.commands import run_command
from penfold.app.command.doors import open_domains
from penfold.app.datadir import LOCK_NAME, save_schema
from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import known_schema, open_stores
from penfold.base.limits import PREFLIGHT_LINKS_READ_MAX
from penfold.domain.sending.preflight.message import read_bodies
from penfold.testing.dns import DnsServer
from penfold.testing.dns_zones import Mishap

EMAIL = {
    "from": f"Shop <shop@{NAME}>",
    "to": "kim@elsewhere.example",
    "subject": "Hello",
    "text": "Your order is on its way.",
}
MESSAGE = f"From: shop@{NAME}\r\nTo: kim@elsewhere.example\r\nSubject: Hello\r\n\r\nOn its way.\r\n"


def make_data(folder):
    data = folder / "data"
    (data / "tls").mkdir(parents=True)
    (data / LOCK_NAME).touch()
    save_schema(data, known_schema())
    schema = known_schema()
    open_stores(data, clock=SystemClock(), fatal=lambda _: None, create=schema.keys()).close()
    return data


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data directory of production mode, whose domain's keys sign."""
    data = make_data(tmp_path_factory.mktemp("preflight"))
    with open_domains(data) as domains:
        domains.activate(domains.add(NAME))
    return data


@pytest.fixture(scope="module")
def zone(data):
    """What the DNS says when all is well."""
    with open_domains(data) as domains:
        keys = {key.name: key.record for key in domains.list_keys(domains.get(NAME))}
    return {
        HOST: {"A": [FOUR], "AAAA": [SIX]},
        reverse(FOUR): {"PTR": [HOST]},
        reverse(SIX): {"PTR": [HOST]},
        NAME: {"TXT": [f"v=spf1 ip4:{FOUR} ip6:{SIX} -all".encode()]},
        f"_dmarc.{NAME}": {"TXT": [b"v=DMARC1; p=reject; aspf=s; adkim=s"]},
        **{name: {"TXT": [record.encode()]} for name, record in keys.items()},
    }


@pytest.fixture
def check(data, zone, tmp_path):
    def check_it(changes=(), email=EMAIL, *options, more=""):
        """Return the exit code and the answer in JSON. changes: of the DNS; None takes away."""
        table = {name: kinds for name, kinds in {**zone, **dict(changes)}.items() if kinds}
        file = tmp_path / "email"
        file.write_text(email if isinstance(email, str) else json.dumps(email), newline="")
        with DnsServer(table) as server:
            (data / "penfold.toml").write_text(
                f'domains = ["{NAME}"]\nhostname = "{HOST}"\n'
                f'dns_servers = ["{server.host}:{server.port}"]\n{more}'
            )
            code, out, err = run(data, file, "--json", *options)
        assert out, err
        return code, json.loads(out)

    return check_it


def run(data, file, *options):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_command(["check", str(file), "--data", str(data), *options])
    return code, out.getvalue(), err.getvalue()


def codes(answer):
    return {one["code"]: one["severity"] for one in answer["findings"]}


@pytest.mark.parametrize("email", [EMAIL, MESSAGE], ids=["json", "eml"])
def test_mail_of_a_domain_whose_records_are_right_passes_everything(check, email):
    code, answer = check((), email)
    assert (code, answer["ok"], answer["findings"]) == (0, True, [])
    assert answer["authentication"] == {"spf": "pass", "dkim": "pass", "dmarc": "pass"}


@pytest.mark.parametrize(
    ("changes", "code", "severity", "spf"),
    [
        pytest.param({NAME: {"TXT": [f"v=spf1 ip4:{FOUR} -all".encode()]}}, "spf", "error", "fail",
                     id="one-of-two-addresses-is-refused"),
        pytest.param({NAME: {"TXT": [b"v=spf1 ~all"]}}, "spf", "warning", "softfail", id="softfail"),
        pytest.param({NAME: {"TXT": [b"v=spf1 ip4:x"]}}, "spf", "error", "permerror", id="in-error"),
        pytest.param({NAME: None}, "spf", "warning", "none", id="no-record"),
        pytest.param({NAME: {"TXT": Mishap.SERVFAIL}}, "spf-unknown", "warning", "temperror", id="no-answer"),
        pytest.param({HOST: None}, "spf-unknown", "warning", "unknown", id="no-addresses"),
        pytest.param({reverse(FOUR): None}, "reverse-name", "error", "pass", id="no-reverse-name"),
        pytest.param({f"_dmarc.{NAME}": None}, "dmarc-missing", "warning", "pass", id="no-dmarc"),
    ],
)  # fmt: skip
def test_what_the_dns_lacks_is_told(check, changes, code, severity, spf):
    exit_code, answer = check(changes)
    assert codes(answer) == {code: severity}
    assert exit_code == (severity == "error")
    assert (answer["authentication"]["spf"], answer["authentication"]["dkim"]) == (spf, "pass")


def test_addresses_that_spf_refuses_are_named_and_no_others(check):
    [found] = check({NAME: {"TXT": [f"v=spf1 ip4:{FOUR} -all".encode()]}})[1]["findings"]
    assert SIX in found["message"]
    assert FOUR not in found["message"]


def test_a_key_that_is_not_the_published_one_is_an_error(check, zone):
    first, second = (name for name in zone if "._domainkey." in name)
    _, answer = check({first: None})
    assert codes(answer) == {"dkim": "error"}
    assert first in answer["findings"][0]["message"]
    code, answer = check({first: zone[second], second: None, NAME: None})
    assert (code, answer["authentication"]["dmarc"]) == (1, "fail")
    assert codes(answer) == {"dkim": "error", "dmarc": "error", "spf": "warning"}


def test_mail_that_nobody_vouches_for_is_an_error_without_a_policy_too(check, zone):
    keys = dict.fromkeys(name for name in zone if "._domainkey." in name)
    _, answer = check({**keys, NAME: None, f"_dmarc.{NAME}": None})
    assert codes(answer)["unauthenticated"] == "error"


def test_with_a_relay_its_addresses_count_and_not_ours(check):
    more = '[[relay]]\nhost = "smtp.relay.example"\ndomains = ["*"]\n'
    _, answer = check((), EMAIL, more=more)
    assert codes(answer) == {"spf-unknown": "warning"}
    assert "smtp.relay.example" in answer["findings"][0]["message"]


def test_what_a_relay_may_add_is_no_error_here(check, zone):
    keys = dict.fromkeys(name for name in zone if "._domainkey." in name)
    more = '[[relay]]\nhost = "smtp.relay.example"\ndomains = ["*"]\n'
    code, answer = check(keys, EMAIL, more=more)
    told = codes(answer)
    assert (told["spf-unknown"], told["dmarc"]) == ("warning", "warning")
    assert (code, told["dkim"]) == (1, "error")  # our own signature, which does not hold


def test_a_policy_that_asks_for_nothing_refuses_nothing(check):
    records = {
        NAME: {"TXT": [b"v=spf1 ip4:198.51.100.1 ~all"]},
        f"_dmarc.{NAME}": {"TXT": [b"v=DMARC1; p=none; adkim=s"]},
    }
    _, answer = check(records, EMAIL)
    assert "error" not in codes(answer).values()


def test_links_are_looked_at_up_to_a_number():
    text = " ".join(f"https://x.example/{n}" for n in range(PREFLIGHT_LINKS_READ_MAX + 9))
    html = "".join(
        f'<a href="https://x.example/{n}">x</a>' for n in range(PREFLIGHT_LINKS_READ_MAX + 9)
    )
    for kind, body in (("plain", text), ("html", html)):
        raw = f"Content-Type: text/{kind}\r\n\r\n{body}\r\n".encode()
        assert len(read_bodies(raw).addresses) == PREFLIGHT_LINKS_READ_MAX


def test_what_would_be_refused_is_told_field_by_field(check):
    code, answer = check((), EMAIL | {"from": "x@other.example", "to": "nobody"})
    assert code == 1
    assert [(one["field"], one["severity"]) for one in answer["findings"]] == [
        ("from", "error"), ("to", "error"),
    ]  # fmt: skip
    assert check((), "no message at all")[0] == 1
    assert check((), '{"subject": 1}')[1]["findings"][0]["field"] == "subject"


def test_the_stream_says_whether_mail_has_to_be_unsubscribed_from(check):
    broadcast = ("--stream", "broadcast")
    found = codes(check((), EMAIL, *broadcast)[1])
    assert found == {"no-unsubscribe": "warning", "no-one-click": "warning"}  # http://127.0.0.1
    more = f'issuer = "https://mail.{NAME}"\n'
    email = EMAIL | {"text": "Unsubscribe: {{ unsubscribe_url }}"}
    assert check((), email, *broadcast, more=more)[1]["findings"] == []
    assert codes(check((), MESSAGE, "--stream", "nonsense")[1]) == {"invalid": "error"}


def test_a_person_reads_a_table_and_what_it_comes_to(tmp_path):
    data = make_data(tmp_path)
    with open_domains(data) as domains:
        domains.add("penfold.test")
    file = tmp_path / "m.eml"
    file.write_text(MESSAGE.replace(NAME, "penfold.test"), newline="")
    code, out, err = run(data, file)
    assert (code, out.split("\t")[:3]) == (0, ["note", "from", "not-asked"])
    assert err.splitlines()[-1] == "Nothing of what was looked at would have it refused."
    assert run(data, file, "--account", "kim@penfold.test")[::2] == (
        1, "penfold: no such account: kim@penfold.test; `penfold user list` shows who is here\n",
    )  # fmt: skip


def test_the_real_rspamd_says_what_it_would_do(check, program, tmp_path):
    with run_rspamd(program("rspamd"), tmp_path) as url:
        more = f'rspamd = "{url}"\n'
        fine = check((), EMAIL, more=more)[1]
        code, answer = check((), EMAIL | {"text": f"Hi\n{GTUBE.decode()}"}, more=more)
    assert (fine["ok"], fine["spam"]["action"]) == (True, "no action")
    assert (code, codes(answer), answer["spam"]["action"]) == (1, {"spam": "error"}, "reject")
    assert [one["name"] for one in answer["spam"]["symbols"]] == ["GTUBE"]
    assert codes(check((), EMAIL, more=more)[1]) == {"spam-unknown": "warning"}
