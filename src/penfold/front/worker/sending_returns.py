"""What comes back to return addresses of mail the sending API sent: no mailbox gets it.

A bounce or a complaint becomes an event before whoever brought it is answered; anything else, as
the answer of somebody on holiday, is noted with the queue's row.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from penfold.base.errors import UnavailableError
from penfold.base.limits import SENDING_RETURNS_WAITING_BYTES
from penfold.domain.envelope import Envelope
from penfold.domain.mailbox.messages import read_letter
from penfold.domain.outgoing.bounces import make_complaint
from penfold.domain.outgoing.return_paths import NoAnswerError, ReturnPaths, is_answer
from penfold.domain.sending.outcomes import Outcomes
from penfold.ports.queue import SENDING, QueueRow
from penfold.proto.reports.bounces import find_bounce
from penfold.proto.reports.complaints import find_feedback

#: Called once with (0, None), or (None, error).
Done = Callable[[int | None, BaseException | None], None]


class SendingReturns:
    """A sink of domain.inbound."""

    def __init__(self, returns: ReturnPaths, outcomes: Outcomes) -> None:
        self._returns = returns
        self._outcomes = outcomes
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="penfold-returns")
        self._lock = Lock()
        self._waiting = 0

    def is_for(self, address: str) -> bool:
        return self._find(address) is not None

    def _find(self, address: str) -> QueueRow | None:
        row = self._returns.find_row(address)
        return row if row is not None and row.origin == SENDING else None

    def submit(self, envelope: Envelope, data: bytes, done: Done) -> None:
        """Read a message soon; `done` is called when what it says is durable."""
        if not is_answer(envelope.sender, data):
            done(None, NoAnswerError("mail to a return address that answers nothing"))
            return
        with self._lock:
            is_full = 0 < self._waiting > SENDING_RETURNS_WAITING_BYTES - len(data)
            self._waiting += 0 if is_full else len(data)
        if is_full:
            done(None, UnavailableError("too many bounces wait to be read"))
            return
        self._thread.submit(self._run, envelope, data, done)

    def close(self) -> None:
        """Finish what waits."""
        self._thread.shutdown()

    def _run(self, envelope: Envelope, data: bytes, done: Done) -> None:
        try:
            self.take(envelope, data)
        except Exception as error:  # noqa: BLE001 - the top of a thread: whoever waits is told
            done(None, error)
        else:
            done(0, None)
        finally:
            with self._lock:
                self._waiting -= len(data)

    def take(self, envelope: Envelope, data: bytes) -> None:
        """Tell what a message says of the rows whose return addresses it came to."""
        letter = read_letter(data)
        feedback = None
        if letter.root.mime_type == "multipart/report":
            feedback = find_feedback(data, letter.root)
        for address in envelope.recipients:
            row = self._find(address)
            if row is None:
                continue
            if feedback is not None:
                self._outcomes.note_complaint(row, make_complaint(feedback))
            else:
                report = find_bounce(data, letter.root)
                self._outcomes.note_returned(row, letter, report, data)
