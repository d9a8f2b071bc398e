"""Keys and chains: what is good for mail, what is not, and nothing that burns time."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st
from tests.keys import (
    DAY,
    NOW,
    make_certificate,
    make_key,
    make_leaf,
    make_pkcs7,
    make_pkcs12,
    make_root,
)

from penfold.base.errors import ParseError
from penfold.base.limits import CERTIFICATES_MAX, KEY_ITERATIONS_MAX
from penfold.proto.certificates import parse_pkcs7, parse_pkcs12

NOW_MS = int(NOW.timestamp() * 1000)
ADDRESS = "alice@penfold.test"


def open_12(data, password="secret", now_ms=NOW_MS):
    return parse_pkcs12(data, password, now_ms=now_ms)


def open_7(text, *, validate=True, now_ms=NOW_MS):
    return parse_pkcs7(text, now_ms=now_ms, validate=validate)


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("password", ["secret", ""])
def test_a_key_comes_with_its_chain(kind, password):
    key = make_key(kind)
    leaf = make_leaf("Alice@Penfold.Test", "other@x.example", key=key)
    bag = open_12(make_pkcs12(leaf, key=key, password=password), password)
    assert bag.chain.addresses == (ADDRESS, "other@x.example")
    assert bag.chain.issuer == "Test Root"
    assert bag.chain.expires_ms == int((NOW + 90 * DAY).timestamp()) * 1000
    assert bag.chain.pem.count("BEGIN CERTIFICATE") == 2
    assert b"PRIVATE" not in bag.chain.pem.encode()
    assert bag.key


def test_an_address_may_stand_in_the_subject():
    leaf = make_leaf(subject_address="Alice@Penfold.Test")
    assert open_12(make_pkcs12(leaf)).chain.addresses == (ADDRESS,)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(b"", "not a PKCS#12", id="empty"),
        pytest.param(b"garbage", "not a PKCS#12", id="garbage"),
        pytest.param(make_pkcs12(make_leaf(ADDRESS), password="other"), "another password", id="password"),
        pytest.param(
            make_pkcs12(make_leaf(ADDRESS, ends=NOW - DAY / 2)), "has expired", id="expired"
        ),
        pytest.param(
            make_pkcs12(make_leaf(ADDRESS, starts=NOW + DAY)), "not valid yet", id="not-yet"
        ),
        pytest.param(
            make_pkcs12(make_leaf(ADDRESS, usage=ExtendedKeyUsageOID.SERVER_AUTH)),
            "not for mail", id="server-certificate",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_key_is_said(data, why):
    with pytest.raises(ParseError, match=why):
        open_12(data)


def test_a_file_without_a_key_is_refused():
    data = pkcs12.serialize_java_truststore(
        [pkcs12.PKCS12Certificate(make_leaf(ADDRESS), b"x")],
        PrivateFormat.PKCS12.encryption_builder().kdf_rounds(10).build(b"secret"),
    )
    with pytest.raises(ParseError, match="lacks the private key"):
        open_12(data)


@pytest.mark.parametrize("rounds", [KEY_ITERATIONS_MAX + 1, 2**31 - 1])
def test_a_file_that_takes_hours_to_open_is_refused_at_once(rounds):
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(20_000)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(b"secret")
    )
    data = pkcs12.serialize_key_and_certificates(
        b"x", make_key(), make_leaf(ADDRESS), None, encryption
    )
    assert data.count(b"\x02\x02\x4e\x20") >= 2
    # The same number in the same place, but a large one: lengths above it grow by two.
    mac = data.rindex(b"\x02\x02\x4e\x20")
    grown = data[:mac] + b"\x02\x04" + rounds.to_bytes(4) + data[mac + 4 :]
    outer = int.from_bytes(data[2:4]) + 2
    grown = data[:2] + outer.to_bytes(2) + grown[4:]
    start = grown.rindex(b"\x30", 0, mac - 40)
    with pytest.raises(ParseError, match="iterations"):
        open_12(grown[:start] + bytes([0x30, grown[start + 1] + 2]) + grown[start + 2 :])


def test_a_chain_is_read_leaf_first_in_any_order():
    leaf = make_leaf(ADDRESS)
    for certificates in ((leaf, make_root()), (make_root(), leaf)):
        chain = open_7(make_pkcs7(*certificates))
        assert chain.addresses == (ADDRESS,)
        assert chain.pem.count("BEGIN CERTIFICATE") == 2


def test_a_certificate_that_signed_itself_is_a_chain():
    assert open_7(make_pkcs7(make_certificate(addresses=[ADDRESS]))).addresses == (ADDRESS,)


OTHER = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize(
    ("certificates", "why"),
    [
        pytest.param([make_leaf(ADDRESS)], "does not reach a root", id="no-root"),
        pytest.param([make_leaf(ADDRESS, ends=NOW - DAY / 2), make_root()], "expired", id="expired"),
        pytest.param(
            [make_leaf(ADDRESS, signer=OTHER), make_root()], "not signed by", id="forged"
        ),
        pytest.param(
            [
                make_certificate(
                    addresses=[ADDRESS], issuer=make_certificate(subject="No CA"), signer=make_key()
                ),
                make_certificate(subject="No CA"),
            ],
            "may not sign others", id="no-authority",
        ),
        pytest.param(
            [make_leaf(ADDRESS, usage=ExtendedKeyUsageOID.CLIENT_AUTH), make_root()],
            "not for mail", id="use",
        ),
    ],
)  # fmt: skip
def test_a_chain_is_validated_when_that_is_asked_for(certificates, why):
    text = make_pkcs7(*certificates)
    with pytest.raises(ParseError, match=why):
        open_7(text)
    assert open_7(text, validate=False).addresses == (ADDRESS,)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "not PKCS#7", id="empty"),
        pytest.param("-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----", "not PKCS#7", id="garbage"),
        pytest.param(
            make_pkcs7(make_leaf(ADDRESS), make_leaf("b@x.example", subject="Two")),
            "not one chain", id="two-leaves",
        ),
        pytest.param(
            make_pkcs7(
                make_leaf(ADDRESS),
                *(
                    make_certificate(
                        subject=f"Above {n}", issuer=make_root(), signer=make_key("rsa"), ca=True
                    )
                    for n in range(CERTIFICATES_MAX)
                ),
            ),
            "not one chain", id="many",
        ),
    ],
)  # fmt: skip
def test_what_is_no_chain_is_refused(text, why):
    with pytest.raises(ParseError, match=why):
        open_7(text, validate=False)


GOOD = make_pkcs12(make_leaf(ADDRESS), password="")


@given(st.binary(max_size=200), st.integers(0, len(GOOD)), st.integers(0, 40))
def test_any_octets_are_read_or_refused(noise, at, lost):
    for data in (noise, GOOD[:at] + noise[:3] + GOOD[at + lost :]):
        try:
            open_12(data, "")
        except ParseError:
            continue


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    for pem in (text, f"-----BEGIN PKCS7-----\n{text}\n-----END PKCS7-----"):
        try:
            open_7(pem)
        except ParseError:
            continue
