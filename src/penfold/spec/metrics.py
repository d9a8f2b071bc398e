"""Every number on /metrics: name, kind, labels and the values each label may take.

Label values are closed sets, so a peer cannot make the page grow, and every series has its
fixed place in a file that processes share (app/metrics.py). Names are only added to.
"""

from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import Final

from penfold.spec.arrival import REASONS
from penfold.spec.rates import LIMITS
from penfold.spec.registry import REGISTRY

#: Routes beside the 79 methods. What names none of these counts as "other".
ROUTES: Final = ("admin", "batch", "discovery", "oauth", "pubsub", "web", "operations", "other")
METHODS: Final = (*(method.id for method in REGISTRY), *ROUTES)
#: HTTP statuses that are counted one by one; the rest counts as "other".
STATUSES: Final = (
    "200", "201", "202", "204", "206", "302", "303", "304", "307", "308", "400", "401", "403",
    "404", "405", "409", "411", "412", "413", "415", "416", "421", "429", "431", "500", "501",
    "503", "507", "other",
)  # fmt: skip
#: The classes of proto.smtp.outcomes.rule.Kind, which a test compares with these.
DELIVERY_KINDS: Final = (
    "accepted", "invalid_recipient", "bad_domain", "inactive_mailbox", "mailbox_full",
    "message_too_large", "content_rejected", "spam_block", "auth_failed", "ptr_missing", "policy",
    "rate_limited", "greylisted", "network", "protocol", "expired", "undetermined",
)  # fmt: skip
#: Those of ports.reports.ReportKind, and none; and of front.worker.report_intake.Taken.
REPORT_KINDS: Final = ("dmarc", "tls", "complaint", "none")
REPORT_OUTCOMES: Final = ("kept", "known", "unreadable", "oversized", "limited", "foreign")
LISTENERS: Final = ("smtp", "submission", "submissions")
#: RFC 8601 §2.7: words for what a check found.
RESULTS: Final = (
    "pass", "fail", "softfail", "neutral", "none", "policy", "temperror", "permerror",
)  # fmt: skip
#: Seconds. From a memory answer to what a client gives up on.
LATENCY_BUCKETS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
#: Changes per commit, up to GROUP_COMMIT_MAX.
GROUP_BUCKETS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Kind(Enum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One family. `labels` maps a label to every value it takes, in order."""

    name: str
    kind: Kind
    sentence: str
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """Numbers per series: one, or a histogram's buckets, +Inf and sum."""
        return len(self.buckets) + 2 if self.kind is Kind.HISTOGRAM else 1

    def series(self) -> list[tuple[str, ...]]:
        """Return the label values of every series, in file order."""
        return list(product(*(values for _, values in self.labels)))


REQUESTS: Final = Metric(
    "penfold_http_requests_total",
    Kind.COUNTER,
    "HTTP requests answered, by method and status.",
    (("method", METHODS), ("status", STATUSES)),
)
REQUEST_SECONDS: Final = Metric(
    "penfold_http_request_seconds",
    Kind.HISTOGRAM,
    "Time from the request's headers to the end of the answer.",
    (("method", METHODS),),
    LATENCY_BUCKETS,
)
QUOTA_UNITS: Final = Metric(
    "penfold_quota_units_total", Kind.COUNTER, "Quota units charged for calls of the API."
)
QUOTA_REFUSALS: Final = Metric(
    "penfold_quota_refusals_total",
    Kind.COUNTER,
    "Calls refused by a limit: units of a user or a project, or calls in flight.",
    (("limit", ("user", "project", "in_flight")),),
)
RATE_REFUSALS: Final = Metric(
    "penfold_rate_limit_refusals_total",
    Kind.COUNTER,
    "What was refused because it came too often, by the limit of docs/limits.md.",
    (("limit", tuple(limit.name for limit in LIMITS)),),
)
CONNECTIONS: Final = Metric(
    "penfold_http_connections", Kind.GAUGE, "HTTP connections that are open."
)
SMTP_SESSIONS: Final = Metric(
    "penfold_smtp_sessions_total",
    Kind.COUNTER,
    "SMTP connections that ended.",
    (("listener", LISTENERS),),
)
SMTP_MESSAGES: Final = Metric(
    "penfold_smtp_messages_total",
    Kind.COUNTER,
    "SMTP mail transactions answered after DATA.",
    (("listener", LISTENERS), ("outcome", ("accepted", "deferred", "refused"))),
)
SMTP_BYTES: Final = Metric(
    "penfold_smtp_bytes_total",
    Kind.COUNTER,
    "Octets of accepted messages.",
    (("listener", LISTENERS),),
)
SMTP_SECONDS: Final = Metric(
    "penfold_smtp_message_seconds",
    Kind.HISTOGRAM,
    "Time from MAIL to the answer after DATA.",
    (("listener", LISTENERS),),
    LATENCY_BUCKETS,
)
ARRIVALS: Final = Metric(
    "penfold_arrivals_total",
    Kind.COUNTER,
    "Messages from the internet that were judged, by what became of them.",
    (("outcome", ("accepted", "spam", "deferred", "refused")),),
)
ARRIVAL_REASONS: Final = Metric(
    "penfold_arrival_reasons_total",
    Kind.COUNTER,
    "Rules and signs that applied to judged messages; a message may have several.",
    (("reason", REASONS),),
)
ARRIVAL_RESULTS: Final = Metric(
    "penfold_arrival_results_total",
    Kind.COUNTER,
    "Results of the checks of judged messages; of DKIM the best signature's, or none.",
    (("method", ("spf", "dkim", "arc", "dmarc", "iprev")), ("result", RESULTS)),
)
ARRIVAL_SECONDS: Final = Metric(
    "penfold_arrival_seconds",
    Kind.HISTOGRAM,
    "Time from the final dot to the judgement.",
    (),
    LATENCY_BUCKETS,
)
SCANS: Final = Metric(
    "penfold_arrival_scans_total",
    Kind.COUNTER,
    "Messages rspamd was asked about; failed: no answer to use.",
    (("outcome", ("answered", "failed", "too_large")),),
)
GREYLIST: Final = Metric(
    "penfold_greylist_total",
    Kind.COUNTER,
    "Recipients the greylist was asked about; vouched: SPF passes for a domain that came before.",
    (("outcome", ("new", "early", "passed", "known", "vouched", "failed")),),
)
DELIVERIES: Final = Metric(
    "penfold_deliveries_total",
    Kind.COUNTER,
    "Messages handed to the outbound queue, by what became of them.",
    (("outcome", ("captured", "queued", "failed")),),
)
DELIVERY_TRIES: Final = Metric(
    "penfold_delivery_tries_total",
    Kind.COUNTER,
    "Attempts to deliver a message to another server, by the class of what came of it.",
    (("kind", DELIVERY_KINDS),),
)
DELIVERY_SECONDS: Final = Metric(
    "penfold_delivery_seconds",
    Kind.HISTOGRAM,
    "Seconds an attempt to deliver took, from the first connection to the last reply.",
    (),
    LATENCY_BUCKETS,
)
REPORTS: Final = Metric(
    "penfold_reports_total",
    Kind.COUNTER,
    "Messages to reports_address, by the kind of report in them and what became of it.",
    (("kind", REPORT_KINDS), ("outcome", REPORT_OUTCOMES)),
)
NOTIFICATIONS: Final = Metric(
    "penfold_notifications_total",
    Kind.COUNTER,
    "Changes of watched mailboxes: told to a topic, or waiting for room in the backlog.",
    (("outcome", ("told", "waiting")),),
)
PUSHES: Final = Metric(
    "penfold_pushes_total",
    Kind.COUNTER,
    "Requests to push endpoints, by whether the message was acknowledged.",
    (("outcome", ("accepted", "failed")),),
)
ATTACHMENTS: Final = Metric(
    "penfold_attachments_total",
    Kind.COUNTER,
    "Attachments read for search, by outcome; failed: the process that reads ended, which is "
    "tried again.",
    (("outcome", ("read", "unreadable", "failed")),),
)
ATTACHMENT_SECONDS: Final = Metric(
    "penfold_attachment_seconds",
    Kind.HISTOGRAM,
    "Time to read one attachment.",
    (),
    LATENCY_BUCKETS,
)
ATTACHMENTS_WAITING: Final = Metric(
    "penfold_attachments_waiting_messages",
    Kind.GAUGE,
    "Messages whose attachments are yet to be read for search.",
)
COMMITS: Final = Metric(
    "penfold_store_commits_total", Kind.COUNTER, "Mailbox transactions made durable."
)
GROUP_SIZE: Final = Metric(
    "penfold_store_changes_per_commit",
    Kind.HISTOGRAM,
    "Changes that shared one mailbox transaction.",
    (),
    GROUP_BUCKETS,
)
HANDLES: Final = Metric(
    "penfold_store_handles", Kind.GAUGE, "Mailbox files that are open in a process."
)
CERTIFICATE_SECONDS: Final = Metric(
    "penfold_tls_certificate_remaining_seconds",
    Kind.GAUGE,
    "Seconds until the certificate in use ends; negative when it has.",
)
MEMORY: Final = Metric(
    "penfold_process_resident_bytes",
    Kind.GAUGE,
    "Resident memory, by kind of process.",
    (("role", ("http", "mail")),),
)
STARTS: Final = Metric(
    "penfold_process_starts_total",
    Kind.COUNTER,
    "Processes started since the server was; more than one each means that one was replaced.",
    (("role", ("http", "mail")),),
)

#: Families kept in the shared file, in file order.
METRICS: Final = (
    REQUESTS, REQUEST_SECONDS, QUOTA_UNITS, QUOTA_REFUSALS, CONNECTIONS, SMTP_SESSIONS,
    SMTP_MESSAGES, SMTP_BYTES, SMTP_SECONDS, DELIVERIES, DELIVERY_TRIES, DELIVERY_SECONDS,
    REPORTS, NOTIFICATIONS, PUSHES,
    ATTACHMENTS, ATTACHMENT_SECONDS, ATTACHMENTS_WAITING, COMMITS, GROUP_SIZE, HANDLES, MEMORY,
    STARTS, CERTIFICATE_SECONDS, ARRIVALS, ARRIVAL_REASONS, ARRIVAL_RESULTS, ARRIVAL_SECONDS,
    SCANS, GREYLIST, RATE_REFUSALS,
)  # fmt: skip
#: Read from the queue when the page is asked for, so it is not in the file.
QUEUE: Final = Metric(
    "penfold_queue_messages",
    Kind.GAUGE,
    "Rows of the outbound queue.",
    (("state", ("queued", "captured", "sent", "failed", "cancelled")),),
)
