"""Authorized-user files, as google-auth writes them, and the access tokens they are good for.

The file holds a refresh token; whoever has it asks the token endpoint for an access token with a
form (RFC 6749 §6) and reads the answer (§5.1, §5.2). Pure; a secret appears in no repr.
"""

import re
from typing import Final
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, Struct, UnsetType

from penfold.base.errors import ParseError
from penfold.base.limits import (
    ACCESS_TOKEN_MAX,
    OAUTH_FILE_MAX_BYTES,
    TOKEN_LIFE_MAX_S,
    TOKEN_LIFE_S,
)
from penfold.proto.https_url import HttpsUrl, parse_https_url

#: Google (documented): where files go that name no address, as those of gcloud.
_GOOGLE: Final = "https://oauth2.googleapis.com/token"
_OK: Final = 200
#: RFC 6750 §2.1: what a bearer token is made of.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_WORDS_MAX: Final = 300


class AuthorizedUser(Struct, frozen=True, gc=False):
    """host, port, path: of the token endpoint, which speaks HTTPS."""

    host: str
    port: int
    path: str
    client_id: str
    client_secret: str
    refresh_token: str

    def __repr__(self) -> str:
        return f"AuthorizedUser({self.host!r}, client_id={self.client_id!r})"


class Token(Struct, frozen=True, gc=False):
    """An access token, good for life_s seconds from when it was asked for."""

    secret: str
    life_s: int

    def __repr__(self) -> str:
        return f"Token(life_s={self.life_s})"


class _File(Struct):
    refresh_token: str
    client_id: str
    client_secret: str = ""
    token_uri: str | None = None


class _Answer(Struct):
    access_token: str | UnsetType = UNSET
    token_type: str | UnsetType = UNSET
    expires_in: float | str | None = None
    error: str | UnsetType = UNSET
    error_description: str | UnsetType = UNSET


def parse_authorized_user(raw: bytes) -> AuthorizedUser:
    """Return what an authorized-user file says; ParseError with the reason when it is none."""
    if len(raw) > OAUTH_FILE_MAX_BYTES:
        raise ParseError(f"it is longer than {OAUTH_FILE_MAX_BYTES} octets")
    try:
        file = msgspec.json.decode(raw, type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # msgspec's words name a field and a type, never a value.
        raise ParseError(f"it is no authorized-user file: {error}") from None
    if not file.refresh_token or not file.client_id:
        raise ParseError("its refresh_token or client_id is empty")
    url = _split(file.token_uri or _GOOGLE)
    return AuthorizedUser(
        url.host, url.port, url.path, file.client_id, file.client_secret, file.refresh_token
    )


def _split(uri: str) -> HttpsUrl:
    try:
        return parse_https_url(uri)
    except ParseError as error:
        raise ParseError(f"its token_uri cannot be used: {error}") from None


def make_refresh_form(user: AuthorizedUser) -> bytes:
    """Return the body of a request for an access token (RFC 6749 §6).

    The client's name and secret are in it (§2.3.1), which is what Google and we ourselves take.
    """
    form = {
        "grant_type": "refresh_token",
        "refresh_token": user.refresh_token,
        "client_id": user.client_id,
    }
    if user.client_secret:
        form["client_secret"] = user.client_secret
    return urlencode(form).encode("ascii")


def parse_token_answer(status: int, body: bytes) -> Token:
    """Return the token of an answer; ParseError in the endpoint's words when there is none."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ParseError(f"status {status} without an answer in JSON") from None
    if status != _OK or isinstance(answer.access_token, UnsetType):
        said = print_refusal(answer.error, answer.error_description)
        raise ParseError(f"status {status}, {said or 'no access_token'}")
    secret = answer.access_token
    if len(secret) > ACCESS_TOKEN_MAX or not _TOKEN.fullmatch(secret):
        raise ParseError("the access_token is none (RFC 6750 §2.1)")
    return Token(secret, _read_life(answer.expires_in))


def print_refusal(*said: object) -> str:
    """Return error and error_description (RFC 6749 §5.2) in one printable line, "" for none."""
    words = ": ".join(each for each in said if each and isinstance(each, str))
    return "".join(c if c.isprintable() else " " for c in words[:_WORDS_MAX])


def _read_life(value: float | str | None) -> int:
    """Return seconds. RFC 6749 §5.1 wants a number; some endpoints write it as text."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
    if value is None or not 0 <= value < float("inf"):
        return TOKEN_LIFE_S
    return min(int(value), TOKEN_LIFE_MAX_S)
