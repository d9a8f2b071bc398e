"""What the audit log tells of each kind of record: docs/administration.md has the table.

`plain` fields stay for ever; `personal` ones stand apart and can be erased; every other field is
masked, so a field or a kind somebody adds tomorrow shows nothing until it is listed here.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from msgspec import Struct

from penfold.ports import identity
from penfold.ports.audit import Draft, to_json
from penfold.ports.directory import Account

#: What stands for a value that is not shown.
MASKED: Final = "********"

#: What happened, in `Entry.action`.
ADDED: Final = "add"
CHANGED: Final = "change"
DELETED: Final = "delete"


class Rule(NamedTuple):
    """plain, personal: fields that are shown. owner: the field with the account's id.

    keyless: the key is personal.
    """

    name: str
    plain: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    owner: str = "account_id"
    keyless: bool = False


RULES: Final[dict[type[Struct], Rule]] = {
    Account: Rule("user", ("suspended",), ("address", "name"), owner="id"),
    identity.Alias: Rule("alias", ("domain_id",), ("address",), keyless=True),
    identity.AppPassword: Rule("app_password", (), ("label",)),
    identity.Client: Rule(
        "app", ("name", "kind", "project", "redirect_uris", "pkce", "rotates", "testing")
    ),
    identity.DkimKey: Rule(
        "dkim_key", ("domain_id", "selector", "algorithm", "record", "active_ms", "retired_ms")
    ),
    identity.Domain: Rule("domain"),
    identity.Fact: Rule("fact"),
    identity.Grant: Rule("grant", ("client_id", "scopes", "offline", "origin")),
    identity.Passkey: Rule("passkey", ("host",), ("label",)),
    identity.Password: Rule("password", ("changed_ms",)),
    identity.ProviderLogin: Rule("provider_login", ("issuer",)),
    identity.RecoveryCode: Rule("recovery_code"),
    identity.Removed: Rule("erasure", ("removed_ms",), ("address",), owner="former"),
    identity.Role: Rule("role", ("name",)),
    identity.ServiceAccount: Rule("service_account", ("client_id", "domain", "scopes")),
    identity.ServiceKey: Rule("service_key", ("client_id",)),
    identity.Session: Rule("session", ("expires_ms",), ("address", "agent")),
    identity.SigningKey: Rule("signing_key"),
    identity.Totp: Rule("authenticator"),
}
#: Made by the thousand out of what is audited already: a grant's tokens; or on the way to it.
QUIET: Final[frozenset[type[Struct]]] = frozenset(
    {
        identity.AccessToken,
        identity.Code,
        identity.DeviceCode,
        identity.HalfSignIn,
        identity.RefreshToken,
        identity.ServiceToken,
        identity.SpentChallenge,
    }
)
#: Fields whose change alone is no event: notes of use, counters, a browser's new cookie.
_TOUCHES: Final = frozenset({"used_ms", "browser", "proven_ms", "counter", "step"})
#: Hex digits of a key that is octets (a digest): enough to name it.
_HANDLE: Final = 16


def handle_of(key: str | bytes) -> str:
    """Return a key as it is shown: text as it is, octets as their first hex digits."""
    return key.hex()[:_HANDLE] if isinstance(key, bytes) else key


def draft_change(before: Struct | None, after: Struct | None) -> Draft | None:
    """Return what there is to say of a record's change; None when it is nothing to be kept."""
    record = after or before
    if record is None or type(record) in QUIET:
        return None
    rule = RULES.get(type(record)) or Rule(type(record).__name__.lower())
    names = _changed(before, after)
    if not names:
        return None
    key = getattr(record, record.__struct_fields__[0])
    personal = [name for name in names if name in rule.personal]
    parts = {"before": _pick(before, personal), "after": _pick(after, personal)}
    return Draft(
        action=ADDED if before is None else DELETED if after is None else CHANGED,
        kind=rule.name,
        key="" if rule.keyless else handle_of(key),
        account_id=getattr(record, rule.owner, ""),
        before=_plain(before, names, rule),
        after=_plain(after, names, rule),
        personal=to_json({name: part for name, part in parts.items() if part}),
    )


def find_erased(before: Struct | None, after: Struct | None) -> str | None:
    """Return the id of the account to be forgotten: its erasure loses its address, or is done."""
    if not isinstance(before, identity.Removed):
        return None
    done = after is None or (isinstance(after, identity.Removed) and not after.address)
    return before.former if done else None


def _changed(before: Struct | None, after: Struct | None) -> list[str]:
    record = after or before
    fields = () if record is None else record.__struct_fields__[1:]
    if before is None or after is None:
        return [name for name in fields if name != "created_ms"] or ["created_ms"]
    return [
        name
        for name in fields
        if name not in _TOUCHES and getattr(before, name) != getattr(after, name)
    ]


def _pick(record: Struct | None, names: Iterable[str]) -> dict[str, Any]:
    return {} if record is None else {name: _value(getattr(record, name)) for name in names}


def _plain(record: Struct | None, names: Sequence[str], rule: Rule) -> str:
    """Return the fields that may be told, as JSON; secrets that are there, as MASKED."""
    if record is None:
        return ""
    told = {}
    for name in names:
        value = getattr(record, name)
        if name in rule.plain or name == rule.owner or name.endswith("_id"):
            told[name] = _value(value)
        elif name not in rule.personal and name != "created_ms":
            told[name] = MASKED if value not in (b"", "", 0, False) else ""
    return to_json(told)


def _value(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value
