"""Put together what the sending API and its commands stand on."""

import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from urllib.parse import urlsplit

from penfold.app.mail.resolving import wait_for_look
from penfold.app.stores import Stores
from penfold.base.errors import NotFoundError, UnavailableError
from penfold.domain.access.kept_key import LINK_KEY, KeptKey
from penfold.domain.sending.domain_dns import Verdict, is_tracking_seen, look_at
from penfold.domain.sending.domains import SendingDomains
from penfold.domain.sending.filling import make_fill
from penfold.domain.sending.keys import Keys
from penfold.domain.sending.links import MailLinks
from penfold.domain.sending.metering import Price
from penfold.domain.sending.reactions import Reactions
from penfold.domain.sending.webhooks import Webhooks
from penfold.front.smtp.programs import Programs
from penfold.ports.directory import Account
from penfold.ports.sending.emails import Email
from penfold.ports.sending.records import SendingDomain, domain_id
from penfold.proto.dns import ask_once
from penfold.spec.settings import Settings


def make_keys(stores: Stores) -> Keys:
    """Return what makes and recognises API keys."""
    return Keys(
        stores.sending,
        stores.clock,
        stores.chance,
        lambda account_id: stores.directory.find(Account, account_id),
        lambda event: stores.directory.change(lambda writer: writer.note(event)),
    )


def make_webhooks(stores: Stores, *, local: bool) -> Webhooks:
    """Return what makes and changes webhooks. local: receivers on this machine may be told."""
    return Webhooks(
        stores.sending,
        stores.clock,
        stores.chance,
        stores.sealer,
        lambda event: stores.directory.change(lambda writer: writer.note(event)),
        local=local,
    )


def make_domains(
    stores: Stores,
    settings: Settings,
    told: Callable[[Verdict], None] = lambda _: None,
    stopping: threading.Event | None = None,
) -> SendingDomains:
    """Return what looks after sending domains; told: of what the DNS changed.

    stopping: ends a look, which raises UnavailableError then.
    """

    def look(domain: SendingDomain) -> Mapping[str, str]:
        check = ask_once(look_at(domain, settings.hostname))
        found = wait_for_look(check, settings, stores.clock, stopping)
        if found is None:
            raise UnavailableError("the server stops", domain=domain.name)
        return found

    return SendingDomains(
        stores.sending,
        stores.sealer,
        stores.clock,
        stores.chance,
        settings.hostname,
        stores.directory.is_local_domain,
        look if settings.is_production else None,
        told,
    )


def make_programs(stores: Stores, settings: Settings) -> Programs:
    """Return the sending API by SMTP."""
    return Programs(
        stores.sending,
        make_keys(stores),
        is_local=stores.directory.is_local_domain,
        price=make_price(settings),
        clock=stores.clock,
        chance=stores.chance,
        fill=make_fill(stores.sending),
    )


def make_reactions(stores: Stores, settings: Settings) -> Reactions:
    """Return what takes note of what readers of mail do."""
    return Reactions(
        stores.sending,
        make_link_key(stores),
        stores.clock,
        stores.chance,
        keeps_details=settings.sending_track_details == "on",
    )


def make_links(stores: Stores, settings: Settings, base: str) -> MailLinks:
    """Return what makes links in mail. base: where readers reach our pages."""

    def find_base(email: Email) -> str:
        key = domain_id(email.domain)
        found = stores.sending.read(lambda b: b.find_unowned(SendingDomain, key))
        if found is None or found.tracking not in settings.hosts or not is_tracking_seen(found):
            return base
        parts = urlsplit(base)
        port = f":{parts.port}" if parts.port else ""
        return parts._replace(netloc=found.tracking + port).geturl()

    return MailLinks(make_link_key(stores), base, find_base)


def make_link_key(stores: Stores) -> KeptKey:
    """Return the key of links in mail."""
    return KeptKey(LINK_KEY, stores.directory, stores.sealer, stores.chance)


def make_price(settings: Settings) -> Price:
    """Return what a recipient costs: the setting is for a thousand."""
    return Price(int(1_000 * Decimal(settings.sending_price)), settings.sending_currency)


def make_addresses(stores: Stores) -> Callable[[str], list[str]]:
    """Return what lists an account's addresses: its own, and aliases that lead to it."""

    def list_addresses(account_id: str) -> list[str]:
        account = stores.directory.find(Account, account_id)
        if account is None:
            raise NotFoundError("the account is gone")
        return [account.address, *stores.directory.list_aliases(account_id)]

    return list_addresses
