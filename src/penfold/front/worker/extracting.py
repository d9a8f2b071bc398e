"""Find messages whose attachments wait to be read, in all mailboxes, and have them read.

HTTP workers commit in other processes, so files tell which mailboxes changed. Each of those has
EXTRACT_TURN messages read, the newest first, and then the next one; a round ends when nothing waits
or after EXTRACT_ROUND_S. A mailbox that nothing waits in is not looked into again until its file
changes. A mailbox that fails rests for a while. After each file there is a pause as long as the
file took, so that arriving mail has the disk and the interpreter for at least half of the time.
"""

import threading
from collections.abc import Callable, Iterable, Sequence

from penfold.base.clock import Clock
from penfold.base.errors import (
    MailboxDamagedError,
    NotFoundError,
    OutcomeUnknownError,
    PenfoldError,
)
from penfold.base.limits import (
    EXTRACT_LOOK_SHARE,
    EXTRACT_PAUSE_S,
    EXTRACT_REST_S,
    EXTRACT_ROUND_S,
    EXTRACT_TURN,
    NOTIFY_REST_MS,
)
from penfold.domain.mailbox.extraction import extract
from penfold.front.worker.notifying import FileState
from penfold.front.worker.tasks import Report
from penfold.ports.extracting import Extracted, Extractor
from penfold.ports.mailbox import Extraction, Mailboxes

#: Milliseconds between two notes of how far we are.
_NOTE_MS = 60_000
#: Milliseconds between two looks at most, however long one takes.
_LOOK_MS_MAX = 10_000


class Extracting:
    """iter_changed(since_ms): mailboxes whose files changed since. find_state: of a mailbox's file.

    load_mark, save_mark: since when everything has been read, across restarts. watch: told of each
    file. waits: told how many messages wait. gave_up(mailbox, message id, why): told when text is
    missing for good.
    """

    def __init__(  # noqa: PLR0913 - what it needs of the world, one by one
        self,
        mailboxes: Mailboxes,
        extractor: Extractor,
        *,
        clock: Clock,
        iter_changed: Callable[[int], Iterable[str]],
        find_state: Callable[[str], FileState],
        load_mark: Callable[[], int],
        save_mark: Callable[[int], None],
        watch: Callable[[Extracted], None],
        waits: Callable[[int], None],
        gave_up: Callable[[str, int, str], None],
    ) -> None:
        self._mailboxes = mailboxes
        self._extractor = extractor
        self._clock = clock
        self._iter_changed = iter_changed
        self._find_state = find_state
        self._load_mark = load_mark
        self._save_mark = save_mark
        self._watch = watch
        self._waits = waits
        self._gave_up = gave_up
        self._mark_ms = -1
        self._noted_ms = 0
        self._look_ms = 0
        #: mailbox -> the state in which nothing waited
        self._settled: dict[str, FileState] = {}
        self._waiting: dict[str, int] = {}
        self._resting: dict[str, int] = {}

    def run(self, stopping: threading.Event) -> Report:
        """Do one round."""
        began_ms = self._clock.now_ms()
        if 0 < self._look_ms - began_ms <= _LOOK_MS_MAX:
            return Report()
        mailboxes, settled, failed = set[str](), 0, 0
        while not stopping.is_set():
            turn = self._take_turns(stopping)
            mailboxes |= turn.mailboxes
            settled += turn.settled
            failed += turn.failed
            if not turn.mailboxes or self._clock.now_ms() - began_ms > EXTRACT_ROUND_S * 1000:
                break
        self._extractor.rest()
        return Report(len(mailboxes), settled, failed)

    def _take_turns(self, stopping: threading.Event) -> "_Turn":
        """Read some messages of each mailbox in which some wait."""
        if self._mark_ms < 0:
            self._mark_ms = self._load_mark()
        began_ms = self._clock.now_ms()
        turn = _Turn()
        there = set()
        for mailbox in self._iter_changed(self._mark_ms):
            if stopping.is_set():
                return turn
            there.add(mailbox)
            state = self._find_state(mailbox)
            if self._settled.get(mailbox) == state or self._rests(mailbox, began_ms):
                continue
            self._read_some(mailbox, turn, stopping)
            at_rest = began_ms - state.changed_ns // 1_000_000 > NOTIFY_REST_MS
            if at_rest and mailbox not in self._waiting and mailbox not in self._resting:
                self._settled[mailbox] = state
        for gone in self._waiting.keys() - there:
            del self._waiting[gone]
        self._waits(sum(self._waiting.values()))
        if not turn.mailboxes:
            self._note(began_ms)
        return turn

    def _rests(self, mailbox: str, now_ms: int) -> bool:
        until_ms = self._resting.get(mailbox, 0)
        if 0 < until_ms - now_ms <= EXTRACT_REST_S * 1000:
            return True
        self._resting.pop(mailbox, None)
        return False

    def _note(self, began_ms: int) -> None:
        """Nothing waits: note since when, now and then, and look less often where it takes long."""
        now_ms = self._clock.now_ms()
        self._look_ms = now_ms + min(_LOOK_MS_MAX, int((now_ms - began_ms) / EXTRACT_LOOK_SHARE))
        if not self._resting and not 0 <= began_ms - self._noted_ms < _NOTE_MS:
            self._save_mark(began_ms)
            self._noted_ms = self._mark_ms = began_ms

    def _read_some(self, mailbox: str, turn: "_Turn", stopping: threading.Event) -> None:
        try:
            with self._mailboxes.open_reader(mailbox) as box:
                some = box.list_extractions(limit=EXTRACT_TURN)
                count = box.count_extractions() if some else 0
            self._waiting[mailbox] = count
            if some:
                turn.mailboxes.add(mailbox)
                settled = self._read(mailbox, some, stopping)
                turn.settled += settled
                self._waiting[mailbox] -= settled
        except OutcomeUnknownError:
            raise
        except (MailboxDamagedError, NotFoundError):
            self._waiting.pop(
                mailbox, None
            )  # mended or restored, its file is newer and it comes up
        except PenfoldError:
            turn.failed += 1
            self._resting[mailbox] = self._clock.now_ms() + int(EXTRACT_REST_S * 1000)
        if not self._waiting.get(mailbox):
            self._waiting.pop(mailbox, None)

    def _read(self, mailbox: str, some: Sequence[Extraction], stopping: threading.Event) -> int:
        def watch(got: Extracted) -> None:
            self._watch(got)
            stopping.wait(min(got.seconds, EXTRACT_PAUSE_S))

        settled = extract(
            self._mailboxes,
            self._extractor,
            mailbox,
            some,
            stopping=stopping,
            watch=watch,
        )
        for each in settled:
            if each.problem:
                self._gave_up(mailbox, each.message_id, each.problem)
        return len(settled)


class _Turn:
    """What one turn through all mailboxes did."""

    def __init__(self) -> None:
        self.mailboxes: set[str] = set()
        self.settled = 0
        self.failed = 0
