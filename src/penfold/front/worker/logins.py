"""How we log in to relays: passwords and tokens from files that may change while we run.

A file is looked at whenever a connection is opened, which costs one system call, and read when it
changed. An access token is kept until shortly before it ends; it is fetched once at a time, and
anew when the relay refused it. Nothing of it is ever written down or logged.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from penfold.base.clock import Clock
from penfold.base.errors import ParseError
from penfold.base.limits import TOKEN_MARGIN_S
from penfold.ports.delivering import NoLoginError, SecretFile, TokenSource
from penfold.proto.authorized_user import AuthorizedUser, Token, parse_authorized_user
from penfold.proto.smtp.client.sasl import Credentials
from penfold.spec.relays import Relay

T = TypeVar("T")

#: Told of a relay whose secret others may read.
Exposed = Callable[[Relay], None]


def parse_password(raw: bytes) -> str:
    """Return the password in a file: its one line. ParseError when it is none."""
    try:
        text = raw.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ParseError("it is not UTF-8 text") from None
    if not text or not text.isprintable():
        raise ParseError("it must hold the password on one line, and nothing else")
    return text


class _Watched(Generic[T]):
    """What a relay's file says, parsed anew when the file changed."""

    def __init__(
        self, relay: Relay, file: SecretFile, parse: Callable[[bytes], T], exposed: Exposed
    ) -> None:
        self._relay = relay
        self._file = file
        self._parse = parse
        self._exposed = exposed
        self._state: object = None
        self._value: T | None = None
        self._trouble = ""

    def is_mended(self) -> bool:
        return self._file.find_state() != self._state

    def get(self) -> T:
        """Return what the file says now; NoLoginError when it says nothing that will do."""
        state = self._file.find_state()
        if state is None or state != self._state:
            self._state = state
            self._load()
        if self._value is None:
            raise NoLoginError(f"{self._relay.secret_file} cannot be used: {self._trouble}")
        return self._value

    def _load(self) -> None:
        self._value = None
        try:
            self._value = self._parse(self._file.load())
        except (OSError, ParseError) as error:
            self._trouble = str(getattr(error, "strerror", None) or error)
        if self._file.is_open_to_others():
            self._exposed(self._relay)


class PasswordLogin:
    """A penfold.ports.delivering.Login for a relay with a password_file."""

    def __init__(self, relay: Relay, file: SecretFile, *, exposed: Exposed) -> None:
        self._user = relay.user
        self._watched = _Watched(relay, file, parse_password, exposed)

    def is_mended(self) -> bool:
        return self._watched.is_mended()

    async def find(self, refused: str = "") -> Credentials:  # noqa: ARG002 - Login; a password has no successor
        return Credentials(self._user, self._watched.get())


class TokenLogin:
    """A penfold.ports.delivering.Login for a relay with an oauth_file; for one event loop."""

    def __init__(
        self,
        relay: Relay,
        file: SecretFile,
        source: TokenSource,
        clock: Clock,
        *,
        exposed: Exposed,
    ) -> None:
        self._name = relay.user
        self._watched = _Watched(relay, file, parse_authorized_user, exposed)
        self._source = source
        self._clock = clock
        self._user: AuthorizedUser | None = None
        self._token: Token | None = None
        self._until_ms = 0
        self._flight: asyncio.Task[Token] | None = None

    def is_mended(self) -> bool:
        return self._watched.is_mended()

    async def find(self, refused: str = "") -> Credentials:
        user = self._watched.get()
        if user is not self._user:
            self._user, self._token, self._flight = user, None, None
        token = self._token
        if token is None or token.secret == refused or self._clock.now_ms() >= self._until_ms:
            token = await self._fetch_once(user)
        return Credentials(self._name, token.secret, is_token=True)

    async def _fetch_once(self, user: AuthorizedUser) -> Token:
        flight = self._flight
        if flight is None:
            flight = asyncio.get_running_loop().create_task(self._fetch(user))
            self._flight = flight
            flight.add_done_callback(self._land)
        return await asyncio.shield(flight)

    def _land(self, flight: asyncio.Task[Token]) -> None:
        if self._flight is flight:
            self._flight = None
        if not flight.cancelled():
            flight.exception()  # told to those who wait; without this, asyncio logs it as well

    async def _fetch(self, user: AuthorizedUser) -> Token:
        asked_ms = self._clock.now_ms()
        token = await self._source.fetch_token(user)
        if user is self._user:  # else the file changed meanwhile, and this is yesterday's
            life_s = max(token.life_s - TOKEN_MARGIN_S, token.life_s // 2)
            self._token, self._until_ms = token, asked_ms + 1000 * life_s
        return token
