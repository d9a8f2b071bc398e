"""Key records: what publishes a key for mail, and what is none."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.signatures import private_key, record_of

from penfold.base.errors import ParseError
from penfold.base.limits import DKIM_KEY_RECORD_MAX_BYTES
from penfold.proto.dns import Answer, Question, Status, run_check
from penfold.proto.mailauth.keys import (
    find_key,
    make_key_record,
    parse_key_record,
    parse_name,
    sign_digest,
    verify_digest,
)
from penfold.proto.mailauth.outcome import Outcome, RefusedError

DIGEST = bytes(range(32))
SPKI = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
EC = base64.b64encode(ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(*SPKI))
ED = record_of("ed").rpartition(b"=")[0].rpartition(b"p=")[2] + b"="


@pytest.mark.parametrize(("kind", "bits"), [("rsa", 2_048), ("ed", 256)])
def test_a_key_that_is_published_verifies_what_the_key_signs(kind, bits):
    key = private_key(kind)
    record = parse_key_record(make_key_record(key).encode())
    assert make_key_record(key.public_key()) == make_key_record(key)
    assert record.bits == bits
    signature = sign_digest(key, DIGEST)
    assert verify_digest(record.key, signature, DIGEST)
    assert not verify_digest(record.key, signature, bytes(32))
    assert not verify_digest(record.key, signature[:-1], DIGEST)
    assert not verify_digest(record.key, b"", DIGEST)


def test_an_rsa_key_may_be_published_bare():
    octets = private_key().public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    record = parse_key_record(b"p=" + base64.b64encode(octets))
    assert verify_digest(record.key, sign_digest(private_key(), DIGEST), DIGEST)


def test_a_short_rsa_key_signs_nothing():
    with pytest.raises(ValueError, match="too short"):
        sign_digest(make_short_key(), DIGEST)


def make_short_key():
    """An RSA key of 512 bits, which the library makes only of given primes."""
    p, q, e = 2**255 + 95, 2**255 + 141, 65_537
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    return rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public
    ).private_key()


@pytest.mark.parametrize(
    ("tags", "testing", "strict"),
    [
        pytest.param(b"", False, False, id="nothing"),
        pytest.param(b"v=DKIM1; ", False, False, id="version"),
        pytest.param(b"n=a note; g=*; ", False, False, id="unknown-tags"),
        pytest.param(b"h=sha1 : sha256; ", False, False, id="hashes"),
        pytest.param(b"s=other : email; ", False, False, id="services"),
        pytest.param(b"t=y; ", True, False, id="testing"),
        pytest.param(b"t = y : x : s; ", True, True, id="flags"),
        pytest.param(b"t=; ", False, False, id="no-flags"),
    ],
)
def test_a_record_says_what_the_key_is_for(tags, testing, strict):
    record = parse_key_record(tags + b"k=ed25519; p=" + ED)
    assert (record.testing, record.strict) == (testing, strict)


@pytest.mark.parametrize(
    ("record", "why"),
    [
        pytest.param(b"", "without a key", id="empty"),
        pytest.param(b"v=spf1 -all", "no key record", id="spf"),
        pytest.param(b"v=DKIM2; p=" + ED, "no key record", id="version"),
        pytest.param(b"k=ed25519; v=DKIM1; p=" + ED, "no key record", id="version-not-first"),
        pytest.param(b"v=DKIM1; k=ed25519", "without a key", id="no-key"),
        pytest.param(b"k=ed25519; p=", "revoked", id="revoked"),
        pytest.param(b"h=sha1; k=ed25519; p=" + ED, "not for SHA-256", id="hash"),
        pytest.param(b"s=tlsrpt; k=ed25519; p=" + ED, "not for mail", id="service"),
        pytest.param(b"k=dsa; p=" + ED, "unknown kind", id="kind"),
        pytest.param(b"k=ed25519; p=AAAA", "malformed key", id="short"),
        pytest.param(b"k=rsa; p=" + ED, "malformed key", id="ed25519-as-rsa"),
        pytest.param(b"k=rsa; p=" + EC, "not the kind", id="ec-as-rsa"),
        pytest.param(b"k=ed25519; p=%%%", "not base64", id="base64"),
        pytest.param(b"p=" + b"A" * DKIM_KEY_RECORD_MAX_BYTES, "too long", id="long"),
    ],
)
def test_what_is_no_key_for_mail_is_refused(record, why):
    with pytest.raises(ParseError, match=why):
        parse_key_record(record)


def ask(*records, status=Status.FOUND, domain="x.example", selector="s1"):
    asked = []

    def look_up(question):
        asked.append(question)
        return Answer(status, records)

    try:
        return run_check(find_key(domain, selector), look_up), asked
    except RefusedError as error:
        return (error.outcome, error.reason), asked


def test_a_key_is_asked_for_at_its_place():
    record, asked = ask(record_of("ed"))
    assert record.algorithm == "ed25519-sha256"
    assert asked == [Question("s1._domainkey.x.example", "TXT")]


def test_records_that_are_no_key_do_not_hide_the_one_that_is():
    record, _ = ask(b"v=spf1 -all", record_of("ed"), b"p=")
    assert record.algorithm == "ed25519-sha256"


@pytest.mark.parametrize(
    ("records", "status", "outcome", "why"),
    [
        pytest.param((), Status.ABSENT, Outcome.PERMERROR, "no key", id="absent"),
        pytest.param((), Status.NOTHING, Outcome.PERMERROR, "no key", id="nothing"),
        pytest.param((), Status.FAILED, Outcome.TEMPERROR, "no answer", id="failed"),
        pytest.param((b"p=",), Status.FOUND, Outcome.PERMERROR, "revoked", id="revoked"),
        pytest.param(
            (record_of("ed"), record_of()), Status.FOUND, Outcome.PERMERROR, "several", id="two"
        ),
    ],
)
def test_without_one_key_there_is_an_outcome(records, status, outcome, why):
    (found, reason), _ = ask(*records, status=status)
    assert found is outcome
    assert why in reason


def test_a_name_beyond_the_dns_is_not_asked_for():
    label = "a" * 63
    (outcome, _), asked = ask(domain=f"{label}.{label}.{label}", selector=label)
    assert outcome is Outcome.PERMERROR
    assert asked == []


@pytest.mark.parametrize(
    ("text", "name"),
    [("X.Example", "x.example"), ("bücher.example", "xn--bcher-kva.example"), ("_a-1.b", "_a-1.b")],
)
def test_a_name_is_lower_case_in_a_labels(text, name):
    assert parse_name(text) == name


@pytest.mark.parametrize("text", ["", ".", "a..b", "a.", "-a", "a b", "a(.b", "a" * 64, "é" * 300])
def test_what_is_no_name_is_refused(text):
    with pytest.raises(ParseError):
        parse_name(text)


@given(st.binary(max_size=120), st.binary(max_size=60))
def test_any_octets_are_a_key_record_or_refused(record, key):
    for octets in (record, b"p=" + base64.b64encode(key), b"k=ed25519; p=" + base64.b64encode(key)):
        try:
            found = parse_key_record(octets)
        except ParseError:
            continue
        assert found.bits >= 0
