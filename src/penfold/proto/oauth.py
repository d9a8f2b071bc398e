"""OAuth 2.0 as Google speaks it: requests, refusals, secrets and redirects. Values in, values out.

Owns the shapes: what an authorization and a token request must hold, how tokens look, when a
redirect address counts as registered, what an error is called. Knows no accounts and no clock;
who is allowed what is decided in `penfold.domain.access.grants`.

Standards: RFC 6749 (OAuth 2.0), RFC 7636 (PKCE), RFC 8252 (native apps), RFC 8628
(devices), RFC 9700 (security).
Texts of errors: Gmail (documented and reported by clients; see docs/compatibility.md).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote_plus, urlencode

from msgspec import Struct

from penfold.base.addresses import canonical_domain
from penfold.base.chance import Chance
from penfold.base.errors import ParseError, PenfoldError
from penfold.base.limits import DEVICE_USER_CODE_LETTERS

# --- refusals --------------------------------------------------------------------------


class OAuthError(PenfoldError):
    """An answer in OAuth's words; both texts are meant for the client."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


def invalid_request(description: str) -> OAuthError:
    return OAuthError("invalid_request", description)


def missing(parameter: str) -> OAuthError:
    return invalid_request(f"Missing required parameter: {parameter}")


def invalid_grant(description: str = "Bad Request") -> OAuthError:
    return OAuthError("invalid_grant", description)


def invalid_client(description: str) -> OAuthError:
    return OAuthError("invalid_client", description, status=401)


def invalid_token(description: str = "Invalid Value") -> OAuthError:
    return OAuthError("invalid_token", description)


#: Google's words for the refusals that more than one place needs.
CLIENT_NOT_FOUND: Final = "The OAuth client was not found."
WRONG_SECRET: Final = "Unauthorized"  # noqa: S105 - a sentence
TOKEN_DEAD: Final = "Token has been expired or revoked."  # noqa: S105 - a sentence
PENDING: Final = "authorization_pending"
MALFORMED_CODE: Final = "Malformed auth code."
CLIENT_UNAUTHORIZED: Final = (
    "Client is unauthorized to retrieve access tokens using this method, or client not "
    "authorized for any of the scopes requested."
)

# --- secrets ---------------------------------------------------------------------------

#: Google's prefixes: clients and secret scanners know tokens by them.
ACCESS_PREFIX: Final = "ya29."
REFRESH_PREFIX: Final = "1//0"
CODE_PREFIX: Final = "4/0"
DEVICE_PREFIX: Final = "AH-1Ng"
#: Ours, so that a leaked client secret is not taken for one of Google's.
CLIENT_SECRET_PREFIX: Final = "PENFPX-"  # noqa: S105 - a prefix

#: Bits of a token. RFC 6749 §10.10 asks for 128 at least; 384 print without padding.
_TOKEN_BITS: Final = 384
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def make_token(prefix: str, chance: Chance) -> str:
    """Return a new secret with its prefix."""
    return prefix + base64url(chance.getrandbits(_TOKEN_BITS).to_bytes(_TOKEN_BITS // 8, "big"))


def make_word(length: int, chance: Chance, *, letters: str = _LETTERS) -> str:
    """Return random letters, each as likely as any other."""
    number = chance.getrandbits(length * 8 + 64)  # 64 bits more than needed: no visible bias
    word = []
    for _ in range(length):
        number, index = divmod(number, len(letters))
        word.append(letters[index])
    return "".join(word)


#: RFC 8628 §6.1: no vowels, so that no words come about, and nothing that looks like a digit.
_USER_CODE_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
#: Characters of a typed code that are looked at: enough for spaces and dashes between letters.
_TYPED_MAX: Final = 64


def make_user_code(chance: Chance) -> str:
    """Return what a device shows and a person types: letters in two groups."""
    word = make_word(DEVICE_USER_CODE_LETTERS, chance, letters=_USER_CODE_LETTERS)
    return _grouped(word)


def parse_user_code(text: str) -> str:
    """Return a typed code as `make_user_code` writes it; case and punctuation do not matter.

    RFC 8628 §6.1. What cannot be a code comes back as one that nobody has.
    """
    letters = "".join(one for one in text[:_TYPED_MAX].upper() if one.isalnum())
    return _grouped(letters[: DEVICE_USER_CODE_LETTERS + 1])  # one too many stays one too many


def _grouped(word: str) -> str:
    half = DEVICE_USER_CODE_LETTERS // 2
    return f"{word[:half]}-{word[half:]}"


def make_app_password(chance: Chance) -> str:
    """Return 16 letters, as Google's app passwords: 75 bits, so a fast hash keeps them."""
    return make_word(16, chance)


def digest(secret: str) -> bytes:
    """Return what is stored of a random secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def app_password_digest(account_id: str, password: str) -> bytes:
    """Return the digest of an app password; spaces and case do not matter, as people type it."""
    return digest(f"{account_id}:{''.join(password.split()).lower()}")


def same_secret(secret: str, stored: bytes) -> bool:
    return hmac.compare_digest(digest(secret), stored)


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


# --- PKCE ------------------------------------------------------------------------------

#: RFC 7636 §4.1: 43 to 128 unreserved characters; §4.2: an S256 challenge is 43 of base64url.
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


def s256(verifier: str) -> str:
    """Return the challenge of a verifier, RFC 7636 §4.6."""
    return base64url(hashlib.sha256(verifier.encode("ascii", "replace")).digest())


def check_verifier(challenge: str, verifier: str) -> None:
    """Refuse a verifier that does not open the challenge ("" stands for none on either side).

    RFC 9700 §4.8.2: a verifier without a challenge is refused as well, or an attacker could
    strip the challenge from the authorization request.
    """
    if challenge and not verifier:
        raise invalid_grant("Missing code verifier.")
    if not challenge and not verifier:
        return
    opens = _VERIFIER.fullmatch(verifier) and hmac.compare_digest(s256(verifier), challenge)
    if not opens:
        raise invalid_grant("Invalid code verifier.")


# --- requests --------------------------------------------------------------------------

Parameters = Mapping[str, str]


def read_parameters(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the parameters of a request; a repeated one is refused (RFC 6749 §3.1).

    A parameter without a value counts as absent (same section).
    """
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            raise invalid_request(f"OAuth 2 parameters can only have a single value: {name}")
        values[name] = value
    return {name: value for name, value in values.items() if value}


class AuthorizationRequest(Struct, frozen=True, gc=False):
    """A well-formed authorization request; scopes as the client wrote them.

    granular: the person may allow some of them only. domain: whose accounts are wanted, "" for
    any; a hint, as Google has it: the client checks `hd` in what it gets.
    """

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    offline: bool | None
    prompt: frozenset[str]
    include_granted: bool
    granular: bool
    login_hint: str
    domain: str
    nonce: str
    challenge: str


_PROMPTS: Final = frozenset({"none", "consent", "select_account"})


def parse_authorization_request(given: Parameters) -> AuthorizationRequest:
    """Return the request, or refuse it. The client and its redirect are checked by the caller."""
    for name in ("client_id", "redirect_uri", "response_type", "scope"):
        if name not in given:
            raise missing(name)
    if given["response_type"] != "code":
        # RFC 9700 §2.1.2: no token ever travels in the front channel.
        raise OAuthError("unsupported_response_type", "Only response_type=code is supported.")
    if given.get("response_mode", "query") != "query":
        raise invalid_request("Only response_mode=query is supported.")
    return AuthorizationRequest(
        client_id=given["client_id"],
        redirect_uri=given["redirect_uri"],
        scopes=tuple(given["scope"].split()),
        state=given.get("state", ""),
        offline=_parse_access_type(given.get("access_type", "")),
        prompt=_parse_prompt(given),
        include_granted=given.get("include_granted_scopes", "").lower() == "true",
        granular=given.get("enable_granular_consent", "").lower() != "false",
        login_hint=given.get("login_hint", ""),
        domain=canonical_domain(given.get("hd", "").lstrip("*")),
        nonce=given.get("nonce", ""),
        challenge=_parse_challenge(given),
    )


def _parse_access_type(value: str) -> bool | None:
    if value not in ("", "online", "offline"):
        raise invalid_request(f"Invalid parameter value for access_type: {value}")
    return {"": None, "online": False, "offline": True}[value]


def _parse_prompt(given: Parameters) -> frozenset[str]:
    prompt = frozenset(given.get("prompt", "").split())
    if given.get("approval_prompt") == "force":  # the older spelling of prompt=consent
        prompt |= {"consent"}
    if not prompt <= _PROMPTS or ("none" in prompt and len(prompt) > 1):
        raise invalid_request(f"Invalid parameter value for prompt: {given['prompt']}")
    return prompt


def _parse_challenge(given: Parameters) -> str:
    """Return the S256 challenge, "" for none."""
    challenge, method = given.get("code_challenge", ""), given.get("code_challenge_method", "")
    if not challenge:
        if method:
            raise missing("code_challenge")
        return ""
    # RFC 7636 §4.3: no method means plain. RFC 9700 §2.1.1: plain shows the verifier.
    if method != "S256":
        raise invalid_request("code_challenge_method must be S256.")
    if not _CHALLENGE.fullmatch(challenge):
        raise invalid_request("Invalid parameter value for code_challenge.")
    return challenge


class ClientLogin(Struct, frozen=True, gc=False):
    """How a client names itself at the token endpoint; secret "" when it showed none."""

    client_id: str
    secret: str


def parse_client_login(given: Parameters, authorization: str | None) -> ClientLogin:
    """Return the client's credentials from the Authorization header or the body.

    RFC 6749 §2.3: one method only; the same values twice are let pass, different ones are not.
    """
    body = ClientLogin(given.get("client_id", ""), given.get("client_secret", ""))
    scheme, _, rest = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        if not body.client_id:
            raise invalid_request("Could not determine client ID from request.")
        return body
    basic = _parse_basic(rest.strip())
    if body.client_id not in ("", basic.client_id) or body.secret not in ("", basic.secret):
        raise invalid_client(WRONG_SECRET)
    return basic


def _parse_basic(text: str) -> ClientLogin:
    try:
        name, colon, secret = base64.b64decode(text, validate=True).decode("utf-8").partition(":")
    except ValueError:  # not ASCII, not base64 or not UTF-8
        raise invalid_client(WRONG_SECRET) from None
    if not colon or not name:
        raise invalid_client(WRONG_SECRET)
    # RFC 6749 §2.3.1: both are form-encoded before they are joined.
    return ClientLogin(unquote_plus(name), unquote_plus(secret))


# --- redirects -------------------------------------------------------------------------

#: What may follow the host: printable ASCII without the fragment sign (RFC 6749 §3.1.2) and
#: without the backslash, which browsers read as a slash.
_REST: Final = r"(?::([0-9]{1,5}))?((?:[/?][!\"$-\[\]-~]*)?)"
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|localhost|\[::1\]))" + _REST)
_HTTPS = re.compile(r"(https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)" + _REST)


def is_loopback(uri: str) -> bool:
    """Return whether a redirect address leads to the user's own machine, over plain HTTP."""
    return _split(_LOOPBACK, uri) is not None


def check_registrable(uri: str, kind: str) -> None:
    """Refuse a redirect address that must not be registered.

    RFC 9700 §4.1.3, RFC 8252 §8.4: https for servers, http to the own machine; no user name, no
    wildcard, no private scheme, no out-of-band.
    """
    if _split(_LOOPBACK, uri) or (kind == "web" and _split(_HTTPS, uri)):
        return
    wanted = "http://localhost" if kind == "desktop" else "https, or http://localhost"
    raise ParseError(f"the redirect address must be {wanted}, without user or fragment", uri=uri)


def matches_redirect(uri: str, registered: Iterable[str], *, desktop: bool) -> bool:
    """Return whether a redirect address is a registered one, octet for octet.

    RFC 8252 §7.3: for an application on the user's machine the port of a loopback address is
    free. Gmail (reported by clients): one registered without a path stands for every path.
    """
    registered = tuple(registered)
    if not desktop:
        return uri in registered
    found = _split(_LOOPBACK, uri)
    if found is None:
        return False
    host, rest = found
    return any(_split(_LOOPBACK, one) in ((host, rest), (host, "")) for one in registered)


def _split(pattern: re.Pattern[str], uri: str) -> tuple[str, str] | None:
    """Return scheme and host, and what follows the port."""
    match = pattern.fullmatch(uri)
    if match is None or int(match[2] or 0) > 65_535:
        return None
    return match[1], match[3]


def add_to_query(uri: str, values: Parameters) -> str:
    """Return the redirect address with these parameters added; what it had stays (§3.1.2)."""
    joint = "" if uri.endswith(("?", "&")) else ("&" if "?" in uri else "?")
    return uri + joint + urlencode(values)
