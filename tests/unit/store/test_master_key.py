"""The master key comes from where the operator says; what is wrong is said without showing it."""

import sys

import pytest

from penfold.base.errors import UnavailableError
from penfold.spec.key_source import KeySource, parse_key_source
from penfold.store.master_key import key_id, load_key

KEY = bytes(range(32))
FILE = KeySource("file", "master.key")


def script(tmp_path, text):
    path = tmp_path / "key-store.py"
    path.write_text(text)
    return parse_key_source(f"command:{sys.executable} {path} --token t0ps3cret")


def test_a_file_that_is_not_there_is_made_when_it_may_be(tmp_path):
    key = load_key(FILE, tmp_path, make=True)
    assert len(key) == 32
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]
    assert load_key(FILE, tmp_path) == load_key(FILE, tmp_path, make=True) == key


def test_a_lost_file_is_asked_for_and_not_replaced(tmp_path):
    with pytest.raises(UnavailableError, match="restore it from a backup"):
        load_key(FILE, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_absolute_path_may_be_anywhere_and_hold_text(tmp_path):
    path = tmp_path / "elsewhere.key"
    path.write_text(KEY.hex() + "\n")
    path.chmod(0o400)
    assert load_key(KeySource("file", str(path)), tmp_path / "data") == KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(tmp_path, mode):
    (tmp_path / "master.key").write_bytes(KEY)
    (tmp_path / "master.key").chmod(mode)
    with pytest.raises(UnavailableError, match="`chmod 600` it"):
        load_key(FILE, tmp_path)


def test_a_damaged_file_is_named_and_not_shown(tmp_path):
    (tmp_path / "master.key").write_bytes(b"quite-a-secret")
    (tmp_path / "master.key").chmod(0o600)
    with pytest.raises(UnavailableError, match=r"file:master\.key: it is not 32 octets") as caught:
        load_key(FILE, tmp_path)
    assert "quite-a-secret" not in str(caught.value)


def test_a_variable_of_the_environment_is_read(tmp_path, monkeypatch):
    source = KeySource("env", "PENFOLD_TEST_KEY")
    with pytest.raises(UnavailableError, match="the environment has no PENFOLD_TEST_KEY"):
        load_key(source, tmp_path)
    monkeypatch.setenv("PENFOLD_TEST_KEY", KEY.hex())
    assert load_key(source, tmp_path) == KEY


def test_a_command_prints_the_key(tmp_path):
    source = script(tmp_path, f"print({KEY.hex()!r})")
    assert load_key(source, tmp_path) == KEY


def test_words_of_a_command_are_no_affair_of_a_shell(tmp_path):
    source = parse_key_source(f"command:{sys.executable} -c 'print(1)' ; touch {tmp_path}/pwned")
    with pytest.raises(UnavailableError):
        load_key(source, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_fails_is_named_without_its_arguments(tmp_path):
    with pytest.raises(UnavailableError, match="ended with exit code 3") as caught:
        load_key(script(tmp_path, "raise SystemExit(3)"), tmp_path)
    assert "t0ps3cret" not in str(caught.value)


def test_a_command_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UnavailableError, match=f"{tmp_path}/none: No such file"):
        load_key(parse_key_source(f"command:{tmp_path}/none"), tmp_path)


def test_a_command_that_prints_something_else_is_refused_without_showing_it(tmp_path):
    with pytest.raises(UnavailableError, match="not 32 octets") as caught:
        load_key(script(tmp_path, "print('almost-a-key')"), tmp_path)
    assert "almost-a-key" not in str(caught.value)
    assert "t0ps3cret" not in str(caught.value)


def test_an_id_tells_keys_apart_and_nothing_of_them():
    assert key_id(KEY) == key_id(bytes(KEY)) != key_id(KEY[::-1])
    assert key_id(KEY) not in KEY
