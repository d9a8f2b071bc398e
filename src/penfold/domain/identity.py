"""The identity services, made from one directory. app/ builds one `Identity` per process."""

from dataclasses import dataclass

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.domain.accounts import Accounts
from penfold.domain.aliases import Aliases
from penfold.domain.attempts import Attempts
from penfold.domain.clients import Clients
from penfold.domain.consent import Consent
from penfold.domain.grant_rules import GOOGLES_RULES, GrantRules
from penfold.domain.grants import Grants
from penfold.domain.id_tokens import IdTokens
from penfold.domain.service_accounts import ServiceAccounts
from penfold.domain.sessions import Sessions
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
    clients: Clients
    consent: Consent
    grants: Grants
    id_tokens: IdTokens
    sessions: Sessions


def build_identity(
    book: IdentityBook,
    mailboxes: Mailboxes,
    *,
    clock: Clock,
    chance: Chance,
    sealer: Sealer,
    make_key: KeyMaker = make_key_pair,
    rules: GrantRules = GOOGLES_RULES,
) -> Identity:
    """Return the services; chance must be cryptographic (`random.SystemRandom()`)."""
    accounts = Accounts(book, mailboxes, clock, chance, rules.password_ends)
    id_tokens = IdTokens(book, clock, sealer, make_key)
    return Identity(
        book=book,
        accounts=accounts,
        aliases=Aliases(book, clock),
        clients=Clients(book, clock, chance, make_key),
        consent=Consent(book, clock, chance),
        grants=Grants(book, clock, chance, id_tokens, ServiceAccounts(book, clock), rules),
        id_tokens=id_tokens,
        sessions=Sessions(book, accounts, clock, chance, Attempts(clock)),
    )
