"""The provider of the settings: its secret, and what the log is told."""

import pytest

from penfold.app.exits import StartError
from penfold.app.process.launch import Launch
from penfold.app.process.prepare import prepare_provider
from penfold.app.sign_in_provider import (
    check_client_secret,
    load_client_secret,
    make_provider,
    tell_failure,
)
from penfold.base.clock import FixedClock
from penfold.base.errors import UnavailableError
from penfold.base.limits import PROVIDER_SECRET_MAX_BYTES
from penfold.front.web.provider import Failure
from penfold.front.web.texts import say
from penfold.ports.openid import Reason
from penfold.spec.key_source import KeySource
from penfold.spec.settings import Settings

ISSUER = "https://login.example:8443/realm"
FILE = KeySource("file", "oidc.secret")


@pytest.fixture
def secret(tmp_path):
    def write(octets, mode=0o600):
        path = tmp_path / "oidc.secret"
        path.write_bytes(octets)
        path.chmod(mode)
        return tmp_path

    return write


def test_the_secret_is_a_line_of_a_file(secret):
    assert load_client_secret(FILE, secret(b"s3cret: /+\n")) == "s3cret: /+"


@pytest.mark.parametrize(
    ("octets", "mode"),
    [
        (b"", 0o600),
        (b"\n", 0o600),
        (b"two\nlines", 0o600),
        (b"\xff", 0o600),
        (b"hunter2", 0o640),
        (b"hunter2" * PROVIDER_SECRET_MAX_BYTES, 0o600),
    ],
    ids=["empty", "blank", "lines", "no-ascii", "open", "long"],
)
def test_a_secret_that_is_none_ends_the_start_in_words_that_do_not_show_it(secret, octets, mode):
    settings = Settings(
        data=str(secret(octets, mode)), sign_in_issuer=ISSUER, sign_in_client_secret=FILE
    )
    launch = Launch(role="prepare", index=0, settings=settings, addresses={}, sockets={})
    with pytest.raises(StartError, match=r"^sign_in_client_secret: ") as caught:
        prepare_provider(launch)
    assert "hunter2" not in str(caught.value)


def test_a_variable_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UnavailableError, match="the environment has no PENFOLD_NO_SUCH"):
        load_client_secret(KeySource("env", "PENFOLD_NO_SUCH"), tmp_path)


def test_a_provider_is_called_by_its_host_unless_it_has_a_name(tmp_path):
    options = {"data": str(tmp_path), "sign_in_client_secret": FILE, "sign_in_client_id": "x"}
    assert make_provider(Settings(**options), FixedClock()) is None
    check_client_secret(Settings())
    named = {**options, "sign_in_issuer": ISSUER}
    assert make_provider(Settings(**named), FixedClock()).name == "login.example:8443"
    assert make_provider(Settings(**named, sign_in_name="Corp"), FixedClock()).name == "Corp"


class Log:
    def __init__(self):
        self.lines = []

    def emit(self, event, **fields):
        assert set(fields) <= event.fields
        self.lines.append((event.name, event.severity.name, fields))


@pytest.mark.parametrize("reason", Reason)
def test_each_failure_is_one_line_and_has_its_sentences(reason):
    log = Log()
    tell_failure(log, Failure(ISSUER, reason, "192.0.2.1", "eve@penfold.test", "the reason"))
    [(name, severity, fields)] = log.lines
    assert fields["reason"] == reason.value
    if reason in (Reason.SILENT, Reason.FAILED, Reason.UNTRUSTED):
        assert (name, severity, fields["detail"]) == ("provider_failed", "WARNING", "the reason")
    else:
        assert (name, severity) == ("provider_refused", "INFO")
        assert fields["account"] == "eve@penfold.test"
    for key in (f"provider_{reason}", f"provider_{reason}_advice"):
        assert say(key, name="Corp", address="a@b.c")
