"""Look at a running server from beside it: its counters, its queue, its disk."""

from pathlib import Path

from penfold.app.datadir import enter_data_dir, is_served
from penfold.app.exits import StartError
from penfold.app.monitor.logs import SystemClock
from penfold.app.monitor.metrics import Numbers, list_files, load_numbers, split
from penfold.app.monitor.scrape import look
from penfold.app.monitor.slow import load_slow
from penfold.app.stores import QUEUE_NAME, SENDING_NAME
from penfold.domain.vitals import Process, Sample
from penfold.spec.metrics import CPU_SECONDS, MEMORY, OPEN_FILES, Metric
from penfold.store.sqlite.queue import SqliteQueue
from penfold.store.sqlite.sending.book import SqliteSending


class Watching:
    """Takes looks at one server. `close` when no more are wanted."""

    def __init__(self, data: Path) -> None:
        """Raise StartError unless a server has this data directory."""
        enter_data_dir(data)
        if not is_served(data):
            raise StartError(f"no server runs on {data}; start `penfold serve --data {data}`")
        self._data = data
        self._clock = SystemClock()
        self._queue = SqliteQueue(data / QUEUE_NAME, create=False)
        self._sending = SqliteSending(data / SENDING_NAME, create=False)

    def close(self) -> None:
        self._queue.close()
        self._sending.close()

    def take_sample(self) -> Sample:
        """Return the numbers of this moment."""
        now_ms = self._clock.now_ms()
        files = {path.stem: load_numbers(path) for path in list_files(self._data / "run")}
        totals = [sum(column) for column in zip(*files.values(), strict=True)]
        found = look(self._data, self._queue, self._sending, now_ms)
        return Sample(
            now_ms,
            split(totals),
            {metric.name: each for metric, each in found.items()},
            tuple(_process(name, numbers) for name, numbers in files.items()),
            load_slow(self._data / "run"),
        )


def _process(name: str, numbers: Numbers) -> Process:
    role = name.partition("-")[0]
    series = split(numbers)

    def read(metric: Metric) -> float:
        return series[metric.name].get((role,), (0.0,))[0]

    return Process(name, read(MEMORY), read(CPU_SECONDS), read(OPEN_FILES))
