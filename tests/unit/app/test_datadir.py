"""The data directory: whose it is, who may use it, and how private it is."""

import json
import os
import stat

import pytest

from penfold.app.datadir import (
    check_owner,
    check_schema,
    enter_data_dir,
    find_user_name,
    open_data_dir,
    save_schema,
)
from penfold.app.exits import WRONG_USE, StartError


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def opened():
    descriptors = []

    def open_it(path):
        descriptors.append(open_data_dir(path))
        return descriptors[-1]

    yield open_it
    for descriptor in descriptors:
        os.close(descriptor)


def test_a_new_directory_is_private_with_everything_in_it(tmp_path, opened):
    path = tmp_path / "a" / "data"
    opened(path)
    assert mode(path) == 0o700
    assert {mode(entry) for entry in path.iterdir() if entry.is_dir()} == {0o700}
    assert mode(path / "penfold.lock") == 0o600


def test_an_open_directory_is_made_private(tmp_path, opened):
    path = tmp_path / "data"
    path.mkdir(mode=0o755)
    (path / "penfold.toml").touch()
    opened(path)
    assert mode(path) == 0o700


def test_a_directory_with_other_things_in_it_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").touch()
    tmp_path.chmod(0o755)
    with pytest.raises(StartError, match="is not empty and not a Penfold data directory"):
        open_data_dir(tmp_path)
    assert mode(tmp_path) == 0o755
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_only_the_user_whose_server_made_a_directory_may_use_it(tmp_path, opened):
    opened(tmp_path / "data")
    enter_data_dir(tmp_path / "data")
    with pytest.raises(StartError, match=f"belongs to the user {find_user_name(os.geteuid())}"):
        check_owner(tmp_path / "data", uid=os.geteuid() + 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_leaves_a_directory_of_the_servers_user_alone(tmp_path):
    os.close(open_data_dir(tmp_path / "data"))
    os.chown(tmp_path / "data" / "penfold.lock", 4_000_000, -1)
    for use in (enter_data_dir, open_data_dir):
        with pytest.raises(StartError, match="runuser -u #4000000"):
            use(tmp_path / "data")


def test_a_file_in_its_place_is_refused(tmp_path):
    (tmp_path / "data").touch()
    with pytest.raises(StartError, match="is not a directory"):
        open_data_dir(tmp_path / "data")


def test_a_second_server_is_refused_with_the_first_ones_process(tmp_path, opened):
    opened(tmp_path / "data")
    with pytest.raises(StartError, match=rf"another Penfold server \(process {os.getpid()}\)") as e:
        open_data_dir(tmp_path / "data")
    assert e.value.code == WRONG_USE


def test_a_directory_can_be_opened_again_after_its_server_ended(tmp_path):
    for _ in range(2):
        os.close(open_data_dir(tmp_path / "data"))


def test_the_schema_is_noted_and_accepted_again(tmp_path):
    assert check_schema(tmp_path, {"mailbox": 1}) == {"mailbox"}
    save_schema(tmp_path, {"mailbox": 1})
    assert check_schema(tmp_path, {"mailbox": 2, "queue": 1}) == {"queue"}
    save_schema(tmp_path, {"mailbox": 2, "queue": 1})
    assert json.loads((tmp_path / "schema.json").read_text()) == {"mailbox": 2, "queue": 1}
    assert mode(tmp_path / "schema.json") == 0o600


@pytest.mark.parametrize(
    "noted", [pytest.param({"mailbox": 3}, id="newer"), pytest.param({"moon": 1}, id="unknown")]
)
def test_data_of_a_newer_release_is_refused_and_not_touched(tmp_path, noted):
    (tmp_path / "schema.json").write_text(json.dumps(noted))
    with pytest.raises(StartError, match="newer release"):
        check_schema(tmp_path, {"mailbox": 2})
    assert json.loads((tmp_path / "schema.json").read_text()) == noted


@pytest.mark.parametrize("text", ["", "[]", "{", '{"mailbox": "x"}'], ids=repr)
def test_a_broken_schema_note_is_refused(tmp_path, text):
    (tmp_path / "schema.json").write_text(text)
    with pytest.raises(StartError, match="cannot be read"):
        check_schema(tmp_path, {"mailbox": 2})
