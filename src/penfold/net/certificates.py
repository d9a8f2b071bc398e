"""A local certificate authority, so that TLS works before anybody has a real certificate.

    ca.pem      what clients are told to trust; ten years
    ca.key      signs server.pem; 0600
    server.pem  server certificate followed by ca.pem; renewed a month before it ends, and when
                the names it must carry change
    server.key  0600

EC P-256 keys: made and used in a fraction of a millisecond, known to every client. The server
certificate also carries the names of Google's API hosts, so that a client that insists on
them and is led here by a proxy finds what it expects. A client is fooled only if its owner
told it to trust ca.pem.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")

_CA_LIFE: Final = timedelta(days=3650)
#: Apple's clients refuse server certificates that live longer than 825 days.
_SERVER_LIFE: Final = timedelta(days=397)
_RENEW_BEFORE: Final = timedelta(days=30)
#: A client whose clock is a little behind must not find the certificate too new.
_BACKDATE: Final = timedelta(days=1)
#: RFC 5280 appendix A.1: ub-common-name.
_COMMON_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, both PEM."""

    certificate: bytes
    key: bytes


def make_authority(*, now_ms: int) -> Pair:
    """Return a new certificate authority that may sign server certificates and nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Penfold local authority")])
    now = _moment(now_ms)
    certificate = (
        _builder(name, name, key.public_key(), now, _CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Pair(_pem(certificate), _key_pem(key))


def make_server_certificate(authority: Pair, names: Sequence[str], *, now_ms: int) -> Pair:
    """Return a server certificate for these host names and addresses, with its chain."""
    ca = x509.load_pem_x509_certificate(authority.certificate)
    ca_key = serialization.load_pem_private_key(authority.key, password=None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is not an EC key")
    key = ec.generate_private_key(ec.SECP256R1())
    # A common name has 64 characters at most, a host's 253. RFC 5280 §4.2.1.6: without a subject
    # the alternative names are critical.
    short = [x509.NameAttribute(NameOID.COMMON_NAME, n) for n in names[:1] if len(n) <= _COMMON_MAX]
    subject = x509.Name(short)
    certificate = (
        _builder(subject, ca.subject, key.public_key(), _moment(now_ms), _SERVER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_name(n) for n in names]), critical=not short)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    return Pair(_pem(certificate) + authority.certificate, _key_pem(key))


def is_current(pair: Pair, authority: Pair, names: Sequence[str], *, now_ms: int) -> bool:
    """Whether the server certificate carries these names, is signed by us and lives on."""
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        ca = x509.load_pem_x509_certificate(authority.certificate)
        certificate.verify_directly_issued_by(ca)
        key = serialization.load_pem_private_key(pair.key, password=None)
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except Exception:  # noqa: BLE001 - whatever is wrong with the files, new ones mend it
        return False
    return (
        set(found.value) == {_name(name) for name in names}
        and certificate.public_key() == key.public_key()
        and _moment(now_ms) < certificate.not_valid_after_utc - _RENEW_BEFORE
    )


def is_authority_current(pair: Pair, *, now_ms: int) -> bool:
    """Whether the authority is whole and outlives a server certificate made now."""
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = serialization.load_pem_private_key(pair.key, password=None)
    except ValueError:
        return False
    lives = _moment(now_ms) + _SERVER_LIFE < certificate.not_valid_after_utc
    return lives and certificate.public_key() == key.public_key()


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _moment(now_ms: int) -> datetime:
    return datetime.fromtimestamp(now_ms // 1000, UTC)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
