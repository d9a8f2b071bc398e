"""DANE for SMTP (RFC 7672): which TLSA records count, and whether a chain is what they say.

`find_tlsa` is a check that asks for a host's records; `list_usable` keeps those that bind;
`verify_chain` compares them with the certificates a server presented. Nothing here trusts a
certificate authority: a record is worth what the DNSSEC signature below it is, which is why only
secure answers count.
"""

import hashlib
import re
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from penfold.base.limits import CHAIN_MAX, TLSA_MAX
from penfold.proto.dns import Answer, Association, Check, Question
from penfold.proto.malformed import MALFORMED

#: RFC 6698 §2.1, RFC 7218 §2: usages (RFC 7672 §3.1.3: the other two do not bind for SMTP), what
#: of a certificate is meant, and how it is told.
DANE_TA: Final = 2
DANE_EE: Final = 3
CERT: Final = 0
SPKI: Final = 1
FULL: Final = 0
SHA2_256: Final = 1
SHA2_512: Final = 2

_DIGESTS: Final = {SHA2_256: hashlib.sha256, SHA2_512: hashlib.sha512}
#: What the library thinks of odd certificates of others is not for our log.
warnings.filterwarnings("ignore", module=re.escape(__name__))
_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0


class Verdict(StrEnum):
    """key: the server's own certificate or key is named. anchor: it was issued under one that is.

    Failures: unnamed: no record is about this chain. broken: one is, but the chain below it does
    not hold (signature, time, name).
    """

    KEY = "key"
    ANCHOR = "anchor"
    UNNAMED = "unnamed"
    BROKEN = "broken"

    @property
    def is_good(self) -> bool:
        return self in (Verdict.KEY, Verdict.ANCHOR)


def find_tlsa(host: str, port: int = 25) -> Check[Answer]:
    """Return the answer about a host's TLSA records (RFC 7672 §2.2.3). To be asked only when the
    addresses of the host were secure (§2.2.2).
    """
    answer = yield Question(f"_{port}._tcp.{host}", "TLSA")
    return answer


def list_usable(records: Sequence[Association]) -> tuple[Association, ...]:
    """Return the records that bind (RFC 7672 §3.1), at most TLSA_MAX.

    Of several digests for one usage and selector, those of the strongest (RFC 7671 §9).
    """
    usable = [each for each in records[:TLSA_MAX] if _is_usable(each)]
    strongest = {
        (each.usage, each.selector): max(
            other.matching
            for other in usable
            if (other.usage, other.selector) == (each.usage, each.selector)
        )
        for each in usable
    }
    return tuple(
        each for each in usable if each.matching in (FULL, strongest[each.usage, each.selector])
    )


def _is_usable(record: Association) -> bool:
    if record.usage not in (DANE_TA, DANE_EE) or record.selector not in (CERT, SPKI):
        return False
    if record.matching == FULL:
        load = x509.load_der_x509_certificate if record.selector == CERT else load_der_public_key
        try:
            load(record.data)
        except MALFORMED:
            return False
        return True
    digest = _DIGESTS.get(record.matching)
    return digest is not None and len(record.data) == digest().digest_size


def verify_chain(
    chain: Sequence[bytes], records: Sequence[Association], names: Sequence[str], *, now_ms: int
) -> Verdict:
    """Return whether the certificates a server presented are those that its records mean.

    chain: DER, the server's own first; certificates beyond CHAIN_MAX do not count. records: from
    list_usable. names: the host's, and the mail domain's when its MX answer was secure (RFC 7672
    §3.2.2). They and the time matter under an anchor only (§3.1.1), where keys and signatures are
    of the kinds that public authorities use.
    """
    chain = chain[:CHAIN_MAX]
    if any(each.usage == DANE_EE and matches(each, der) for each in records for der in chain[:1]):
        return Verdict.KEY
    about_anchors = [each for each in records if each.usage == DANE_TA]
    anchors = [der for der in chain[1:] if any(matches(each, der) for each in about_anchors)]
    # RFC 7671 §5.2.2: a whole certificate in the DNS need not be sent as well.
    anchors += (
        each.data for each in about_anchors if (each.selector, each.matching) == (CERT, FULL)
    )
    if not anchors:
        return Verdict.UNNAMED
    holds = any(_holds(chain, anchors, name, now_ms) for name in names)
    return Verdict.ANCHOR if holds else Verdict.BROKEN


def matches(record: Association, der: bytes) -> bool:
    """Return whether a record is about a certificate (RFC 6698 §2.1.2, §2.1.3)."""
    told = der if record.selector == CERT else find_spki(der)
    if told is None:
        return False
    digest = _DIGESTS.get(record.matching)
    return record.data == (digest(told).digest() if digest else told)


def find_spki(der: bytes) -> bytes | None:
    """Return the octets of a certificate's SubjectPublicKeyInfo as they stand there (RFC 5280
    §4.1); None when there are none. Read without understanding the key, which may be of any kind.
    """
    try:
        begin, _ = _enter(der, 0, _SEQUENCE)
        at, _ = _enter(der, begin, _SEQUENCE)
        if der[at] == _VERSION:
            at = _end_of(der, at)
        for _ in range(5):  # serial number, algorithm, issuer, validity, subject
            at = _end_of(der, at)
        _enter(der, at, _SEQUENCE)
        return der[at : _end_of(der, at)]
    except (IndexError, ValueError):
        return None


def _enter(der: bytes, at: int, tag: int) -> tuple[int, int]:
    """Return where the contents of an element begin and end; ValueError, IndexError."""
    if der[at] != tag:
        raise ValueError("another element than expected")
    return _contents(der, at)


def _end_of(der: bytes, at: int) -> int:
    return _contents(der, at)[1]


def _contents(der: bytes, at: int) -> tuple[int, int]:
    length, begin = der[at + 1], at + 2
    if length & 0x80:
        more = length & 0x7F
        length, begin = int.from_bytes(der[begin : begin + more]), begin + more
        if not 1 <= more <= 4:
            raise ValueError("a length of no known form")
    if begin + length > len(der):
        raise IndexError("an element goes on behind the end")
    return begin, begin + length


def _holds(chain: Sequence[bytes], anchors: Sequence[bytes], name: str, now_ms: int) -> bool:
    try:
        leaf, *others = map(x509.load_der_x509_certificate, chain)
        store = Store([x509.load_der_x509_certificate(der) for der in anchors])
        policy = (
            PolicyBuilder()
            .store(store)
            .time(datetime.fromtimestamp(now_ms / 1000, UTC))
            .max_chain_depth(CHAIN_MAX)
            .extension_policies(ca_policy=_authorities(), ee_policy=_servers())
        )
        policy.build_server_verifier(x509.DNSName(name)).verify(leaf, others)
    except (*MALFORMED, VerificationError):
        return False
    return True


def _authorities() -> ExtensionPolicy:
    """RFC 5280 §6.1.4: a certificate that signs others says that it may. No more is asked: who
    names an anchor of their own need not follow the rules of public authorities.
    """
    return (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _check_usage)
    )


def _servers() -> ExtensionPolicy:
    return ExtensionPolicy.permit_all().require_present(
        x509.SubjectAlternativeName, Criticality.AGNOSTIC, None
    )


def _check_usage(policy: Policy, _: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    del policy
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("a certificate that may sign no others")
