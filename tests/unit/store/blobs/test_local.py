"""Large messages on the local disk: kept by hash, durable before anything names them."""

import hashlib
import re
import subprocess
import sys
import textwrap
import threading

import pytest

from penfold.base.errors import MailboxDamagedError, NotFoundError, UnavailableError
from penfold.store.blobs.local import LocalBlobs


@pytest.fixture
def blobs(tmp_path):
    return LocalBlobs(tmp_path / "blobs")


def hash_of(data):
    return hashlib.sha256(data).digest()


@pytest.mark.parametrize(
    "data", [b"", b"x", bytes(range(256)) * 5000], ids=["empty", "one-octet", "large"]
)
def test_octets_come_back_as_they_were(blobs, data):
    blobs.put(hash_of(data), data)
    assert blobs.get(hash_of(data)) == data


def test_missing_blob_is_not_found(blobs):
    with pytest.raises(NotFoundError):
        blobs.get(bytes(32))


def test_storing_twice_is_harmless(blobs):
    for _ in range(2):
        blobs.put(hash_of(b"x"), b"x")
    assert list(blobs.iter_hashes()) == [hash_of(b"x")]


def test_storing_again_mends_a_ruined_file(blobs, tmp_path):
    blobs.put(hash_of(b"x"), b"x")
    [path] = (tmp_path / "blobs").glob("??/*")
    path.write_bytes(b"")
    with pytest.raises(MailboxDamagedError):
        blobs.get(hash_of(b"x"))
    blobs.put(hash_of(b"x"), b"x")
    assert blobs.get(hash_of(b"x")) == b"x"


def test_deleted_blob_is_gone_and_deleting_again_is_harmless(blobs):
    blobs.put(hash_of(b"x"), b"x")
    for _ in range(2):
        blobs.delete(hash_of(b"x"))
    assert list(blobs.iter_hashes()) == []


def test_other_files_are_not_taken_for_blobs(blobs, tmp_path):
    blobs.put(hash_of(b"x"), b"x")
    [path] = (tmp_path / "blobs").glob("??/*")
    path.with_name(path.name + "#1").write_bytes(b"staged")
    (tmp_path / "blobs" / "note").write_bytes(b"")
    assert list(blobs.iter_hashes()) == [hash_of(b"x")]


def test_many_threads_may_store_the_same_octets(blobs):
    data = b"0123456789" * 50_000
    errors = []

    def work():
        try:
            blobs.put(hash_of(data), data)
        except Exception as error:  # noqa: BLE001 - told to the test
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert blobs.get(hash_of(data)) == data


def test_folder_that_cannot_be_written_is_unavailable(blobs, tmp_path):
    (tmp_path / "blobs" / hash_of(b"x").hex()[:2]).write_bytes(b"a file in its way")
    with pytest.raises(UnavailableError):
        blobs.put(hash_of(b"x"), b"x")


PROGRAM = textwrap.dedent("""
    import os, sys
    from pathlib import Path
    from penfold.base.limits import INLINE_RAW_MAX_BYTES
    from penfold.store.blobs.local import LocalBlobs
    from penfold.store.sqlite.mailboxes import SqliteMailboxes
    from tests.contract.mail import MAILBOX, make_message

    data = Path(sys.argv[1])
    boxes = SqliteMailboxes(data, LocalBlobs(data / "blobs"), fatal=print, writer_threads=1)
    boxes.create(MAILBOX)
    message = make_message(7, raw=os.urandom(INLINE_RAW_MAX_BYTES + 1))
    os.write(1, b"begin")
    boxes.submit(MAILBOX, lambda box: box.add_message(message), lambda *_: os.write(1, b"acknowledged"))
    boxes.close()
""")


def test_blob_is_durable_before_the_commit_and_the_commit_before_the_answer(program, tmp_path):
    """R-029: the order of system calls, seen from outside."""
    calls = "write,pwrite64,fsync,fdatasync,rename,renameat,renameat2"
    trace = tmp_path / "trace"
    command = ["-f", "-y", "-e", f"trace={calls}", "-o", str(trace)]
    finished = subprocess.run(
        [program("strace"), *command, sys.executable, "-c", PROGRAM, str(tmp_path / "data")],
        capture_output=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    text = trace.read_text()
    text = text[text.index('"begin"') : text.index('"acknowledged"')]
    wanted = (
        r"write\([^\n]*\.zst#",
        r"rename\w*\([^\n]*\.zst",
        r"fsync\([^\n]*\.zst",
        r"fsync\([^\n]*blobs/[0-9a-f]{2}>",
        r"pwrite64\([^\n]*\.db-wal>",
    )
    at = 0
    for pattern in wanted:
        found = re.compile(pattern).search(text, at)
        assert found, f"{pattern} does not follow"
        at = found.end()
    assert "fdatasync(" in text[text.rindex("pwrite64(") :]
