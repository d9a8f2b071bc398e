"""The judgement of an arriving message: the verdict on its evidence and a scanner's opinion, and
what each mailbox makes of it.

A refusal is for all recipients; otherwise a message is stored in every mailbox, in INBOX or in
SPAM. Points alone can be made up for in one mailbox: its owner has written to the author, and the
author's domain stands for the message. That is looked up only for a message that would be spam.
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.errors import PenfoldError
from penfold.base.labels import INBOX, SPAM, UNREAD
from penfold.domain.incoming.evidence import Evidence
from penfold.domain.incoming.findings import is_author_authentic
from penfold.domain.incoming.suspicion import Reason
from penfold.domain.incoming.verdict import (
    UNSOLICITED,
    Accept,
    Policy,
    Reject,
    Spam,
    Verdict,
    decide,
)
from penfold.domain.mailbox.messages import Letter
from penfold.domain.settings.vacation import is_contact
from penfold.ports.mailbox import MailboxReader
from penfold.ports.scanning import Opinion

ARRIVAL_LABELS: Final = frozenset({INBOX, UNREAD})
SPAM_LABELS: Final = frozenset({SPAM, UNREAD})

_REFUSALS: Final = {
    "defer": (451, "4.7.1", ("The message cannot be judged yet, try again later",)),
    "reject": (550, "5.7.1", UNSOLICITED),
}


class ArrivalRefusedError(PenfoldError):
    """An arriving message is refused; `refusal` has the reply."""

    public = "The message is refused"

    def __init__(self, refusal: Reject) -> None:
        self.refusal = refusal
        names = " ".join(dict.fromkeys(reason.name for reason in refusal.reasons))
        super().__init__(f"refused: {names}")


class Judged(Struct, frozen=True, gc=False):
    """A message that is stored. data: as it is stored, but for the trace fields in front; fields:
    of them, what was found. spam: it goes to SPAM, unless spares_known and the mailbox's owner
    has written to the author, or spares_reports and it is a report about a message that was sent
    from there. vouched: SPF lets its envelope's sender pass, so that news of it
    goes to whoever sent it.
    """

    data: bytes
    fields: bytes
    spam: bool = False
    spares_known: bool = False
    spares_reports: bool = False
    vouched: bool = False


class Judgement(Struct, frozen=True, gc=False):
    """verdict: what becomes of the message. spares_known, spares_reports: as in Judged."""

    verdict: Verdict
    spares_known: bool = False
    spares_reports: bool = False


def judge(evidence: Evidence, policy: Policy, opinion: Opinion | None = None) -> Judgement:
    """Return the harder one of the rules' and points' verdict and the scanner's opinion."""
    verdict = decide(evidence, policy)
    if opinion is None or opinion.action == "accept":
        # Most notifications come unsigned, from a host without SPF: what they are about is better
        # proof, for nobody else knows the Message-ID. A scanner has read more than that.
        return Judgement(verdict, _spares_known(verdict, evidence, policy), spares_reports=True)
    reasons = (*verdict.reasons, Reason("scanner", detail=opinion.said))
    if isinstance(verdict, Reject) and not (opinion.action == "reject" and verdict.code < 500):
        return Judgement(verdict)
    if opinion.action == "spam":
        return Judgement(Spam(verdict.score, reasons))
    code, enhanced, lines = _REFUSALS[opinion.action]
    return Judgement(Reject(code, enhanced, lines, verdict.score, reasons))


def _spares_known(verdict: Verdict, evidence: Evidence, policy: Policy) -> bool:
    if not isinstance(verdict, Spam) or not is_author_authentic(evidence):
        return False
    return isinstance(decide(replace(evidence, known=True), policy), Accept)


def choose_labels(
    box: MailboxReader, letter: Letter, judged: Judged | None, *, reports: bool
) -> frozenset[int]:
    """Return with which labels a message comes into this mailbox; filters may still change them.

    reports: it is a report about a message that was sent from there.
    """
    if judged is None or not judged.spam or (reports and judged.spares_reports):
        return ARRIVAL_LABELS
    authors = letter.summary.sender
    if judged.spares_known and authors and is_contact(box, authors[0].address):
        return ARRIVAL_LABELS
    return SPAM_LABELS
