"""Challenges and their answers: what shows an ACME server that a name is ours.

http-01 (RFC 8555 §8.3): a text at an address below /.well-known/acme-challenge/, asked for by
plain HTTP on port 80. tls-alpn-01 (RFC 8737 §3): a certificate for the name alone, signed by
itself, which holds the digest of the same text; shown on port 443 to who asks for "acme-tls/1".
"""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID, ObjectIdentifier
from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.proto.acme.jws import AccountKey

HTTP_01: Final = "http-01"
TLS_ALPN_01: Final = "tls-alpn-01"
KINDS: Final = (HTTP_01, TLS_ALPN_01)
#: Where http-01 is asked for; the token follows.
HTTP_PATH: Final = "/.well-known/acme-challenge/"
#: RFC 8737 §6.2: the name of the protocol, which says nothing after the handshake.
ALPN: Final = "acme-tls/1"

#: RFC 8555 §8.3: the base64url alphabet and at least 128 bits; nothing says how long at most, and
#: it becomes part of an address.
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22,255}")
#: RFC 8737 §6.1: id-pe-acmeIdentifier; its value is an OCTET STRING of 32 octets.
_IDENTIFIER: Final = ObjectIdentifier("1.3.6.1.5.5.7.1.31")
_OCTET_STRING_32: Final = b"\x04\x20"
#: Days. Nobody checks them; a clock that is wrong must not spoil it.
_LIFE: Final = timedelta(days=7)


class Proof(Struct, frozen=True, gc=False):
    """A challenge of a kind for a name, and the text that answers it (RFC 8555 §8.1)."""

    kind: str
    name: str
    token: str
    answer: str


def make_proof(kind: str, name: str, token: str, key: AccountKey) -> Proof:
    """Return the answer to a challenge; ParseError for a token that is none."""
    if not _TOKEN.fullmatch(token):
        raise ParseError("a challenge without a token")
    return Proof(kind, name, token, f"{token}.{key.thumbprint}")


def make_challenge_certificate(proof: Proof, *, now_ms: int) -> bytes:
    """Return the certificate of tls-alpn-01 for a proof, with its key, as PEM (RFC 8737 §3)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ACME challenge")])
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    digest = _OCTET_STRING_32 + sha256(proof.answer.encode()).digest()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LIFE)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(proof.name)]), critical=False)
        .add_extension(x509.UnrecognizedExtension(_IDENTIFIER, digest), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)
