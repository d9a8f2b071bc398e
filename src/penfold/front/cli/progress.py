"""How far a long command is: a bar on a terminal, a line now and then elsewhere.

On standard error, so that standard output holds the result alone.
"""

import sys
import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

#: Seconds between two lines where there is no terminal.
_LINE_S: Final = 10.0
#: Seconds over which the rate is the average.
_RATE_S: Final = 30.0
_MB: Final = 1_000_000


class Progress:
    """total_bytes: of what is to be read; None when the end is a number of messages, or unknown."""

    def __init__(self, total_bytes: int | None) -> None:
        self._total_bytes = total_bytes
        self._started = self._said = time.monotonic()
        self._first: int | None = None
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bar = Bar(
                BarColumn(),
                TextColumn("{task.percentage:>3.0f} %"),
                TextColumn("{task.fields[messages]:,} messages"),
                _Rate(),
                TextColumn("{task.fields[megabytes]:,.1f} MB"),
                TimeRemainingColumn(compact=True, elapsed_when_finished=True),
                console=Console(stderr=True),
                speed_estimate_period=_RATE_S,
            )
            self._bar.add_task("", total=self._total_bytes, messages=0, megabytes=0.0, rate=0.0)
            self._bar.start()
        return self

    def show(self, messages: int, octets: int, *, total: int | None = None) -> None:
        """Tell how many messages and octets are done. total: messages at the end."""
        now = time.monotonic()
        first = self._first = messages if self._first is None else self._first
        rate = (messages - first) / max(now - self._started, 0.001)
        if self._bar is not None:
            self._bar.update(
                self._bar.task_ids[0],
                completed=octets if self._total_bytes is not None else messages,
                total=self._total_bytes if self._total_bytes is not None else total,
                messages=messages,
                megabytes=octets / _MB,
                rate=rate,
            )
        elif now - self._said >= _LINE_S:
            self._said = now
            share = f", {octets / self._total_bytes:.0%}" if self._total_bytes else ""
            sys.stderr.write(
                f"{messages:,} messages, {octets / _MB:,.1f} MB{share}, {rate:,.0f} messages/s\n"
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.fields['rate']:,.0f}/s")
