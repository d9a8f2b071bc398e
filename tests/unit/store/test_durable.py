"""A whole file in place of another: private, and nobody else's."""

import errno
import os
import stat

import pytest

from penfold.store.durable import write_file


def test_a_file_is_private_and_replaces_the_old_one_whole(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("old")
    path.chmod(0o644)
    write_file(path, b"new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize("plant", [os.link, os.symlink], ids=["file", "link"])
def test_a_secret_is_not_written_into_a_file_somebody_laid_in_its_way(tmp_path, plant):
    theirs = tmp_path / "theirs"
    theirs.touch(mode=0o666)
    plant(theirs, tmp_path / f"client_secret.json.{os.getpid()}.partial")
    write_file(tmp_path / "client_secret.json", b"secret")
    assert theirs.read_bytes() == b""
    assert (tmp_path / "client_secret.json").read_bytes() == b"secret"


def test_what_could_not_be_put_in_place_is_taken_away_again(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=os.strerror(errno.EISDIR)):
        write_file(tmp_path / "folder", b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]
