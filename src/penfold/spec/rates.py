"""How often is too often, as data: what is counted, for whom, how much of it, what is answered.

Each limit is a bucket of `count` tokens that fills evenly in `period_s`. What people choose or
type can be guessed: there a token is taken before the secret is looked at and given back when it
was right, so that many guesses at the same moment are no way around. Tokens and secrets that we
made cannot be guessed: there a refusal takes a token, and who is right is let in anyway. The
figures are ours, out of the way of people and programs that behave, unless a line says otherwise.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from penfold.base.errors import ParseError

#: The word for a limit, or all of them, that shall not hold.
OFF: Final = "off"
#: Largest count and period a person may set; what is meant above that is `off`.
_COUNT_MAX: Final = 1_000_000_000
_PERIOD_MAX_S: Final = 7 * 86_400
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_CHOICE: Final = re.compile(r"([a-z-]+)=(?:(off)|([0-9]{1,10})/([0-9]{1,6})([smhd]))")


class Per(Enum):
    """Whose bucket it is. NETWORK: an IPv4 address or an IPv6 /64; this machine is not counted."""

    ACCOUNT = "account"
    CLIENT = "OAuth client"
    KEY = "API key"
    NETWORK = "network address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One row. counts: what takes a token; answer: what who has none left is told."""

    name: str
    counts: str
    per: Per
    count: int
    period_s: int
    answer: str


_PAGE: Final = "page, 429 with Retry-After"
_JSON: Final = "429 rate_limit_exceeded with Retry-After"
_API: Final = "429 rateLimitExceeded with Retry-After"
_SENDING: Final = "429 rate_limit_exceeded with RateLimit-* and Retry-After"
_QUARTER_S: Final = 900

SIGN_IN_ACCOUNT: Final = Limit(
    name="sign-in-account", counts="wrong passwords on the sign-in page",
    per=Per.ACCOUNT, count=10, period_s=_QUARTER_S, answer=_PAGE,
)  # fmt: skip
#: Many people may sit behind one address.
SIGN_IN_NETWORK: Final = Limit(
    name="sign-in-network",
    counts="wrong passwords on the sign-in page, failed sign-ins by a provider",
    per=Per.NETWORK, count=50, period_s=_QUARTER_S, answer=_PAGE,
)  # fmt: skip
#: A code has six digits and three of them are good at a time: at this rate a guesser who knows the
#: password needs a year and a half for an even chance.
SECOND_FACTOR_ACCOUNT: Final = Limit(
    name="second-factor-account", counts="wrong codes of a second factor",
    per=Per.ACCOUNT, count=5, period_s=_QUARTER_S, answer=_PAGE,
)  # fmt: skip
#: A web application with 100,000 users who are active refreshes 28 times a second.
TOKEN_CLIENT: Final = Limit(
    name="token-client", counts="requests for tokens",
    per=Per.CLIENT, count=6_000, period_s=60, answer=_JSON,
)  # fmt: skip
TOKEN_NETWORK: Final = Limit(
    name="token-network", counts="refused requests for tokens",
    per=Per.NETWORK, count=100, period_s=_QUARTER_S, answer=_JSON,
)  # fmt: skip
DEVICE_NETWORK: Final = Limit(
    name="device-network", counts="requests for device codes",
    per=Per.NETWORK, count=60, period_s=600, answer=_JSON,
)  # fmt: skip
#: Codes that people type are short, so guesses have to be few.
DEVICE_CODE_NETWORK: Final = Limit(
    name="device-code-network", counts="wrong codes on the device page",
    per=Per.NETWORK, count=20, period_s=_QUARTER_S, answer=_PAGE,
)  # fmt: skip
DEVICE_CODE_ACCOUNT: Final = Limit(
    name="device-code-account", counts="wrong codes on the device page",
    per=Per.ACCOUNT, count=10, period_s=_QUARTER_S, answer=_PAGE,
)  # fmt: skip
#: Gmail (documented): 250 units a second and user were the rule; a call is at least one.
API_ACCOUNT: Final = Limit(
    name="api-account", counts="calls of the Gmail API", per=Per.ACCOUNT,
    count=15_000, period_s=60, answer="429 rateLimitExceeded, “User-rate limit exceeded.”",
)  # fmt: skip
API_CLIENT: Final = Limit(
    name="api-client", counts="calls of the Gmail API",
    per=Per.CLIENT, count=600_000, period_s=60, answer=_API,
)  # fmt: skip
API_NETWORK: Final = Limit(
    name="api-network", counts="calls of the Gmail API without a token that is good",
    per=Per.NETWORK, count=600, period_s=60, answer=_API,
)  # fmt: skip
SMTP_LOGIN_ACCOUNT: Final = Limit(
    name="smtp-login-account", counts="failed logins", per=Per.ACCOUNT,
    count=100, period_s=_QUARTER_S, answer="454 4.7.0",
)  # fmt: skip
SMTP_LOGIN_NETWORK: Final = Limit(
    name="smtp-login-network", counts="failed logins", per=Per.NETWORK,
    count=50, period_s=_QUARTER_S, answer="421 4.7.0",
)  # fmt: skip
SUBMISSION_ACCOUNT: Final = Limit(
    name="submission-account", counts="messages sent over SMTP", per=Per.ACCOUNT,
    count=3_600, period_s=3_600, answer="421 4.7.0",
)  # fmt: skip

SENDING_KEY: Final = Limit(
    name="sending-key", counts="calls of the sending API",
    per=Per.KEY, count=6_000, period_s=60, answer=_SENDING,
)  # fmt: skip
SENDING_NETWORK: Final = Limit(
    name="sending-network", counts="calls of the sending API without a key that is good",
    per=Per.NETWORK, count=600, period_s=60, answer=_SENDING,
)  # fmt: skip
LINK_NETWORK: Final = Limit(
    name="link-network", counts="links in mail that are not ours",
    per=Per.NETWORK, count=600, period_s=60, answer=_PAGE,
)  # fmt: skip

LIMITS: Final = (
    SIGN_IN_ACCOUNT, SIGN_IN_NETWORK, SECOND_FACTOR_ACCOUNT, TOKEN_CLIENT, TOKEN_NETWORK,
    DEVICE_NETWORK, DEVICE_CODE_NETWORK, DEVICE_CODE_ACCOUNT, API_ACCOUNT, API_CLIENT, API_NETWORK,
    SMTP_LOGIN_ACCOUNT, SMTP_LOGIN_NETWORK, SUBMISSION_ACCOUNT, SENDING_KEY, SENDING_NETWORK,
    LINK_NETWORK,
)  # fmt: skip
LIMIT_OF: Final = {limit.name: limit for limit in LIMITS}


def parse_rates(value: object) -> tuple[str, ...]:
    """Return NAME=COUNT/PERIOD choices, each limit once; ("off",) when none shall hold."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ParseError("must be a list of NAME=COUNT/PERIOD, or off")
    choices = tuple(item.strip() for item in items)
    if choices == (OFF,):
        return choices
    names = [_parse_choice(choice)[0] for choice in choices]
    if len(set(names)) < len(names):
        raise ParseError("must name each limit once")
    return choices


def find_rates(
    choices: Sequence[str], *, production: bool
) -> Mapping[str, tuple[int, int]]:  # fmt: skip
    """Return count and seconds of each limit in force, by name.

    In production mode those of the table, with the choices in their place; in local mode, where
    a test-suite must never meet one it did not ask for, the choices alone.
    """
    if tuple(choices) == (OFF,):
        return {}
    rates = {each.name: (each.count, each.period_s) for each in LIMITS} if production else {}
    for choice in choices:
        name, rate = _parse_choice(choice)
        rates.pop(name, None)
        if rate is not None:
            rates[name] = rate
    return rates


def _parse_choice(text: str) -> tuple[str, tuple[int, int] | None]:
    match = _CHOICE.fullmatch(text)
    if match is None:
        raise ParseError(f"{text!r} is not NAME=COUNT/PERIOD, such as sign-in-account=10/15m")
    name, off, count, period, unit = match.groups()
    if name not in LIMIT_OF:
        raise ParseError(f"{name!r} is none of the limits: {', '.join(LIMIT_OF)}")
    if off:
        return name, None
    rate = int(count), int(period) * _UNITS[unit]
    if not (1 <= rate[0] <= _COUNT_MAX and 1 <= rate[1] <= _PERIOD_MAX_S):
        raise ParseError(f"{text!r} must be from 1 to {_COUNT_MAX} in 1s to 7d, or off")
    return name, rate
