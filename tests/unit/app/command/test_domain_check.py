"""From a data directory and a real DNS to what is told of a domain."""

import asyncio
import contextlib
import io
import json

import pytest
from tests.unit.domain.test_dns_advice import FACTS, FOUR, HOST, NAME, RSA_KEY, TLSA_NAME, ZONE

from penfold.app.command.commands import run_command
from penfold.app.command.domain_check import check_domain, look_at_domain, make_facts
from penfold.app.command.doors import open_domains
from penfold.app.config import load_settings
from penfold.app.datadir import LOCK_NAME, save_schema
from penfold.app.mail.resolving import make_resolver
from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import known_schema, open_stores
from penfold.domain.outgoing.signing_keys import state_of
from penfold.net.certificates import make_authority, make_server_certificate
from penfold.ports.mta_sts import PolicyError, StsFailure
from penfold.proto.zone_file import print_txt
from penfold.spec.setting_values import Endpoint
from penfold.spec.settings import Settings
from penfold.testing.dns import DnsServer


def zones(changes=()):
    """Return the zone that is right as the server takes it."""
    table = {}
    for (name, kind), records in {**ZONE, **dict(changes)}.items():
        if records:
            table.setdefault(name, {})[kind] = records
    return table


class Source:
    """Policies without the web."""

    def __init__(self, policy):
        self.policy = policy

    async def fetch_policy(self, domain):
        if self.policy is None:
            raise PolicyError(f"mta-sts.{domain}: nobody answers", StsFailure.FETCH)
        return self.policy


def look(server, source, facts=FACTS):
    settings = Settings(dns_servers=(Endpoint(server.host, server.port),))

    async def run():
        resolver = make_resolver(settings, SystemClock())
        try:
            return await look_at_domain(facts, resolver, source)
        finally:
            await resolver.close()

    return asyncio.run(run())


def test_all_looks_are_made_and_each_question_is_asked_once():
    with DnsServer(zones()) as server:
        rows = look(server, Source(FACTS.policy))
        assert set(server.asked.values()) == {1}
    assert [row.what for row in rows if row.is_bad] == []
    assert rows[-1].what == "MTA-STS policy"


def test_a_policy_that_cannot_be_fetched_is_told_with_its_reason():
    with DnsServer(zones()) as server:
        row = look(server, Source(None))[-1]
    assert (row.ok, row.found) == (False, ("mta-sts.example.org: nobody answers",))


@pytest.fixture
def data(tmp_path):
    """A data directory of production mode whose resolver is to be written into its settings."""
    data = tmp_path / "data"
    (data / "tls").mkdir(parents=True)
    (data / LOCK_NAME).touch()
    save_schema(data, known_schema())
    stores = open_stores(
        data, clock=SystemClock(), fatal=lambda error: None, create=known_schema().keys()
    )
    stores.close()
    with open_domains(data) as domains:
        domains.add(NAME)
    return data


def write_settings(data, server, *, domains=(NAME,), more=""):
    (data / "penfold.toml").write_text(
        f'domains = {json.dumps(domains)}\nhostname = "{HOST}"\nown_blocklists = "off"\n'
        f'dns_servers = ["{server.host}:{server.port}"]\n{more}'
    )


def states(data):
    with open_domains(data) as domains:
        return {key.selector: state_of(key) for key in domains.list_keys(domains.get(NAME))}


def records_of(data):
    with open_domains(data) as domains:
        return {key.name: key.record for key in domains.list_keys(domains.get(NAME))}


def run(data, *arguments):
    """Return the exit code and what `penfold domain check` says to either stream."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_command(["domain", "check", NAME, "--data", str(data), *arguments])
    return code, out.getvalue(), err.getvalue()


def test_keys_sign_once_their_records_are_seen(data):
    published = {(name, "TXT"): [record.encode()] for name, record in records_of(data).items()}
    first, second = published
    changes = {RSA_KEY: None, TLSA_NAME: None, first: published[first]}
    with DnsServer(zones(changes)) as server:
        write_settings(data, server)
        selector = first[0].partition(".")[0]
        assert check_domain(data, NAME).begun == (selector,)
        assert check_domain(data, NAME).begun == ()
        assert sorted(states(data).values()) == ["active", "waiting"]
        server.answers.zones[second[0]] = {"TXT": published[second]}
        code, out, err = run(data, "--json")
    rows = json.loads(out)
    assert [row["check"] for row in rows if row["required"] and not row["ok"]] == []
    assert (code, err.count("from now on")) == (0, 1)
    assert set(states(data).values()) == {"active"}


def test_what_is_missing_is_told_and_ends_in_failure(data):
    with DnsServer(zones({(NAME, "MX"): None})) as server:
        write_settings(data, server)
        code, out, _ = run(data)
        lines = run(data, "--zone")[1].splitlines()
    assert code == 1
    assert f"MX {NAME}: missing. Add this record; without it no mail arrives here." in out
    assert f"  wanted  {NAME}. IN MX 10 {HOST}." in out
    assert f"{NAME}. IN MX 10 {HOST}." in lines
    assert {print_txt(*each) for each in records_of(data).items()} <= set(lines)


def test_in_local_mode_nothing_is_looked_up(data):
    with DnsServer(zones()) as server:
        write_settings(data, server, domains=())
        code, out, err = run(data)
        assert server.asked == {}
    assert code == 0
    assert f"{NAME}. IN MX 10 {HOST}." in out
    assert "nothing was looked up" in err
    assert {state.value for state in states(data).values()} == {"waiting"}


def test_facts_are_those_of_the_settings_and_of_the_certificate_served(data):
    now_ms = SystemClock().now_ms()
    pair = make_server_certificate(make_authority(now_ms=now_ms), (HOST,), now_ms=now_ms)
    more = f'public_addresses = ["{FOUR}"]\nmta_sts_mode = "enforce"\nmta_sts_max_age = 86400\n'
    more += 'delivery_families = "ipv4"\n'
    with DnsServer({}) as server:
        write_settings(data, server, more=more)
    settings = load_settings({"data": str(data)}, {}).settings
    with open_domains(data) as domains:
        domain = domains.get(NAME)
        assert make_facts(settings, domains, domain, clock=SystemClock()).certificates == ()
        (data / "tls" / "server.pem").write_bytes(pair.certificate)
        facts = make_facts(settings, domains, domain, clock=SystemClock())
    assert (facts.addresses, facts.hostname, facts.lists) == ((FOUR,), HOST, ())
    assert facts.kinds == ("A",)
    assert (facts.policy.mode, facts.policy.age_s, facts.policy.names) == (
        "enforce", 86_400, (HOST,),
    )  # fmt: skip
    assert [der[:1] for der in facts.certificates] == [b"\x30", b"\x30"]
    assert len(facts.keys) == 2
