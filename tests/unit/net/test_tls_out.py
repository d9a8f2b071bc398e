"""What is read from certificates of other mail servers, whatever they are."""

from cryptography.hazmat.primitives.serialization import Encoding
from tests.authority import certify
from tests.keys import make_key, with_version

from penfold.net.tls_out import find_names

CERTIFICATE = certify(make_key().public_key(), ["MX.example.org"]).public_bytes(Encoding.DER)


def test_the_names_of_a_certificate_are_in_lower_case():
    assert find_names(CERTIFICATE) == ("mx.example.org",)


def test_a_certificate_of_a_version_nobody_knows_is_for_nobody():
    assert find_names(with_version(CERTIFICATE, 34)) == ()
