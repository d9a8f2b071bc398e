"""The certificate before the start: taken over, or refused in one line."""

import time

import pytest

from penfold.app.exits import StartError
from penfold.app.process.launch import Launch
from penfold.app.process.prepare import prepare_certificate, prepare_tls
from penfold.app.process.prepare_certificate import prepare_serving
from penfold.app.tls.tls_files import AcmeFiles, find_serving, load_served
from penfold.base.limits import TLS_FILE_MAX_BYTES
from penfold.domain.outgoing.renewal import Demand, Plan
from penfold.net.certificates import LOCAL_NAMES, make_authority, make_server_certificate
from penfold.proto.served_certificate import parse_served
from penfold.spec.events import CERTIFICATE_UNKNOWN
from penfold.spec.settings import Settings

HOST = "mail.example.com"
NOW_MS = time.time_ns() // 1_000_000
AUTHORITY = make_authority(now_ms=NOW_MS)
DIRECTORY = "https://acme.example/dir"


def make_pair(*names):
    return make_server_certificate(AUTHORITY, names or (HOST,), now_ms=NOW_MS)


class Place:
    """A data directory and what the operator has."""

    def __init__(self, folder):
        self.folder = folder
        self.tls = folder / "data" / "tls"
        self.tls.mkdir(parents=True)
        prepare_tls(self.tls, (HOST,), now_ms=NOW_MS)

    def write(self, name, octets):
        path = self.folder / name
        path.write_bytes(octets)
        return str(path)

    def prepare(self, **settings):
        settings = Settings(
            data=str(self.folder / "data"), domains=("example.com",), hostname=HOST, **settings
        )
        prepare_serving(settings, now_ms=NOW_MS)
        path, key = find_serving(settings)
        assert key is None
        assert path.stat().st_mode & 0o777 == 0o600
        return load_served(path, [HOST], now_ms=NOW_MS)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_the_operators_pair_is_what_is_served(place):
    pair = make_pair()
    certificate, key = place.write("x.pem", pair.certificate), place.write("x.key", pair.key)
    assert place.prepare(tls_certificate=certificate, tls_key=key).names == (HOST,)
    both = place.write("both.pem", pair.key + pair.certificate)
    assert place.prepare(tls_certificate=both).names == (HOST,)


@pytest.mark.parametrize(
    ("certificate", "key", "problem"),
    [
        pytest.param(None, make_pair().key, "x.pem: No such file or directory", id="missing"),
        pytest.param(make_pair().certificate, None, "x.key: No such file", id="key-missing"),
        pytest.param(b"x" * (TLS_FILE_MAX_BYTES + 1), b"", "x.pem: larger than", id="large"),
        pytest.param(
            make_pair().certificate, make_pair().key, "key does not fit", id="another-key"
        ),
        pytest.param(b"nothing", b"", "no certificate in PEM", id="no-certificate"),
    ],
)
def test_what_is_wrong_with_a_pair_is_told_in_one_line_with_the_file(
    place, certificate, key, problem
):
    if certificate is not None:
        place.write("x.pem", certificate)
    if key is not None:
        place.write("x.key", key)
    names = {"tls_certificate": str(place.folder / "x.pem"), "tls_key": str(place.folder / "x.key")}
    with pytest.raises(StartError) as caught:
        place.prepare(**names)
    assert str(caught.value).startswith(f"tls_certificate: {place.folder}/x.")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_certificate_for_another_host_is_refused(place):
    pair = make_pair("www.example.com")
    path = place.write("x.pem", pair.certificate + pair.key)
    with pytest.raises(StartError, match=r"is for www.example.com, not for mail.example.com"):
        place.prepare(tls_certificate=path)


def test_until_an_acme_server_has_given_one_our_own_is_served(place):
    found = place.prepare(acme_directory=DIRECTORY)
    assert found.issuer == "Penfold local authority"
    account = place.tls / "acme-account.key"
    before = account.read_bytes()
    assert account.stat().st_mode & 0o777 == 0o600
    place.prepare(acme_directory=DIRECTORY)
    assert account.read_bytes() == before


def test_what_an_acme_server_gave_before_is_served_at_once(place):
    pair = make_pair(HOST, "mta-sts.example.com")
    (place.tls / "acme.pem").write_bytes(pair.key + pair.certificate)
    found = place.prepare(acme_directory=DIRECTORY)
    assert found.names == (HOST, "mta-sts.example.com")


def test_challenges_left_by_a_server_that_was_killed_are_answered_no_more(place):
    for name in ("challenges.json", "alpn-0.pem"):
        (place.tls / name).write_bytes(b"{}")
    place.prepare(acme_directory=DIRECTORY)
    assert not list(place.tls.glob("*lpn*")) + list(place.tls.glob("chall*"))


def test_a_start_has_what_failed_tried_again_soon(place):
    files = AcmeFiles(place.tls)
    demand = Demand(DIRECTORY, (HOST,), "http-01")
    files.save_plan(Plan(demand, NOW_MS + 86_400_000, failures=9, problem="refused"))
    place.prepare(acme_directory=DIRECTORY)
    assert files.load_plan().next_ms < NOW_MS + 3_600_000


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        pytest.param(None, "ca.pem: No such file or directory", id="missing"),
        pytest.param(b"nothing", "ca.pem: there is no certificate in it", id="nothing"),
    ],
)
def test_authorities_that_cannot_be_read_are_told(place, octets, problem):
    if octets is not None:
        place.write("ca.pem", octets)
    with pytest.raises(StartError, match=f"acme_authorities: .*{problem}"):
        place.prepare(acme_directory=DIRECTORY, acme_authorities=str(place.folder / "ca.pem"))


def test_a_damaged_account_key_is_told_with_the_way_out(place):
    (place.tls / "acme-account.key").write_bytes(b"nothing")
    with pytest.raises(StartError, match=r"acme-account.key: not a private key in PEM; remove it"):
        place.prepare(acme_directory=DIRECTORY)


class Log:
    def __init__(self):
        self.lines = []

    def emit(self, event, /, **fields):
        self.lines.append((event, fields))


def launch(place, **settings):
    settings = Settings(data=str(place.folder / "data"), **settings)
    return Launch(role="prepare", index=0, settings=settings, addresses={}, sockets={})


def shown_names(place):
    chain, key = (place.tls / "server.pem").read_bytes(), (place.tls / "server.key").read_bytes()
    return set(parse_served(chain, key, names=[], now_ms=NOW_MS).names)


def test_production_mode_without_a_certificate_is_warned_of_and_has_one_of_its_own(place):
    log = Log()
    wanted = launch(place, domains=("example.com",), hostname=HOST)
    prepare_certificate(wanted, log, now_ms=NOW_MS)
    assert log.lines == [(CERTIFICATE_UNKNOWN, {"hostname": HOST})]
    assert shown_names(place) == {HOST, *LOCAL_NAMES}


def test_local_mode_has_the_names_clients_are_pointed_at_and_no_warning(place):
    log = Log()
    prepare_certificate(launch(place), log, now_ms=NOW_MS)
    assert log.lines == []
    assert {"gmail.googleapis.com", *LOCAL_NAMES} < shown_names(place)


def test_a_certificate_that_is_named_is_prepared_without_a_warning(place):
    pair, log = make_pair(), Log()
    path = place.write("x.pem", pair.certificate + pair.key)
    settings = {"domains": ("example.com",), "hostname": HOST, "tls_certificate": path}
    prepare_certificate(launch(place, **settings), log, now_ms=NOW_MS)
    assert log.lines == []
    assert (place.tls / "serving.pem").exists()
