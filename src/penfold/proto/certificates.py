"""Certificates for mail: PKCS#12 with a private key, PKCS#7 without, and what a chain is worth.

RFC 7292 (PKCS#12), RFC 2315 (PKCS#7), RFC 5280 §6.1 and RFC 8550 §4.4 (what a certificate for
mail must say). Bytes in, values out; every mistake is a ParseError whose text may be shown. A
chain is leaf first. Whose the last certificate is does not matter: there is no list of trusted
authorities here.
"""

import contextlib
import re
import warnings
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs7,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import CERTIFICATES_MAX, KEY_ITERATIONS_MAX
from penfold.proto.malformed import MALFORMED

_DEPTH_MAX: Final = 24
#: What the library thinks of odd files of others is not for our log.
warnings.filterwarnings("ignore", module=re.escape(__name__))
_INTEGER, _OCTETS, _CONSTRUCTED = 0x02, 0x04, 0x20
_PEM: Final = re.compile(r"-----BEGIN (PKCS7|CMS)-----.+?-----END \1-----\s*", re.DOTALL)


class Chain(Struct, frozen=True, gc=False):
    """What a chain says: PEM of all, and of the leaf whom it names, who signed it, until when.

    addresses are in lower case.
    """

    pem: str
    addresses: tuple[str, ...]
    issuer: str
    expires_ms: int


class KeyBag(Struct, frozen=True, gc=False):
    """A chain with its private key (PKCS#8, DER)."""

    chain: Chain
    key: bytes


def parse_pkcs12(data: bytes, password: str, *, now_ms: int) -> KeyBag:
    """Return key and chain. The chain must be good for mail now, but may end anywhere."""
    for count in _list_iterations(data):
        if count > KEY_ITERATIONS_MAX:
            raise ParseError(f"the key takes more than {KEY_ITERATIONS_MAX} iterations to open")
    try:
        bag = pkcs12.load_pkcs12(data, password.encode() or None)
    except MALFORMED as error:
        raise ParseError("not a PKCS#12 file, or another password opens it") from error
    if bag.key is None or bag.cert is None:
        raise ParseError("the PKCS#12 file lacks the private key or its certificate")
    leaf = bag.cert.certificate
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        own = bag.key.public_key().public_bytes(*spki)
        fits = own == leaf.public_key().public_bytes(*spki)
    except MALFORMED as error:
        raise ParseError("the certificate has a key of an unknown kind") from error
    if not fits:
        raise ParseError("the private key does not belong to the certificate")
    certificates = _order([leaf, *(each.certificate for each in bag.additional_certs)], leaf)
    _check_leaf(leaf, now_ms)
    key = bag.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return KeyBag(_read(certificates), key)


def parse_pkcs7(text: str, *, now_ms: int, validate: bool) -> Chain:
    """Return the chain. validate: check signatures, dates, uses; it must reach a root."""
    if not _PEM.fullmatch(text.strip() + "\n"):
        raise ParseError("not PKCS#7 in PEM")
    try:
        found = pkcs7.load_pem_pkcs7_certificates(text.strip().encode())
    except MALFORMED as error:
        raise ParseError("not PKCS#7 in PEM") from error
    if not found:
        raise ParseError("there is no certificate in it")
    certificates = _order(found, _find_leaf(found))
    chain = _read(certificates)
    if validate:
        _check_leaf(certificates[0], now_ms)
        _check_chain(certificates, now_ms)
    return chain


def _find_leaf(found: Sequence[x509.Certificate]) -> x509.Certificate:
    """Return the certificate that signed none of the others."""
    issuers = {each.issuer for each in found if each.issuer != each.subject}
    leaves = [each for each in found if each.subject not in issuers]
    if len(leaves) != 1:
        raise ParseError("the certificates are not one chain")
    return leaves[0]


def _order(found: Sequence[x509.Certificate], leaf: x509.Certificate) -> list[x509.Certificate]:
    """Return the chain from the leaf up; what is no part of it is left out."""
    if len(found) > CERTIFICATES_MAX:
        raise ParseError(f"more than {CERTIFICATES_MAX} certificates")
    by_subject = {each.subject: each for each in found}
    chain = [leaf]
    while chain[-1].issuer != chain[-1].subject and len(chain) <= CERTIFICATES_MAX:
        above = by_subject.get(chain[-1].issuer)
        if above is None or above in chain:
            break
        chain.append(above)
    return chain


def _read(certificates: Sequence[x509.Certificate]) -> Chain:
    leaf = certificates[0]
    try:
        names = leaf.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        return Chain(
            pem="".join(each.public_bytes(Encoding.PEM).decode() for each in certificates),
            addresses=tuple(dict.fromkeys(_iter_addresses(leaf))),
            issuer=str(names[0].value) if names else leaf.issuer.rfc4514_string(),
            expires_ms=int(leaf.not_valid_after_utc.timestamp() * 1000),
        )
    except MALFORMED as error:
        raise ParseError("the certificate is malformed") from error


def _iter_addresses(leaf: x509.Certificate) -> Iterator[str]:
    """Yield whom the certificate names. RFC 8550 §3: the alternative names, or the subject."""
    with contextlib.suppress(x509.ExtensionNotFound):
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        for name in names.value.get_values_for_type(x509.RFC822Name):
            yield name.lower()
    for attribute in leaf.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
        yield str(attribute.value).lower()


def _check_leaf(leaf: x509.Certificate, now_ms: int) -> None:
    _check_dates(leaf, now_ms)
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return  # RFC 8550 §4.4.4: without the extension every use is allowed
    except MALFORMED as error:
        raise ParseError("the certificate is malformed") from error
    allowed = {ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if allowed.isdisjoint(usage):
        raise ParseError("the certificate is not for mail")


def _check_dates(certificate: x509.Certificate, now_ms: int) -> None:
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    if now < certificate.not_valid_before_utc:
        raise ParseError("a certificate is not valid yet")
    if now > certificate.not_valid_after_utc:
        raise ParseError("a certificate has expired")


def _check_chain(certificates: Sequence[x509.Certificate], now_ms: int) -> None:
    """Check every link up to a certificate that signed itself (RFC 5280 §6.1.3, §6.1.4)."""
    last = certificates[-1]
    if last.issuer != last.subject:
        raise ParseError("the chain does not reach a root certificate")
    for below, above in zip(certificates, [*certificates[1:], last], strict=True):
        try:
            below.verify_directly_issued_by(above)
        except (*MALFORMED, InvalidSignature) as error:
            raise ParseError("a certificate is not signed by the next one") from error
    for certificate in certificates[1:]:
        _check_dates(certificate, now_ms)
        try:
            basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        except (*MALFORMED, x509.ExtensionNotFound):
            basic = None
        if basic is None or not basic.ca:
            raise ParseError("a certificate above the first may not sign others")


def _list_iterations(data: bytes) -> list[int]:
    """Return how often each key derivation goes round: an INTEGER behind the OCTET STRING salt.

    RFC 7292 §4 and RFC 8018 §A.2. Looked at before anything is opened, because a file may ask
    for hours of work. What is no DER yields nothing and is refused by the parser proper.
    """
    counts: list[int] = []
    _walk(data, 0, counts)
    return counts


def _walk(data: bytes, depth: int, counts: list[int]) -> None:
    at, before = 0, 0
    while at + 2 <= len(data) and depth < _DEPTH_MAX:
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[at : at + size])
            at += size
        value = data[at : at + length]
        if tag == _INTEGER and before == _OCTETS:
            counts.append(int.from_bytes(value))
        elif tag & _CONSTRUCTED or tag == _OCTETS:
            _walk(value, depth + 1, counts)
        before = tag
        at += length
