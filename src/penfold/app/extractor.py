"""The process that reads files of strangers, seen from its parent: started when needed, bounded,
replaced; implements ports.extracting.Extractor.

Whatever the process says is taken for what a stranger says: an answer has a bounded size, and text
is decoded as any other. One that is late, says too much or ends is killed, and a new one is started
for the next file. For one thread at a time.
"""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Final

from penfold.app.extract_process import ANSWER, KINDS, REQUEST
from penfold.base.errors import UnavailableError
from penfold.base.limits import (
    EXTRACT_CPU_S,
    EXTRACT_FILES_PER_PROCESS,
    EXTRACT_IDLE_S,
    EXTRACT_MEMORY_BYTES,
    EXTRACT_WALL_S,
)
from penfold.ports.extracting import Extracted
from penfold.proto.extract.kinds import Kind

#: Milliseconds between two looks whether the server is stopping.
_PATIENCE_MS: Final = 200
_PIECE_BYTES: Final = 65_536
#: Octets of an answer that says why there is no text.
_REASON_MAX_BYTES: Final = 1_000
_CHARSET_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a process may take, see base.limits."""

    memory_bytes: int = EXTRACT_MEMORY_BYTES
    cpu_s: int = EXTRACT_CPU_S
    wall_s: float = EXTRACT_WALL_S
    idle_s: float = EXTRACT_IDLE_S
    files: int = EXTRACT_FILES_PER_PROCESS


class _EndedError(Exception):
    """The process ended or was ended; the message says why, for an operator."""


class ProcessExtractor:
    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._process: subprocess.Popen[bytes] | None = None
        self._files = 0
        self._used = 0.0

    @property
    def pid(self) -> int | None:
        """The process that is there now."""
        return self._process.pid if self._process else None

    def read(
        self, kind: Kind, data: bytes, *, charset: str, limit: int, stopping: threading.Event
    ) -> Extracted:
        name = charset.encode("ascii", "ignore")[:_CHARSET_MAX]
        head = REQUEST.pack(KINDS.index(kind), len(name), limit, len(data)) + name
        process = self._process or self._start()
        began = time.monotonic()
        try:
            talk = _Talk(process, began + self._bounds.wall_s, stopping)
            talk.send(head)
            talk.send(data)
            there, text = talk.receive(limit)
        except _EndedError as error:
            why = self._end(str(error))
            return Extracted("failed", problem=why, seconds=time.monotonic() - began)
        self._files += 1
        self._used = time.monotonic()
        seconds = self._used - began
        if self._files >= self._bounds.files:
            self.close()
        if there:
            return Extracted("read", text=text, seconds=seconds)
        problem = text if text.isprintable() else "cannot be read"
        return Extracted("unreadable", problem=problem, seconds=seconds)

    def rest(self) -> None:
        if self._process and time.monotonic() - self._used > self._bounds.idle_s:
            self.close()

    def close(self) -> None:
        self._end("")

    def _start(self) -> subprocess.Popen[bytes]:
        bounds = (str(self._bounds.memory_bytes), str(self._bounds.cpu_s))
        try:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "penfold.app.extract_process", *bounds],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
            )
        except OSError as error:
            raise UnavailableError("no process to read attachments can be started") from error
        for pipe in (process.stdin, process.stdout):
            if pipe:
                os.set_blocking(pipe.fileno(), False)
        self._process = process
        self._files = 0
        self._used = time.monotonic()
        return process

    def _end(self, why: str) -> str:
        """Let go of the process and return why it ended, in the end by what the kernel says."""
        process, self._process = self._process, None
        if process is None:
            return why
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        status = process.poll() if why else None
        if status is None:
            process.kill()
            status = process.wait()
        if status == -signal.SIGXCPU:
            return "takes too long"
        return why


class _Talk:
    """One request and its answer, until a moment on the monotonic clock."""

    def __init__(
        self, process: subprocess.Popen[bytes], until: float, stopping: threading.Event
    ) -> None:
        if process.stdin is None or process.stdout is None:
            raise _EndedError("has no pipes")
        self._in = process.stdin.fileno()
        self._out = process.stdout.fileno()
        self._until = until
        self._stopping = stopping

    def send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self._wait(self._in, select.POLLOUT)
            try:
                rest = rest[os.write(self._in, rest[:_PIECE_BYTES]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise _EndedError("ends the process that reads it") from error

    def receive(self, limit: int) -> tuple[bool, str]:
        """Return whether there is text of at most `limit` octets, and it or why not."""
        there, size = ANSWER.unpack(self._take(ANSWER.size))
        if size > (limit if there else _REASON_MAX_BYTES):
            raise _EndedError("gives more than was asked for")
        return bool(there), self._take(size).decode("utf-8", "replace")

    def _take(self, size: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < size:
            self._wait(self._out, select.POLLIN)
            try:
                piece = os.read(self._out, min(_PIECE_BYTES, size - len(pieces)))
            except BlockingIOError:
                continue
            if not piece:
                raise _EndedError("ends the process that reads it")
            pieces += piece
        return bytes(pieces)

    def _wait(self, descriptor: int, event: int) -> None:
        """Wait until a pipe can be used or has ended; `select` takes no high numbers."""
        poll = select.poll()
        poll.register(descriptor, event)
        while not poll.poll(_PATIENCE_MS):
            if self._stopping.is_set():
                raise _EndedError("the server stops")
            if time.monotonic() > self._until:
                raise _EndedError("takes too long")
