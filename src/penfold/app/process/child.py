"""One process under the supervisor: started, listened to, asked to stop, replaced."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from penfold.app.process.launch import Launch, encode_launch

#: Seconds before a process that died is replaced, by how often it died in a row.
_BACKOFF_S: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
#: Seconds of life after which an earlier death no longer counts.
_SETTLED_S: Final = 10.0
_READ_BYTES: Final = 65_536


class Child:
    """A place in the server (`http` 0, `mail` 0, …) and the process that fills it now."""

    def __init__(self, role: str, index: int, inherit: Sequence[int]) -> None:
        self.role = role
        self.index = index
        self.ready = False
        self.deaths = 0
        self.last_sign = 0.0
        self.restart_at: float | None = None
        self.channel: socket.socket | None = None
        #: The process closed its end: it has ended, or is about to.
        self.fell_silent = False
        self.process: subprocess.Popen[bytes] | None = None
        self._inherit = inherit
        self._started = time.monotonic()
        self._rest = b""

    @property
    def name(self) -> str:
        return f"{self.role}-{self.index}"

    def start(self) -> None:
        """Start the process; it imports its code and then waits for `send_launch`."""
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", "penfold.app.process.worker", self.role]
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [*command, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=2,
                pass_fds=[*self._inherit, theirs.fileno()],
            )
        ours.setblocking(False)
        self.channel = ours
        self.ready = self.fell_silent = False
        self.restart_at = None
        self._started = self.last_sign = time.monotonic()
        self._rest = b""

    def send_launch(self, launch: Launch) -> None:
        # A process that died meanwhile is noticed by its exit, not here.
        with suppress(OSError):
            if self.channel:
                self.channel.sendall(encode_launch(launch))

    def read_signs(self) -> list[dict[str, Any]]:
        """Return what the process said since the last call."""
        if not self.channel:
            return []
        try:
            data = self.channel.recv(_READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        self.fell_silent = not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        if lines:
            self.last_sign = time.monotonic()
        return [json.loads(line) for line in lines]

    def find_exit(self) -> int | None:
        """Return the exit status of the process once it has ended."""
        return self.process.poll() if self.process else None

    def forget(self) -> None:
        """Let go of a process that has ended."""
        if self.channel:
            self.channel.close()
        self.channel = self.process = None
        self.ready = False

    def plan_restart(self) -> float:
        """Decide when a successor starts and return in how many seconds."""
        now = time.monotonic()
        if now - self._started > _SETTLED_S:
            self.deaths = 0
        delay = _BACKOFF_S[min(self.deaths, len(_BACKOFF_S) - 1)]
        self.deaths += 1
        self.restart_at = now + delay
        return delay

    def signal(self, number: int) -> None:
        if self.process and self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def stop(self) -> None:
        self.signal(signal.SIGTERM)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
