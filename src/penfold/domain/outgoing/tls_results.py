"""How TLS with the servers of a domain went, in the words of TLS reports (RFC 8460 §4.3): pure.

A session counts once, when it was opened: what goes over a kept connection is not looked at, nor
servers that were not reached, nor relays, whose TLS no policy of a domain is about.
"""

from collections.abc import Iterator
from typing import Final

from penfold.ports.queue import Attempt, Tried
from penfold.ports.reports import TlsResult
from penfold.proto.smtp.client.outcome import Reason
from penfold.proto.smtp.stage import Stage
from penfold.proto.tls_ladder import Source

#: RFC 8460 §4.3.1: validation-failure is what no other word says.
_RESULT_OF: Final = {
    Reason.TLS_NOT_OFFERED: "starttls-not-supported",
    Reason.TLS_FAILED: "validation-failure",
    Reason.TLS_UNVERIFIED: "validation-failure",
}
#: What net.tls_out and OpenSSL say of a certificate, and the word for it (RFC 8460 §4.3.1, §4.3.2).
_WORDS: Final = (
    ("certificate is not for", "certificate-host-mismatch"),
    ("expired", "certificate-expired"),
    ("TLSA", "validation-failure"),
    ("self-signed", "certificate-not-trusted"),
    ("issuer", "certificate-not-trusted"),
)
_UNREACHED: Final = frozenset({Stage.DNS, Stage.CONNECT, Stage.BANNER, Stage.EHLO})


def iter_results(day: str, domain: str, attempt: Attempt) -> Iterator[TlsResult]:
    """Yield how each new session of an attempt went."""
    for tried in attempt.facts.tried:
        if tried.reused or tried.policy == Source.SETTINGS:
            continue
        result = _judge(tried)
        if result is not None:
            yield TlsResult(day, domain.lower(), tried.policy, tried.host, result)


def _judge(tried: Tried) -> str | None:
    """Return "" for success, the word for a failure, None when TLS was not come to."""
    known = _RESULT_OF.get(Reason(tried.reason))
    if known is not None:
        return next((word for said, word in _WORDS if said in tried.text), known)
    if tried.tls:
        return ""
    if Stage(tried.stage) in _UNREACHED or Stage(tried.stage) is Stage.STARTTLS:
        return None
    # The message was talked about in clear: nothing better was offered, or it is known as broken.
    return "starttls-not-supported"
