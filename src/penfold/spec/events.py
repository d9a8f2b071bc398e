"""Every line Penfold may write to its log: a name, a severity, the fields it may carry.

A field that is not declared here cannot be logged. That is what keeps secrets, message
bodies and query strings out: no event declares a field for them, and a test reads this
list for names that would be one. Operators may rely on names and fields; they are only added to.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Severity(IntEnum):
    """DETAIL is kept from a terminal, where a banner says the same to people."""

    DETAIL = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of line."""

    name: str
    fields: frozenset[str]
    sentence: str
    severity: Severity = Severity.INFO


def _event(name: str, fields: str, sentence: str, severity: Severity = Severity.INFO) -> Event:
    return Event(name, frozenset(fields.split()), sentence, severity)


READY: Final = _event(
    "ready",
    "http smtp submission submissions data pid ms",
    "Every listener accepts.",
    Severity.DETAIL,
)
STOPPING: Final = _event("stopping", "signal", "The server was asked to stop.")
STOPPED: Final = _event("stopped", "ms killed", "Every process has ended.")
PROCESS_STARTED: Final = _event(
    "process_started", "role index child", "A process was started.", Severity.DETAIL
)
PROCESS_DIED: Final = _event(
    "process_died",
    "role index child status restart_in_s",
    "A process ended unasked; another takes its place.",
    Severity.ERROR,
)
PROCESS_SILENT: Final = _event(
    "process_silent",
    "role index child silent_s",
    "A process gave no sign of life and was killed.",
    Severity.ERROR,
)
PREPARED: Final = _event(
    "prepared",
    "created accounts ms",
    "The data directory is ready for this release.",
    Severity.DETAIL,
)
FILES_OPEN: Final = _event(
    "files_open",
    "path count",
    "Files of the data directory could be read by others; they no longer can. path: one of them.",
    Severity.WARNING,
)
KEY_OPEN: Final = _event(
    "key_open",
    "path",
    "Everybody on this machine may read the private key of the certificate; chmod 600 it, or 640 "
    "with a group.",
    Severity.WARNING,
)
STORAGE: Final = _event(
    "storage",
    "sqlite journal_mode synchronous mmap_size busy_ms trusted_schema temp_store cell_size_check",
    "The settings of every database connection; each is read back when it is opened.",
    Severity.DETAIL,
)
REQUEST: Final = _event(
    "request",
    "id method verb path status ms received sent account client app reason",
    "One HTTP request was answered.",
)
SMTP_SESSION: Final = _event(
    "smtp_session",
    "session listener client helo tls account messages errors logins_failed ms end",
    "One SMTP connection ended.",
)
SMTP_TRANSACTION: Final = _event(
    "smtp_transaction",
    "session listener client account stage sender recipients size status messages ms reason",
    "One SMTP mail transaction was answered.",
)
ARRIVAL: Final = _event(
    "arrival",
    "session client sender author outcome score reasons spf dkim arc dmarc iprev scan problem ms",
    "A message from the internet was judged; the reasons, hardest rules first, and what was found.",
)
GREYLISTED: Final = _event(
    "greylisted",
    "session client sender recipient outcome",
    "The greylist was asked about a recipient.",
    Severity.DETAIL,
)
DELIVERY: Final = _event(
    "delivery",
    "queue origin number sender recipient outcome",
    "A message for another domain was handed on, captured or refused.",
)
DELIVERY_TRIED: Final = _event(
    "delivery_tried",
    "queue recipient state kind host address code enhanced tls servers ms",
    "A message was offered to the servers of its domain; `penfold queue show` has what was said.",
)
SIGNING_BEGUN: Final = _event(
    "signing_begun",
    "domain selector",
    "The record of a new DKIM key is in the DNS: mail of the domain is signed with it.",
)
SENDING_DOMAIN_VERIFIED: Final = _event(
    "sending_domain_verified",
    "domain state",
    "The DNS of a domain of the sending API has all that its mail needs.",
)
SENDING_DOMAIN_WRONG: Final = _event(
    "sending_domain_wrong",
    "domain state",
    "A record that mail of a sending domain needs is gone or wrong; after three days none leaves.",
    Severity.WARNING,
)
POLICY_UNFETCHED: Final = _event(
    "policy_unfetched",
    "domain detail",
    "The MTA-STS policy a domain announces could not be had; one that is kept stays in force.",
    Severity.WARNING,
)
RELAY_REFUSED: Final = _event(
    "relay_refused",
    "relay file detail",
    "A relay does not take our login, and mail for it waits: mend the file, which is read again as "
    "soon as it changes, or the user in its table.",
    Severity.ERROR,
)
RELAY_FILE_EXPOSED: Final = _event(
    "relay_file_exposed",
    "relay file",
    "Others on this machine may read the file with a relay's secret: chmod 600 takes that away.",
    Severity.WARNING,
)
REPORT_TAKEN: Final = _event(
    "report_taken",
    "kind reporter domain sender passed failed outcome",
    "A report about our mail came; `penfold reports list` shows them. Who sent it is not proved.",
)
REPORT_DROPPED: Final = _event(
    "report_dropped",
    "sender size outcome",
    "Mail for reports_address was dropped: there is no report in it that can be read, it is too "
    "large, about a domain of others, or one too many of its day.",
    Severity.WARNING,
)
DELIVERY_TROUBLE: Final = _event(
    "delivery_trouble",
    "error detail trace",
    "Delivering went wrong on this side; the message stays queued.",
    Severity.ERROR,
)
PUSH_FAILED: Final = _event(
    "push_failed",
    "subscription attempt outcome",
    "A push endpoint did not acknowledge a message; it is sent again later.",
    Severity.WARNING,
)
WEBHOOK_FAILED: Final = _event(
    "webhook_failed",
    "webhook delivery attempt status outcome",
    "A webhook of the sending API did not take an event; it is told again later, ten times in all.",
    Severity.WARNING,
)
WEBHOOK_OFF: Final = _event(
    "webhook_turned_off",
    "webhook account outcome",
    "A webhook failed for three days or answered 410 Gone and was turned off; its owner has mail.",
    Severity.WARNING,
)
ATTACHMENTS_UNREAD: Final = _event(
    "attachments_unread",
    "mailbox message problem",
    "Attachments of a message cannot be searched: encrypted, damaged, or beyond a bound.",
)
SWEEP: Final = _event("sweep", "task mailboxes changed failed ms", "A periodic task ran.")
TASK_FAILED: Final = _event(
    "task_failed", "task mailbox error detail", "A task failed and will be tried again.",
    Severity.ERROR,
)  # fmt: skip
CERTIFICATE_UNKNOWN: Final = _event(
    "certificate_unknown",
    "hostname",
    "Production mode shows a certificate of Penfold's own authority, which clients refuse; give "
    "tls_certificate or acme_directory.",
    Severity.WARNING,
)
CERTIFICATE_SERVED: Final = _event(
    "certificate_served",
    "source names issuer expires",
    "New connections are shown another certificate from now on; source: files or acme.",
)
CERTIFICATE_REFUSED: Final = _event(
    "certificate_refused",
    "source problem",
    "A new certificate cannot be served; the one before stays in use. source: files of the "
    "operator, or the copy in use.",
    Severity.ERROR,
)
CERTIFICATE_FAILED: Final = _event(
    "certificate_failed",
    "names directory problem failures next",
    "No certificate from the ACME server; it is asked again at `next`.",
    Severity.ERROR,
)
CERTIFICATE_ENDING: Final = _event(
    "certificate_ending",
    "names expires days",
    "The certificate in use ends soon, or has ended; see docs/tls.md.",
    Severity.WARNING,
)
CERTIFICATE_RELOADED: Final = _event(
    "certificate_reloaded",
    "",
    "This process shows another certificate from now on.",
    Severity.DETAIL,
)
MAILBOX_DAMAGED: Final = _event(
    "mailbox_damaged",
    "mailbox detail",
    "A mailbox file cannot be read; mail for it waits. `penfold data verify` tells more.",
    Severity.ERROR,
)
REQUEST_FAILED: Final = _event(
    "request_failed",
    "id method error detail trace",
    "A request met an error nobody expected.",
    Severity.ERROR,
)
SMTP_FAILED: Final = _event(
    "smtp_failed",
    "session listener error detail trace",
    "An SMTP session met an error nobody expected.",
    Severity.ERROR,
)
RATE_LIMITED: Final = _event(
    "rate_limited",
    "limit client wait_s count",
    "Somebody came too often and was refused; count: refusals by this limit since the last line.",
    Severity.WARNING,
)
PROVIDER_FAILED: Final = _event(
    "provider_failed",
    "issuer reason client detail",
    "Nobody could sign in by the provider: it does not answer (silent), refuses us (failed), or "
    "its answer proves nothing (untrusted); detail says what was wrong.",
    Severity.WARNING,
)
PROVIDER_REFUSED: Final = _event(
    "provider_refused",
    "issuer reason client account",
    "The provider answered and nobody was signed in; docs/signing-in.md has the reasons. account: "
    "the address it named, which need not be one of ours.",
)
ACCEPT_PAUSED: Final = _event(
    "accept_paused",
    "listener reason connections",
    "New connections wait until others have ended.",
    Severity.WARNING,
)
FATAL: Final = _event(
    "fatal",
    "error detail",
    "The outcome of a write is unknown; the process ends and is started anew.",
    Severity.ERROR,
)
TRACES_UNSENT: Final = _event(
    "traces_unsent",
    "endpoint detail",
    "The collector of otlp_endpoint did not take spans, which are dropped until it does.",
    Severity.WARNING,
)
LIBRARY: Final = _event("library", "logger message trace", "A library had something to say.")
LIBRARY_TROUBLE: Final = _event(
    "library_trouble", "logger message trace", "A library warns.", Severity.WARNING
)

EVENTS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Event))
