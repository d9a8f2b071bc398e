"""What is sealed opens here, under its own name, and nowhere else."""

import pytest

from penfold.base.errors import SealBrokenError, UnavailableError
from penfold.store.sealing import FileSealer


@pytest.fixture
def sealer(tmp_path):
    return FileSealer(tmp_path / "master.key")


def test_secret_comes_back_and_is_not_seen_in_what_is_kept(sealer):
    sealed = sealer.seal(b"hunter2", context="m1/send_as")
    assert b"hunter2" not in sealed
    assert sealer.open(sealed, context="m1/send_as") == b"hunter2"
    assert sealer.seal(b"hunter2", context="m1/send_as") != sealed


def test_another_process_reads_it_with_the_same_key(sealer, tmp_path):
    sealed = sealer.seal(b"x", context="c")
    assert FileSealer(tmp_path / "master.key").open(sealed, context="c") == b"x"
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda sealed: b"", id="empty"),
        pytest.param(lambda sealed: sealed[:10], id="short"),
        pytest.param(lambda sealed: b"\x02" + sealed[1:], id="of-another-version"),
        pytest.param(lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]), id="changed"),
    ],
)
def test_what_was_not_sealed_like_this_does_not_open(sealer, spoil):
    with pytest.raises(SealBrokenError):
        sealer.open(spoil(sealer.seal(b"x", context="c")), context="c")


def test_secret_of_one_thing_does_not_open_as_anothers(sealer):
    with pytest.raises(SealBrokenError):
        sealer.open(sealer.seal(b"x", context="alice"), context="bob")


def test_secret_of_another_installation_does_not_open(sealer, tmp_path):
    other = FileSealer(tmp_path / "other.key")
    with pytest.raises(SealBrokenError):
        sealer.open(other.seal(b"x", context="c"), context="c")


def test_damaged_key_is_named(tmp_path):
    (tmp_path / "master.key").write_bytes(b"short")
    with pytest.raises(UnavailableError, match="is damaged"):
        FileSealer(tmp_path / "master.key").seal(b"x", context="c")
