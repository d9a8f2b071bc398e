"""The identity services, made from one directory. app/ builds one `Identity` per process."""

from dataclasses import dataclass

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.domain.access.accounts import Accounts
from penfold.domain.access.aliases import Aliases
from penfold.domain.access.apps_with_access import AppsWithAccess
from penfold.domain.access.clients import Clients
from penfold.domain.access.consent import Consent
from penfold.domain.access.devices import Devices
from penfold.domain.access.grant_rules import GOOGLES_RULES, GrantRules
from penfold.domain.access.grants import Grants
from penfold.domain.access.id_tokens import IdTokens
from penfold.domain.access.offers import Offers
from penfold.domain.access.passkeys import Passkeys
from penfold.domain.access.provider_logins import ProviderLogins
from penfold.domain.access.roles import Roles
from penfold.domain.access.second_factors import SecondFactors
from penfold.domain.access.service_accounts import ServiceAccounts
from penfold.domain.access.sessions import Sessions, Told
from penfold.domain.throttle import Throttle, make_open_throttle
from penfold.ports.identity import IdentityBook
from penfold.ports.mailbox import Mailboxes
from penfold.ports.sealing import Sealer
from penfold.proto.jwt import KeyMaker, make_key_pair


@dataclass(frozen=True, slots=True)
class Identity:
    """Everything about who exists and who may come in."""

    book: IdentityBook
    accounts: Accounts
    aliases: Aliases
    apps: AppsWithAccess
    clients: Clients
    consent: Consent
    devices: Devices
    factors: SecondFactors
    grants: Grants
    id_tokens: IdTokens
    offers: Offers
    passkeys: Passkeys
    provider_logins: ProviderLogins
    roles: Roles
    sessions: Sessions
    throttle: Throttle


def build_identity(  # noqa: PLR0913 - what it stands on, each by its name
    book: IdentityBook,
    mailboxes: Mailboxes,
    *,
    clock: Clock,
    chance: Chance,
    sealer: Sealer,
    make_key: KeyMaker = make_key_pair,
    rules: GrantRules = GOOGLES_RULES,
    throttle: Throttle | None = None,
    told: Told | None = None,
) -> Identity:
    """Return the services; chance must be cryptographic (`random.SystemRandom()`).

    throttle: the limits that hold for who comes from outside. told: of what is shown to sign in.
    """
    throttle = throttle or make_open_throttle(clock)
    accounts = Accounts(book, mailboxes, clock, chance, rules.password_ends)
    factors = SecondFactors(book, sealer, clock, chance)
    offers = Offers(sealer, clock)
    id_tokens = IdTokens(book, clock, sealer, make_key)
    devices = Devices(book, clock, chance, throttle)
    service_accounts = ServiceAccounts(book, clock)
    return Identity(
        book=book,
        accounts=accounts,
        aliases=Aliases(book, clock),
        apps=AppsWithAccess(book),
        clients=Clients(book, clock, chance, make_key),
        consent=Consent(book, clock, chance),
        devices=devices,
        factors=factors,
        grants=Grants(book, clock, chance, id_tokens, service_accounts, devices, rules),
        id_tokens=id_tokens,
        offers=offers,
        passkeys=Passkeys(book, offers, clock, chance),
        provider_logins=ProviderLogins(book, offers, clock, chance),
        roles=Roles(book, clock),
        sessions=Sessions(book, accounts, factors, clock, chance, throttle, told),
        throttle=throttle,
    )
