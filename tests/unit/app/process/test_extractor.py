"""The process that reads files: its bounds bite, and whatever becomes of it, the next file is read."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.files import KINDS, packed_pdf, pdf

from penfold.app.process.extractor import Bounds, ProcessExtractor
from penfold.base.errors import UnavailableError

LIMIT = 100_000
MIB = 1 << 20
#: More than the process can hold in a pipe.
LARGE = b"wombat " * 200_000


@pytest.fixture
def make():
    made = []

    def make_extractor(**bounds):
        made.append(ProcessExtractor(Bounds(**bounds)))
        return made[-1]

    yield make_extractor
    for each in made:
        each.close()


@pytest.fixture
def extractor(make):
    return make()


def read(extractor, kind, data, *, limit=LIMIT, stopping=None):
    stopping = stopping or threading.Event()
    return extractor.read(kind, data, charset="utf-8", limit=limit, stopping=stopping)


def count_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_files_are_read_by_one_process_one_after_the_other(extractor):
    assert read(extractor, "text", b"wombat").text == "wombat"
    pid = extractor.pid
    assert "numbat" in read(extractor, "pdf", pdf("numbat")).text
    got = read(extractor, "office", b"no archive")
    assert (got.outcome, got.problem) == ("unreadable", "damaged")
    assert len(read(extractor, "text", LARGE).text) == LIMIT
    assert extractor.pid == pid


def test_one_that_is_killed_is_replaced(extractor):
    read(extractor, "text", b"x")
    pid = extractor.pid
    os.kill(pid, signal.SIGKILL)
    got = read(extractor, "text", LARGE)
    assert got.outcome == "failed"
    assert read(extractor, "text", b"wombat").text == "wombat"
    assert extractor.pid != pid


def test_memory_is_bounded(make):
    extractor = make(memory_bytes=160 * MIB)
    got = read(extractor, "pdf", packed_pdf(b" ", 160 * MIB))
    assert (got.outcome, got.problem) == ("failed", "ends the process that reads it")
    assert read(extractor, "text", b"wombat").text == "wombat"


def test_processor_time_is_bounded_for_each_file(make):
    extractor = make(cpu_s=1)
    busy = b"{\\rtf1 " + b"x" * 7_000_000  # about six seconds
    got = read(extractor, "rtf", busy)
    assert (got.outcome, got.problem) == ("failed", "takes too long")
    assert read(extractor, "text", b"wombat").text == "wombat"


def test_time_on_the_clock_is_bounded(make):
    extractor = make(wall_s=2)
    read(extractor, "text", b"x")
    os.kill(extractor.pid, signal.SIGSTOP)
    got = read(extractor, "text", LARGE)
    assert (got.outcome, got.problem) == ("failed", "takes too long")


def test_a_stopping_server_waits_for_no_file(extractor):
    read(extractor, "text", b"x")
    os.kill(extractor.pid, signal.SIGSTOP)
    stopping = threading.Event()
    stopping.set()
    assert read(extractor, "text", LARGE, stopping=stopping).outcome == "failed"


def test_it_ends_when_idle_and_after_many_files_and_at_the_end(make):
    extractor = make(idle_s=0.0, files=2)
    read(extractor, "text", b"x")
    first = extractor.pid
    extractor.rest()
    assert extractor.pid is None
    assert not is_alive(first)
    read(extractor, "text", b"x")
    read(extractor, "text", b"x")
    assert extractor.pid is None
    read(extractor, "text", b"x")
    last = extractor.pid
    extractor.close()
    extractor.close()
    assert not is_alive(last)


def test_one_that_was_just_used_stays(extractor):
    read(extractor, "text", b"x")
    extractor.rest()
    assert extractor.pid is not None


def test_it_has_low_priority_and_writes_no_files(extractor):
    read(extractor, "text", b"x")
    assert os.getpriority(os.PRIO_PROCESS, extractor.pid) >= 10
    limits = Path(f"/proc/{extractor.pid}/limits").read_text()
    [line] = [line for line in limits.splitlines() if line.startswith("Max file size")]
    assert line.split()[3:5] == ["0", "0"], line


def test_descriptors_are_not_left_behind(extractor):
    read(extractor, "text", b"x")
    before = count_descriptors()
    for _ in range(5):
        os.kill(extractor.pid, signal.SIGKILL)
        read(extractor, "text", LARGE)
        read(extractor, "text", b"x")
    assert count_descriptors() == before


def test_it_ends_with_its_parent(tmp_path):
    code = (
        "import os, threading\n"
        "from penfold.app.process.extractor import ProcessExtractor\n"
        "e = ProcessExtractor()\n"
        "e.read('text', b'x', charset='', limit=9, stopping=threading.Event())\n"
        "print(e.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    pid = int(done.stdout)
    pause = threading.Event()
    assert any(not is_running(pid) or pause.wait(0.05) for _ in range(200))


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_program_that_cannot_be_started_is_said(monkeypatch, extractor):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(UnavailableError):
        read(extractor, "text", b"x")


@pytest.mark.parametrize("name", ["letter.docx", "letter.rtf", "page.html", "mail.eml"])
def test_each_kind_crosses_the_pipe(extractor, name):
    kinds = {"docx": "office", "rtf": "rtf", "html": "html", "eml": "message"}
    got = read(extractor, kinds[name.rpartition(".")[2]], KINDS[name][1]("quokkaword"))
    assert "quokkaword" in got.text
