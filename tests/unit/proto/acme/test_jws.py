"""Signed requests, checked by another implementation of JOSE."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.jwk import ECKey
from tests.keys import make_key

from penfold.base.errors import ParseError
from penfold.proto.acme.jws import make_account_key, parse_account_key

#: Takes members that only ACME has.
REGISTRY = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
URL = "https://acme.example/new-order"


@pytest.fixture(scope="module")
def key():
    return parse_account_key(make_account_key())


def sign(key, *, account="", payload=b"{}"):
    return json.loads(key.sign(url=URL, nonce="n0nce", account=account, payload=payload))


def test_another_implementation_verifies_a_request_and_finds_what_rfc_8555_wants_in_it(key):
    found = jws.deserialize_json(sign(key), ECKey.import_key(key.jwk), registry=REGISTRY)
    assert found.payload == b"{}"
    head = found.members[0].protected
    assert head == {"alg": "ES256", "nonce": "n0nce", "url": URL, "jwk": key.jwk}


def test_a_known_account_is_named_by_its_address_instead_of_its_key(key):
    found = jws.deserialize_json(
        sign(key, account="https://acme.example/me", payload=b""),
        ECKey.import_key(key.jwk),
        registry=REGISTRY,
    )
    head = found.members[0].protected
    assert (head["kid"], "jwk" in head, found.payload) == ("https://acme.example/me", False, b"")


def test_the_thumbprint_is_the_one_of_rfc_7638(key):
    assert key.thumbprint == ECKey.import_key(key.jwk).thumbprint()


def pem(key, curve=None):
    key = ec.generate_private_key(curve) if curve else key
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        pytest.param(b"", "PEM", id="empty"),
        pytest.param(b"-----BEGIN PRIVATE KEY-----\nx", "PEM", id="cut"),
        pytest.param(pem(make_key("rsa")), "P-256", id="rsa"),
        pytest.param(pem(None, ec.SECP384R1()), "P-256", id="another-curve"),
    ],
)
def test_what_is_no_p_256_key_is_refused(octets, problem):
    with pytest.raises(ParseError, match=problem):
        parse_account_key(octets)
