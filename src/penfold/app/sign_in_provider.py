"""The OpenID Connect provider of the settings, for the pages of one process."""

import ssl
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from penfold.app.exits import StartError
from penfold.app.mail.resolving import make_resolver
from penfold.base.clock import Clock
from penfold.base.errors import UnavailableError
from penfold.base.limits import PROVIDER_SECRET_MAX_BYTES
from penfold.net.openid import OpenidProvider, Registration
from penfold.ports.events import EventLog
from penfold.ports.openid import Reason
from penfold.spec.events import PROVIDER_FAILED, PROVIDER_REFUSED
from penfold.spec.key_source import KeySource
from penfold.spec.settings import Settings
from penfold.store.secret_source import load_secret

if TYPE_CHECKING:
    from penfold.front.web.provider import Failure

_SETTING = "sign_in_client_secret"
#: What the operator has to see to; the others are between the person and the provider.
_OURS = frozenset({Reason.SILENT, Reason.FAILED, Reason.UNTRUSTED})


def make_provider(
    settings: Settings, clock: Clock, *, context: ssl.SSLContext | None = None
) -> OpenidProvider | None:
    """Return the provider, None when there is none. context: for tests."""
    source = settings.sign_in_client_secret
    if not settings.sign_in_issuer or source is None:
        return None
    registration = Registration(
        issuer=settings.sign_in_issuer,
        client_id=settings.sign_in_client_id,
        name=settings.sign_in_name or urlsplit(settings.sign_in_issuer).netloc,
    )
    return OpenidProvider(
        registration,
        make_resolver(settings, clock),
        load_secret=lambda: load_client_secret(source, Path(settings.data)),
        clock=clock,
        context=context or ssl.create_default_context(),
    )


def load_client_secret(source: KeySource, data: Path) -> str:
    """Return the secret without blanks around it; UnavailableError says why there is none."""
    octets = load_secret(source, data, setting=_SETTING, most=PROVIDER_SECRET_MAX_BYTES + 1)
    try:
        secret = octets.decode("ascii").strip()
    except UnicodeDecodeError:
        secret = ""
    if not secret or not secret.isprintable() or len(octets) > PROVIDER_SECRET_MAX_BYTES:
        raise UnavailableError(
            f"{_SETTING}: what is there is no line of 1 to {PROVIDER_SECRET_MAX_BYTES} printable "
            "ASCII characters"
        )
    return secret


def check_client_secret(settings: Settings) -> None:
    """Say now, in one line, what would otherwise be found out when somebody signs in."""
    if settings.sign_in_client_secret is None:
        return
    try:
        load_client_secret(settings.sign_in_client_secret, Path(settings.data))
    except UnavailableError as error:
        raise StartError(str(error)) from error


def tell_failure(log: EventLog, failure: "Failure") -> None:
    """Write down that a sign-in at the provider led nobody in."""
    if failure.reason in _OURS:
        log.emit(
            PROVIDER_FAILED,
            issuer=failure.issuer,
            reason=failure.reason.value,
            client=failure.client,
            detail=failure.detail,
        )
        return
    log.emit(
        PROVIDER_REFUSED,
        issuer=failure.issuer,
        reason=failure.reason.value,
        client=failure.client,
        account=failure.address,
    )
