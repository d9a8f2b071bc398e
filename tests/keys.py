"""Certificates for mail as tests need them: made here, good or with one thing wrong."""

from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    pkcs7,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@cache
def make_key(kind="ec"):
    if kind == "rsa":
        return rsa.generate_private_key(65_537, 2_048)
    return ec.generate_private_key(ec.SECP256R1())


def named(common_name, address=None):
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if address:
        attributes.append(x509.NameAttribute(NameOID.EMAIL_ADDRESS, address))
    return x509.Name(attributes)


def make_certificate(
    *,
    subject="Somebody",
    addresses=(),
    subject_address=None,
    issuer=None,
    issuer_name=None,
    key=None,
    signer=None,
    ca=False,
    usage=ExtendedKeyUsageOID.EMAIL_PROTECTION,
    starts=NOW - DAY,
    ends=NOW + 90 * DAY,
):
    """Return a certificate; without an issuer it signs itself."""
    key = key or make_key()
    name = named(subject, subject_address)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer else issuer_name or name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if addresses:
        names = x509.SubjectAlternativeName([x509.RFC822Name(each) for each in addresses])
        builder = builder.add_extension(names, critical=False)
    if usage and not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(signer or key, hashes.SHA256())


@cache
def make_root():
    return make_certificate(
        subject="Test Root", key=make_key("rsa"), signer=make_key("rsa"), ca=True
    )


def make_leaf(*addresses, **facts):
    facts = {"issuer": make_root(), "signer": make_key("rsa"), "addresses": addresses} | facts
    return make_certificate(**facts)


def make_pkcs12(leaf, *, key=None, password="secret", above=None):
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    above = [make_root()] if above is None else above
    return pkcs12.serialize_key_and_certificates(
        b"x", key or make_key(), leaf, above or None, encryption
    )


def make_pkcs7(*certificates):
    return pkcs7.serialize_certificates(list(certificates), Encoding.PEM).decode()


def with_version(certificate, number):
    """Return a certificate (DER) that says to be of another version; its signature breaks."""
    at = certificate.index(b"\xa0\x03\x02\x01\x02") + 4  # [0] Version v3
    return certificate[:at] + bytes([number]) + certificate[at + 1 :]
