"""What an API key may do. `keys:*` takes in `keys:read` and `keys:write`."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

EMAILS_SEND: Final = "emails:send"
EMAILS_READ: Final = "emails:read"
SUPPRESSIONS_READ: Final = "suppressions:read"
SUPPRESSIONS_WRITE: Final = "suppressions:write"
TEMPLATES_READ: Final = "templates:read"
TEMPLATES_WRITE: Final = "templates:write"
KEYS_READ: Final = "keys:read"
KEYS_WRITE: Final = "keys:write"
USAGE_READ: Final = "usage:read"
STATS_READ: Final = "stats:read"
DOMAINS_READ: Final = "domains:read"
DOMAINS_WRITE: Final = "domains:write"
STREAMS_READ: Final = "streams:read"
STREAMS_WRITE: Final = "streams:write"
WEBHOOKS_READ: Final = "webhooks:read"
WEBHOOKS_WRITE: Final = "webhooks:write"

#: Scopes a key may have, and what each allows.
SCOPES: Final = MappingProxyType({
    EMAILS_SEND: "Send emails, move and cancel scheduled ones.",
    EMAILS_READ: "Read emails and what happened to them.",
    "templates:*": "Read and change templates.",
    TEMPLATES_READ: "Read templates, and see what they make of variables.",
    "domains:*": "Read and change sending domains.",
    "streams:*": "Read and change streams.",
    "webhooks:*": "Read and change webhooks.",
    "suppressions:*": "Read and change the list of suppressed addresses.",
    SUPPRESSIONS_READ: "Read the list of suppressed addresses.",
    STATS_READ: "Read statistics: counts, rates and times to deliver.",
    USAGE_READ: "Read what was used and what it costs.",
    "keys:*": "Read, make and revoke API keys that may do no more than this one.",
})  # fmt: skip
#: What a key gets when nobody says what it may.
DEFAULT_SCOPES: Final = (EMAILS_SEND, EMAILS_READ)


def allows(scopes: Iterable[str], wanted: str) -> bool:
    """Return whether any of the scopes covers the wanted one."""
    area = wanted.partition(":")[0]
    return any(scope in (wanted, f"{area}:*") for scope in scopes)
