"""The search for secrets that every run of the tests ends with finds what it looks for."""

import base64
import json
import shutil

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.leaks import find_leaks
from tests.signatures import private_key

KEY = bytes(range(128, 160))
PEM = private_key("ed").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
def data(tmp_path):
    data = tmp_path / "server" / "data"
    for folder in ("credentials", "tls", "mailboxes"):
        (data / folder).mkdir(parents=True)
    (data / "directory.db").write_bytes(b"nothing to see")
    secret = {"installed": {"client_secret": "PENFPX-canary"}}
    (data / "credentials" / "client_secret.json").write_text(json.dumps(secret))
    people = {"alice@penfold.test": {"password": "tamb-avcm", "app_password": "siujzwdg"}}
    (data / "credentials" / "passwords.json").write_text(json.dumps(people))
    (data / "tls" / "server.key").write_bytes(PEM)
    (data / "master.key").write_bytes(KEY)
    yield data
    shutil.rmtree(data.parent)  # or this run would be refused for it


def test_secrets_in_their_places_are_no_leak(data, tmp_path):
    assert find_leaks(tmp_path) == []


@pytest.mark.parametrize(
    "octets",
    [b"tamb-avcm", b"siujzwdg", b"PENFPX-canary", KEY, KEY.hex().encode(), base64.b64encode(KEY)],
    ids=["password", "app password", "client secret", "key", "key in hex", "key in base64"],
)
@pytest.mark.parametrize("place", ["data/mailboxes/a.db-wal", "data/directory.db", "log"])
def test_a_secret_elsewhere_is_found(data, tmp_path, octets, place):
    path = data.parent / place
    path.write_bytes(b"\0 before" + octets + b"after")
    (leak,) = find_leaks(tmp_path)
    assert str(path) in leak
    assert octets.decode("latin-1") not in leak


def test_a_private_key_is_found_however_it_is_wrapped(data, tmp_path):
    line = PEM.splitlines()[1]
    (data / "mailboxes" / "a.db").write_bytes(b'{"key": "' + line + b'\\n"}')
    (leak,) = find_leaks(tmp_path)
    assert leak.endswith("a line of the private key tls/server.key")
