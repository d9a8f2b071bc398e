"""How TLS with others went, counted by day and domain in the words of RFC 8460."""

import threading

import pytest
from msgspec.structs import replace

from penfold.base.clock import FixedClock
from penfold.domain.outgoing.tls_results import iter_results
from penfold.front.worker.tls_tally import TlsTally
from penfold.ports.queue import Attempt, Facts, Tried
from penfold.ports.reports import TlsResult
from penfold.testing.reports import MemoryReports

GOOD = Tried(
    "mx.box.example", "192.0.2.1", 25, "verified", "sts", "dot", "accepted", "reply", 250,
    tls="TLSv1.3 TLS_AES_128_GCM_SHA256, verified: for mx.box.example",
)  # fmt: skip


def failed(reason, text="", stage="starttls"):
    return replace(GOOD, stage=stage, fate="failed", reason=reason, code=0, text=text, tls="")


def attempt(*tried):
    return Attempt(0, "", "", "network", Facts((), tried))


@pytest.mark.parametrize(
    ("tried", "result"),
    [
        pytest.param(GOOD, "", id="good"),
        pytest.param(
            replace(GOOD, code=550, fate="refused", stage="rcpt"), "", id="refused-over-tls"
        ),
        pytest.param(replace(GOOD, reused=True), None, id="a-kept-connection"),
        pytest.param(replace(GOOD, policy="settings"), None, id="a-relay"),
        pytest.param(failed("unreachable", stage="connect"), None, id="not-reached"),
        pytest.param(
            replace(GOOD, tls="", policy="no-policy-found"), "starttls-not-supported", id="clear"
        ),
        pytest.param(failed("tls-not-offered"), "starttls-not-supported", id="not-offered"),
        pytest.param(failed("tls-failed", "TLS fails: bad"), "validation-failure", id="handshake"),
        pytest.param(
            failed("tls-unverified", "the certificate is not for a, but for b"),
            "certificate-host-mismatch",
            id="other-name",
        ),
        pytest.param(
            failed("tls-unverified", "the certificate is not good: certificate has expired"),
            "certificate-expired",
            id="expired",
        ),
        pytest.param(
            failed("tls-unverified", "the certificate is not good: self-signed certificate"),
            "certificate-not-trusted",
            id="not-trusted",
        ),
    ],
)
def test_each_new_session_has_a_result(tried, result):
    found = [each.result for each in iter_results("2026-09-21", "Box.example", attempt(tried))]
    assert found == ([] if result is None else [result])


def test_counts_are_written_down_now_and_then_and_once():
    book, clock = MemoryReports(), FixedClock(1_790_000_000_000)
    tally = TlsTally(book, clock)
    tally.note("box.example", attempt(failed("tls-failed"), GOOD))
    tally.note("box.example", attempt(GOOD))
    tally.note_policy("box.example", "sts-policy-fetch-error")
    assert book.list_tls() == []
    tally.save(threading.Event())
    tally.save(threading.Event())
    day = "2026-09-21"
    assert book.list_tls() == [
        (TlsResult(day, "box.example", "sts", "", "sts-policy-fetch-error"), 1),
        (TlsResult(day, "box.example", "sts", "mx.box.example", ""), 2),
        (TlsResult(day, "box.example", "sts", "mx.box.example", "validation-failure"), 1),
    ]
