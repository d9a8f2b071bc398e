"""The OAuth scopes of the product: Gmail's 14, the three of OpenID Connect, Pub/Sub's two,
and two of our own for the administration API.

One entry per scope a client may ask for. `short` is the name people use for it, `sentence` is
what the consent page shows. Any one of a method's scopes is enough to call it, but a token that
holds a metadata scope is restricted by it whatever else it holds (see spec.method.Limit).
Gmail: documented (discovery revision 20261005); the sentences are ours.
"""

from dataclasses import dataclass
from typing import Final

_GMAIL: Final = "https://www.googleapis.com/auth/gmail."


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """One permission; ordered by url, which is the order Google's documents use."""

    url: str
    short: str
    sentence: str


def _gmail(name: str, sentence: str) -> Scope:
    return Scope(_GMAIL + name, name, sentence)


FULL: Final = Scope(
    "https://mail.google.com/",
    "full",
    "Read, write, send and permanently delete all your mail",
)
ADDON_COMPOSE: Final = _gmail(
    "addons.current.action.compose", "Manage drafts and send mail when you use the add-on"
)
ADDON_ACTION: Final = _gmail(
    "addons.current.message.action", "See the open message when you use the add-on"
)
ADDON_METADATA: Final = _gmail(
    "addons.current.message.metadata",
    "See the labels and headers of the open message while the add-on runs",
)
ADDON_READONLY: Final = _gmail(
    "addons.current.message.readonly", "See the open message while the add-on runs"
)
COMPOSE: Final = _gmail("compose", "Manage drafts and send mail")
INSERT: Final = _gmail("insert", "Add mail to your mailbox")
LABELS: Final = _gmail("labels", "See and change your labels")
METADATA: Final = _gmail(
    "metadata", "See the labels and headers of your mail, but not what the mail says"
)
MODIFY: Final = _gmail(
    "modify", "Read, write and send mail, and move it to the trash, but not delete it for good"
)
READONLY: Final = _gmail("readonly", "See your mail and your mail settings")
SEND: Final = _gmail("send", "Send mail as you")
SETTINGS_BASIC: Final = _gmail("settings.basic", "See and change your mail settings and filters")
SETTINGS_SHARING: Final = _gmail(
    "settings.sharing",
    "Manage sensitive mail settings, such as who may read and forward your mail",
)

#: Gmail's scopes in the order of their urls.
GMAIL_SCOPES: Final = (
    FULL,
    ADDON_COMPOSE,
    ADDON_ACTION,
    ADDON_METADATA,
    ADDON_READONLY,
    COMPOSE,
    INSERT,
    LABELS,
    METADATA,
    MODIFY,
    READONLY,
    SEND,
    SETTINGS_BASIC,
    SETTINGS_SHARING,
)

OPENID: Final = Scope("openid", "openid", "Confirm who you are")
EMAIL: Final = Scope(
    "https://www.googleapis.com/auth/userinfo.email", "email", "See your email address"
)
PROFILE: Final = Scope(
    "https://www.googleapis.com/auth/userinfo.profile", "profile", "See your name"
)

PUBSUB: Final = Scope(
    "https://www.googleapis.com/auth/pubsub",
    "pubsub",
    "See and manage Pub/Sub topics and subscriptions of the project",
)
CLOUD_PLATFORM: Final = Scope(
    "https://www.googleapis.com/auth/cloud-platform",
    "cloud-platform",
    "See and manage what the project has in the cloud: its Pub/Sub topics and subscriptions",
)
#: Any of these lets a client use Pub/Sub. Google (documented) knows the first two; full mail is
#: ours, so that the credentials a program has for mail do for its notifications.
USE_PUBSUB: Final = frozenset({PUBSUB, CLOUD_PLATFORM, FULL})

#: Ours, for the administration API. The account's role is asked as well.
ADMIN: Final = Scope(
    "https://penfold/auth/admin",
    "admin",
    "See and change everybody's accounts, the domains and the applications of this server",
)
ADMIN_READONLY: Final = Scope(
    "https://penfold/auth/admin.readonly",
    "admin.readonly",
    "See everybody's accounts, the domains, the applications and the audit log of this server",
)

#: Every scope by its url.
SCOPES: Final[dict[str, Scope]] = {
    scope.url: scope
    for scope in (
        *GMAIL_SCOPES,
        OPENID,
        EMAIL,
        PROFILE,
        PUBSUB,
        CLOUD_PLATFORM,
        ADMIN,
        ADMIN_READONLY,
    )
}
#: Other spellings a client may ask with (OpenID Connect Core §5.4), to the url they stand for.
ALIASES: Final[dict[str, str]] = {"email": EMAIL.url, "profile": PROFILE.url}


def find_scope(text: str) -> Scope | None:
    """Return the scope a client named, by url or by its OpenID Connect name."""
    return SCOPES.get(ALIASES.get(text, text))


# Sets that several methods take; any one scope of a set is enough.
DELETE_MAIL: Final = frozenset({FULL})
CHANGE_MAIL: Final = frozenset({FULL, MODIFY})
ADD_MAIL: Final = frozenset({FULL, INSERT, MODIFY})
LIST_MAIL: Final = frozenset({FULL, METADATA, MODIFY, READONLY})
READ_PROFILE: Final = LIST_MAIL | {COMPOSE}
READ_ATTACHMENT: Final = frozenset({FULL, ADDON_ACTION, ADDON_READONLY, MODIFY, READONLY})
READ_MAIL: Final = READ_ATTACHMENT | {ADDON_METADATA, METADATA}
READ_DRAFTS: Final = frozenset({FULL, COMPOSE, MODIFY, READONLY})
WRITE_DRAFTS: Final = frozenset({FULL, ADDON_COMPOSE, COMPOSE, MODIFY})
SEND_MAIL: Final = WRITE_DRAFTS | {SEND}
READ_LABELS: Final = LIST_MAIL | {LABELS}
WRITE_LABELS: Final = frozenset({FULL, LABELS, MODIFY})
READ_SETTINGS: Final = frozenset({FULL, MODIFY, READONLY, SETTINGS_BASIC})
WRITE_SETTINGS: Final = frozenset({SETTINGS_BASIC})
SHARE_SETTINGS: Final = frozenset({SETTINGS_SHARING})
READ_KEYS: Final = READ_SETTINGS | {SETTINGS_SHARING}
WRITE_KEYS: Final = WRITE_SETTINGS | SHARE_SETTINGS
