"""The API on SQLite in this process, with two people, for tests made from the registry."""

from contextlib import contextmanager
from dataclasses import dataclass

from tests.unit.world import KnownServer

from penfold.app.stores import Stores, known_schema, open_stores
from penfold.app.wiring import make_product
from penfold.base.clock import FixedClock
from penfold.domain.settings.confirming import Asking
from penfold.domain.settings.mail_servers import MailServers
from penfold.front.http.call import Services
from penfold.front.http.pipeline import GmailApi
from penfold.front.http.registration import find_checks, find_handlers
from penfold.ports.directory import Account
from penfold.ports.identity import Domain

PEOPLE = ("alice@penfold.test", "bob@penfold.test")


@dataclass
class Served:
    """facts: one for each request, with the error it ended in."""

    api: GmailApi
    stores: Stores
    clock: FixedClock
    accounts: list[Account]
    facts: list


@contextmanager
def serve_api(folder, *, authenticator=None):
    """Yield the API; its handlers raise only what they declare.

    authenticator: made from the accounts; without one tokens are those of the directory.
    """
    clock = FixedClock()
    stores = open_stores(folder, clock=clock, fatal=print, create=known_schema())
    accounts = [Account(f"m{n:020x}", a, "", 0) for n, a in enumerate(PEOPLE, 1)]

    def add(writer):
        writer.add(Domain("penfold.test", 0))
        for account in accounts:
            writer.add(account)

    stores.directory.change(add)
    for account in accounts:
        stores.mailboxes.create(account.id)
    product = make_product(stores, hostname="mx.penfold.test")
    facts = []
    api = GmailApi(
        handlers=find_handlers(),
        checks=find_checks(),
        authenticator=authenticator(accounts) if authenticator else stores.directory,
        mailboxes=stores.mailboxes,
        services=Services(
            stores.directory,
            product.outbound,
            stores.chance,
            stores.sealer,
            stores.pubsub,
            Asking(product.outbound, stores.chance, "http://penfold.test"),
            MailServers(stores.sealer, KnownServer()),
            stores.uploads,
        ),
        clock=clock,
        observe=facts.append,
        strict=True,
    )
    yield Served(api, stores, clock, accounts, facts)
    api.close()
    product.close()
