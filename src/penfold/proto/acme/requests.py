"""Signing a certificate: the key, the request for it (PKCS#10), and the chain that comes back."""

from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import CHAIN_MAX
from penfold.proto.malformed import MALFORMED

_SPKI: Final = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class KeyRequest(Struct, frozen=True, gc=False):
    """key: PEM. csr: DER (RFC 2986)."""

    key: bytes
    csr: bytes


def make_key_request(names: Sequence[str], kept: bytes = b"") -> KeyRequest:
    """Return a P-256 key and the request to certify it for these names (RFC 8555 §7.4).

    kept: PEM with the key to go on with; a new one is made when it holds none of that kind.
    """
    key = _find_key(kept) or ec.generate_private_key(ec.SECP256R1())
    # The subject stays empty: a common name may have 64 characters only, a host's name 253.
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return KeyRequest(private, csr.public_bytes(Encoding.DER))


def _find_key(pem: bytes) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = load_pem_private_key(pem, password=None)
    except MALFORMED:
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp256r1":
        return key
    return None


def parse_chain(body: bytes, key: bytes) -> bytes:
    """Return the chain an authority gave (RFC 8555 §9.1) as PEM of ours, the server's own first.

    ParseError unless it is certificates and the first is for our key. What else is in the octets
    gets into no file.
    """
    try:
        chain = x509.load_pem_x509_certificates(body)
        certified = chain[0].public_key().public_bytes(*_SPKI)
        private = load_pem_private_key(key, password=None)
        own = private.public_key().public_bytes(*_SPKI)
        pem = b"".join(each.public_bytes(Encoding.PEM) for each in chain[:CHAIN_MAX])
    except MALFORMED as error:
        raise ParseError("not a chain of certificates in PEM") from error
    if certified != own:
        raise ParseError("the certificate is for another key")
    return pem
