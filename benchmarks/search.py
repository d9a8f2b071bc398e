"""Searches of a large mailbox beside notmuch on the same mail, in turn.

Elapsed time of a page inside each process: Penfold's listing (benchmarks/search_ours.py) and
notmuch through its library (benchmarks/notmuch_peer.py), both kept open, newest first, a hundred
results; the first page, with the CPU time it took, and the tenth. p50 and p95 are over the
searches of a kind and their repetitions. The ratio says how many times faster Penfold is: over
the searches of a kind the median, least and most of notmuch's median by ours.

PENFOLD_BENCH_MESSAGES   how many messages (1,000,000)
PENFOLD_BENCH_FOLDER     where mail and indexes are kept between runs (in the temporary folder)
PENFOLD_BENCH_SECONDS    how long to ask (480); filling comes before that and once
PENFOLD_BENCH_ALONE      anything: without notmuch
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw

from benchmarks import search_mail
from benchmarks.search_kinds import Asker, Kind, Sample, Search
from benchmarks.search_mail import SEED, note
from benchmarks.stores import mailbox_of, opened
from penfold.app.stores import Stores
from penfold.domain.mailbox.messages import list_messages, make_query
from penfold.proto.mime.model import Summary
from penfold.proto.mime.summary import read_message
from penfold.testing.corpus import END_S, OWNER, YEARS, Corpus

MESSAGES = int(os.environ.get("PENFOLD_BENCH_MESSAGES", "1000000"))
SECONDS = float(os.environ.get("PENFOLD_BENCH_SECONDS", "480"))
PAGE = 100
LATER_PAGE = 10
ROUNDS = 10
#: What is wanted of the first page of every kind, at a million messages.
WANTED_MS = 10
SAMPLES = 300

Row = tuple[str, str, str, str]


def measure() -> Iterator[Row]:
    default = Path(tempfile.gettempdir()) / "penfold-bench"
    folder = Path(os.environ.get("PENFOLD_BENCH_FOLDER", default))
    data = search_mail.prepare_penfold(folder, MESSAGES)
    beside = search_mail.has_notmuch() and not os.environ.get("PENFOLD_BENCH_ALONE")
    root = search_mail.prepare_notmuch(folder, MESSAGES) if beside else None
    yield _fill_row(data, root)
    with opened(data) as stores:
        samples, text_bytes = read_samples(stores)
    yield _size_row(data, root, text_bytes)
    kinds = list(Asker(Corpus(0, SEED), samples).kinds())
    with _started(data, root) as searchers:
        results = []
        for number, kind in enumerate(kinds, start=1):
            note(f"  {number} of {len(kinds)}: {kind.name}")
            results.append(_compare(kind, searchers, SECONDS / len(kinds)))
            yield results[-1].make_row()
        yield _memory_row(searchers)
    yield from _summary(results)


# --- asking --------------------------------------------------------------------------------


class Searcher:
    """A process that answers questions, a line each."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._ask_line("")

    def ask(self, search: Search, kind: Kind, page: int) -> dict:
        """Return the seconds a page took, and how many results it has; 0 when it is not there."""
        ask = {"q": self._say(search), "hidden": search.hidden, "threads": kind.threads}
        ask |= {"page": page, "skip": PAGE * (page - 1), "count": PAGE}
        return self._ask_line(json.dumps(ask))

    def read_memory(self) -> str:
        """Return what is resident of it now and was at most."""
        answer = self._ask_line(json.dumps({"memory": True}))
        return f"{answer['now_kb'] / 1_000:,.0f} MB, at most {answer['peak_kb'] / 1_000:,.0f}"

    def close(self) -> None:
        self._process.communicate()

    def _say(self, search: Search) -> str:
        return search.q

    def _ask_line(self, line: str) -> dict:
        assert self._process.stdin
        assert self._process.stdout
        if line:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        answer: dict = json.loads(self._process.stdout.readline())
        return answer


class Peer(Searcher):
    def _say(self, search: Search) -> str:
        return search.theirs


@contextmanager
def _started(data: Path, root: Path | None) -> Iterator[list[Searcher]]:
    """Start what is measured: Penfold, and notmuch if there is one."""
    command = [sys.executable, "-m", "benchmarks.search_ours", str(data)]
    pipe = subprocess.PIPE
    searchers = [Searcher(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))]
    if root is not None:
        searchers.append(Peer(search_mail.start_peer("serve", root)))
    try:
        yield searchers
    finally:
        for searcher in searchers:
            searcher.close()


class Times:
    """Seconds by search: of first pages, elapsed and of CPU, and of later ones.

    found: results on the first page. stopped: searches that reached the time limit of a listing.
    """

    def __init__(self) -> None:
        self.first: dict[Search, list[float]] = {}
        self.cpu: dict[Search, list[float]] = {}
        self.later: dict[Search, list[float]] = {}
        self.found: dict[Search, int] = {}
        self.stopped: set[Search] = set()

    def take(self, searcher: Searcher, search: Search, kind: Kind, page: int) -> None:
        answer = searcher.ask(search, kind, page)
        if answer.get("failed"):
            self.stopped.add(search)
        if page == 1:
            self.first.setdefault(search, []).append(answer["seconds"])
            self.cpu.setdefault(search, []).append(answer["cpu"])
            self.found[search] = answer["count"]
        elif answer["count"]:
            self.later.setdefault(search, []).append(answer["seconds"])

    def __str__(self) -> str:
        if not self.first:
            return "cannot"
        later = f"; page {LATER_PAGE} {_percentiles(self.later)}" if self.later else ""
        stopped = f" ({len(self.stopped)} gave up)" if self.stopped else ""
        return f"{_percentiles(self.first)} ms (cpu {_percentiles(self.cpu)}){later}{stopped}"


@dataclass(frozen=True)
class Result:
    kind: Kind
    ours: Times
    theirs: Times | None

    def make_row(self) -> Row:
        beside = f"notmuch {self.theirs}" if self.theirs else "-"
        return (f"search: {self.kind.name}", str(self.ours), beside, self._show_ratios())

    def list_ratios(self) -> list[float]:
        """Return how many times faster ours found the first page of each search both know."""
        if self.theirs is None:
            return []
        ours, theirs = self.ours.first, self.theirs.first
        median = statistics.median
        return sorted(median(theirs[each]) / median(ours[each]) for each in ours if each in theirs)

    def _show_ratios(self) -> str:
        if not (ratios := self.list_ratios()):
            return "-"
        return f"{statistics.median(ratios):,.1f} ({ratios[0]:,.1f} to {ratios[-1]:,.1f})"


def _summary(results: list[Result]) -> Iterator[Row]:
    """Say which kinds miss what is wanted of them."""
    late = [each.kind.name for each in results if _percentile(each.ours.first, 0.95) > WANTED_MS]
    late_cpu = [each.kind.name for each in results if _percentile(each.ours.cpu, 0.95) > WANTED_MS]
    slower = [each for each in results if each.list_ratios()]
    slower = [each for each in slower if statistics.median(each.list_ratios()) < 1]
    total = len(results)
    yield (f"search: p95 above {WANTED_MS} ms", f"{len(late)} of {total}", "", "; ".join(late))
    yield ("search: the same of CPU time", f"{len(late_cpu)} of {total}", "", "; ".join(late_cpu))
    names = "; ".join(each.kind.name for each in slower)
    yield ("search: slower than notmuch", f"{len(slower)} of {total}", "", names)


def _compare(kind: Kind, searchers: list[Searcher], budget_s: float) -> Result:
    """Ask each search of a kind of both in turn, again and again while there is time."""
    times = [Times() for _ in searchers]
    end = time.monotonic() + budget_s
    for turn in range(2 * ROUNDS):
        page = (1, LATER_PAGE)[turn % 2]
        for search in kind.searches:
            # The first turn may take longer, so that each search is asked at least once.
            if time.monotonic() > (end if turn else end + budget_s) and times[0].first:
                break
            for searcher, taken in zip(searchers, times, strict=True):
                if not isinstance(searcher, Peer) or search.theirs:
                    taken.take(searcher, search, kind, page)
    theirs = times[1] if len(times) > 1 else None
    if theirs:
        _note_differences(times[0], theirs)
    return Result(kind, times[0], theirs)


def _note_differences(ours: Times, theirs: Times) -> None:
    """Tell where the two found a different number: they know words a little differently."""
    for search, found in theirs.found.items():
        if found != ours.found[search]:
            note(f"    {search.q[:60]}: {ours.found[search]} on the first page, notmuch {found}")


def _percentiles(times: dict[Search, list[float]]) -> str:
    """Return p50/p95 in ms over all searches and repetitions."""
    return "/".join(_short(_percentile(times, part)) for part in (0.5, 0.95))


def _percentile(times: dict[Search, list[float]], part: float) -> float:
    values = sorted(seconds * 1_000 for each in times.values() for seconds in each)
    return values[int(part * (len(values) - 1) + 0.5)]


def _short(ms: float) -> str:
    return f"{ms:.2f}" if ms < 10 else f"{ms:,.0f}"


# --- what it costs to keep -----------------------------------------------------------------


def read_samples(stores: Stores) -> tuple[list[Sample], float]:
    """Return some messages, spread over the years, and the mean octets of text of one."""
    samples, octets = [], []
    step = YEARS * 365 * 86_400 / SAMPLES
    for n in range(SAMPLES):
        with stores.mailboxes.open_reader(mailbox_of(stores, OWNER)) as box:
            query = make_query(
                box,
                q=f"before:{END_S - int(n * step)}",
                include_spam_trash=False,
                max_results=1,
                now_ms=END_S * 1_000,
                me=(),
            )
            for message_id, _ in list_messages(box, query, "").items:
                _, summary = read_message(box.get_raw(message_id))
                octets.append(count_text(summary))
                words = re.findall(r"\w+", summary.body.lower())
                samples.append(Sample(summary.message_id, words))
    return samples[1::7] + samples[0::7], statistics.mean(octets)


def count_text(summary: Summary) -> int:
    """Return the octets of what can be searched for in a message as words."""
    people = (summary.sender, summary.to, summary.cc, summary.bcc)
    texts = [summary.subject, summary.body, summary.list_id, *summary.filenames]
    texts += [f"{each.name} {each.address}" for group in people for each in group]
    return sum(len(text.encode()) for text in texts)


def _fill_row(data: Path, root: Path | None) -> Row:
    rates = [
        f"{MESSAGES / float((each / 'whole').read_text()):,.0f}/s" if each else "-"
        for each in (data, root)
    ]
    beside = f"notmuch {rates[1]}" if root else "notmuch is not installed or not wanted"
    return (f"search: filling, {MESSAGES:,} messages", rates[0], beside, "")


def _size_row(data: Path, root: Path | None, text_bytes: float) -> Row:
    """Compare octets of the full-text index with octets of text; notmuch's is its whole index."""
    text = text_bytes * MESSAGES
    tables = list_table_sizes(data)
    note("  " + ", ".join(f"{name} {size / 1e6:,.0f} MB" for name, size in tables.items()))
    index = sum(size for name, size in tables.items() if name.startswith("words"))
    beside = "-"
    if root is not None:
        whole = sum(p.stat().st_size for p in (root / ".notmuch").rglob("*") if p.is_file())
        beside = f"notmuch {whole / text:.2f}, with all else it keeps"
    name = f"search: octets of index per octet of text ({text / 1e6:,.0f} MB)"
    return (name, f"{index / text:.2f}", beside, "")


def list_table_sizes(data: Path) -> dict[str, int]:
    """Return octets by table of the mailbox, the largest first; empty where SQLite cannot tell."""
    path = max((data / "mailboxes").rglob("*.db"), key=lambda path: path.stat().st_size)
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        sql = "SELECT name, pgsize FROM dbstat WHERE aggregate = 1 ORDER BY pgsize DESC LIMIT 12"
        return dict(connection.execute(sql).fetchall())
    except apsw.SQLError:
        return {}
    finally:
        connection.close()


def _memory_row(searchers: list[Searcher]) -> Row:
    read = [searcher.read_memory() for searcher in searchers]
    theirs = f"notmuch {read[1]}" if len(read) > 1 else "-"
    return ("search: memory of the process (RSS)", read[0], theirs, "")
