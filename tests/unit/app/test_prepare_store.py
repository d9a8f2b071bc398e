"""What ends a start: a mistake for good, what may be otherwise in a moment so that it is retried."""

import os

import pytest

from penfold.app.datadir import open_data_dir
from penfold.app.exits import FAILED, WRONG_USE, StartError
from penfold.app.monitor.logs import SystemClock
from penfold.app.process.launch import Launch
from penfold.app.process.prepare import prepare_store
from penfold.app.stores import DIRECTORY_NAME, known_schema
from penfold.spec.key_source import parse_key_source
from penfold.spec.settings import Settings


@pytest.fixture
def data(tmp_path):
    os.close(open_data_dir(tmp_path / "data"))
    return tmp_path / "data"


def prepare(data, source):
    settings = Settings(
        data=str(data),
        domains=("example.org",),
        hostname="mail.example.org",
        master_key=parse_key_source(source),
    )
    launch = Launch(role="prepare", index=0, settings=settings, addresses={}, sockets={})
    prepare_store(launch, SystemClock(), create=known_schema().keys())


@pytest.mark.parametrize(
    ("source", "code"), [("command:/bin/false", FAILED), ("env:PENFOLD_NO_KEY", WRONG_USE)]
)
def test_a_key_store_that_does_not_answer_is_asked_again_by_who_starts_us(data, source, code):
    with pytest.raises(StartError, match="master_key: ") as caught:
        prepare(data, source)
    assert caught.value.code == code


def test_a_database_that_cannot_be_opened_is_tried_again(data):
    (data / DIRECTORY_NAME).mkdir()
    with pytest.raises(StartError, match="a database cannot be opened") as caught:
        prepare(data, "file:master.key")
    assert caught.value.code == FAILED
