"""Processes that compile and render templates, seen from their parent; implements ports.rendering.

A process gets each compiled template once and keeps it. Its answers come one by one, so when it
ends, the first mail without an answer is what ended it: that one gets an error, the others are made
by a new process. As a process may also be ended by somebody else, the culprit is tried a second
time first, alone. Whatever a process says is taken for what a stranger says: bounded, and decoded
by type.
"""

import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from penfold.app.process.render_process import (
    SIZE,
    Answer,
    Compile,
    Drop,
    Failed,
    Keep,
    Made,
    Ready,
    Render,
    encode_frame,
)
from penfold.app.process.talk import EndedError, Talk, Talker
from penfold.base.errors import UnavailableError
from penfold.base.limits import (
    RENDER_ANSWER_MAX_BYTES,
    RENDER_BATCH_MAX,
    RENDER_CPU_S,
    RENDER_KEPT_MAX,
    RENDER_MAILS_PER_PROCESS,
    RENDER_MEMORY_BYTES,
    RENDER_WALL_S,
)
from penfold.ports.rendering import Job
from penfold.proto.templates.model import (
    Compiled,
    Finding,
    Layout,
    Partial,
    Rendered,
    RenderError,
    TemplateError,
    TemplateSource,
)

#: Seconds between two looks whether the server is stopping, while all processes are busy.
_PATIENCE_S: Final = 0.2
_DECODER: Final = msgspec.msgpack.Decoder(Answer)
Outcome = Rendered | RenderError


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a process may take, see base.limits."""

    memory_bytes: int = RENDER_MEMORY_BYTES
    cpu_s: int = RENDER_CPU_S
    wall_s: float = RENDER_WALL_S
    kept: int = RENDER_KEPT_MAX
    mails: int = RENDER_MAILS_PER_PROCESS


class ProcessRenderer:
    """processes: how many at most; one is started when it is needed."""

    def __init__(self, processes: int, bounds: Bounds | None = None) -> None:
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._workers = [_Worker(bounds or Bounds()) for _ in range(processes)]
        for each in self._workers:
            self._idle.put(each)

    @property
    def pids(self) -> list[int]:
        """The processes that are there now."""
        return [each.process.pid for each in self._workers if each.process]

    def compile(
        self,
        source: TemplateSource,
        layouts: Mapping[str, Layout],
        partials: Mapping[str, Partial],
        *,
        stopping: threading.Event,
    ) -> Compiled:
        worker = self._borrow(stopping)
        try:
            answer = worker.compile(Compile(source, dict(layouts), dict(partials)), stopping)
        finally:
            self._idle.put(worker)
        if isinstance(answer, Ready):
            return answer.compiled
        raise TemplateError(answer.findings if isinstance(answer, Failed) else (_ended("", 1),))

    def render_many(self, jobs: Sequence[Job], *, stopping: threading.Event) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for at in range(0, len(jobs), RENDER_BATCH_MAX):
            worker = self._borrow(stopping)
            try:
                outcomes += worker.render(jobs[at : at + RENDER_BATCH_MAX], stopping)
            finally:
                self._idle.put(worker)
        return outcomes

    def close(self) -> None:
        """End the processes; nobody may be using them any more."""
        for each in self._workers:
            each.close("")

    def _borrow(self, stopping: threading.Event) -> "_Worker":
        while not stopping.is_set():
            try:
                return self._idle.get(timeout=_PATIENCE_S)
            except queue.Empty:
                continue
        raise UnavailableError("the server stops")


def _ended(why: str, tries: int) -> Finding:
    said = why or "ends the process"
    again = f", {tries} times" if tries > 1 else ""
    return Finding("ended", f"{said}{again}: make the template, its HTML or its lists smaller")


class _Worker:
    """A place for one process. For one thread at a time."""

    def __init__(self, bounds: Bounds) -> None:
        self.process: Talker | None = None
        self._bounds = bounds
        #: Templates the process has, the one unused for longest first.
        self._kept: OrderedDict[str, None] = OrderedDict()
        self._mails = 0

    def compile(self, request: Compile, stopping: threading.Event) -> Answer:
        try:
            frame = encode_frame(request)
        except (OverflowError, RecursionError):
            why = "has an integer of more than 64 bits, or too many levels"
            return Failed((Finding("schema", why, "schema"),))
        try:
            talk = self._talk(stopping)
            talk.send(frame)
            return self._receive(talk)
        except EndedError as error:
            why = self._lose(error, stopping)
            return Failed((_ended(why, 1),))

    def render(self, jobs: Sequence[Job], stopping: threading.Event) -> list[Outcome]:
        outcomes: list[Outcome] = []
        tried = 0
        while len(outcomes) < len(jobs):
            # One that ended its process is tried again alone: somebody else may have ended it.
            rest = jobs[len(outcomes) :][: 1 if tried else None]
            before = len(outcomes)
            try:
                outcomes.extend(self._render(rest, stopping))
                tried = 0
            except _LostError as lost:
                outcomes += lost.outcomes
                tried = tried + 1 if len(outcomes) == before else 1
                if tried > 1 or lost.why == "takes too long":
                    outcomes.append(RenderError(_ended(lost.why, tried)))
                    tried = 0
        return outcomes

    def _render(self, jobs: Sequence[Job], stopping: threading.Event) -> list[Outcome]:
        outcomes: list[Outcome] = []
        try:
            talk = self._talk(stopping)
            for message in self._keep(jobs):
                talk.send(encode_frame(message))
            mails = [(each.key, dict(each.variables), each.warn) for each in jobs]
            talk.send(encode_frame(Render(mails)))
            for _ in jobs:
                outcomes.append(_outcome(self._receive(talk)))
                talk.until = time.monotonic() + self._bounds.wall_s
        except EndedError as error:
            raise _LostError(outcomes, self._lose(error, stopping)) from error
        self._mails += len(jobs)
        if self._mails >= self._bounds.mails:
            self.close("")
        return outcomes

    def _keep(self, jobs: Sequence[Job]) -> Iterator[Keep | Drop]:
        """Yield what the process must be told before it can do these, at most a batch of them."""
        for each in jobs:
            if each.key in self._kept:
                self._kept.move_to_end(each.key)
            else:
                self._kept[each.key] = None
                yield Keep(each.key, each.compiled)
        wanted = {each.key for each in jobs}
        for key in list(self._kept):
            if len(self._kept) <= self._bounds.kept:
                break
            if key not in wanted:
                del self._kept[key]
                yield Drop(key)

    def _talk(self, stopping: threading.Event) -> Talk:
        if self.process is None:
            bounds = (self._bounds.memory_bytes, self._bounds.cpu_s)
            self.process = Talker("penfold.app.process.render_process", bounds)
        return Talk(self.process, time.monotonic() + self._bounds.wall_s, stopping)

    def _receive(self, talk: Talk) -> Answer:
        (size,) = SIZE.unpack(talk.take(SIZE.size))
        if size > RENDER_ANSWER_MAX_BYTES:
            raise EndedError("gives more than a mail can have")
        try:
            answer: Answer = _DECODER.decode(talk.take(size))
        except msgspec.MsgspecError as error:
            raise EndedError("gives what is no answer") from error
        return answer

    def _lose(self, error: EndedError, stopping: threading.Event) -> str:
        why = self.close(str(error))
        if stopping.is_set():
            raise UnavailableError("the server stops") from error
        return why

    def close(self, why: str) -> str:
        process, self.process = self.process, None
        self._kept.clear()
        self._mails = 0
        return why if process is None else process.end(why)


class _LostError(Exception):
    """The process ended. outcomes: what it had answered by then; why: for an operator."""

    def __init__(self, outcomes: list[Outcome], why: str) -> None:
        super().__init__(why)
        self.outcomes = outcomes
        self.why = why


def _outcome(answer: Answer) -> Outcome:
    match answer:
        case Made(rendered):
            return rendered
        case Failed(findings) if findings:
            return RenderError(findings[0])
    raise EndedError("gives what is no answer")
