"""The relays of the settings with their files: certificates of authorities, passwords, tokens."""

import ssl
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from penfold.app.exits import StartError
from penfold.app.process.process import Core
from penfold.base.errors import ParseError
from penfold.base.limits import OAUTH_FILE_MAX_BYTES, PASSWORD_FILE_MAX_BYTES
from penfold.front.worker.logins import PasswordLogin, TokenLogin, parse_password
from penfold.net.carrying import Access
from penfold.net.dns import Resolver
from penfold.net.oauth_token import TokenFetcher
from penfold.ports.delivering import Login
from penfold.proto.authorized_user import parse_authorized_user
from penfold.proto.exchangers import Policy, is_allowed
from penfold.spec.events import RELAY_FILE_EXPOSED, RELAY_REFUSED
from penfold.spec.relays import Relay
from penfold.store.secret_file import SecretFile


def open_relays(core: Core, resolver: Resolver, reach: Policy) -> dict[str, Access]:
    """Return how each relay is called, by its name; StartError when a file of it is no good.

    The operator named them, so they may be on private networks and on this machine.
    """
    allowed = partial(is_allowed, policy=replace(reach, private=True, loopback=True))
    found = {}
    for relay in core.launch.settings.relay:
        if relay.name not in found:
            authorities = load_authorities(relay.authorities, f"relay: {relay.host}: authorities")
            source = TokenFetcher(
                resolver,
                context=ssl.create_default_context(cadata=authorities or None),
                allowed=allowed,
            )
            login = _open_login(relay, core, source)
            found[relay.name] = Access(allowed, authorities, login)
    return found


def _open_login(relay: Relay, core: Core, source: TokenFetcher) -> Login | None:
    if not relay.user:
        return None
    most = PASSWORD_FILE_MAX_BYTES if relay.password_file else OAUTH_FILE_MAX_BYTES
    file = SecretFile(Path(relay.secret_file), most=most)
    _check(relay, file)
    exposed = partial(_tell_exposed, core)
    if file.is_open_to_others():
        exposed(relay)
    if relay.password_file:
        return PasswordLogin(relay, file, exposed=exposed)
    return TokenLogin(relay, file, source, core.clock, exposed=exposed)


def _check(relay: Relay, file: SecretFile) -> None:
    """Say now, in one line, what would otherwise be found out when mail waits."""
    parse = parse_password if relay.password_file else parse_authorized_user
    try:
        parse(file.load())
    except (OSError, ParseError) as error:
        why = getattr(error, "strerror", None) or error
        raise StartError(
            f"relay: {relay.host}: {relay.secret_file} cannot be used: {why}"
        ) from error


def _tell_exposed(core: Core, relay: Relay) -> None:
    core.log.emit(RELAY_FILE_EXPOSED, relay=relay.name, file=relay.secret_file)


def tell_refused(core: Core, name: str, detail: str) -> None:
    """Log that a relay does not take our login, and which file is to be mended."""
    file = next((x.secret_file for x in core.launch.settings.relay if x.name == name), None)
    core.log.emit(RELAY_REFUSED, relay=name, file=file, detail=detail)


def list_logins(relays: Mapping[str, Access]) -> dict[str, Login]:
    """Return the logins of the relays that want one."""
    return {name: each.login for name, each in relays.items() if each.login is not None}


def load_authorities(path: str, setting: str) -> str:
    """Return certificates (PEM) a setting names, "" when it names none.

    StartError when the file holds none that can be read: what is empty would be taken for the
    system's authorities later.
    """
    if not path:
        return ""
    try:
        authorities = Path(path).read_text("ascii")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=authorities)
    except (UnicodeDecodeError, ssl.SSLError, ValueError) as error:
        words = "it must hold certificates in PEM, whole ones; mend it or take the setting back"
        raise StartError(f"{setting}: {path}: {words}") from error
    except OSError as error:
        raise StartError(f"{setting}: {path} cannot be read: {error.strerror}") from error
    return authorities
