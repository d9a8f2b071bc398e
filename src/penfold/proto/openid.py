"""OpenID Connect as a relying party speaks it: documents, requests and claims. No I/O.

Standards: OpenID Connect Core 1.0 and Discovery 1.0, RFC 6749 (OAuth 2.0), RFC 7636 (PKCE),
RFC 9207 (who answers), RFC 9700 (security). Only the code flow, and only with S256.
"""

import base64
import hmac
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import msgspec
from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import ACCESS_TOKEN_MAX, ID_TOKEN_AGE_S, ID_TOKEN_SKEW_S, SUBJECT_MAX_CHARS
from penfold.proto.authorized_user import print_refusal
from penfold.proto.https_url import HttpsUrl, parse_https_url
from penfold.proto.jwt import Claims
from penfold.proto.oauth import add_to_query, digest, s256

_OK: Final = 200
_SCOPES: Final = "openid email"
_BASIC: Final = "client_secret_basic"
_POST: Final = "client_secret_post"


class Metadata(Struct, frozen=True):
    """What a provider says of itself (Discovery §3). userinfo: None when it has none.

    in_body: the client's secret goes into the form, not into a header. names_itself: every answer
    to the browser carries `iss` (RFC 9207 §3).
    """

    issuer: str
    authorization: str
    token: HttpsUrl
    keys: HttpsUrl
    userinfo: HttpsUrl | None
    in_body: bool
    names_itself: bool


class Tokens(Struct, frozen=True):
    """access: "" when there is none."""

    identity: str
    access: str

    def __repr__(self) -> str:
        return "Tokens()"


class _Document(Struct):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = (_BASIC,)  # Discovery §3: the default
    authorization_response_iss_parameter_supported: bool = False


class _TokenAnswer(Struct):
    id_token: str = ""
    access_token: str = ""
    error: str = ""
    error_description: str = ""


def configuration_url(issuer: str) -> HttpsUrl:
    """Return where the provider describes itself (Discovery §4.1)."""
    return parse_https_url(issuer.removesuffix("/") + "/.well-known/openid-configuration")


def parse_metadata(octets: bytes, *, issuer: str) -> Metadata:
    """Return what the document says; ParseError unless it is this issuer's and fit for use."""
    try:
        found = msgspec.json.decode(octets, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ParseError(f"its description cannot be read: {error}"[:200]) from None
    if found.issuer != issuer:  # Discovery §4.3: identical, octet for octet
        raise ParseError(f"it calls itself {found.issuer[:200]!r}; write sign_in_issuer like that")
    parse_https_url(found.authorization_endpoint)
    methods = found.token_endpoint_auth_methods_supported
    if _BASIC not in methods and _POST not in methods:
        raise ParseError("it takes client secrets neither by client_secret_basic nor _post")
    return Metadata(
        issuer=issuer,
        authorization=found.authorization_endpoint,
        token=parse_https_url(found.token_endpoint),
        keys=parse_https_url(found.jwks_uri),
        userinfo=parse_https_url(found.userinfo_endpoint) if found.userinfo_endpoint else None,
        in_body=_BASIC not in methods,
        names_itself=found.authorization_response_iss_parameter_supported,
    )


def make_authorization_url(
    metadata: Metadata,
    *,
    client_id: str,
    redirect_uri: str,
    state: str,
    nonce: str,
    verifier: str,
    hint: str = "",
) -> str:
    """Return where the browser goes (Core §3.1.2.1)."""
    asked = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": _SCOPES,
        "state": state,
        "nonce": nonce,
        "code_challenge": s256(verifier),
        "code_challenge_method": "S256",
        **({"login_hint": hint} if hint else {}),
    }
    return add_to_query(metadata.authorization, asked)


def check_sender(metadata: Metadata, issuer: str) -> None:
    """ParseError when the browser brings the answer of another provider (RFC 9207 §2.4)."""
    if issuer not in ("", metadata.issuer):
        raise ParseError(f"the answer is from {issuer[:200]!r}")
    if not issuer and metadata.names_itself:
        raise ParseError("the answer does not say whose it is, as this provider's do")


def make_token_request(
    metadata: Metadata, *, client_id: str, secret: str, code: str, redirect_uri: str, verifier: str
) -> tuple[bytes, str]:
    """Return form and Authorization header, "" for none (RFC 6749 §2.3.1, §4.1.3)."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    if metadata.in_body:
        form |= {"client_id": client_id, "client_secret": secret}
        return urlencode(form).encode("ascii"), ""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return urlencode(form).encode("ascii"), "Basic " + base64.b64encode(pair.encode()).decode()


def parse_tokens(status: int, octets: bytes) -> Tokens:
    """Return what the token endpoint gave; ParseError in its words when that is no id token."""
    try:
        answer = msgspec.json.decode(octets, type=_TokenAnswer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ParseError(f"status {status} without an answer in JSON") from None
    if status != _OK or not answer.id_token:
        said = print_refusal(answer.error, answer.error_description)
        raise ParseError(f"status {status}, {said or 'no id_token'}")
    access = answer.access_token
    plain = access.isascii() and access.isprintable() and len(access) <= ACCESS_TOKEN_MAX
    return Tokens(answer.id_token, access if plain else "")


def check_claims(claims: Claims, *, issuer: str, client_id: str, nonce: str, now_s: float) -> None:
    """ParseError unless an id token was made by this issuer, for us, now, for this sign-in.

    Core §3.1.3.7; the signature has been checked.
    """
    if claims.get("iss") != issuer:
        raise ParseError("the id token is by another issuer")
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or client_id not in named:
        raise ParseError("the id token is for another client")
    if claims.get("azp", None if len(named) > 1 else client_id) != client_id:
        raise ParseError("the id token was given to another client")
    begins, ends = _read_second(claims, "iat"), _read_second(claims, "exp")
    if ends <= now_s - ID_TOKEN_SKEW_S:
        raise ParseError("the id token has expired")
    if not now_s - ID_TOKEN_AGE_S <= begins <= now_s + ID_TOKEN_SKEW_S:
        raise ParseError("the id token is not of now; compare the clocks of both servers")
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(digest(said), digest(nonce)):
        raise ParseError("the id token is for another sign-in")
    find_subject(claims)


def find_subject(claims: Mapping[str, Any]) -> str:
    """Return who it is; ParseError unless Core §2 allows such a name."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= SUBJECT_MAX_CHARS:
        raise ParseError("the id token names nobody")
    return subject


def find_address(claims: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the address of mail, "" for none, and whether it was verified (Core §5.1)."""
    address, verified = claims.get("email"), claims.get("email_verified")
    if not isinstance(address, str) or not address.isprintable():
        return "", False
    return address, verified is True or verified == "true"  # Amazon's: reported, as text


def find_authenticated_ms(claims: Claims, *, now_s: float) -> int:
    """Return when the person showed who they are (auth_time), 0 when that is not said."""
    try:
        said = _read_second(claims, "auth_time")
    except ParseError:
        return 0
    return int(1000 * min(max(said, 0), now_s))


def parse_userinfo(status: int, octets: bytes, *, subject: str) -> dict[str, Any]:
    """Return the claims of the userinfo endpoint; ParseError unless they are about `subject`."""
    try:
        found = msgspec.json.decode(octets) if status == _OK else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ParseError(f"status {status} without claims in JSON")
    if found.get("sub") != subject:  # Core §5.3.2
        raise ParseError("the claims are about somebody else")
    return found


def _read_second(claims: Claims, name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e15:
        raise ParseError(f"the id token's {name} is no time")
    return value
