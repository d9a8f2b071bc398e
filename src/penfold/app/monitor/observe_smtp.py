"""Turn what the SMTP doors tell of themselves into log lines and numbers."""

from penfold.app.monitor.logs import LineLog, trace_of
from penfold.app.monitor.metrics import Counters
from penfold.app.monitor.slow import SlowRequests
from penfold.base.errors import PenfoldError
from penfold.base.limits import SLOW_REQUEST_S
from penfold.domain.incoming.suspicion import Reason
from penfold.front.smtp.facts import (
    ArrivalFacts,
    Facts,
    GreylistFacts,
    SessionFacts,
    TransactionFacts,
)
from penfold.spec.events import ARRIVAL, GREYLISTED, SMTP_FAILED, SMTP_SESSION, SMTP_TRANSACTION
from penfold.spec.metrics import (
    ARRIVAL_REASONS,
    ARRIVAL_RESULTS,
    ARRIVAL_SECONDS,
    ARRIVALS,
    GREYLIST,
    RESULTS,
    SCANS,
    SIGN_INS,
    SMTP_BYTES,
    SMTP_MESSAGES,
    SMTP_SECONDS,
    SMTP_SESSIONS,
    SMTP_TURNED_AWAY,
)

#: RFC 5321 §4.2.3: the reply after which the server closes the connection.
_ENDED = "421"


class SmtpObserver:
    """Called for every finished transaction and session, on the event loop."""

    def __init__(self, log: LineLog, counters: Counters, slow: SlowRequests | None = None) -> None:
        self._log = log
        self._slow = slow
        self._counters = counters

    def __call__(self, facts: Facts) -> None:
        match facts:
            case SessionFacts():
                self._session(facts)
            case TransactionFacts():
                self._transaction(facts)
            case ArrivalFacts():
                self._arrival(facts)
            case GreylistFacts():
                self._greylist(facts)

    def _session(self, facts: SessionFacts) -> None:
        self._counters.add(SMTP_SESSIONS, 1, facts.listener)
        if facts.refusal.startswith(_ENDED):
            self._counters.add(SMTP_TURNED_AWAY, 1, facts.listener)
        if facts.account:
            self._counters.add(SIGN_INS, 1, facts.listener, "accepted")
        if facts.login_failures:
            self._counters.add(SIGN_INS, facts.login_failures, facts.listener, "refused")
        self._log.emit_soon(
            SMTP_SESSION,
            session=facts.session,
            listener=facts.listener,
            client=facts.client,
            helo=facts.helo or None,
            tls=facts.tls or None,
            account=facts.account or None,
            messages=facts.messages,
            errors=facts.errors,
            logins_failed=facts.login_failures or None,
            ms=round(facts.duration_s * 1000, 1),
            end=facts.refusal or None,
        )

    def _transaction(self, facts: TransactionFacts) -> None:
        if facts.stage == "data":
            outcome = {2: "accepted", 4: "deferred"}.get(facts.code // 100, "refused")
            self._counters.add(SMTP_MESSAGES, 1, facts.listener, outcome)
            self._counters.observe(SMTP_SECONDS, facts.duration_s, facts.listener)
            if outcome == "accepted":
                self._counters.add(SMTP_BYTES, facts.size, facts.listener)
            if facts.duration_s >= SLOW_REQUEST_S and self._slow is not None:
                self._slow.note(facts.listener, facts.code, facts.duration_s, facts.session)
        self._log.emit_soon(
            SMTP_TRANSACTION,
            session=facts.session,
            listener=facts.listener,
            client=facts.client,
            account=facts.account or None,
            stage=facts.stage,
            sender=facts.sender,
            recipients=facts.recipients,
            size=facts.size,
            status=facts.code,
            messages=facts.ids,
            ms=round(facts.duration_s * 1000, 1),
            reason=str(facts.error) if isinstance(facts.error, PenfoldError) else None,
        )
        if facts.error is not None and not isinstance(facts.error, PenfoldError):
            self._log.emit(
                SMTP_FAILED,
                session=facts.session,
                listener=facts.listener,
                error=type(facts.error).__name__,
                detail=str(facts.error),
                trace=trace_of(facts.error),
            )

    def _arrival(self, facts: ArrivalFacts) -> None:
        add = self._counters.add
        add(ARRIVALS, 1, facts.outcome)
        for name in dict.fromkeys(reason.name for reason in facts.reasons):
            add(ARRIVAL_REASONS, 1, name)
        best = next((result for result in RESULTS if result in facts.dkim), "none")
        for method, result in (
            ("spf", facts.spf),
            ("dkim", best),
            ("arc", facts.arc),
            ("dmarc", facts.dmarc),
            ("iprev", facts.iprev),
        ):
            add(ARRIVAL_RESULTS, 1, method, result)
        if facts.scan:
            add(SCANS, 1, facts.scan)
        self._counters.observe(ARRIVAL_SECONDS, facts.duration_s)
        self._log.emit_soon(
            ARRIVAL,
            session=facts.session,
            client=facts.client,
            sender=facts.sender,
            author=facts.author or None,
            outcome=facts.outcome,
            score=facts.score,
            reasons=tuple(map(_show_reason, facts.reasons)) or None,
            spf=facts.spf,
            dkim=facts.dkim or None,
            arc=facts.arc,
            dmarc=facts.dmarc,
            iprev=facts.iprev,
            scan=facts.scan or None,
            problem=facts.scan_problem or None,
            ms=round(facts.duration_s * 1000, 1),
        )

    def _greylist(self, facts: GreylistFacts) -> None:
        self._counters.add(GREYLIST, 1, facts.outcome)
        self._log.emit_soon(
            GREYLISTED,
            session=facts.session,
            client=facts.client,
            sender=facts.sender,
            recipient=facts.recipient,
            outcome=facts.outcome,
        )


def _show_reason(reason: Reason) -> str:
    """Return a reason in a few words: name, points unless 0, what it was found by."""
    points = f" {reason.points:+}" if reason.points else ""
    return f"{reason.name}{points}{f' ({reason.detail})' if reason.detail else ''}"
