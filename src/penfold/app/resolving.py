"""The resolver the settings ask for."""

import random

from penfold.base.clock import Clock
from penfold.net.dns import Resolver, load_resolvers
from penfold.proto.resolv_conf import Resolvers, Server
from penfold.spec.quotas import OFF
from penfold.spec.settings import Settings


def make_resolver(settings: Settings, clock: Clock) -> Resolver:
    """Return a resolver for one event loop, asking the servers of the settings or the system's."""
    trusted = settings.dns_trusted != OFF
    named = tuple(Server(*endpoint) for endpoint in settings.dns_servers)
    found = Resolvers.of(named, trusted=trusted) if named else load_resolvers()
    resolvers = Resolvers.of(found.servers, trusted=trusted or found.trusted)
    return Resolver(resolvers, clock=clock, chance=random.SystemRandom())
