"""Turn what the HTTP door tells of itself into log lines and numbers."""

from penfold.app.monitor.logs import LineLog, trace_of
from penfold.app.monitor.metrics import Counters
from penfold.app.monitor.slow import SlowRequests
from penfold.base.limits import SLOW_REQUEST_S
from penfold.front.http.request import RequestFacts
from penfold.spec.events import REQUEST, REQUEST_FAILED


class HttpObserver:
    """Called once per request, on the event loop."""

    def __init__(self, log: LineLog, counters: Counters, slow: SlowRequests | None = None) -> None:
        self._log = log
        self._slow = slow
        self._count = counters.count_request

    def __call__(self, facts: RequestFacts) -> None:
        self._count(facts.method_id, facts.status, facts.seconds)
        if facts.seconds >= SLOW_REQUEST_S and self._slow is not None:
            method, number = facts.method_id, facts.request_id
            self._slow.note(method, facts.status, facts.seconds, number, facts.account_id)
        self._log.emit_told(REQUEST, _tell, facts)
        if facts.error is not None:
            self._log.emit(
                REQUEST_FAILED,
                id=facts.request_id or None,
                method=facts.method_id or None,
                error=type(facts.error).__name__,
                detail=str(facts.error),
                trace=trace_of(facts.error),
            )


def _tell(facts: RequestFacts) -> dict[str, object]:
    fields: dict[str, object] = {
        "verb": facts.verb,
        "path": facts.path,
        "status": facts.status,
        "ms": round(facts.seconds * 1000, 2),
        "received": facts.received,
        "sent": facts.sent,
        "client": facts.client,
    }
    # Only what there is: this runs for every request, and absent fields cost time.
    if facts.request_id:
        fields["id"] = facts.request_id
    if facts.method_id:
        fields["method"] = facts.method_id
    if facts.account_id:
        fields["account"] = facts.account_id
        fields["app"] = facts.app
    if facts.reason:
        fields["reason"] = facts.reason
    return fields
