"""Certificates of a running server: from an ACME server, and from files that are replaced."""

import json
import smtplib
import socket
import ssl
import stat
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack

import pytest
from cryptography import x509
from tests.pebble import run_pebble
from tests.until import until

from penfold.app.monitor.logs import SystemClock
from penfold.app.tls.acme_issuer import AcmeIssuer
from penfold.net.certificates import make_authority, make_server_certificate
from penfold.spec.settings import Settings
from penfold.testing.server import configure, serve

HOST = "mail.example.com"
NAMES = (HOST, "mta-sts.example.com")
#: Seconds a test waits for something that must happen; far above what it takes.
PATIENCE_S = 20


def start(stack, tmp_path, http_port=0, workers=1, **settings):
    data = configure(tmp_path / "data", domains=["example.com"], hostname=HOST, **settings)
    args = ["--workers", str(workers), "--http", f"127.0.0.1:{http_port}"]
    return stack.enter_context(serve(data, args=args, log=tmp_path / "log"))


def address(text):
    host, _, port = text.removeprefix("http://").rpartition(":")
    return host, int(port)


def accept_any():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def find_shown(server, listener, context):
    """Return the certificate a listener shows in a new connection."""
    if listener in {"http", "submissions"}:
        with (
            socket.create_connection(address(getattr(server, listener)), 10) as sock,
            context.wrap_socket(sock, server_hostname=HOST) as tls,
        ):
            der = tls.getpeercert(binary_form=True)
    else:
        with smtplib.SMTP(*address(getattr(server, listener))) as client:
            client._host = HOST  # what starttls verifies
            client.starttls(context=context)
            der = client.sock.getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(der)


LISTENERS = ("http", "submissions", "smtp", "submission")


def wait_for_another(server, listener, serial):
    """Return the first certificate that is not the one with this number, shown by all processes."""

    def look():
        looks = 8 if listener == "http" else 1
        shown = [find_shown(server, listener, accept_any()) for _ in range(looks)]
        numbers = {each.serial_number for each in shown}
        return shown[0] if len(numbers) == 1 and serial not in numbers else None

    return until(look)


def test_pebble_certifies_by_http_and_by_tls_while_connections_live_on(program, tmp_path):
    with ExitStack() as stack:
        pebble = stack.enter_context(run_pebble(program("pebble"), tmp_path, NAMES))
        settings = {
            "acme_directory": pebble.directory,
            "acme_authorities": str(pebble.authorities),
            "acme_email": "postmaster@example.com",
            "acme_mta_sts": "on",
        }
        server = start(stack, tmp_path, pebble.port, workers=2, **settings)
        old = stack.enter_context(
            smtplib.SMTP_SSL(*address(server.submissions), context=accept_any())
        )
        first = x509.load_der_x509_certificate(old.sock.getpeercert(binary_form=True))
        by_http = wait_for_another(server, "submissions", first.serial_number)
        names = by_http.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        assert set(names.value.get_values_for_type(x509.DNSName)) == set(NAMES)
        trusting = ssl.create_default_context(cadata=pebble.load_root())
        for listener in LISTENERS:
            wait_for_another(server, listener, first.serial_number)
            assert find_shown(server, listener, trusting).serial_number == by_http.serial_number
        # What answers is the same server; only who asks is this process.
        by_tls = obtain_by_tls(server, settings)
        for listener in LISTENERS:
            found = wait_for_another(server, listener, by_http.serial_number)
            assert found.serial_number == by_tls.serial_number
        # A TLSA record made for one of them is right for all.
        assert first.public_key() == by_http.public_key() == by_tls.public_key()
        assert old.ehlo("still.here.example")[0] == 250
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{server.http}/.well-known/acme-challenge/{'a' * 43}")
    folder = tmp_path / "data" / "tls"
    assert not list(folder.glob("alpn-*")) + list(folder.glob("challenges*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    log = tmp_path / "pebble.log"  # which is written a little after the certificate
    until(lambda: log.read_text().count("set VALID") >= 2 * len(NAMES))
    assert log.read_text().count("set VALID") == 2 * len(NAMES)


def obtain_by_tls(server, settings):
    """Get another certificate by tls-alpn-01 and have the server show it."""
    wanted = Settings(
        data=str(server.data),
        domains=("example.com",),
        hostname=HOST,
        acme_challenge="tls-alpn-01",
        **settings,
    )
    issuer = AcmeIssuer(wanted, SystemClock())
    served = issuer.obtain(threading.Event())
    issuer.install(served)
    return x509.load_pem_x509_certificate(served.pem[served.pem.index(b"-----BEGIN CERT") :])


def make_files(folder):
    """Write a certificate and then its key, as certbot's hook might, and return its number."""
    now_ms = time.time_ns() // 1_000_000
    pair = make_server_certificate(make_authority(now_ms=now_ms), [HOST], now_ms=now_ms)
    for name, octets in (("x.pem", pair.certificate), ("x.key", pair.key)):
        (folder / f"{name}.new").write_bytes(octets)
        (folder / f"{name}.new").replace(folder / name)
    return x509.load_pem_x509_certificate(pair.certificate).serial_number


def events(tmp_path, name):
    lines = (tmp_path / "log").read_text().splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == name]


def of_copies(tmp_path):
    return [line for line in events(tmp_path, "certificate_refused") if line["source"] == "copy"]


def test_files_that_are_replaced_are_shown_to_new_connections_and_damaged_ones_are_not(tmp_path):
    first = make_files(tmp_path)
    settings = {"tls_certificate": f"{tmp_path}/x.pem", "tls_key": f"{tmp_path}/x.key"}
    with ExitStack() as stack:
        server = start(stack, tmp_path, **settings)
        assert {find_shown(server, each, accept_any()).serial_number for each in LISTENERS} == {
            first
        }
        old = stack.enter_context(smtplib.SMTP(*address(server.submission)))
        old.starttls(context=accept_any())
        second = make_files(tmp_path)
        for listener in LISTENERS:
            assert wait_for_another(server, listener, first).serial_number == second
        assert old.ehlo("still.here.example")[0] == 250
        (tmp_path / "x.key").write_bytes(b"damaged")
        [refused] = until(lambda: events(tmp_path, "certificate_refused"))
        assert refused["problem"].endswith("x.key: there is no private key in PEM in it")
        (server.data / "tls" / "serving.pem").write_bytes(b"damaged")
        until(lambda: {"http-0", "mail-0"} <= {each["process"] for each in of_copies(tmp_path)})
        assert {find_shown(server, each, accept_any()).serial_number for each in LISTENERS} == {
            second
        }
        with urllib.request.urlopen(f"{server.http}/metrics") as answer:
            [line] = [
                line
                for line in answer.read().decode().splitlines()
                if line.startswith("penfold_tls_certificate_remaining_seconds")
            ]
        assert 396 * 86_400 < float(line.split()[1]) < 397 * 86_400
