"""A certificate to serve with its key, from PEM: is it whole, ours, for our name, in its time?

Bytes in, values out; every mistake is a ParseError whose text is for the operator. Who signed it
is not judged: clients know whom they trust.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import CHAIN_MAX
from penfold.proto.malformed import MALFORMED

_SPKI: Final = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
_SHOWN_MAX: Final = 5


class Served(Struct, frozen=True, gc=False):
    """pem: key and chain, in one file's form. names: as in the certificate. Times in ms."""

    pem: bytes
    names: tuple[str, ...]
    issuer: str
    begins_ms: int
    expires_ms: int

    @property
    def life_ms(self) -> int:
        return self.expires_ms - self.begins_ms


def parse_served(chain: bytes, key: bytes, *, names: Sequence[str], now_ms: int) -> Served:
    """Return the pair when it can be served under all of `names` now.

    chain: the server's certificate first. key: may be in the same octets.
    """
    certificates = _load_chain(chain)
    own = certificates[0]
    private = _load_key(key)
    found = Served(
        pem=private + b"".join(each.public_bytes(Encoding.PEM) for each in certificates),
        names=list_names(own),
        issuer=_name_issuer(own),
        begins_ms=_ms(own.not_valid_before_utc),
        expires_ms=_ms(own.not_valid_after_utc),
    )
    if _public_of(private) != own.public_key().public_bytes(*_SPKI):
        raise ParseError("the key does not fit the certificate (which comes first in its file?)")
    missing = [name for name in names if not any(_means(each, name) for each in found.names)]
    if missing:
        shown = ", ".join(found.names[:_SHOWN_MAX]) or "no name"
        raise ParseError(f"the certificate is for {shown}, not for {missing[0]}")
    if now_ms >= found.expires_ms:
        ended = own.not_valid_after_utc
        raise ParseError(f"the certificate has expired on {ended:%Y-%m-%d}; renew it")
    if now_ms < found.begins_ms:
        begins = own.not_valid_before_utc
        raise ParseError(f"the certificate is valid from {begins:%Y-%m-%d} on, not yet")
    return found


def list_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the host names and addresses a certificate is for (RFC 9525 §6.3: subjectAltName)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = names.get_values_for_type(x509.DNSName)
        addresses = names.get_values_for_type(x509.IPAddress)
    except (*MALFORMED, x509.ExtensionNotFound):
        return ()
    fit = (host.lower() for host in hosts if host.isascii() and host.isprintable())
    return (*fit, *map(str, addresses))


def _load_chain(chain: bytes) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(chain)
        found[0].public_key().public_bytes(*_SPKI)
    except MALFORMED as error:
        raise ParseError("there is no certificate in PEM in it") from error
    if len(found) > CHAIN_MAX:
        raise ParseError(f"more than {CHAIN_MAX} certificates; leave the chain of this one only")
    return found


def _load_key(key: bytes) -> bytes:
    try:
        private = load_pem_private_key(key, password=None)
    except TypeError as error:
        raise ParseError("the key is encrypted; Penfold has no passphrase for it") from error
    except MALFORMED as error:
        raise ParseError("there is no private key in PEM in it") from error
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public_of(private: bytes) -> bytes:
    return load_pem_private_key(private, password=None).public_key().public_bytes(*_SPKI)


def _name_issuer(own: x509.Certificate) -> str:
    try:
        found = own.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(found[0].value) if found else own.issuer.rfc4514_string()
    except MALFORMED:
        return ""


def _means(presented: str, wanted: str) -> bool:
    """Return whether a name in a certificate means a host; "*" is one label (RFC 9525 §6.3)."""
    if presented.startswith("*."):
        _, dot, rest = wanted.partition(".")
        return bool(dot) and presented == f"*.{rest}"
    return presented == wanted


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
