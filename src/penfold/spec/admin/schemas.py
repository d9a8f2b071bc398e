"""The JSON objects of the administration API.

Names are those of Google's Directory API (documented, directory_v1) where it has the thing; ours
otherwise. What is left out here is refused as an unknown name.
"""

from msgspec import UNSET
from msgspec import UnsetType as Unset

from penfold.spec.schemas import Wire


class UserName(Wire):
    full_name: str | Unset = UNSET


class User(Wire):
    """password is only written. role: admin, auditor or user (ours; Google has isAdmin)."""

    id: str | Unset = UNSET
    primary_email: str | Unset = UNSET
    name: UserName | Unset = UNSET
    password: str | Unset = UNSET
    suspended: bool | Unset = UNSET
    is_admin: bool | Unset = UNSET
    role: str | Unset = UNSET
    aliases: list[str] | Unset = UNSET
    creation_time: str | Unset = UNSET


class Users(Wire):
    users: list[User] | Unset = UNSET
    next_page_token: str | Unset = UNSET


class Alias(Wire):
    alias: str | Unset = UNSET
    primary_email: str | Unset = UNSET


class Aliases(Wire):
    aliases: list[Alias] | Unset = UNSET


class Token(Wire):
    """What an account allowed an application: all its grants together."""

    client_id: str | Unset = UNSET
    display_text: str | Unset = UNSET
    scopes: list[str] | Unset = UNSET
    user_key: str | Unset = UNSET


class Tokens(Wire):
    items: list[Token] | Unset = UNSET


class Asp(Wire):
    """An application-specific password. password: shown once, when it is made (ours)."""

    code_id: str | Unset = UNSET
    name: str | Unset = UNSET
    creation_time: str | Unset = UNSET
    last_time_used: str | Unset = UNSET
    password: str | Unset = UNSET
    user_key: str | Unset = UNSET


class Asps(Wire):
    items: list[Asp] | Unset = UNSET


class Domain(Wire):
    domain_name: str | Unset = UNSET
    creation_time: str | Unset = UNSET


class Domains(Wire):
    domains: list[Domain] | Unset = UNSET


class DkimKey(Wire):
    """record: the text to publish at `name` in the DNS."""

    name: str | Unset = UNSET
    selector: str | Unset = UNSET
    algorithm: str | Unset = UNSET
    state: str | Unset = UNSET
    record: str | Unset = UNSET


class DkimKeys(Wire):
    keys: list[DkimKey] | Unset = UNSET


class App(Wire):
    """An OAuth client. clientSecret: shown once, when it is made."""

    client_id: str | Unset = UNSET
    display_text: str | Unset = UNSET
    kind: str | Unset = UNSET
    redirect_uris: list[str] | Unset = UNSET
    public: bool | Unset = UNSET
    client_secret: str | Unset = UNSET
    creation_time: str | Unset = UNSET


class Apps(Wire):
    apps: list[App] | Unset = UNSET
    next_page_token: str | Unset = UNSET


class ServiceAccount(Wire):
    """domain, scopes: whom it may act for, and for what; no scopes: whatever there is."""

    email: str | Unset = UNSET
    client_id: str | Unset = UNSET
    domain: str | Unset = UNSET
    scopes: list[str] | Unset = UNSET
    key_ids: list[str] | Unset = UNSET


class ServiceAccounts(Wire):
    service_accounts: list[ServiceAccount] | Unset = UNSET


class Activity(Wire):
    """An entry of the audit log. values: JSON of what is personal, until it is erased."""

    id: str | Unset = UNSET
    time: str | Unset = UNSET
    actor: str | Unset = UNSET
    client_id: str | Unset = UNSET
    ip_address: str | Unset = UNSET
    action: str | Unset = UNSET
    kind: str | Unset = UNSET
    key: str | Unset = UNSET
    account_id: str | Unset = UNSET
    before: str | Unset = UNSET
    after: str | Unset = UNSET
    values: str | Unset = UNSET
    hash: str | Unset = UNSET


class Activities(Wire):
    items: list[Activity] | Unset = UNSET
    next_page_token: str | Unset = UNSET
