"""The files that the settings name for relays and delivery, as they are read at the start."""

import time

import pytest

from penfold.app.exits import StartError
from penfold.app.mail.relays import load_authorities
from penfold.net.certificates import make_authority

SETTING = "delivery_authorities"


@pytest.fixture(scope="module")
def pem():
    return make_authority(now_ms=time.time_ns() // 1_000_000).certificate.decode()


def test_certificates_come_back_as_they_are_in_the_file(tmp_path, pem):
    path = tmp_path / "ca.pem"
    path.write_text("our own\n" + pem)
    assert load_authorities(str(path), SETTING) == "our own\n" + pem
    assert load_authorities("", SETTING) == ""


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b" \n", id="blank"),
        pytest.param(lambda _: b"hello\n", id="something-else"),
        pytest.param(lambda _: b"\xff\xfe", id="octets"),
        pytest.param(lambda pem: pem[: len(pem) // 2], id="cut-off"),
        pytest.param(lambda pem: pem + pem[: len(pem) // 2], id="second-cut-off"),
        pytest.param(lambda pem: pem.replace(b"MII", b"AAA"), id="no-certificate-in-it"),
    ],
)
def test_a_file_without_good_certificates_ends_the_start_and_names_itself(tmp_path, pem, damage):
    path = tmp_path / "ca.pem"
    path.write_bytes(damage(pem.encode()))
    with pytest.raises(StartError, match=rf"^{SETTING}: {path}: it must hold certificates"):
        load_authorities(str(path), SETTING)


def test_a_file_that_is_not_there_ends_the_start_and_names_itself(tmp_path):
    path = tmp_path / "ca.pem"
    with pytest.raises(StartError, match=rf"^{SETTING}: {path} cannot be read: No such file"):
        load_authorities(str(path), SETTING)
