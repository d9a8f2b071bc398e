"""The local authority and the server certificate, checked by a real handshake."""

import ipaddress
import ssl
import time

import pytest
from cryptography import x509

from penfold.base.clock import FixedClock
from penfold.net.certificates import (
    LOCAL_NAMES,
    is_authority_current,
    is_current,
    make_authority,
    make_server_certificate,
)
from penfold.net.tls import load_server_context
from penfold.spec.settings import GOOGLE_HOSTS

NOW = FixedClock().now_ms()
DAY = 86_400_000
#: As long as a host's name may be, which is more than a common name holds.
LONGEST = ".".join(["m" * 63, "a" * 63, "b" * 63, "c" * 61])
NAMES = (*LOCAL_NAMES, *GOOGLE_HOSTS)


@pytest.fixture(scope="module")
def authority():
    return make_authority(now_ms=NOW)


@pytest.fixture(scope="module")
def server(authority):
    return make_server_certificate(authority, NAMES, now_ms=NOW)


def shake_hands(server, client, name):
    """Do a TLS handshake in memory; raises what the client's checks raise."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    waiting = list(ends)
    for _ in range(10):
        for end in list(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                continue
        if not waiting:
            return ends[0]
    pytest.fail("the handshake does not end")


@pytest.fixture
def contexts(tmp_path):
    return make_contexts(tmp_path, NAMES)


def make_contexts(tmp_path, names):
    """Contexts around certificates made for this moment, since ssl looks at the real clock."""
    now = time.time_ns() // 1_000_000
    ca = make_authority(now_ms=now)
    pair = make_server_certificate(ca, names, now_ms=now)
    (tmp_path / "server.pem").write_bytes(pair.certificate)
    (tmp_path / "server.key").write_bytes(pair.key)
    client = ssl.create_default_context(cadata=ca.certificate.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    return load_server_context(tmp_path, http=True), client


@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_trusts_the_authority_accepts_each_name(contexts, name):
    assert shake_hands(*contexts, name).version() == "TLSv1.3"


def test_a_host_may_have_the_longest_name_there_is(tmp_path):
    assert shake_hands(*make_contexts(tmp_path, (LONGEST, *LOCAL_NAMES)), LONGEST).version()


def test_a_client_refuses_another_name(contexts):
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(*contexts, "bank.example")


def test_a_client_that_does_not_trust_the_authority_refuses(contexts):
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(contexts[0], ssl.create_default_context(), "localhost")


def test_tls_1_2_is_spoken_and_1_1_is_not(contexts):
    server, client = contexts
    assert server.minimum_version is ssl.TLSVersion.TLSv1_2
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert shake_hands(server, client, "localhost").version() == "TLSv1.2"


def test_a_fresh_certificate_is_current(authority, server):
    assert is_current(server, authority, NAMES, now_ms=NOW)
    assert is_current(server, authority, NAMES[::-1], now_ms=NOW)


def test_a_certificate_is_renewed_a_month_before_it_ends(authority, server):
    assert is_current(server, authority, NAMES, now_ms=NOW + 366 * DAY)
    assert not is_current(server, authority, NAMES, now_ms=NOW + 368 * DAY)


def test_other_names_ask_for_another_certificate(authority, server):
    assert not is_current(server, authority, (*NAMES, "mail.example"), now_ms=NOW)


def test_a_certificate_of_another_authority_is_not_current(server):
    assert not is_current(server, make_authority(now_ms=NOW), NAMES, now_ms=NOW)


def test_mixed_up_keys_are_noticed(authority, server):
    other = make_server_certificate(authority, NAMES, now_ms=NOW)
    mixed = server.__class__(server.certificate, other.key)
    assert not is_current(mixed, authority, NAMES, now_ms=NOW)
    assert not is_authority_current(authority.__class__(authority.certificate, other.key), now_ms=0)


@pytest.mark.parametrize("junk", [b"", b"junk", b"-----BEGIN CERTIFICATE-----\n"], ids=repr)
def test_damaged_files_are_not_current(authority, junk):
    broken = authority.__class__(junk, junk)
    assert not is_current(broken, authority, NAMES, now_ms=NOW)
    assert not is_authority_current(broken, now_ms=NOW)


def test_an_authority_near_its_end_is_replaced(authority):
    assert is_authority_current(authority, now_ms=NOW + 3000 * DAY)
    assert not is_authority_current(authority, now_ms=NOW + 3300 * DAY)


def test_the_authority_may_sign_servers_and_nothing_below(authority, server):
    ca = x509.load_pem_x509_certificate(authority.certificate)
    basic = ca.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (basic.ca, basic.path_length) == (True, 0)
    names = x509.load_pem_x509_certificate(server.certificate).extensions
    found = names.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ipaddress.ip_address("127.0.0.1") in found.get_values_for_type(x509.IPAddress)
