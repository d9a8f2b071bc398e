"""The process that reads files of strangers, seen from its parent: started when needed, bounded,
replaced; implements ports.extracting.Extractor.

Whatever the process says is taken for what a stranger says: an answer has a bounded size, and text
is decoded as any other. One that is late, says too much or ends is killed, and a new one is started
for the next file. For one thread at a time.
"""

import threading
import time
from dataclasses import dataclass
from typing import Final

from penfold.app.process.extract_process import ANSWER, KINDS, REQUEST
from penfold.app.process.talk import EndedError, Talk, Talker
from penfold.base.limits import (
    EXTRACT_CPU_S,
    EXTRACT_FILES_PER_PROCESS,
    EXTRACT_IDLE_S,
    EXTRACT_MEMORY_BYTES,
    EXTRACT_WALL_S,
)
from penfold.ports.extracting import Extracted
from penfold.proto.extract.kinds import Kind

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


class ProcessExtractor:
    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._process: Talker | None = None
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
            talk = Talk(process, began + self._bounds.wall_s, stopping)
            talk.send(head)
            talk.send(data)
            there, text = _receive(talk, limit)
        except EndedError as error:
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

    def _start(self) -> Talker:
        bounds = (self._bounds.memory_bytes, self._bounds.cpu_s)
        self._process = Talker("penfold.app.process.extract_process", bounds)
        self._files = 0
        self._used = time.monotonic()
        return self._process

    def _end(self, why: str) -> str:
        process, self._process = self._process, None
        return why if process is None else process.end(why)


def _receive(talk: Talk, limit: int) -> tuple[bool, str]:
    """Return whether there is text of at most `limit` octets, and it or why not."""
    there, size = ANSWER.unpack(talk.take(ANSWER.size))
    if size > (limit if there else _REASON_MAX_BYTES):
        raise EndedError("gives more than was asked for")
    return bool(there), talk.take(size).decode("utf-8", "replace")
