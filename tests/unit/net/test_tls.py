"""A context whose certificate follows its file, tried with real handshakes."""

import contextlib
import os
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.keys import make_certificate, make_key

from penfold.net.certificates import make_authority, make_server_certificate
from penfold.net.tls import LiveTls, load_challenge_context

NOW_MS = time.time_ns() // 1_000_000
AUTHORITY = make_authority(now_ms=NOW_MS)


def make_pem(name="mail.example.com"):
    pair = make_server_certificate(AUTHORITY, [name], now_ms=NOW_MS)
    return pair.key + pair.certificate


def make_rsa_pem():
    key = make_key("rsa")
    ca = serialization.load_pem_private_key(AUTHORITY.key, password=None)
    issuer = x509.load_pem_x509_certificate(AUTHORITY.certificate)
    made = make_certificate(
        issuer=issuer, signer=ca, key=key, usage=ExtendedKeyUsageOID.SERVER_AUTH
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + made.public_bytes(serialization.Encoding.PEM)


def replace(path, octets):
    """As penfold and certbot do: the new file takes the place of the old one."""
    new = path.with_name("new")
    new.write_bytes(octets)
    new.replace(path)


class Line:
    """A client and a server connected in memory."""

    def __init__(self, context, *, name="mail.example.com", protocols=(), version=None):
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.load_verify_locations(cadata=AUTHORITY.certificate.decode())
        trusting.check_hostname = False
        if protocols:
            trusting.set_alpn_protocols(protocols)
        if version:
            trusting.minimum_version = trusting.maximum_version = version
        there, here = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = trusting.wrap_bio(here, there, server_hostname=name)
        self.server = context.wrap_bio(there, here, server_side=True)

    def step(self):
        for end in (self.client, self.server):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()

    def shake_hands(self):
        for _ in range(4):
            self.step()
        return self

    @property
    def serial(self):
        return x509.load_der_x509_certificate(self.client.getpeercert(True)).serial_number

    def say(self, octets):
        self.client.write(octets)
        return self.server.read()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "serving.pem"
    path.write_bytes(make_pem())
    return path


def test_new_handshakes_show_the_new_certificate_and_old_connections_live_on(path):
    live = LiveTls(path)
    old = Line(live.context).shake_hands()
    begun = Line(live.context)
    begun.step()
    replace(path, make_pem())
    assert live.refresh()
    new = Line(live.context).shake_hands()
    assert new.serial != old.serial
    assert begun.shake_hands().serial == old.serial  # its handshake had begun before
    assert (old.say(b"still here"), new.say(b"hello")) == (b"still here", b"hello")
    assert not live.refresh()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_key_of_another_kind_takes_the_old_ones_place(path, version):
    # OpenSSL keeps one certificate of each kind in a context, and lets the client choose.
    live = LiveTls(path, http=True)
    for pem in (make_rsa_pem(), make_pem()):
        replace(path, pem)
        assert live.refresh()
        line = Line(live.context, protocols=["http/1.1"], version=version).shake_hands()
        assert (
            line.serial
            == x509.load_pem_x509_certificate(pem[pem.index(b"-----BEGIN C") :]).serial_number
        )
        assert line.client.selected_alpn_protocol() == "http/1.1"
        assert line.client.version() == version.name.replace("v1_", "v1.")


def test_clients_that_name_nobody_get_the_new_certificate_too(path):
    live = LiveTls(path)
    before = Line(live.context, name=None).shake_hands().serial
    replace(path, make_pem())
    live.refresh()
    assert Line(live.context, name=None).shake_hands().serial != before


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda pem: b"", id="empty"),
        pytest.param(lambda pem: pem[: len(pem) // 2], id="half"),
        pytest.param(lambda pem: pem.replace(b"CERTIFICATE", b"NOTHING"), id="no-certificate"),
        pytest.param(
            lambda pem: (
                make_pem()[: make_pem().index(b"-----BEGIN C")] + pem[pem.index(b"-----BEGIN C") :]
            ),
            id="another-key",
        ),
    ],
)
def test_a_damaged_file_leaves_the_certificate_in_use_and_is_told_once(path, damage):
    live = LiveTls(path)
    before = Line(live.context).shake_hands().serial
    replace(path, damage(make_pem()))
    with pytest.raises(OSError, match=r"\S"):
        live.refresh()
    assert not live.refresh()
    assert Line(live.context).shake_hands().serial == before
    replace(path, make_pem())
    assert live.refresh()
    assert Line(live.context).shake_hands().serial != before


def test_a_file_that_is_written_in_place_is_noticed(path):
    live = LiveTls(path)
    path.write_bytes(make_pem())
    os.utime(path, ns=(1, 1))
    assert live.refresh()


def test_a_file_that_is_gone_is_told_once_and_changes_nothing(path):
    live = LiveTls(path)
    before = Line(live.context).shake_hands().serial
    path.unlink()
    with pytest.raises(FileNotFoundError):
        live.refresh()
    assert not live.refresh()
    assert Line(live.context).shake_hands().serial == before


def test_a_challenge_context_speaks_its_protocol_and_keeps_its_certificate_apart(path):
    context = load_challenge_context(path, "acme-tls/1")
    line = Line(context, protocols=["acme-tls/1"]).shake_hands()
    assert line.client.selected_alpn_protocol() == "acme-tls/1"
