"""Commands on a data directory of the release before."""

import apsw
import pytest

from penfold.app.command.doors import open_sending
from penfold.app.datadir import LOCK_NAME, SCHEMA_NAME, save_schema
from penfold.app.exits import StartError
from penfold.app.stores import known_schema, open_stores
from penfold.base.clock import FixedClock


@pytest.fixture
def data(tmp_path):
    open_stores(tmp_path, clock=FixedClock(), fatal=print, create=known_schema()).close()
    (tmp_path / LOCK_NAME).touch()
    return tmp_path


def test_a_command_makes_the_database_that_the_release_before_had_not(data):
    (data / "sending.db").unlink()
    save_schema(data, {kind: n for kind, n in known_schema().items() if kind != "sending"})
    with open_sending(data) as tools:
        assert tools.keys.list("nobody") == []


def test_a_command_never_takes_a_lost_database_for_a_new_one(data):
    (data / "sending.db").unlink()
    for prepared in (True, False):
        if prepared:
            save_schema(data, known_schema())
        else:
            (data / SCHEMA_NAME).unlink()
        with pytest.raises(apsw.CantOpenError), open_sending(data):
            pass
    assert not (data / "sending.db").exists()


def test_a_command_leaves_a_directory_of_a_newer_release_alone(data):
    save_schema(data, {**known_schema(), "sending": 9_999})
    with pytest.raises(StartError, match="newer release"), open_sending(data):
        pass
