"""What was acknowledged survives a killed process and a power cut; nothing else appears in part."""

import os
import random
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress

import apsw
import pytest
from tests.contract.mail import MAILBOX, read_new_message
from tests.unit.store.sqlite.power import Disk

from penfold.store.blobs.local import LocalBlobs
from penfold.store.data import verify_data
from penfold.store.room import Room
from penfold.store.sqlite.mailbox_write import SqliteWriter
from penfold.store.sqlite.migrate import migrate
from penfold.store.sqlite.open import open_database
from penfold.store.sqlite.pool import Handle
from penfold.testing.mail import MailGenerator

SEED = int(os.environ.get("PENFOLD_SEED", "20261124"))
KILLS = int(os.environ.get("PENFOLD_KILLS", "20"))

WORKER = textwrap.dedent("""
    import os, random, sys, threading
    from pathlib import Path
    from penfold.base.limits import INLINE_RAW_MAX_BYTES
    from penfold.ports.mailbox import Change
    from penfold.store.blobs.local import LocalBlobs
    from penfold.store.sqlite.mailboxes import SqliteMailboxes
    from penfold.testing.mail import MailGenerator
    from tests.contract.mail import MAILBOX, read_new_message

    data, first = Path(sys.argv[1]), int(sys.argv[2])
    boxes = SqliteMailboxes(data, LocalBlobs(data / "blobs"), fatal=lambda error: os._exit(3))
    boxes.create(MAILBOX)

    def acknowledge(number, raw):
        # One write: a line is in the pipe whole or not at all.
        return lambda result, error: os.write(1, b"%d %d\\n" % (number, hash_of(raw)))

    def hash_of(raw):
        return int.from_bytes(raw[-8:], "big")

    def change(number, raw):
        def run(box):
            box.add_message(read_new_message(number, raw))
            box.add_history(Change.MESSAGE_ADDED, (), now_ms=1)
        return run

    os.write(1, b"ready\\n")
    pause = threading.Semaphore(30)
    for number, raw in enumerate(MailGenerator(first).messages(100_000), start=first):
        raw += b"%20d" % number
        if number % 40 == 0:
            raw += b"x" * INLINE_RAW_MAX_BYTES
        pause.acquire()
        done = acknowledge(number, raw)
        boxes.submit(MAILBOX, change(number, raw), lambda r, e, d=done: (d(r, e), pause.release()))
""")


def test_acknowledged_messages_survive_a_killed_process(tmp_path, open_mailboxes):
    chance = random.Random(SEED)
    acknowledged = {}
    for kill in range(KILLS):
        first = 1 + kill * 100_000
        with subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path / "data"), str(first)],
            stdout=subprocess.PIPE,
        ) as worker:
            assert worker.stdout.readline() == b"ready\n"
            count = chance.randrange(1, 60)
            lines = [worker.stdout.readline() for _ in range(count)]
            worker.send_signal(signal.SIGKILL)
            lines += worker.stdout.read().splitlines()
        acknowledged |= {int(line.split()[0]): int(line.split()[1]) for line in lines}
    assert len(acknowledged) >= KILLS
    with open_mailboxes().open_reader(MAILBOX) as reader:
        for number, end in acknowledged.items():
            assert int.from_bytes(reader.get_raw(number)[-8:], "big") == end, f"seed {SEED}"
    findings = []
    assert verify_data(tmp_path / "data", findings.append), (SEED, findings)


# --- power cuts

MESSAGES = [
    read_new_message(n, raw) for n, raw in enumerate(MailGenerator(3).messages(12), start=1)
]


def write_until_the_cut(connection, folder, acknowledged):
    """Add messages, one commit each, with a checkpoint now and then, until the power goes."""
    handle = Handle(connection, MAILBOX, writable=True)
    blobs, room = LocalBlobs(folder / "blobs"), Room(folder)
    for message in MESSAGES:
        connection.execute("BEGIN IMMEDIATE")
        writer = SqliteWriter(handle, blobs, room)
        writer.begin_change()
        writer.add_message(message)
        writer.keep_change()
        writer.finish()
        connection.execute("COMMIT")
        acknowledged.append(message.id)
        if message.id % 5 == 0:
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)


@pytest.fixture(scope="module")
def new_mailbox(tmp_path_factory):
    """The octets of an empty mailbox file."""
    path = tmp_path_factory.mktemp("new") / "m.db"
    connection = open_database(path, create=True, page_bytes=8192)
    migrate(connection, "mailbox")
    connection.close()
    return path.read_bytes()


class Trial:
    """One mailbox on one disk: write until the power goes, look at what is there afterwards."""

    def __init__(self, folder, octets, *, seed, cut_at, synchronous="FULL"):
        self.acknowledged = []
        path = folder / f"{seed}-{cut_at}.db"
        path.write_bytes(octets)
        disk = Disk(path.stem, seed)
        disk.load({str(path): octets})
        disk.cut_at = cut_at
        try:
            connection = open_database(path, vfs=path.stem)
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            with suppress(apsw.Error):
                write_until_the_cut(connection, folder, self.acknowledged)
            after = disk.cut()
            disk.off = True
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            connection.close(force=True)
            disk.load(after)
            path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
            self._look(path)
        finally:
            disk.unregister()

    def _look(self, path):
        connection = apsw.Connection(str(path), vfs=path.stem)
        self.found = [row for (row,) in connection.execute("SELECT id FROM message ORDER BY id")]
        self.check = connection.execute("PRAGMA integrity_check").get
        connection.close(force=True)

    @property
    def lost(self):
        return set(self.acknowledged) - set(self.found)


@pytest.mark.parametrize("seed", range(SEED, SEED + 4))
def test_acknowledged_messages_survive_a_power_cut(tmp_path, new_mailbox, seed):
    reached = set()
    for cut_at in range(1, 22):
        trial = Trial(tmp_path, new_mailbox, seed=seed, cut_at=cut_at)
        assert trial.check == "ok", cut_at
        assert not trial.lost, cut_at
        # At most the one whose commit was under way is there without having been acknowledged.
        assert trial.found[len(trial.acknowledged) + 1 :] == [], cut_at
        reached.add(len(trial.acknowledged))
    assert reached >= set(range(len(MESSAGES)))


def test_power_cut_between_two_commits_loses_nothing(tmp_path, new_mailbox):
    trial = Trial(tmp_path, new_mailbox, seed=SEED, cut_at=None)
    assert trial.found == trial.acknowledged == [message.id for message in MESSAGES]


def test_power_cut_harness_sees_the_loss_without_full_sync(tmp_path, new_mailbox):
    """A negative control: a test that cannot fail proves nothing."""
    trials = [
        Trial(tmp_path, new_mailbox, seed=seed, cut_at=None, synchronous="NORMAL")
        for seed in range(10)
    ]
    assert any(trial.lost for trial in trials)
