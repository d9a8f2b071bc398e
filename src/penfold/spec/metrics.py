"""Every number on /metrics: name, kind, labels, the values each label may take, what to watch.

Label values are closed sets, so a peer cannot make the page grow, and every series has its
fixed place in a file that processes share (app/monitor/metrics.py). Names are only added to.
docs/metrics.md is made of this (`make gen`).
"""

import sys
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import Final

from penfold import __version__
from penfold.spec.arrival import REASONS
from penfold.spec.events import EVENTS, Severity
from penfold.spec.rates import LIMITS
from penfold.spec.registry import REGISTRY
from penfold.spec.sending.stats import COUNTS
from penfold.spec.sending.streams import BUILT_IN

#: Routes beside the 79 methods. What names none of these counts as "other".
ROUTES: Final = (
    "admin",
    "batch",
    "discovery",
    "oauth",
    "pubsub",
    "web",
    "operations",
    "other",
    "sending",
)
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
#: Events that somebody should know of: warnings and errors.
TROUBLES: Final = tuple(e.name for e in EVENTS if e.severity >= Severity.WARNING)
#: Streams every account has; those of its own count as "other".
SENDING_STREAMS: Final = (*BUILT_IN, "other")
ROLES: Final = ("http", "mail")
LISTENERS: Final = ("smtp", "submission", "submissions")
#: What people show on the sign-in pages; a code is of an authenticator app or for recovery, a
#: provider is another one's word for them.
PAGE_DOORS: Final = ("password", "code", "passkey", "provider")
#: RFC 8601 §2.7: words for what a check found.
RESULTS: Final = (
    "pass", "fail", "softfail", "neutral", "none", "policy", "temperror", "permerror",
)  # fmt: skip
#: Seconds. From a memory answer to what a client gives up on.
LATENCY_BUCKETS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
#: Seconds an event loop was late: from one message that was parsed to one that stands.
DELAY_BUCKETS: Final = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0)
#: Changes per commit, up to GROUP_COMMIT_MAX.
GROUP_BUCKETS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Kind(Enum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One family. `labels` maps a label to every value it takes, in order.

    advice: when somebody should be called, "" for what only explains other numbers.
    """

    name: str
    kind: Kind
    sentence: str
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    buckets: tuple[float, ...] = ()
    advice: str = ""

    @property
    def width(self) -> int:
        """Numbers per series: one, or a histogram's buckets, +Inf and sum."""
        return len(self.buckets) + 2 if self.kind is Kind.HISTOGRAM else 1

    @property
    def is_sparse(self) -> bool:
        """Return whether there are too many series to show those that were never counted."""
        return len(self.labels) > 0 and self.labels[0][1] is METHODS

    def series(self) -> list[tuple[str, ...]]:
        """Return the label values of every series, in file order."""
        return list(product(*(values for _, values in self.labels)))


REQUESTS: Final = Metric(
    "penfold_http_requests_total",
    Kind.COUNTER,
    "HTTP requests answered, by method and status.",
    (("method", METHODS), ("status", STATUSES)),
    advice="5xx above 1 % of the requests for 5 minutes.",
)
REQUEST_SECONDS: Final = Metric(
    "penfold_http_request_seconds",
    Kind.HISTOGRAM,
    "Time from the request's headers to the end of the answer.",
    (("method", METHODS),),
    LATENCY_BUCKETS,
    advice="The 95th percentile of one method above 1 s for 10 minutes.",
)
QUOTA_UNITS: Final = Metric(
    "penfold_quota_units_total", Kind.COUNTER, "Quota units charged for calls of the API."
)
QUOTA_REFUSALS: Final = Metric(
    "penfold_quota_refusals_total",
    Kind.COUNTER,
    "Calls refused by a limit: units of a user or a project, or calls in flight.",
    (("limit", ("user", "project", "in_flight")),),
    advice="None; a client that is refused all day works against its user.",
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
SMTP_CONNECTIONS: Final = Metric(
    "penfold_smtp_connections",
    Kind.GAUGE,
    "SMTP connections that are open.",
    (("listener", LISTENERS),),
    advice="Near the limit of connections (`penfold doctor` tells it) for 10 minutes.",
)
SMTP_TURNED_AWAY: Final = Metric(
    "penfold_smtp_turned_away_total",
    Kind.COUNTER,
    "SMTP connections that were ended with 421: too many, too fast, idle, a stop.",
    (("listener", LISTENERS),),
)
SIGN_INS: Final = Metric(
    "penfold_sign_ins_total",
    Kind.COUNTER,
    "Passwords and tokens shown to the SMTP listeners for sending; passwords, codes and passkeys "
    "shown on the pages for signing in. What a limit turned away before it was looked at is in "
    "penfold_rate_limit_refusals_total.",
    (("door", (*LISTENERS, *PAGE_DOORS)), ("outcome", ("accepted", "refused"))),
    advice="More than 20 refused in 5 minutes: somebody guesses.",
)
SMTP_MESSAGES: Final = Metric(
    "penfold_smtp_messages_total",
    Kind.COUNTER,
    "SMTP mail transactions answered after DATA.",
    (("listener", LISTENERS), ("outcome", ("accepted", "deferred", "refused"))),
    advice="Deferred ones for 10 minutes: something on this side is missing (disk, mailbox).",
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
    advice="The 95th percentile above 5 s for 10 minutes: senders give up after some minutes.",
)
ARRIVALS: Final = Metric(
    "penfold_arrivals_total",
    Kind.COUNTER,
    "Messages from the internet that were judged, by what became of them.",
    (("outcome", ("accepted", "spam", "deferred", "refused")),),
    advice="None; a sudden rise of accepted ones is a flood, of refused ones a broken check.",
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
    advice="Failed ones for 10 minutes: rspamd does not answer.",
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
    advice="More than 5 % spam_block, auth_failed or policy in an hour: reputation or DNS is bad.",
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
    advice="None; see `penfold reports`.",
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
    advice="Failed ones only, for 30 minutes: a subscriber is down.",
)
WEBHOOK_TRIES: Final = Metric(
    "penfold_webhook_attempts_total",
    Kind.COUNTER,
    "Events posted to webhooks of the sending API, by whether the receiver took it; given_up: it "
    "was the last try.",
    (("outcome", ("accepted", "failed", "given_up")),),
    advice="Failed ones only, for 30 minutes: receivers are down, or this server has no way out.",
)
WEBHOOK_SECONDS: Final = Metric(
    "penfold_webhook_seconds",
    Kind.HISTOGRAM,
    "Time from the start of a post to a webhook to its answer.",
    (),
    LATENCY_BUCKETS,
)
SENDING_RECIPIENTS: Final = Metric(
    "penfold_sending_recipients_total",
    Kind.COUNTER,
    "Recipients of mail of the sending API, by what happened to them for the first time; sent: "
    "handed over to mailboxes and queue. No test mail.",
    (("stream", SENDING_STREAMS), ("event", COUNTS)),
    advice="More than 5 % of those sent in an hour bounced, or 0.3 % complained: receivers are "
    "about to refuse everything.",
)
RENDER_SECONDS: Final = Metric(
    "penfold_sending_render_seconds",
    Kind.HISTOGRAM,
    "Time to render a mail of a template: that of a lot, shared among its mails.",
    (),
    LATENCY_BUCKETS,
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
    advice="Above 1,000 for an hour: searching lags behind.",
)
COMMITS: Final = Metric(
    "penfold_store_commits_total", Kind.COUNTER, "Mailbox transactions made durable."
)
COMMIT_SECONDS: Final = Metric(
    "penfold_store_commit_seconds",
    Kind.HISTOGRAM,
    "Time the disk took to make a mailbox transaction durable.",
    (),
    LATENCY_BUCKETS,
    advice="The 95th percentile above 0.25 s for 10 minutes: the disk is slow or ending.",
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
    advice="Below 14 days; renewal happens with 30 days left.",
)
MEMORY: Final = Metric(
    "penfold_process_resident_bytes",
    Kind.GAUGE,
    "Resident memory, by kind of process.",
    (("role", ROLES),),
    advice="Above what you planned for, for 10 minutes.",
)
STARTS: Final = Metric(
    "penfold_process_starts_total",
    Kind.COUNTER,
    "Processes started since the server was; more than one each means that one was replaced.",
    (("role", ROLES),),
    advice="Any rise after the start: a process ended unasked, and the log says why.",
)

CPU_SECONDS: Final = Metric(
    "penfold_process_cpu_seconds_total",
    Kind.COUNTER,
    "Processor time used, by kind of process.",
    (("role", ROLES),),
)
OPEN_FILES: Final = Metric(
    "penfold_process_open_files",
    Kind.GAUGE,
    "Descriptors in use (files, connections), by kind of process.",
    (("role", ROLES),),
    advice="Above 80 % of penfold_process_max_files for 10 minutes.",
)
MAX_FILES: Final = Metric(
    "penfold_process_max_files",
    Kind.GAUGE,
    "Descriptors there may be, by kind of process.",
    (("role", ROLES),),
)
LOOP_DELAY: Final = Metric(
    "penfold_loop_delay_seconds",
    Kind.HISTOGRAM,
    "How late an event loop woke, looked at every two seconds.",
    (("role", ROLES),),
    DELAY_BUCKETS,
    advice="The 95th percentile above 0.5 s for 10 minutes: the processor is too busy.",
)
TROUBLE: Final = Metric(
    "penfold_troubles_total",
    Kind.COUNTER,
    "Lines of the log that are warnings or errors, by event.",
    (("event", TROUBLES),),
    advice="Any request_failed, smtp_failed, mailbox_damaged, fatal, delivery_trouble or "
    "relay_refused.",
)
SPANS: Final = Metric(
    "penfold_trace_spans_total",
    Kind.COUNTER,
    "Spans of traces, while otlp_endpoint is set; dropped: the collector did not take them.",
    (("outcome", ("sent", "dropped")),),
    advice="None; dropped ones are lost for looking things up, nothing else.",
)

#: Families kept in the shared file, in file order.
METRICS: Final = (
    REQUESTS, REQUEST_SECONDS, QUOTA_UNITS, QUOTA_REFUSALS, CONNECTIONS, SMTP_SESSIONS,
    SMTP_MESSAGES, SMTP_BYTES, SMTP_SECONDS, DELIVERIES, DELIVERY_TRIES, DELIVERY_SECONDS,
    REPORTS, NOTIFICATIONS, PUSHES, WEBHOOK_TRIES, WEBHOOK_SECONDS,
    SENDING_RECIPIENTS, RENDER_SECONDS,
    ATTACHMENTS, ATTACHMENT_SECONDS, ATTACHMENTS_WAITING, COMMITS, GROUP_SIZE, HANDLES, MEMORY,
    STARTS, CERTIFICATE_SECONDS, ARRIVALS, ARRIVAL_REASONS, ARRIVAL_RESULTS, ARRIVAL_SECONDS,
    SCANS, GREYLIST, RATE_REFUSALS,
    SMTP_CONNECTIONS, SMTP_TURNED_AWAY, SIGN_INS, COMMIT_SECONDS, CPU_SECONDS,
    OPEN_FILES, MAX_FILES, LOOP_DELAY, TROUBLE, SPANS,
)  # fmt: skip
QUEUE: Final = Metric(
    "penfold_queue_messages",
    Kind.GAUGE,
    "Rows of the outbound queue.",
    (("state", ("queued", "captured", "sent", "failed", "cancelled")),),
    advice="Queued ones rising for an hour.",
)
QUEUE_OLDEST: Final = Metric(
    "penfold_queue_oldest_seconds",
    Kind.GAUGE,
    "Age of the message that has waited longest to be delivered; 0 when none waits.",
    advice="Above a day: senders were told of the delay, `penfold queue destinations` says where.",
)
SENDING_BACKLOG: Final = Metric(
    "penfold_sending_backlog_emails",
    Kind.GAUGE,
    "Emails of the sending API that are due and not handed over yet.",
    (("stream", SENDING_STREAMS),),
)
SENDING_OLDEST: Final = Metric(
    "penfold_sending_oldest_seconds",
    Kind.GAUGE,
    "For how long the first of them has been due; 0 when none waits.",
    advice="Above 300 s for 5 minutes: the mail process does not keep up, or cannot render.",
)
WEBHOOKS_WAITING: Final = Metric(
    "penfold_webhook_waiting_deliveries",
    Kind.GAUGE,
    "Events that wait to be posted to webhooks, those that failed and are tried again among them.",
    advice="Above 10,000 for an hour: a receiver is down or slower than events come.",
)
DISK_FREE: Final = Metric(
    "penfold_disk_free_bytes",
    Kind.GAUGE,
    "Room left where the data directory is, for this user.",
    advice="Below 10 % of penfold_disk_size_bytes; mail is put off when the reserve is reached.",
)
DISK_SIZE: Final = Metric(
    "penfold_disk_size_bytes", Kind.GAUGE, "Size of the file system of the data directory."
)
STARTED: Final = Metric(
    "penfold_start_time_seconds", Kind.GAUGE, "When the server was started, in Unix time."
)
BUILD: Final = Metric(
    "penfold_build_info",
    Kind.GAUGE,
    "1; the labels tell which Penfold runs on which Python.",
    (("version", (__version__,)), ("python", (".".join(map(str, sys.version_info[:3])),))),
)
#: Found out when the page is asked for, so they are not in the file.
SCRAPED: Final = (
    QUEUE, QUEUE_OLDEST, SENDING_BACKLOG, SENDING_OLDEST, WEBHOOKS_WAITING, DISK_FREE, DISK_SIZE,
    STARTED, BUILD,
)  # fmt: skip
ALL: Final = (*METRICS, *SCRAPED)
