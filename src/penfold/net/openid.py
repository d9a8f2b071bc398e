"""A provider of OpenID Connect, asked over verified HTTPS: documents, the code, the claims.

Bounded in time, size and number; no redirects. Its description and keys are kept for
PROVIDER_KEPT_S; one request fetches them however many wait, and what could not be had is not asked
for again at once. The operator named the issuer, so it may stand on a private network or on this
machine, and what it announces is believed as far as it is.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Generic, TypeVar

from msgspec import Struct

from penfold.base.clock import Clock
from penfold.base.errors import ParseError, UnavailableError
from penfold.base.limits import (
    PROVIDER_ADDRESSES_MAX,
    PROVIDER_AGAIN_S,
    PROVIDER_BODY_MAX_BYTES,
    PROVIDER_CALLS_MAX,
    PROVIDER_CONNECT_S,
    PROVIDER_FETCH_S,
    PROVIDER_HEAD_MAX_BYTES,
    PROVIDER_KEPT_S,
    PROVIDER_KEYS_AGAIN_S,
)
from penfold.net.dns import Resolver
from penfold.net.https_get import Bounds, Got, HttpsOut
from penfold.ports.http_out import NoAnswerError
from penfold.ports.openid import Coming, Person, ProviderError, Reason, Sending
from penfold.proto.authorized_user import print_refusal
from penfold.proto.exchangers import Policy, is_allowed
from penfold.proto.https_url import HttpsUrl
from penfold.proto.jwk_set import PublicKey, UnknownKeyError, parse_jwk_set, verify_with
from penfold.proto.jwt import Claims
from penfold.proto.openid import (
    Metadata,
    Tokens,
    check_claims,
    check_sender,
    configuration_url,
    find_address,
    find_authenticated_ms,
    find_subject,
    make_authorization_url,
    make_token_request,
    parse_metadata,
    parse_tokens,
    parse_userinfo,
)

T = TypeVar("T")

BOUNDS: Final = Bounds(
    total_s=PROVIDER_FETCH_S,
    connect_s=PROVIDER_CONNECT_S,
    addresses_max=PROVIDER_ADDRESSES_MAX,
    body_bytes=PROVIDER_BODY_MAX_BYTES,
    head_bytes=PROVIDER_HEAD_MAX_BYTES,
)
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "Accept: application/json"
_OK: Final = 200
_REFUSALS: Final = frozenset({"access_denied", "login_required", "interaction_required"})


class Registration(Struct, frozen=True):
    """What the operator says of the provider: what people call it, and as whom we come."""

    issuer: str
    client_id: str
    name: str


class OpenidProvider:
    """A penfold.ports.openid.Provider, for one event loop."""

    def __init__(
        self,
        registration: Registration,
        resolver: Resolver,
        *,
        load_secret: Callable[[], str],
        clock: Clock,
        context: ssl.SSLContext | None = None,
        bounds: Bounds = BOUNDS,
    ) -> None:
        """load_secret: of our client; UnavailableError, and may take its time. context: by default
        the system's authorities are trusted. bounds: for tests.
        """
        self.name = registration.name
        self.issuer = registration.issuer
        self._us = registration
        self._clock = clock
        allowed = partial(is_allowed, policy=Policy(private=True, loopback=True))
        self._https = HttpsOut(resolver, bounds, context=context, allowed=allowed)
        self._room = PROVIDER_CALLS_MAX
        self._secret: _Kept[str] = _Kept(clock, partial(_load, load_secret))
        self._metadata: _Kept[Metadata] = _Kept(clock, self._fetch_metadata)
        self._keys: _Kept[tuple[PublicKey, ...]] = _Kept(clock, self._fetch_keys)

    async def make_url(self, sending: Sending) -> str:
        metadata = await self._metadata.get()
        return make_authorization_url(
            metadata,
            client_id=self._us.client_id,
            redirect_uri=sending.redirect_uri,
            state=sending.state,
            nonce=sending.nonce,
            verifier=sending.verifier,
            hint=sending.hint,
        )

    async def find_person(self, sending: Sending, coming: Coming) -> Person:
        metadata = await self._metadata.get()
        try:
            check_sender(metadata, coming.issuer)
        except ParseError as error:
            raise ProviderError(Reason.UNTRUSTED, str(error)) from error
        if coming.error or not coming.code:
            reason = Reason.DENIED if coming.error in _REFUSALS else Reason.FAILED
            said = print_refusal(coming.error, coming.description)
            raise ProviderError(reason, said or "the answer has no code")
        tokens = await self._redeem(metadata, sending, coming.code)
        try:
            claims = await self._verify(tokens.identity)
            now_s = self._clock.now_ms() / 1000
            check_claims(
                claims,
                issuer=self.issuer,
                client_id=self._us.client_id,
                nonce=sending.nonce,
                now_s=now_s,
            )
            address, verified = await self._find_address(metadata, claims, tokens)
        except ParseError as error:
            raise ProviderError(Reason.UNTRUSTED, str(error)) from error
        return Person(
            issuer=self.issuer,
            subject=find_subject(claims),
            address=address,
            verified=verified,
            authenticated_ms=find_authenticated_ms(claims, now_s=now_s),
        )

    async def _redeem(self, metadata: Metadata, sending: Sending, code: str) -> Tokens:
        form, login = make_token_request(
            metadata,
            client_id=self._us.client_id,
            secret=await self._secret.get(),
            code=code,
            redirect_uri=sending.redirect_uri,
            verifier=sending.verifier,
        )
        got = await self._ask(metadata.token, form=form, login=login)
        try:
            return parse_tokens(got.status, got.body)
        except ParseError as error:
            raise ProviderError(Reason.FAILED, f"the token endpoint says {error}") from error

    async def _verify(self, token: str) -> Claims:
        """Return the claims of the id token; a key that is not known may be a new one."""
        try:
            return verify_with(token, await self._keys.get())
        except UnknownKeyError:
            return verify_with(token, await self._keys.get(at_most_s=PROVIDER_KEYS_AGAIN_S))

    async def _find_address(
        self, metadata: Metadata, claims: Claims, tokens: Tokens
    ) -> tuple[str, bool]:
        """Core §5.4: with a code, the claims about the address may be at the userinfo endpoint."""
        if "email" not in claims and metadata.userinfo and tokens.access:
            got = await self._ask(metadata.userinfo, login=f"Bearer {tokens.access}")
            claims = parse_userinfo(got.status, got.body, subject=find_subject(claims))
        return find_address(claims)

    async def _fetch_metadata(self) -> Metadata:
        url = configuration_url(self.issuer)
        got = await self._get(url)
        try:
            return parse_metadata(got.body, issuer=self.issuer)
        except ParseError as error:
            raise ProviderError(Reason.FAILED, f"{url.host}: {error}") from error

    async def _fetch_keys(self) -> tuple[PublicKey, ...]:
        url = (await self._metadata.get()).keys
        got = await self._get(url)
        try:
            return parse_jwk_set(got.body)
        except ParseError as error:
            raise ProviderError(Reason.FAILED, f"{url.host}: {error}") from error

    async def _get(self, url: HttpsUrl) -> Got:
        got = await self._ask(url)
        if got.status != _OK:
            where = f"https://{url.host}{url.path}"[:200]
            raise ProviderError(Reason.FAILED, f"{where} answers with status {got.status}")
        return got

    async def _ask(self, url: HttpsUrl, *, form: bytes = b"", login: str = "") -> Got:
        if not self._room:
            raise ProviderError(Reason.SILENT, f"{PROVIDER_CALLS_MAX} requests wait for it already")
        self._room -= 1
        more = (_JSON, f"Authorization: {login}") if login else (_JSON,)
        try:
            if form:
                return await self._https.send_post(
                    url.host, url.port, url.path, kind=_FORM, body=form, more=more
                )
            return await self._https.send_get(url.host, url.path, port=url.port, more=more)
        except NoAnswerError as error:
            raise ProviderError(Reason.SILENT, f"{url.host}: {error}") from error
        finally:
            self._room += 1


async def _load(load_secret: Callable[[], str]) -> str:
    try:
        return await asyncio.to_thread(load_secret)
    except UnavailableError as error:
        raise ProviderError(Reason.FAILED, str(error)) from error


class _Kept(Generic[T]):
    """What `fetch` returned a while ago; a failure is kept for PROVIDER_AGAIN_S."""

    def __init__(self, clock: Clock, fetch: Callable[[], Awaitable[T]]) -> None:
        self._clock = clock
        self._fetch = fetch
        self._lock = asyncio.Lock()
        self._value: tuple[T, int] | None = None
        self._failure: tuple[ProviderError, int] | None = None

    async def get(self, *, at_most_s: int = PROVIDER_KEPT_S) -> T:
        """Return what is there if it is not older than that, else fetch it; ProviderError."""
        async with self._lock:
            now_ms = self._clock.now_ms()
            if self._value and now_ms - self._value[1] < 1000 * at_most_s:
                return self._value[0]
            if self._failure and now_ms - self._failure[1] < 1000 * PROVIDER_AGAIN_S:
                error = self._failure[0]
                raise ProviderError(error.reason, str(error))
            try:
                value = await self._fetch()
            except ProviderError as error:
                self._failure = error, now_ms
                raise
            self._value, self._failure = (value, now_ms), None
            return value
