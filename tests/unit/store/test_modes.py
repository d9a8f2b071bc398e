"""Nothing in a data directory stays open to others."""

import os

import pytest

from penfold.store.modes import is_open_to_all, make_private


def mode(path):
    return path.stat().st_mode & 0o777


@pytest.fixture
def data(tmp_path):
    data = tmp_path / "data"
    (data / "mailboxes" / "3f").mkdir(parents=True)
    for path in (data, data / "mailboxes", data / "mailboxes" / "3f"):
        path.chmod(0o700)
    for name in ("directory.db", "master.key", "mailboxes/3f/m.db"):
        (data / name).touch()
        (data / name).chmod(0o600)
    return data


def test_private_files_are_left_as_they_are(data):
    assert make_private(data) == []


@pytest.mark.parametrize("name", ["", "master.key", "mailboxes/3f", "mailboxes/3f/m.db"])
@pytest.mark.parametrize("bits", [0o040, 0o004, 0o002])
def test_what_others_may_do_is_taken_away_and_named(data, name, bits):
    path = data / name
    before = mode(path)
    path.chmod(before | bits)
    assert make_private(data) == [name or "."]
    assert mode(path) == before


def test_what_is_passed_over_and_links_are_not_touched(data, tmp_path):
    outside = tmp_path / "outside"
    outside.touch()
    outside.chmod(0o644)
    (data / "link").symlink_to(outside)
    (data / "penfold.toml").touch()
    (data / "penfold.toml").chmod(0o644)
    assert make_private(data, passed_over=frozenset({"penfold.toml"})) == []
    assert mode(outside) == mode(data / "penfold.toml") == 0o644


def test_a_socket_is_no_file_of_ours(data):
    os.mkfifo(data / "pipe", 0o666)
    assert make_private(data) == []


@pytest.mark.parametrize(("bits", "is_open"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_key_may_be_shared_with_a_group_but_not_with_all(tmp_path, bits, is_open):
    path = tmp_path / "key.pem"
    assert not is_open_to_all(path)
    path.touch()
    path.chmod(bits)
    assert is_open_to_all(path) == is_open
