"""A start takes away what others may do to the data, and says so."""

from penfold.app.process.launch import Launch
from penfold.app.process.prepare import prepare_modes
from penfold.spec.events import FILES_OPEN, KEY_OPEN
from penfold.spec.settings import Settings


class Log:
    def __init__(self):
        self.events = []

    def emit(self, event, **fields):
        self.events.append((event, fields))


def launch_on(data, **settings):
    settings = Settings(data=str(data), **settings)
    return Launch(role="prepare", index=0, settings=settings, addresses={}, sockets={})


def test_open_files_are_closed_with_a_line_in_the_log(tmp_path):
    tmp_path.chmod(0o700)
    for name in ("directory.db", "queue.db"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    log = Log()
    prepare_modes(launch_on(tmp_path), log)
    [(event, fields)] = log.events
    assert event is FILES_OPEN
    assert fields["count"] == 2
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    prepare_modes(launch_on(tmp_path), log)
    assert len(log.events) == 1


def test_a_tls_key_everybody_may_read_is_told_of(tmp_path):
    key = tmp_path / "key.pem"
    key.touch()
    key.chmod(0o644)
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    log = Log()
    prepare_modes(launch_on(data, tls_certificate=str(tmp_path / "c"), tls_key=str(key)), log)
    assert log.events == [(KEY_OPEN, {"path": str(key)})]
