"""A process of ours that bounds itself, seen from its parent: started, talked to, ended.

Used by what reads files of strangers (extractor.py) and what renders their templates (renderer.py).
A process that is late, says too much or ends is ended; who talks to it starts another.
"""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Final

from penfold.base.errors import UnavailableError

#: Milliseconds between two looks whether the server is stopping.
_PATIENCE_MS: Final = 200
_PIECE_BYTES: Final = 65_536


class EndedError(Exception):
    """The process ended or was ended; the message says why, for an operator."""


class Talker(subprocess.Popen[bytes]):
    """A module of ours in a process of its own, its input and output not blocking."""

    def __init__(self, module: str, arguments: Sequence[int]) -> None:
        try:
            super().__init__(
                [sys.executable, "-P", "-m", module, *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
            )
        except OSError as error:
            raise UnavailableError(f"{module} cannot be started") from error
        for pipe in (self.stdin, self.stdout):
            if pipe:
                os.set_blocking(pipe.fileno(), False)

    def end(self, why: str) -> str:
        """Let go of the process and return why it ended, in the end by what the kernel says."""
        for pipe in (self.stdin, self.stdout):
            if pipe:
                pipe.close()
        status = self.poll() if why else None
        if status is None:
            self.kill()
            status = self.wait()
        if status == -signal.SIGXCPU:
            return "takes too long"
        return why


class Talk:
    """Requests and answers, until a moment on the monotonic clock; EndedError when that is over."""

    def __init__(self, process: Talker, until: float, stopping: threading.Event) -> None:
        if process.stdin is None or process.stdout is None:
            raise EndedError("has no pipes")
        self._in = process.stdin.fileno()
        self._out = process.stdout.fileno()
        self.until = until
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
                raise EndedError("ends the process that reads it") from error

    def take(self, size: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < size:
            self._wait(self._out, select.POLLIN)
            try:
                piece = os.read(self._out, min(_PIECE_BYTES, size - len(pieces)))
            except BlockingIOError:
                continue
            if not piece:
                raise EndedError("ends the process that reads it")
            pieces += piece
        return bytes(pieces)

    def _wait(self, descriptor: int, event: int) -> None:
        """Wait until a pipe can be used or has ended; `select` takes no high numbers."""
        poll = select.poll()
        poll.register(descriptor, event)
        while not poll.poll(_PATIENCE_MS):
            if self._stopping.is_set():
                raise EndedError("the server stops")
            if time.monotonic() > self.until:
                raise EndedError("takes too long")
