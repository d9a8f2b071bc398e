"""Turn what the SMTP doors tell of themselves into log lines and numbers."""

from penfold.app.logs import LineLog, trace_of
from penfold.app.metrics import Counters
from penfold.base.errors import PenfoldError
from penfold.front.smtp.facts import SessionFacts, TransactionFacts
from penfold.spec.events import SMTP_FAILED, SMTP_SESSION, SMTP_TRANSACTION
from penfold.spec.metrics import SMTP_BYTES, SMTP_MESSAGES, SMTP_SECONDS, SMTP_SESSIONS


class SmtpObserver:
    """Called for every finished transaction and session, on the event loop."""

    def __init__(self, log: LineLog, counters: Counters) -> None:
        self._log = log
        self._counters = counters

    def __call__(self, facts: TransactionFacts | SessionFacts) -> None:
        if isinstance(facts, SessionFacts):
            self._session(facts)
        else:
            self._transaction(facts)

    def _session(self, facts: SessionFacts) -> None:
        self._counters.add(SMTP_SESSIONS, 1, facts.listener)
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
