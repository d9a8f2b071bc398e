"""DANE: which records bind, and which chains they mean."""

import hashlib
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.keys import DAY, NOW, named, with_version

from penfold.proto.dane import (
    CERT,
    DANE_EE,
    DANE_TA,
    FULL,
    SHA2_256,
    SHA2_512,
    SPKI,
    Verdict,
    find_spki,
    find_tlsa,
    list_usable,
    verify_chain,
)
from penfold.proto.dns import Answer, Association, Question, Status, run_check

NOW_MS = int(NOW.timestamp() * 1000)
ROOT_KEY, MIDDLE_KEY, LEAF_KEY, OTHER_KEY = (
    ec.generate_private_key(ec.SECP256R1()) for _ in range(4)
)


def make(subject, key, *, issuer=None, signer=None, ca=True, names=(), signs=None, ends=30 * DAY):
    """Return a certificate as its owner would make one, or with one thing wrong."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer or subject))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 60 * DAY)
        .not_valid_after(NOW + ends)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
    if names:
        san = x509.SubjectAlternativeName(list(map(x509.DNSName, names)))
        builder = builder.add_extension(san, critical=False)
    if signs is not None:
        usage = x509.KeyUsage(True, False, False, False, False, signs, False, False, False)
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(signer or key, hashes.SHA256())


def middle(**facts):
    return make("Middle", MIDDLE_KEY, **({"issuer": "Root", "signer": ROOT_KEY} | facts))


def leaf(*names, **facts):
    facts = {"issuer": "Middle", "signer": MIDDLE_KEY, "ca": False, "names": names} | facts
    return make("Leaf", LEAF_KEY, **facts)


ROOT = make("Root", ROOT_KEY)
OTHER = make("Other", OTHER_KEY)
MIDDLE = middle()
LEAF = leaf("mx.example.org")
CHAIN = (LEAF, MIDDLE, ROOT)


def der(certificate):
    return certificate.public_bytes(Encoding.DER)


def spki(certificate):
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def record(usage, selector, matching, certificate):
    told = der(certificate) if selector == CERT else spki(certificate)
    digest = {SHA2_256: hashlib.sha256, SHA2_512: hashlib.sha512}.get(matching)
    return Association(usage, selector, matching, digest(told).digest() if digest else told)


def verify(chain, *records, names=("mx.example.org",), now_ms=NOW_MS):
    records = list_usable(records)
    return verify_chain(list(map(der, chain)), records, names, now_ms=now_ms)


FORMS = [(s, m) for s in (CERT, SPKI) for m in (FULL, SHA2_256, SHA2_512)]


@pytest.mark.parametrize(("selector", "matching"), FORMS)
def test_servers_own_certificate_or_key_is_enough(selector, matching):
    assert verify(CHAIN, record(DANE_EE, selector, matching, LEAF)) is Verdict.KEY
    assert verify([LEAF], record(DANE_EE, selector, matching, LEAF)) is Verdict.KEY
    assert verify(CHAIN, record(DANE_EE, selector, matching, OTHER)) is Verdict.UNNAMED
    assert verify(CHAIN, record(DANE_EE, selector, matching, MIDDLE)) is Verdict.UNNAMED


def test_name_and_time_of_a_certificate_named_itself_do_not_matter():
    old = leaf("elsewhere.example", ends=-DAY)
    assert verify([old], record(DANE_EE, SPKI, SHA2_256, old)) is Verdict.KEY


@pytest.mark.parametrize(("selector", "matching"), FORMS)
@pytest.mark.parametrize("anchor", [MIDDLE, ROOT], ids=["middle", "root"])
def test_chain_under_an_anchor_holds(selector, matching, anchor):
    assert verify(CHAIN, record(DANE_TA, selector, matching, anchor)) is Verdict.ANCHOR
    assert verify(CHAIN, record(DANE_TA, selector, SHA2_256, OTHER)) is Verdict.UNNAMED
    assert verify(CHAIN, record(DANE_TA, selector, SHA2_256, LEAF)) is Verdict.UNNAMED


def test_whole_anchor_in_the_records_need_not_be_sent():
    assert verify(CHAIN[:2], record(DANE_TA, CERT, FULL, ROOT)) is Verdict.ANCHOR
    assert verify(CHAIN[:1], record(DANE_TA, CERT, FULL, MIDDLE)) is Verdict.ANCHOR
    assert verify(CHAIN[:1], record(DANE_TA, CERT, FULL, ROOT)) is Verdict.BROKEN


@pytest.mark.parametrize(
    "chain",
    [
        pytest.param([leaf("elsewhere.example"), MIDDLE, ROOT], id="name"),
        pytest.param([leaf(), MIDDLE, ROOT], id="no-name"),
        pytest.param([leaf("mx.example.org", ends=-DAY), MIDDLE, ROOT], id="time"),
        pytest.param([LEAF, middle(ends=-DAY), ROOT], id="time-between"),
        pytest.param([leaf("mx.example.org", signer=OTHER_KEY), MIDDLE, ROOT], id="signature"),
        pytest.param([LEAF, middle(signer=OTHER_KEY), ROOT], id="signature-between"),
        pytest.param([LEAF, middle(ca=False), ROOT], id="no-authority"),
        pytest.param([LEAF, middle(ca=None), ROOT], id="no-word-of-authority"),
        pytest.param([LEAF, middle(signs=False), ROOT], id="may-not-sign"),
        pytest.param([LEAF, ROOT], id="gap"),
        pytest.param([OTHER, ROOT], id="only-appended"),
    ],
)
def test_chain_that_does_not_hold_is_broken(chain):
    assert verify(chain, record(DANE_TA, SPKI, SHA2_256, ROOT)) is Verdict.BROKEN


@pytest.mark.parametrize(
    ("name", "names", "good"),
    [
        ("mx.example.org", ["mx.example.org"], True),
        ("*.example.org", ["mx.example.org"], True),
        ("example.org", ["mx.example.org", "example.org"], True),
        ("*.example.org", ["a.mx.example.org"], False),
        ("mx.example.org", [], False),
        ("mx.example.org", ["é", "\0", ""], False),
    ],
)
def test_one_of_the_names_must_be_in_the_certificate(name, names, good):
    verdict = verify([leaf(name), MIDDLE], record(DANE_TA, SPKI, SHA2_256, MIDDLE), names=names)
    assert verdict is (Verdict.ANCHOR if good else Verdict.BROKEN)
    assert verdict.is_good is good


def test_chain_holds_for_its_time_only():
    named_root = record(DANE_TA, SPKI, SHA2_256, ROOT)
    late_ms = NOW_MS + int(timedelta(days=31) / timedelta(milliseconds=1))
    assert verify(CHAIN, named_root, now_ms=late_ms) is Verdict.BROKEN


def test_one_record_of_several_is_enough():
    wrong = record(DANE_EE, SPKI, SHA2_256, OTHER)
    assert verify(CHAIN, wrong, record(DANE_TA, SPKI, SHA2_256, ROOT)) is Verdict.ANCHOR
    assert verify(CHAIN, wrong, record(DANE_EE, SPKI, SHA2_256, LEAF)) is Verdict.KEY


@pytest.mark.parametrize(
    "unusable",
    [
        Association(0, 1, 1, b"d" * 32),
        Association(1, 1, 1, b"d" * 32),
        Association(4, 1, 1, b"d" * 32),
        Association(255, 1, 1, b"d" * 32),
        Association(3, 2, 1, b"d" * 32),
        Association(3, 1, 3, b"d" * 32),
        Association(3, 1, 1, b"d" * 31),
        Association(3, 1, 1, b""),
        Association(3, 1, 2, b"d" * 32),
        Association(3, 0, 0, b""),
        Association(3, 0, 0, b"no certificate"),
        Association(2, 1, 0, b"no key"),
    ],
)
def test_record_that_does_not_bind_is_left_out(unusable):
    good = Association(3, 1, 1, b"d" * 32)
    assert list_usable([unusable]) == ()
    assert list_usable([unusable, good]) == (good,)


def test_of_several_digests_the_strongest_binds():
    weak, strong, whole, other = (
        record(DANE_EE, SPKI, SHA2_256, OTHER),
        record(DANE_EE, SPKI, SHA2_512, LEAF),
        record(DANE_EE, SPKI, FULL, LEAF),
        record(DANE_EE, CERT, SHA2_256, LEAF),
    )
    assert list_usable([weak, strong, whole, other]) == (strong, whole, other)
    assert verify([OTHER], weak, strong) is Verdict.UNNAMED


def test_records_stand_below_port_and_host():
    found = Answer(Status.FOUND, (Association(3, 1, 1, b"d" * 32),), secure=True)
    table = {Question("_25._tcp.mx.example.org", "TLSA"): found}
    assert run_check(find_tlsa("mx.example.org"), table.__getitem__) == found


@pytest.mark.parametrize(
    "key",
    [
        LEAF_KEY,
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65_537, 2_048),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["p256", "p384", "rsa", "ed25519"],
)
def test_key_is_read_as_it_stands_in_the_certificate(key):
    certificate = make("Key", key, signer=ROOT_KEY)
    assert find_spki(der(certificate)) == spki(certificate)


WHOLE = der(LEAF)


@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=4))
def test_no_damage_to_a_certificate_raises(at, octets):
    broken = WHOLE[:at] + octets + WHOLE[at + len(octets) :]
    find_spki(broken)
    for records in (
        [record(DANE_EE, SPKI, SHA2_256, LEAF)],
        [record(DANE_TA, SPKI, SHA2_256, MIDDLE)],
        [Association(DANE_TA, CERT, FULL, broken)],
    ):
        for chain in ([broken, der(MIDDLE)], [WHOLE[:at]], [], [WHOLE, broken]):
            verify_chain(chain, records, ["mx.example.org"], now_ms=NOW_MS)


@given(st.binary(max_size=60))
def test_octets_that_are_no_certificate_have_no_key(octets):
    assert find_spki(octets) is None or octets[0] == 0x30


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("place", "named", "good"),
    [
        pytest.param(0, MIDDLE, False, id="the-leaf-below-an-anchor"),
        pytest.param(1, MIDDLE, False, id="the-anchor-that-is-named"),
        pytest.param(1, LEAF, True, id="one-nobody-needs"),
    ],
)
def test_a_certificate_of_a_version_nobody_knows_counts_for_nothing(form, place, named, good):
    chain = [der(each) for each in CHAIN]
    chain[place] = with_version(chain[place], 34)
    records = [record(2 + (named is LEAF), *form, named)]
    verdict = verify_chain(chain, records, ["mx.example.org"], now_ms=NOW_MS)
    assert verdict.is_good == good


def test_a_record_with_a_certificate_of_a_version_nobody_knows_is_unusable():
    assert list_usable([Association(2, 0, 0, with_version(der(MIDDLE), 34))]) == ()
