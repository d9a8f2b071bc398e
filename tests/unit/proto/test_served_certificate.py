"""A certificate to serve: what is taken, and what is said about one that is not."""

import ssl

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from tests.authority import certify
from tests.keys import DAY, NOW, make_key, make_root, with_version

from penfold.base.errors import ParseError
from penfold.proto.acme.requests import parse_chain
from penfold.proto.served_certificate import parse_served

NOW_MS = int(NOW.timestamp() * 1000)
NAMES = ["mail.example.com", "mta-sts.example.com"]


def chain(*, names=NAMES, key=None, more=(), **times):
    leaf = certify((key or make_key()).public_key(), names, **times)
    return b"".join(each.public_bytes(Encoding.PEM) for each in (leaf, *more))


def secret(key=None, *, password=None, form=PrivateFormat.PKCS8):
    how = BestAvailableEncryption(password) if password else NoEncryption()
    return (key or make_key()).private_bytes(Encoding.PEM, form, how)


def judge(octets, key, names=("mail.example.com",)):
    return parse_served(octets, key, names=names, now_ms=NOW_MS)


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_pair_that_fits_is_taken_with_its_chain(kind, form):
    key = make_key(kind)
    found = judge(chain(key=key, more=[make_root()]), secret(key, form=form))
    assert found.names == tuple(NAMES)
    assert found.issuer == "Test Authority"
    assert found.expires_ms == int((NOW + 89 * DAY).timestamp()) * 1000
    assert found.pem.count(b"BEGIN CERTIFICATE") == 2
    assert judge(found.pem, found.pem) == found


def test_one_file_may_hold_both():
    both = secret() + chain()
    assert judge(both, both).names == tuple(NAMES)


@pytest.mark.parametrize(
    ("names", "wanted"),
    [(["*.example.com"], "mail.example.com"), (["MAIL.example.com"], "mail.example.com")],
)
def test_a_name_may_be_a_wildcard_or_in_capitals(names, wanted):
    assert judge(chain(names=names), secret(), [wanted])


OTHER = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize(
    ("octets", "key", "problem"),
    [
        pytest.param(b"", secret(), "no certificate in PEM", id="empty"),
        pytest.param(chain()[:-60], secret(), "no certificate in PEM", id="cut"),
        pytest.param(chain(), b"", "no private key in PEM", id="no-key"),
        pytest.param(chain(), chain(), "no private key in PEM", id="certificate-as-key"),
        pytest.param(chain(), secret(password=b"x"), "encrypted", id="encrypted"),
        pytest.param(chain(), secret(OTHER), "does not fit", id="another-key"),
        pytest.param(chain(names=["example.com"]), secret(), "is for example.com, not for mail.ex", id="name"),
        pytest.param(chain(names=["*.a.example.com"]), secret(), "not for mail", id="wildcard-elsewhere"),
        pytest.param(chain(names=["*.com"]), secret(), "not for mail", id="wildcard-of-two"),
        pytest.param(chain(ends=NOW - DAY / 2), secret(), "has expired on 2", id="expired"),
        pytest.param(chain(starts=NOW + DAY), secret(), "not yet", id="too-early"),
        pytest.param(chain(more=[make_root()] * 10), secret(), "more than 10", id="bundle"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_told_in_words(octets, key, problem):
    with pytest.raises(ParseError, match=problem):
        judge(octets, key)


@given(st.binary(max_size=400), st.integers(0, 2_000), st.booleans())
def test_damage_never_ends_otherwise(noise, at, in_key):
    octets, key = chain(), secret()
    damaged = (key if in_key else octets)[:at] + noise
    try:
        judge(*((octets, damaged) if in_key else (damaged, key)))
    except ParseError:
        return


def test_a_certificate_of_an_unknown_version_is_refused_too():
    der = certify(make_key().public_key(), NAMES).public_bytes(Encoding.DER)
    odd = ssl.DER_cert_to_PEM_cert(with_version(der, 34)).encode()
    with pytest.raises(ParseError, match="no certificate in PEM"):
        judge(odd, secret())
    with pytest.raises(ParseError, match="not a chain"):
        parse_chain(odd, secret())
