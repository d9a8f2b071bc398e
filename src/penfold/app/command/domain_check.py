"""Look at the DNS of a domain of ours, as `penfold domain check` does.

In local mode nothing leaves this machine, so nothing is looked up. A key that waits and whose
record is there is activated: looking is how Penfold finds out.
"""

import asyncio
import os
import ssl
from pathlib import Path

from penfold.app.config import load_settings
from penfold.app.datadir import enter_data_dir
from penfold.app.exits import stop_at_once
from penfold.app.mail.mta_sts import find_own_policy
from penfold.app.mail.resolving import make_resolver
from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import make_domains, open_stores
from penfold.app.tls.tls_files import find_serving
from penfold.base.clock import Clock
from penfold.base.limits import CHAIN_MAX, DNS_LOOK_S
from penfold.domain.dns_advice.looks import list_looks, list_wanted
from penfold.domain.dns_advice.row import Facts, Report, Row
from penfold.domain.dns_advice.transport import judge_sts_policy
from penfold.domain.outgoing.domains import Domains
from penfold.domain.outgoing.signing_keys import KeyState, state_of
from penfold.net.dns import Resolver
from penfold.net.mta_sts import PolicyFetcher
from penfold.ports.identity import Domain
from penfold.ports.mta_sts import PolicyError, PolicySource
from penfold.proto.exchangers import Families
from penfold.proto.mta_sts import Mode, Policy
from penfold.spec.settings import Settings

_BEGIN = "-----BEGIN CERTIFICATE-----"
_END = "-----END CERTIFICATE-----"


def check_domain(data: Path, name: str) -> Report:
    """Return what the DNS says about one of the domains in a data directory."""
    enter_data_dir(data)
    settings = load_settings({"data": str(data)}, os.environ).settings
    clock = SystemClock()
    stores = open_stores(data, clock=clock, fatal=stop_at_once, master_key=settings.master_key)
    try:
        domains = make_domains(stores)
        domain = domains.get(name)
        facts = make_facts(settings, domains, domain, clock=clock)
        if not settings.is_production:
            return Report(tuple(list_wanted(facts)), looked=False)
        rows = asyncio.run(_look(settings, facts, clock))
        return Report(tuple(rows), begin_keys(domains, domain, rows))
    finally:
        stores.close()


async def look_once(
    settings: Settings, domains: Domains, domain: Domain, clock: Clock
) -> list[Row]:
    """Return what the DNS says about a domain; changes nothing here."""
    return await _look(settings, make_facts(settings, domains, domain, clock=clock), clock)


def make_facts(settings: Settings, domains: Domains, domain: Domain, *, clock: Clock) -> Facts:
    """Return what the settings and the data directory say about a domain."""
    return Facts(
        domain=domain.name,
        hostname=settings.hostname,
        now_ms=clock.now_ms(),
        policy=find_own_policy(settings),
        addresses=settings.public_addresses,
        kinds=Families(settings.delivery_families).kinds,
        keys=tuple(domains.ensure_keys(domain)),
        lists=settings.own_blocklists,
        reports=settings.reports_address,
        certificates=_load_chain(find_serving(settings)[0]),
        validates=make_resolver(settings, clock).trusted,
    )


async def _look(settings: Settings, facts: Facts, clock: Clock) -> list[Row]:
    resolver = make_resolver(settings, clock)
    try:
        return await look_at_domain(facts, resolver, PolicyFetcher(resolver))
    finally:
        await resolver.close()


async def look_at_domain(facts: Facts, resolver: Resolver, source: PolicySource) -> list[Row]:
    """Return the rows of all looks, which are made at the same time."""
    *found, policy = await asyncio.gather(
        *(resolver.run(look, within_s=DNS_LOOK_S) for look in list_looks(facts)),
        _fetch_rows(facts, source),
    )
    return [row for rows in (*found, policy) for row in rows]


async def _fetch_rows(facts: Facts, source: PolicySource) -> list[Row]:
    if facts.policy.mode is Mode.NONE:
        return []
    fetched: Policy | str
    try:
        fetched = await source.fetch_policy(facts.domain)
    except PolicyError as error:
        fetched = str(error)
    return judge_sts_policy(facts, fetched)


def begin_keys(domains: Domains, domain: Domain, rows: list[Row]) -> tuple[str, ...]:
    """Activate the keys that wait and were seen; return their selectors."""
    seen = {row.selector for row in rows if row.what == "DKIM" and row.ok}
    waiting = [k for k in domains.list_keys(domain) if state_of(k) is KeyState.WAITING]
    if not any(key.selector in seen for key in waiting):
        return ()
    return tuple(key.selector for key in domains.activate(domain, seen))


def _load_chain(path: Path) -> tuple[bytes, ...]:
    """Return the certificates SMTP presents, DER; () if they cannot be read."""
    try:
        blocks = path.read_text("ascii").split(_BEGIN)[1 : CHAIN_MAX + 1]
        pems = [f"{_BEGIN}{block.partition(_END)[0]}{_END}" for block in blocks]
        return tuple(map(ssl.PEM_cert_to_DER_cert, pems))
    except (OSError, ValueError):
        return ()
