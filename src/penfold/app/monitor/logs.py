"""Write the log: one line per event, to standard error, as JSON or for human eyes.

A write(2) holds whole lines, of at most PIPE_BUF octets together unless one line alone is longer:
up to that a pipe takes all or nothing, so lines of several processes do not mix.
Values are escaped: nothing a peer sends can forge or break a line. Libraries that use the
standard logging module end in the same log.

Own code, because one line costs 1.5 µs here; structlog costs 10 µs a line, 65 ms of start-up
and 8 MB in every process (docs/decisions).
"""

import json
import logging
import os
import time
import traceback
from collections.abc import Callable
from select import PIPE_BUF
from typing import Any, Final, TypeVar

from penfold.base.clock import Clock
from penfold.spec.events import LIBRARY, LIBRARY_TROUBLE, Event, Severity

T = TypeVar("T")

#: Characters of one value in text form; a longer one is cut.
_TEXT_VALUE_MAX: Final = 300

#: Told of every line that is a warning or an error.
Count = Callable[[Event], None]
Encode = Callable[[dict[str, Any]], bytes]
#: Calls something in a moment, on the event loop: `loop.call_soon`, or a little later.
Soon = Callable[[Callable[[], None]], object]


class SystemClock:
    """The real time. Only app/ makes one."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class LineLog:
    """An EventLog on a file descriptor."""

    def __init__(
        self, fd: int, *, form: str, process: str, clock: Clock, encode: Encode | None = None
    ) -> None:
        self._fd = fd
        self._process = process
        self._clock = clock
        self._encode = encode or _encode_plainly
        self._format = self._as_text if form == "text" else self._as_json
        self._least = Severity.INFO if os.isatty(fd) else Severity.DETAIL
        self._second = -1
        self._stamp = ""
        self._soon: Soon | None = None
        self._waiting: list[tuple[Event, Callable[[Any], dict[str, Any]], Any, int]] = []
        self._count: Count | None = None

    def emit(self, event: Event, /, **fields: object) -> None:
        line = self._line(event, fields, self._clock.now_ms())
        if event.severity >= self._least:
            self._write(line)

    def gather(self, soon: Soon) -> None:
        """From now on emit_soon keeps lines until `soon` calls, and writes them together."""
        self._soon = soon

    def count_troubles(self, count: Count) -> None:
        """From now on tell of warnings and errors."""
        self._count = count

    def emit_soon(self, event: Event, /, **fields: object) -> None:
        """Emit from the event loop's own thread, a moment later.

        The lines of many requests are made and written together, which costs half: one system
        call, and code that is still in the processor's caches.
        """
        _check(event, fields)  # here, where the mistake is
        self.emit_told(event, lambda _: fields, None)

    def emit_told(self, event: Event, tell: Callable[[T], dict[str, Any]], facts: T) -> None:
        """Do the same for fields that `tell` makes of facts, and have it do so only then."""
        if self._soon is None:
            self.emit(event, **tell(facts))
            return
        if not self._waiting:
            self._soon(self.flush)
        self._waiting.append((event, tell, facts, self._clock.now_ms()))

    def flush(self) -> None:
        """Write what has gathered."""
        waiting, self._waiting = self._waiting, []
        some: list[bytes] = []
        size = 0
        for event, tell, facts, at_ms in waiting:
            fields = tell(facts)
            line = self._line(event, fields, at_ms)
            size += len(line)
            if size > PIPE_BUF and some:
                self._write(b"".join(some))
                some, size = [], len(line)
            some.append(line)
        if some:
            self._write(b"".join(some))

    def _line(self, event: Event, fields: dict[str, object], at_ms: int) -> bytes:
        _check(event, fields)
        if event.severity >= Severity.WARNING and self._count is not None:
            self._count(event)
        return self._format(event, fields, at_ms)

    def _write(self, line: bytes) -> None:
        try:
            os.write(self._fd, line)
        except OSError:
            # Nobody reads the log any more, or the disk under it is full. Mail goes on.
            return

    def _time(self, at_ms: int) -> tuple[str, int]:
        second, ms = divmod(at_ms, 1000)
        if second != self._second:
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = second
        return self._stamp, ms

    def _as_json(self, event: Event, fields: dict[str, object], at_ms: int) -> bytes:
        stamp, ms = self._time(at_ms)
        line: dict[str, Any] = {
            "at": f"{stamp}.{ms:03}Z",
            "event": event.name,
            "process": self._process,
        }
        if event.severity > Severity.INFO:
            line["severity"] = event.severity.name.lower()
        if None in fields.values():
            fields = {name: value for name, value in fields.items() if value is not None}
        line |= fields
        try:
            return self._encode(line) + b"\n"
        except (TypeError, ValueError):  # a value JSON has no word for, or half a surrogate pair
            return _encode_plainly(line) + b"\n"

    def _as_text(self, event: Event, fields: dict[str, object], at_ms: int) -> bytes:
        stamp, ms = self._time(at_ms)
        mark = "" if event.severity <= Severity.INFO else f"{event.severity.name} "
        words = [f"{stamp[11:]}.{ms:03} {self._process:7} {mark}{event.name}"]
        words += [
            f"{name}={_as_word(value)}" for name, value in fields.items() if value is not None
        ]
        return (" ".join(words) + "\n").encode(errors="replace")


def _check(event: Event, fields: dict[str, object]) -> None:
    if not fields.keys() <= event.fields:
        unknown = ", ".join(sorted(fields.keys() - event.fields))
        raise ValueError(f"event {event.name} has no field {unknown}")


def _encode_plainly(line: dict[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False, default=str, separators=(",", ":")).encode(
        errors="replace"
    )


def _as_word(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    if len(text) > _TEXT_VALUE_MAX:
        text = text[:_TEXT_VALUE_MAX] + "…"
    if text and text.isprintable() and " " not in text and '"' not in text:
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


class _Bridge(logging.Handler):
    """What libraries say through the logging module, as events."""

    def __init__(self, log: LineLog) -> None:
        super().__init__(logging.INFO)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        event = LIBRARY if record.levelno < logging.WARNING else LIBRARY_TROUBLE
        error = record.exc_info[1] if record.exc_info else None
        self._log.emit(
            event,
            logger=record.name,
            message=record.getMessage(),
            trace=trace_of(error) if error else None,
        )


def trace_of(error: BaseException) -> str:
    """Return where the error came from, without values of variables."""
    return "".join(traceback.format_exception(error))


def bridge_logging(log: LineLog, *, level: int = logging.WARNING) -> None:
    """Send what libraries log, from this level on, to our log."""
    logging.basicConfig(level=level, handlers=[_Bridge(log)], force=True)
