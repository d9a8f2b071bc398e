"""Signed tokens: RS256 and nothing else, the keys that make them, and how those are published.

RFC 8725 §3.1: the algorithm comes from our own key, never from the token; header members that
name a key (jwk, jku, x5c, x5u) are never looked at, and one that must be understood (`crit`)
makes a token invalid. Validity in time, issuer and audience are the caller's to judge.
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import JWT_MAX_BYTES
from penfold.proto.oauth import base64url

#: Bits of a key we make, and the least we accept. RFC 7518 §3.3.
KEY_BITS: Final = 2048
_EXPONENT: Final = 65_537
#: A certificate here only carries a public key; verifiers do look at its dates, though.
_CERTIFICATE_DAYS: Final = 3_650
_ALGORITHMS: Final = ["RS256"]

Claims = dict[str, Any]


class KeyMaker(Protocol):
    """What makes keys: `make_key_pair`, or something quicker where keys are not the point."""

    def __call__(self, subject: str, *, now_ms: int) -> "KeyPair": ...


class KeyPair(Struct, frozen=True, gc=False):
    """A new RSA key: its id, the private key and a self-signed certificate as PEM."""

    kid: str
    private: str
    certificate: str


def make_key_pair(subject: str, *, now_ms: int) -> KeyPair:
    """Return a new key; the randomness is the operating system's. Takes about 0.1 s."""
    key = rsa.generate_private_key(_EXPONENT, KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject[:64])])
    start = datetime.fromtimestamp(now_ms / 1000, UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=_CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return KeyPair(
        kid=certificate.fingerprint(hashes.SHA256()).hex()[:40],
        private=private.decode("ascii"),
        certificate=certificate.public_bytes(Encoding.PEM).decode("ascii"),
    )


def sign(claims: Claims, *, private: str, kid: str) -> str:
    """Return the claims as a signed token."""
    header = {"alg": "RS256", "kid": kid, "typ": "JWT"}
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return jws.serialize_compact(header, payload, _private_key(private), algorithms=_ALGORITHMS)


def verify(token: str, *, certificate: str) -> Claims:
    """Return the claims when the key of the certificate signed the token; ParseError if not."""
    split_token(token)
    try:
        found = jws.deserialize_compact(token, _public_key(certificate), algorithms=_ALGORITHMS)
    except (JoseError, ValueError, TypeError) as error:
        raise ParseError("the signature is not valid") from error
    return parse_object(found.payload)


def parse_header(token: str) -> Claims:
    """Return the header of a token, unchecked: good for choosing a key by `kid` only."""
    return parse_object(decode_part(split_token(token)[0]))


def parse_claims(token: str) -> Claims:
    """Return the claims of a token, unchecked: good for saying what is wrong only."""
    return parse_object(decode_part(split_token(token)[1]))


def public_jwk(certificate: str, kid: str) -> dict[str, str]:
    """Return the public key as RFC 7517 has it."""
    numbers = _certificate_key(certificate).public_numbers()
    return {
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "kid": kid,
        "n": _integer(numbers.n),
        "e": _integer(numbers.e),
    }


def split_token(token: str) -> list[str]:
    """Return the three parts; ParseError when there are others, or it is too long."""
    if len(token) > JWT_MAX_BYTES:
        raise ParseError("the token is too long")
    parts = token.split(".")
    if len(parts) != 3:
        raise ParseError("not a signed token")
    return parts


def decode_part(text: str) -> bytes:
    """Return the octets of base64url; ParseError when it is none."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise ParseError("not base64url") from error


def parse_object(octets: bytes) -> Claims:
    """Return the JSON object of a header or payload; ParseError for anything else."""
    try:
        value = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise ParseError("not JSON") from error
    if not isinstance(value, dict):
        raise ParseError("not a JSON object")
    return value


def _integer(number: int) -> str:
    return base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _certificate_key(certificate: str) -> rsa.RSAPublicKey:
    try:
        key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    except ValueError as error:
        raise ParseError("not a certificate") from error
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < KEY_BITS:
        raise ParseError("not an RSA key of 2048 bits")
    return key


@lru_cache(maxsize=64)
def _public_key(certificate: str) -> RSAKey:
    return RSAKey.import_key(dict(public_jwk(certificate, "")))


@lru_cache(maxsize=8)
def _private_key(private: str) -> RSAKey:
    load_pem_private_key(private.encode(), None)  # a damaged key is a ValueError here, not later
    return RSAKey.import_key(private)
