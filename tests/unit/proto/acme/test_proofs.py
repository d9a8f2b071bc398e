"""What answers a challenge."""

from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier
from tests.keys import NOW

from penfold.base.errors import ParseError
from penfold.proto.acme.jws import make_account_key, parse_account_key
from penfold.proto.acme.proofs import TLS_ALPN_01, make_challenge_certificate, make_proof

KEY = parse_account_key(make_account_key())
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"


def test_the_certificate_of_tls_alpn_names_one_host_and_holds_the_digest_critically():
    proof = make_proof(TLS_ALPN_01, "mail.example.com", TOKEN, KEY)
    pem = make_challenge_certificate(proof, now_ms=int(NOW.timestamp() * 1000))
    extensions = x509.load_pem_x509_certificate(pem).extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.DNSName("mail.example.com")]
    digest = extensions.get_extension_for_oid(ObjectIdentifier("1.3.6.1.5.5.7.1.31"))
    assert digest.critical
    said = f"{TOKEN}.{KEY.thumbprint}".encode()
    assert digest.value.value == b"\x04\x20" + sha256(said).digest()


@pytest.mark.parametrize(
    "token", ["", "short", "a" * 21, "a" * 256, "a/../" * 8, "é" * 30, "a" * 30 + "\n"]
)
def test_a_token_that_is_none_is_refused(token):
    with pytest.raises(ParseError):
        make_proof(TLS_ALPN_01, "mail.example.com", token, KEY)
