"""The seeds of the settings with their files: passwords, tokens, certificates of authorities."""

import asyncio
import ssl
from functools import partial
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from penfold.app.exits import StartError
from penfold.app.mail.delivering import find_reach
from penfold.app.mail.relays import load_authorities
from penfold.app.mail.resolving import make_resolver
from penfold.base.clock import Clock
from penfold.base.errors import ParseError
from penfold.base.limits import (
    API_ANSWER_MAX_BYTES,
    OAUTH_FILE_MAX_BYTES,
    PASSWORD_FILE_MAX_BYTES,
    TOKEN_ADDRESSES_MAX,
    TOKEN_CONNECT_S,
    TOKEN_FETCH_S,
    TOKEN_HEAD_MAX_BYTES,
    TOKEN_MARGIN_S,
)
from penfold.front.worker.logins import parse_password
from penfold.net.gmail_seed import GmailSeed, Line
from penfold.net.https_get import Bounds, HttpsOut
from penfold.net.imap_seed import ImapSeed
from penfold.net.oauth_token import TokenFetcher
from penfold.ports.seeds import SeedMailbox
from penfold.proto.authorized_user import AuthorizedUser, Token, parse_authorized_user
from penfold.proto.exchangers import is_allowed
from penfold.proto.https_url import parse_https_url
from penfold.proto.smtp.client.sasl import Credentials
from penfold.spec.seeds import Seed
from penfold.spec.settings import Settings
from penfold.store.secret_file import SecretFile

#: An answer of the Gmail API, which is short, and of a token endpoint.
_BOUNDS: Final = Bounds(
    total_s=TOKEN_FETCH_S,
    connect_s=TOKEN_CONNECT_S,
    addresses_max=TOKEN_ADDRESSES_MAX,
    body_bytes=API_ANSWER_MAX_BYTES,
    head_bytes=TOKEN_HEAD_MAX_BYTES,
)


def open_seeds(settings: Settings, clock: Clock) -> dict[str, SeedMailbox]:
    """Return what looks into each seed, by its address; StartError when a file is no good."""
    if not settings.seed:
        raise StartError("there are no seeds; docs/before-sending.md tells how to name some")
    return {seed.address: _open(seed, settings, clock) for seed in settings.seed}


def _open(seed: Seed, settings: Settings, clock: Clock) -> SeedMailbox:
    authorities = load_authorities(seed.authorities, f"seed: {seed.address}: authorities")
    context = ssl.create_default_context(cadata=authorities or None)
    secret = _load_secret(seed)
    if isinstance(secret, str):
        login = Credentials(seed.user, secret)
        return ImapSeed(seed.imap, seed.port, lambda: login, context=context)
    tokens = _Tokens(secret, clock)
    open_line = partial(_open_line, settings, clock, context, tokens)
    if seed.imap:
        find_login = partial(_find_login, seed.user, open_line)
        return ImapSeed(seed.imap, seed.port, find_login, context=context)
    try:
        return GmailSeed(parse_https_url(seed.api), open_line)
    except ParseError as error:
        raise StartError(f"seed: {seed.address}: api: {error}") from error


def _load_secret(seed: Seed) -> str | AuthorizedUser:
    """Return a password or an authorized user."""
    most = PASSWORD_FILE_MAX_BYTES if seed.password_file else OAUTH_FILE_MAX_BYTES
    file = SecretFile(Path(seed.secret_file), most=most)
    where = f"seed: {seed.address}: {seed.secret_file}"
    try:
        raw = file.load()
        found = parse_password(raw) if seed.password_file else parse_authorized_user(raw)
    except (OSError, ParseError) as error:
        why = getattr(error, "strerror", None) or error
        raise StartError(f"{where} cannot be used: {why}") from error
    if file.is_open_to_others():
        raise StartError(f"{where}: others may read it; `chmod 600` makes it yours alone")
    return found


class _Tokens:
    """The access token of a seed, kept until shortly before it ends. For one thread at a time."""

    def __init__(self, user: AuthorizedUser, clock: Clock) -> None:
        self._user = user
        self._clock = clock
        self._token: Token | None = None
        self._until_ms = 0

    async def find(self, source: TokenFetcher) -> Token:
        if self._token is None or self._clock.now_ms() >= self._until_ms:
            asked_ms = self._clock.now_ms()
            self._token = await source.fetch_token(self._user)
            self._until_ms = asked_ms + 1_000 * max(self._token.life_s - TOKEN_MARGIN_S, 0)
        return self._token


def _open_line(settings: Settings, clock: Clock, context: ssl.SSLContext, tokens: _Tokens) -> Line:
    """Return the way out for one event loop. The operator named the hosts, so they may be on
    private networks and on this machine.
    """
    resolver = make_resolver(settings, clock)
    reach = replace(find_reach(settings), private=True, loopback=True)
    allowed = partial(is_allowed, policy=reach)
    https = HttpsOut(resolver, _BOUNDS, context=context, allowed=allowed)
    source = TokenFetcher(resolver, context=context, allowed=allowed)
    return Line(resolver, https, partial(tokens.find, source))


def _find_login(user: str, open_line: "partial[Line]") -> Credentials:
    async def find() -> Credentials:
        line = open_line()
        try:
            token: Token = await line.find_token()
            return Credentials(user, token.secret, is_token=True)
        finally:
            await line.resolver.close()

    return asyncio.run(find())
