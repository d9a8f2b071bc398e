"""Public keys that somebody else publishes, and tokens signed by one of them.

RFC 7517 §5: keys of a kind that is not understood are passed over. RFC 8725 §3.1: a token is
checked by an asymmetric algorithm of the list below and a key of the kind that belongs to it, so
`none` and secrets shared with others (HMAC) cannot come in; header members that carry a key
(jwk, jku, x5c, x5u) are never looked at, and one that must be understood (`crit`) makes the
token invalid. Validity in time, issuer and audience are the caller's to judge.
"""

from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import JWK_BITS_MAX, JWK_SET_KEYS_MAX
from penfold.proto.jwt import KEY_BITS, Claims, decode_part, parse_header, parse_object, split_token

#: Algorithm of a signature to kind and curve of its key (RFC 7518 §3.1).
_KEY_OF: Final = {
    "RS256": ("RSA", ""), "RS384": ("RSA", ""), "RS512": ("RSA", ""),
    "PS256": ("RSA", ""), "PS384": ("RSA", ""), "PS512": ("RSA", ""),
    "ES256": ("EC", "P-256"), "ES384": ("EC", "P-384"), "ES512": ("EC", "P-521"),
}  # fmt: skip
#: The members of a public key by its kind; whatever else a key carries stays out.
_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
_CLASSES: Final[dict[str, Any]] = {"RSA": RSAKey, "EC": ECKey}


class UnknownKeyError(ParseError):
    """The token names a key that is not among those; perhaps it is new."""


class PublicKey(Struct, frozen=True):
    """kid, algorithm: "" when the owner says none. curve: "" for RSA. key: as joserfc has it."""

    kid: str
    kind: str
    curve: str
    algorithm: str
    key: Any


def parse_jwk_set(octets: bytes) -> tuple[PublicKey, ...]:
    """Return the keys for signatures that are understood; ParseError when it is no set."""
    try:
        found = msgspec.json.decode(octets)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ParseError("the key set is not JSON") from None
    listed = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(listed, list) or len(listed) > JWK_SET_KEYS_MAX:
        raise ParseError(f"the key set is no list of at most {JWK_SET_KEYS_MAX} keys")
    keys = (_parse_key(each) for each in listed if isinstance(each, dict))
    return tuple(key for key in keys if key is not None)


def verify_with(token: str, keys: tuple[PublicKey, ...]) -> Claims:
    """Return the claims of a token that one of these keys signed; ParseError for any other.

    UnknownKeyError: none of them is the one it names.
    """
    split_token(token)
    header = parse_header(token)
    algorithm, kid = header.get("alg"), header.get("kid", "")
    if not isinstance(algorithm, str) or algorithm not in _KEY_OF:
        raise ParseError(f"the signature's algorithm is not taken: {str(algorithm)[:20]!r}")
    kind, curve = _KEY_OF[algorithm]
    fit = [
        key
        for key in keys
        if (key.kind, key.curve) == (kind, curve)
        and key.algorithm in ("", algorithm)
        and kid in ("", key.kid)
    ]
    if not fit:
        raise UnknownKeyError("the signature is by a key that is not published")
    if len(fit) > 1:
        raise ParseError("the token does not say which of several keys signed it")
    try:
        signed = jws.deserialize_compact(token, fit[0].key, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError) as error:
        raise ParseError("the signature is not valid") from error
    return parse_object(signed.payload)


def _parse_key(said: dict[Any, Any]) -> PublicKey | None:
    """Return a key; None for one that is for something else, weak, or not understood."""
    kind = said.get("kty")
    if not isinstance(kind, str) or kind not in _MEMBERS or said.get("use", "sig") != "sig":
        return None
    members = {name: said.get(name) for name in _MEMBERS[kind]}
    told = {"kid": said.get("kid", ""), "alg": said.get("alg", ""), **members}
    texts = {name: value for name, value in told.items() if isinstance(value, str)}
    if len(texts) < len(told):
        return None
    try:
        if kind == "RSA" and not KEY_BITS <= _count_bits(texts["n"]) <= JWK_BITS_MAX:
            return None
        key = _CLASSES[kind].import_key({"kty": kind, **members})
        key.public_key  # noqa: B018 - a point beside the curve is a ValueError here, not later
    except (ParseError, JoseError, ValueError, TypeError):
        return None
    return PublicKey(texts["kid"], kind, texts.get("crv", ""), texts["alg"], key)


def _count_bits(modulus: str) -> int:
    return int.from_bytes(decode_part(modulus[:JWK_BITS_MAX]), "big").bit_length()
