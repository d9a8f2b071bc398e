"""The device flow: somebody with a telephone lets a television in.

RFC 8628 with Google's rules (documented): only clients of type "device" may use it, and only for
who somebody is; no scope of Gmail. The device shows a short code, the person types it at
/device, and meanwhile the device asks again and again for its tokens.

A short code can be guessed, so tries are counted for the network address and for the account
(RFC 8628 §5.1); and a stranger can send somebody a code (§5.4), so the page shows which
client asked for it, when and from where, and no link fills the code in.
Only digests of both codes are kept.
"""

from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Struct

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.limits import (
    DEVICE_CODE_S,
    DEVICE_CODES_MAX,
    DEVICE_POLL_S,
)
from penfold.domain.access.consent import WHO, read_scopes
from penfold.domain.throttle import Throttle
from penfold.ports.directory import Account
from penfold.ports.identity import DEVICE, Client, DeviceCode, IdentityBook, IdentityWriter
from penfold.proto.oauth import (
    CLIENT_NOT_FOUND,
    DEVICE_PREFIX,
    PENDING,
    WRONG_SECRET,
    ClientLogin,
    OAuthError,
    Parameters,
    digest,
    invalid_client,
    invalid_grant,
    make_token,
    make_user_code,
    missing,
    parse_client_login,
    parse_user_code,
    same_secret,
)
from penfold.spec.rates import DEVICE_CODE_ACCOUNT, DEVICE_CODE_NETWORK, DEVICE_NETWORK

DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"


class Begun(Struct, frozen=True, gc=False):
    """The two codes of a flow that has begun; neither is kept."""

    device_code: str
    user_code: str


class Asked(Struct, frozen=True, gc=False):
    """What a code somebody typed stands for."""

    code: DeviceCode
    client: Client


class Allowed(Struct, frozen=True, gc=False):
    """Who said yes, and to what."""

    account_id: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Devices:
    """Begins flows, finds them by what was typed, and says how they went."""

    book: IdentityBook
    clock: Clock
    chance: Chance
    throttle: Throttle

    def begin(self, given: Parameters, authorization: str | None, *, asked_from: str) -> Begun:
        """Return new codes; asked_from is the device's network address, to be shown.

        TooManyError when too many were asked for there.
        """
        self.throttle.take(DEVICE_NETWORK, asked_from)
        client = self._check_client(parse_client_login(given, authorization))
        if "scope" not in given:
            raise missing("scope")
        scopes = read_scopes(given["scope"].split())
        beyond = sorted(scopes - WHO)
        if beyond:
            # Google (reported by clients): the words; documented: Gmail's scopes are not allowed.
            raise OAuthError("invalid_scope", f"Invalid device flow scope: {beyond[0]}")
        now_ms = self.clock.now_ms()
        begun = Begun(make_token(DEVICE_PREFIX, self.chance), make_user_code(self.chance))
        record = DeviceCode(
            digest=digest(begun.device_code),
            user_code=digest(begun.user_code),
            client_id=client.id,
            scopes=scopes,
            asked_from=asked_from,
            created_ms=now_ms,
            expires_ms=now_ms + 1000 * DEVICE_CODE_S,
        )

        def add(writer: IdentityWriter) -> bool:
            writer.expire(DeviceCode, now_ms=now_ms)
            room = len(writer.list_by(DeviceCode, client_id=client.id)) < DEVICE_CODES_MAX
            if room:
                writer.add(record)
            return room

        if not self.book.change(add):
            # Google (documented): the name and the status.
            raise OAuthError("rate_limit_exceeded", "Too many codes are waiting.", status=403)
        return begun

    def find(self, text: str, account: Account, *, client: str) -> Asked | None:
        """Return what the code stands for that somebody typed; None for a wrong or late one.

        client: the network address. TooManyError when there were too many wrong ones before.
        """
        pairs = ((DEVICE_CODE_NETWORK, client), (DEVICE_CODE_ACCOUNT, account.address))
        self.throttle.take_each(*pairs)
        asked = self._find(self.book.list_by(DeviceCode, user_code=digest(parse_user_code(text))))
        if asked is not None:
            for limit, whose in pairs:
                self.throttle.give_back(limit, whose)
        return asked

    def decide(self, asked: Asked, account: Account, *, allow: bool) -> bool:
        """Note the person's answer; False when the code was answered or grew too old meanwhile."""

        def decide(writer: IdentityWriter) -> bool:
            code = writer.find(DeviceCode, asked.code.digest)
            if code is None or not self._is_open(code):
                return False
            answer = {"allowed_by": account.id} if allow else {"denied": True}
            writer.replace(msgspec.structs.replace(code, **answer))
            return True

        return self.book.change(decide)

    def claim_in_tx(
        self, writer: IdentityWriter, client: Client, device_code: str
    ) -> Allowed | OAuthError:
        """Return who allowed what, once; or why there is nothing to have (yet).

        Google (documented): status 428 while nobody answered, 403 for the rest.
        """
        code = writer.find(DeviceCode, digest(device_code))
        if code is None or code.client_id != client.id:
            return invalid_grant()
        now_ms = self.clock.now_ms()
        if code.expires_ms <= now_ms:
            return OAuthError("expired_token", "The device code has expired.")  # RFC 8628 §3.5
        if code.denied or code.allowed_by:
            writer.delete(DeviceCode, code.digest)
            if code.denied:
                return OAuthError("access_denied", "Forbidden", status=403)
            return Allowed(code.allowed_by, code.scopes)
        writer.replace(msgspec.structs.replace(code, polled_ms=now_ms))
        if now_ms - code.polled_ms < 1000 * DEVICE_POLL_S:
            return OAuthError("slow_down", "Forbidden", status=403)
        return OAuthError(PENDING, "Precondition Required", status=428)

    def _check_client(self, login: ClientLogin) -> Client:
        """Return the client; Google asks for its secret only when tokens are fetched."""
        client = self.book.find(Client, login.client_id)
        if client is None:
            raise invalid_client(CLIENT_NOT_FOUND)
        if client.kind != DEVICE:
            raise invalid_client("Invalid client type.")
        if login.secret and client.secret and not same_secret(login.secret, client.secret):
            raise invalid_client(WRONG_SECRET)
        return client

    def _find(self, codes: list[DeviceCode]) -> Asked | None:
        """Return the only flow of these that waits for an answer.

        Two devices with the same code at a time: neither can be told from the other.
        """
        waiting = [code for code in codes if self._is_open(code)]
        if len(waiting) != 1:
            return None
        client = self.book.find(Client, waiting[0].client_id)
        return None if client is None else Asked(waiting[0], client)

    def _is_open(self, code: DeviceCode) -> bool:
        return not (code.denied or code.allowed_by) and self.clock.now_ms() < code.expires_ms
