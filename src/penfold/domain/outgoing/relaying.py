"""Which relay a message goes to, and when a relay, not the message, is what is wrong: pure.

A relay is the operator's choice, and so is what it knows of us: a login it refuses, a name that is
not in the DNS, a banner that turns us away say nothing about the message. So none of it is final,
while what a relay says of a recipient or of the content is (domain.delivery).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from penfold.base.errors import ParseError
from penfold.ports.delivering import Login
from penfold.proto.address import domain_of, parse_domain
from penfold.proto.smtp.stage import Stage
from penfold.spec.relays import Relay

#: What is said before there is a message.
_BEFORE: Final = frozenset(
    {Stage.DNS, Stage.CONNECT, Stage.BANNER, Stage.EHLO, Stage.STARTTLS, Stage.AUTH}
)
#: RFC 4954 §6: a login is wanted (530), too weak (534), refused (535), or wanted encrypted (538).
_LOGIN_CODES: Final = frozenset({530, 534, 535, 538})
_EXACT: Final = 256  # above the length of any domain
_NO_MATCH: Final = -1
_NO_LOGINS: Final[Mapping[str, Login]] = MappingProxyType({})


class Relays:
    """The relays of the settings. logins: by the name of the relay, of those that want one."""

    def __init__(
        self, relays: Sequence[Relay] = (), logins: Mapping[str, Login] = _NO_LOGINS
    ) -> None:
        self._relays = relays
        self._logins = logins

    def find(self, sender: str, recipient: str) -> Relay | None:
        """Return the relay for mail between two addresses; see find_relay."""
        if not self._relays:
            return None
        return find_relay(self._relays, domain_of(sender), domain_of(recipient))

    def is_mended(self, name: str) -> bool:
        """Return whether the login of a relay was changed since it was used last."""
        login = self._logins.get(name)
        return login is not None and login.is_mended()


def find_relay(relays: Sequence[Relay], sender: str, recipient: str) -> Relay | None:
    """Return the relay for mail between two domains, None when it goes to the domain's own servers.

    The most exact recipient domain wins, then the most exact sender's, then the first. sender: ""
    for the null reverse-path, which only relays without `senders` take.
    """
    sender, recipient = _normalize(sender), _normalize(recipient)
    best: Relay | None = None
    best_rank = (_NO_MATCH, _NO_MATCH)
    for relay in relays:
        rank = (_rank(relay.domains, recipient), _rank(relay.senders, sender))
        fits = rank[0] > _NO_MATCH and (not relay.senders or rank[1] > _NO_MATCH)
        if fits and rank > best_rank:
            best, best_rank = relay, rank
    return best


def _normalize(domain: str) -> str:
    try:
        return parse_domain(domain)
    except ParseError:
        return domain


def _rank(patterns: Sequence[str], domain: str) -> int:
    """Return how exactly one of the patterns names a domain."""
    return max((_match(each, domain) for each in patterns), default=_NO_MATCH)


def _match(pattern: str, domain: str) -> int:
    if not domain:
        return _NO_MATCH
    if pattern == domain:
        return _EXACT
    if pattern == "*":
        return 0
    below = pattern.startswith("*.") and domain.endswith(pattern[1:])
    return len(pattern) if below else _NO_MATCH


def is_about_relay(stage: Stage, code: int) -> bool:
    """Return whether an answer of a relay, or its silence, is about the relay and us."""
    return stage in _BEFORE or code in _LOGIN_CODES


def is_about_login(stage: Stage, code: int) -> bool:
    """Return whether it is about our name and password, which the operator has to mend."""
    return stage is Stage.AUTH or code in _LOGIN_CODES
