"""Put together what looks at emails before they are sent.

In local mode nothing leaves this machine, so the DNS is not asked; a scanner that is set is.
"""

import asyncio
import threading
from functools import partial
from typing import Final

from msgspec.structs import replace

from penfold.app.mail.mta_sts import find_own_policy
from penfold.app.mail.resolving import make_resolver, wait_for
from penfold.app.mail.sending import make_links
from penfold.app.stores import Stores
from penfold.base.clock import Clock
from penfold.base.errors import NotFoundError, UnavailableError
from penfold.base.limits import DNS_LOOK_S
from penfold.domain.dns_advice.row import Facts, find_addresses
from penfold.domain.envelope import Envelope
from penfold.domain.outgoing.relaying import find_relay
from penfold.domain.outgoing.signing_keys import SigningKeys
from penfold.domain.sending.caller import Caller, make_caller
from penfold.domain.sending.domain_dns import VERIFIED
from penfold.domain.sending.domains import find_signing
from penfold.domain.sending.preflight.remarks import Departure, Reception
from penfold.domain.sending.preflight.run import Preflight
from penfold.domain.sending.workshop import Workshop
from penfold.front.smtp.checking import Checker
from penfold.net.dns import Resolver
from penfold.net.rspamd import Rspamd
from penfold.ports.scanning import Scanned, Subject
from penfold.ports.sending.records import INSTALLATION, ApiKey, SendingDomain, domain_id
from penfold.proto.address import domain_of
from penfold.proto.dns import Check
from penfold.proto.exchangers import Families
from penfold.spec.settings import Settings

#: What a scanner hears instead of an address nobody knows.
_NO_ADDRESS: Final = "127.0.0.1"
_SESSION: Final = "preflight"


def make_preflight(
    stores: Stores, settings: Settings, workshop: Workshop, *, public_url: str
) -> Preflight:
    """Return what looks at emails; workshop.stopping ends looks."""
    keys = SigningKeys(
        stores.directory,
        stores.sealer,
        stores.clock,
        find_more=lambda name: find_signing(stores.sending, name),
    )
    return Preflight(
        stores.sending,
        workshop,
        stores.clock,
        lambda raw, domain: keys.sign(raw, domain, stores.clock.now_ms() // 1000),
        partial(_wait_for_reception, settings, stores.clock, workshop.stopping),
        make_links(stores, settings, public_url),
    )


def make_preflight_caller(stores: Stores, address: str) -> Caller:
    """Return who calls for an account, by its address; "" is whoever runs this server: every
    verified domain is fine then. NotFoundError.
    """
    account = stores.directory.find_account(address) if address else None
    if address and account is None:
        raise NotFoundError("no such account", address=address)
    owner = account.id if account else INSTALLATION
    caller = make_caller(stores.sending, ApiKey("", owner, "", 0), stores.directory.is_local_domain)
    return caller if account else replace(caller, is_ours=partial(_is_anybodys, stores))


def _is_anybodys(stores: Stores, domain: str) -> bool:
    if stores.directory.is_local_domain(domain):
        return True
    found = stores.sending.read(lambda b: b.find_unowned(SendingDomain, domain_id(domain)))
    return found is not None and found.state == VERIFIED


def _wait_for_reception(
    settings: Settings, clock: Clock, stopping: threading.Event, departure: Departure
) -> Reception:
    found = wait_for(receive(settings, clock, departure), stopping)
    if found is None:
        raise UnavailableError("the server stops")
    return found


async def receive(settings: Settings, clock: Clock, departure: Departure) -> Reception:
    """Return what a receiver would make of a message that leaves this server."""
    if not settings.is_production:
        return Reception(scanned=await _scan(settings, departure, _NO_ADDRESS))
    resolver = make_resolver(settings, clock)
    try:
        return await _judge(settings, clock, resolver, departure)
    finally:
        await resolver.close()


async def _judge(
    settings: Settings, clock: Clock, resolver: Resolver, departure: Departure
) -> Reception:
    to = departure.recipients[0] if departure.recipients else ""
    relay = find_relay(settings.relay, domain_of(departure.sender), domain_of(to))
    addresses: tuple[str, ...] = ()
    if relay is None:
        addresses = await resolver.run(_find_addresses(settings), within_s=DNS_LOOK_S)
    first = addresses[0] if addresses else ""
    envelope = Envelope(
        session=_SESSION,
        client=first,
        helo=settings.hostname,
        protocol="ESMTPS",
        sender=departure.sender,
        recipients=departure.recipients,
    )
    checker = Checker(resolver, clock=clock, hostname=settings.hostname)
    try:
        async with asyncio.TaskGroup() as group:
            checked = group.create_task(checker.check(envelope, departure.raw))
            scanned = group.create_task(_scan(settings, departure, first or _NO_ADDRESS))
            others = [
                group.create_task(
                    checker.check_sender(
                        client=each, helo=settings.hostname, sender=departure.sender
                    )
                )
                for each in addresses[1:]
            ]
    finally:
        checker.close()
    return Reception(
        addresses,
        relay.name if relay else "",
        checked.result().findings,
        tuple(each.result() for each in others),
        scanned.result(),
    )


def _find_addresses(settings: Settings) -> Check[tuple[str, ...]]:
    facts = Facts(
        domain="",
        hostname=settings.hostname,
        now_ms=0,
        policy=find_own_policy(settings),
        addresses=settings.public_addresses,
        kinds=Families(settings.delivery_families).kinds,
    )
    return find_addresses(facts)


async def _scan(settings: Settings, departure: Departure, client: str) -> Scanned | None:
    if not settings.rspamd:
        return None
    subject = Subject(
        session=_SESSION,
        client=client,
        helo=settings.hostname,
        sender=departure.sender,
        recipients=departure.recipients,
    )
    return await Rspamd(settings.rspamd, hostname=settings.hostname).scan(subject, departure.raw)
