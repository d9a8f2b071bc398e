"""Who may come in to an account, and by what: kinds, names and dates, never a secret."""

from dataclasses import dataclass

from penfold.domain.access.identity import Identity
from penfold.ports.directory import Account
from penfold.ports.identity import (
    AccessToken,
    AppPassword,
    Client,
    Grant,
    Passkey,
    Password,
    ProviderLogin,
    RefreshToken,
    Role,
)
from penfold.ports.pubsub import PubsubBook, format_time
from penfold.spec.account_export import (
    AccessDocument,
    Allowed,
    Application,
    Factor,
    ProgramPassword,
    ProviderAccess,
    SignedInAt,
    Watching,
)


@dataclass(frozen=True, slots=True)
class Access:
    """Reads what the directory and the book of topics have of an account."""

    identity: Identity
    pubsub: PubsubBook

    def make(self, account: Account) -> AccessDocument:
        password = self.identity.book.find(Password, account.id)
        factors = self.identity.factors.list_of(account)
        role = self.identity.book.find(Role, account.id)
        return AccessDocument(
            role=role.name if role else None,
            password_changed=format_time(password.changed_ms) if password else None,
            sessions=self._sessions(account),
            applications=self._applications(account),
            app_passwords=[
                ProgramPassword(
                    label=each.label,
                    created=format_time(each.created_ms),
                    used=_format_used(each.used_ms),
                )
                for each in self.identity.book.list_by(AppPassword, account_id=account.id)
            ],
            second_factors=[
                *([_authenticator(factors.totp_ms)] if factors.totp_ms else ()),
                *map(_passkey, factors.passkeys),
            ],
            recovery_codes=factors.recovery_codes,
            provider_logins=[
                ProviderAccess(
                    issuer=each.issuer,
                    created=format_time(each.created_ms),
                    used=_format_used(each.used_ms),
                )
                for each in self.identity.book.list_by(ProviderLogin, account_id=account.id)
            ],
            watches=[
                Watching(topic=each.topic, expires=format_time(each.expires_ms))
                for each in self.pubsub.list_watches()
                if each.mailbox == account.id
            ],
        )

    def _sessions(self, account: Account) -> list[SignedInAt]:
        return [
            SignedInAt(
                address=each.address,
                browser=each.agent,
                created=format_time(each.created_ms),
                used=_format_used(each.used_ms),
                expires=format_time(each.expires_ms),
            )
            for each in self.identity.sessions.list_of(account)
        ]

    def _applications(self, account: Account) -> list[Application]:
        """Return each application once, with all it was allowed, the first one first."""
        grants: dict[str, list[Allowed]] = {}
        for each in self.identity.book.list_by(Grant, account_id=account.id):
            grants.setdefault(each.client_id, []).append(self._allowed(each))
        return [
            Application(client_id=client_id, name=self._name(client_id), grants=found)
            for client_id, found in grants.items()
        ]

    def _allowed(self, grant: Grant) -> Allowed:
        book = self.identity.book
        used = [each.used_ms for each in book.list_by(RefreshToken, grant_id=grant.id)]
        used += [each.created_ms for each in book.list_by(AccessToken, grant_id=grant.id)]
        return Allowed(
            scopes=sorted(grant.scopes),
            origin=grant.origin,
            offline=grant.offline,
            created=format_time(grant.created_ms),
            used=_format_used(max(used, default=0)),
        )

    def _name(self, client_id: str) -> str:
        client = self.identity.book.find(Client, client_id)
        return client.name if client else client_id


def _authenticator(created_ms: int) -> Factor:
    return Factor(kind="totp", name="", host="", created=format_time(created_ms), used=None)


def _passkey(key: Passkey) -> Factor:
    return Factor(
        kind="passkey",
        name=key.label,
        host=key.host,
        created=format_time(key.created_ms),
        used=_format_used(key.used_ms),
    )


def _format_used(ms: int) -> str | None:
    """Return a time, None for never, which is kept as 0."""
    return format_time(ms) if ms else None
