"""Signed tokens: what is made is read back, and nothing else is believed."""

import base64
import contextlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.proto.jwt import (
    make_key_pair,
    parse_claims,
    parse_header,
    public_jwk,
    sign,
    verify,
)

NOW_MS = 1_790_000_000_000
PAIR = make_key_pair("somebody", now_ms=NOW_MS)
OTHER = make_key_pair("somebody else", now_ms=NOW_MS)
TOKEN = sign({"iss": "x", "n": 1}, private=PAIR.private, kid=PAIR.kid)


def encode(value):
    octets = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def resigned(header, claims=b'{"a":1}', key=PAIR):
    """Return a token with any header, signed with RS256 all the same."""
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    text = f"{encode(header)}.{encode(claims)}"
    private = load_pem_private_key(key.private.encode(), None)
    return f"{text}.{encode(private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def test_what_is_signed_is_read_back():
    assert verify(TOKEN, certificate=PAIR.certificate) == {"iss": "x", "n": 1}
    assert parse_header(TOKEN) == {"alg": "RS256", "kid": PAIR.kid, "typ": "JWT"}
    assert parse_claims(TOKEN) == {"iss": "x", "n": 1}
    assert verify(resigned({"alg": "RS256"}), certificate=PAIR.certificate) == {"a": 1}


def hs256_with_public_key():
    certificate = x509.load_pem_x509_certificate(PAIR.certificate.encode())
    public = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = f"{encode({'alg': 'HS256'})}.{encode({'a': 1})}"
    return f"{text}.{encode(hmac.digest(public, text.encode(), 'sha256'))}"


HEADER, CLAIMS, SIGNATURE = TOKEN.split(".")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c",
        "....",
        f"{HEADER}.{CLAIMS}.",
        f"{HEADER}.{encode({'iss': 'y'})}.{SIGNATURE}",
        f"{encode({'alg': 'none'})}.{CLAIMS}.",
        f"{encode({'alg': 'none'})}.{CLAIMS}.{SIGNATURE}",
        hs256_with_public_key(),
        resigned({"alg": "ES256"}),
        resigned({"alg": "RS512"}),
        resigned({"alg": "PS256"}),
        f"{encode({'alg': 'ES256'})}.{CLAIMS}.{encode(bytes(64))}",
        resigned({"alg": "RS256", "crit": ["exp"], "exp": 1}),
        resigned({"alg": "RS256", "crit": ["b64"], "b64": False}),
        resigned({"alg": "RS256"}, key=OTHER),
        resigned({"alg": "RS256", "jwk": public_jwk(OTHER.certificate, "k")}, key=OTHER),
        resigned({"alg": "RS256", "jku": "https://evil.example/keys"}, key=OTHER),
        resigned({"alg": "RS256", "x5c": [OTHER.certificate]}, key=OTHER),
        resigned({"alg": "RS256"}, b"[1]"),
        resigned({"alg": "RS256"}, b"not json"),
        resigned([1]),
        TOKEN + "A" * 20_000,
        resigned({"alg": "RS256"}, b"[" * 10_000),
    ],
    ids=[
        "empty", "two parts", "not base64", "dots", "no signature", "other claims", "none",
        "none, signed", "HS256 with the public key", "ES256", "RS512", "PS256", "zero ES256",
        "crit", "b64", "other key", "jwk", "jku", "x5c", "list", "no JSON", "header a list",
        "too long", "deep",
    ],
)  # fmt: skip
def test_nothing_else_is_believed(token):
    with pytest.raises(ParseError):
        verify(token, certificate=PAIR.certificate)


def test_headers_that_name_keys_are_not_looked_at():
    header = {
        "alg": "RS256",
        "kid": "../../x",
        "jku": "https://evil.example",
        "x5u": "https://evil.example/x",
    }
    assert verify(resigned(header), certificate=PAIR.certificate) == {"a": 1}


def certificate_of(bits, exponent=65_537):
    key = rsa.generate_private_key(exponent, bits)
    name = x509.Name([])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(1)
        .not_valid_before(start).not_valid_after(start + timedelta(days=1))
        .sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    )  # fmt: skip


@pytest.mark.parametrize("certificate", ["", "x", certificate_of(1024)], ids=["", "x", "1024 bits"])
def test_a_weak_key_or_none_verifies_nothing(certificate):
    with pytest.raises(ParseError):
        verify(TOKEN, certificate=certificate)


def test_the_key_is_published_in_both_forms():
    numbers = x509.load_pem_x509_certificate(PAIR.certificate.encode()).public_key()
    jwk = public_jwk(PAIR.certificate, PAIR.kid)
    assert (jwk["kty"], jwk["alg"], jwk["use"], jwk["kid"]) == ("RSA", "RS256", "sig", PAIR.kid)
    padded = jwk["n"] + "=" * (-len(jwk["n"]) % 4)
    modulus = int.from_bytes(base64.urlsafe_b64decode(padded), "big")
    assert modulus == numbers.public_numbers().n
    assert jwk["e"] == "AQAB"


def test_keys_have_different_names():
    assert PAIR.kid != OTHER.kid
    assert len(PAIR.kid) == 40


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading(token):
    for read in (parse_header, parse_claims, lambda t: verify(t, certificate=PAIR.certificate)):
        with contextlib.suppress(ParseError):
            read(token)
