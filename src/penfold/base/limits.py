"""Every size, count and period that bounds the product, with unit, origin and what breaks."""

from typing import Final

# --- Gmail API -------------------------------------------------------------------------
#: Octets of RFC 822 text. maxSize of messages.send and drafts.* in revision 20261005.
SEND_MAX_BYTES: Final = 36_700_160
#: Octets. maxSize of messages.insert and messages.import in revision 20261005.
INSERT_MAX_BYTES: Final = 157_286_400
#: Items. Gmail (observed): a bigger maxResults is silently capped to this.
PAGE_MAX: Final = 500
#: Message ids in one batchModify or batchDelete. Gmail: documented.
BATCH_MODIFY_MAX: Final = 1_000
#: Label ids in one addLabelIds or removeLabelIds. Gmail: documented.
MODIFY_LABELS_MAX: Final = 100
#: User labels in a mailbox. Gmail: documented.
LABELS_MAX: Final = 10_000
#: Characters of a label name. Gmail's web interface; the API's own limit is not published.
LABEL_NAME_MAX: Final = 225
#: Messages in one conversation; the next starts a new thread. Gmail: reported by clients.
THREAD_MAX: Final = 100
#: Recipients of one API message. Gmail: documented (API 500).
SEND_RECIPIENTS_MAX: Final = 500
#: resultSizeEstimate counts this far and no further, so an estimate never costs a scan.
ESTIMATE_MAX: Final = 201
#: Days a trashed or spam message is kept. Gmail: documented.
TRASH_DAYS: Final = 30
#: Days of history kept. Gmail (observed): 28 on a quiet mailbox; documented "at least a week".
HISTORY_DAYS: Final = 30

#: Octets of a JSON body beyond the base64 of a message it may carry, and of one that carries
#: none: 1,000 ids take 20 kB. Google's own limit is not published.
JSON_BODY_MAX_BYTES: Final = 1 << 20
#: Nested objects and lists in a JSON body; Google's parser stops at 100.
JSON_MAX_DEPTH: Final = 64
#: Octets of body, and of answer, worked on inline on the event loop; more goes to a thread.
#: 256 KiB of base64 decode in about 0.3 ms.
INLINE_BODY_MAX_BYTES: Final = 262_144
#: Characters of a refused value that its error repeats; Google repeats all of it.
ECHO_MAX_CHARS: Final = 256
#: Levels and names in one fields mask.
FIELDS_MAX_DEPTH: Final = 32
FIELDS_MAX_NAMES: Final = 1_000
#: Seconds messages.send waits for its mail to reach the queue before it answers anyway; the
#: mail is durable already and is handed over later.
HAND_OVER_WAIT_S: Final = 5.0
#: Handlers of unbounded work that run at the same time, per process.
SLOW_READERS_MAX: Final = 8

# --- Search ----------------------------------------------------------------------------
#: Characters of q. Gmail's interface takes about 2048; longer is cut here, never refused.
QUERY_MAX_CHARS: Final = 2_048
#: Terms in one query, and nesting of its groups; FTS5 fails at 98 nested parentheses.
QUERY_MAX_TERMS: Final = 200
QUERY_MAX_DEPTH: Final = 20

# --- MIME ------------------------------------------------------------------------------
#: Nested parts; Postfix uses 100. Deeper content becomes the last level's body.
MIME_MAX_DEPTH: Final = 100
#: Parts of one message; the rest stays in the raw message only.
MIME_MAX_PARTS: Final = 10_000
#: Header fields of one entity that are shown; Dovecot CVE-2024-23184 shows why.
MIME_MAX_HEADERS: Final = 1_000
#: Octets of one entity's header block that are read; Postfix uses 102,400.
MIME_MAX_HEADER_BYTES: Final = 262_144
#: Addresses read from one header field.
MIME_MAX_ADDRESSES: Final = 1_000
#: Octets of text that feed the snippet and the search index, per message.
SEARCH_TEXT_MAX_BYTES: Final = 524_288
#: Characters of a snippet before escaping. Gmail: observed about 200.
SNIPPET_CHARS: Final = 200

# --- SMTP ------------------------------------------------------------------------------
#: Octets advertised as SIZE to the internet. Gmail's MX: 157,286,400.
SMTP_MX_MAX_BYTES: Final = 157_286_400
#: Octets advertised as SIZE to submitters. Gmail: 35,882,577.
SMTP_SUBMISSION_MAX_BYTES: Final = 35_882_577
#: Octets of a command line; RFC 5321 §4.5.3.1.4 asks for 512, Postfix allows 2,048.
SMTP_COMMAND_MAX_BYTES: Final = 2_048
#: Octets of a line in an AUTH exchange, RFC 4954 §4.
SMTP_AUTH_LINE_MAX_BYTES: Final = 12_288
#: Recipients of one transaction, then 452 4.5.3. RFC 5321 §4.5.3.1.8 asks for at least 100.
SMTP_RECIPIENTS_MAX: Final = 1_000
#: Protocol errors in one session, then 421. Postfix: 20.
SMTP_ERRORS_MAX: Final = 20
#: Seconds of silence. RFC 5321 §4.5.3.2.7 asks for 5 minutes.
SMTP_IDLE_S: Final = 300.0
#: Received fields that prove a loop. RFC 5321 §6.3 asks for at least 100.
SMTP_HOPS_MAX: Final = 100
#: Octets without a line end that are skipped after a line became too long, then 421. Enough
#: for any honest mistake; a client that sends more is not speaking SMTP.
SMTP_SKIP_MAX_BYTES: Final = 65_536
#: Refused logins in one connection, then 421. Gmail and Postfix slow down at once; three
#: tries cover a person who mistypes.
SMTP_LOGIN_FAILURES_MAX: Final = 3
#: Seconds a refused login waits for its answer: one connection tries one password a second.
SMTP_LOGIN_DELAY_S: Final = 1.0
#: Connections of one listener. Each holds a descriptor and about 10 kB.
SMTP_CONNECTIONS_MAX: Final = 5_000
#: Connections from one address (IPv6: one /64) to one listener. mox: 30.
SMTP_CLIENT_CONNECTIONS_MAX: Final = 30
#: Share of SMTP_CONNECTIONS_MAX from which SMTP_STRESS_IDLE_S counts. Postfix does the same.
SMTP_STRESS_SHARE: Final = 0.75
#: Seconds of silence while the listener is nearly full. Postfix: 10.
SMTP_STRESS_IDLE_S: Final = 10.0
#: Octets a second that message data must reach after SMTP_SLOW_START_S. Postfix: 500.
SMTP_RATE_MIN_BYTES: Final = 500
#: Seconds of message data before its rate is judged.
SMTP_SLOW_START_S: Final = 60.0
#: Octets of unfinished messages all sessions of a listener hold; above it MAIL gets 452.
SMTP_MEMORY_MAX_BYTES: Final = 536_870_912
#: Seconds a stopping listener lets messages in hand finish. interface.md: 10.
SMTP_STOP_GRACE_S: Final = 10.0
#: Hours a receipt is kept, so that retried bytes are recognised after a lost reply.
RECEIPT_HOURS: Final = 24

# --- Storage ---------------------------------------------------------------------------
#: Octets of raw message kept inside the mailbox file; larger ones become a blob.
INLINE_RAW_MAX_BYTES: Final = 262_144
#: Octets of disk kept free beyond the message at hand; below it nothing new is accepted.
#: Room for the write-ahead logs and journals that are open at any moment.
RESERVE_BYTES: Final = 64 << 20
#: Changes that share one commit at most: bounds the wait of the first.
GROUP_COMMIT_MAX: Final = 256
#: Milliseconds a connection waits for another process's write lock, then "busy".
SQLITE_BUSY_MS: Final = 10_000
#: KiB of page cache per database handle; thousands of handles must fit in memory.
SQLITE_CACHE_KIB: Final = 2_048
#: Octets a write-ahead log keeps on disk after a checkpoint emptied it.
SQLITE_WAL_KEEP_BYTES: Final = 8 << 20

# --- Identity --------------------------------------------------------------------------
#: Milliseconds a validated access token is remembered, so how late a revocation made by another
#: process may count. RFC 9700 sets no time; a second costs one point read per token and second.
CREDENTIAL_CACHE_MS: Final = 1_000
#: Access tokens remembered at a time, about 0.5 kB each.
CREDENTIAL_CACHE_MAX: Final = 10_000
#: Milliseconds between two notes of an app password's use; more often costs a disk write each.
APP_PASSWORD_USED_MS: Final = 3_600_000
