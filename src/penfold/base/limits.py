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
#: Milliseconds a note of sent mail is kept: the day that sending limits look back on.
SENT_KEPT_MS: Final = 86_400_000
#: Recipients of one message by SMTP while quotas are on. Gmail: documented (SMTP 100).
SUBMISSION_RECIPIENTS_MAX: Final = 100
#: Messages and recipients an account may send in 24 hours. Gmail: documented (Workspace).
SEND_MESSAGES_PER_DAY: Final = 2_000
SEND_RECIPIENTS_PER_DAY: Final = 10_000
#: Calls of one user at a time, in one process. Google's number is not published; one vendor saw
#: about 50. A batch of 100 is let through whole.
IN_FLIGHT_MAX: Final = 100
#: Filters of a mailbox. Gmail: documented; every one is compared with every arriving message.
FILTERS_MAX: Final = 1_000
#: Characters of one text of a filter. Gmail: reported by clients (about 1,500).
FILTER_TEXT_MAX: Final = 1_500
#: Trees of filters kept per process, about 2 kB each: reading one costs about 20 us.
FILTER_TREES_MAX: Final = 2_000
#: Octets of a vacation reply's subject and of each of its bodies, in UTF-8. Every reply carries
#: them; Gmail's own limit is not published.
VACATION_SUBJECT_MAX_BYTES: Final = 1_000
VACATION_BODY_MAX_BYTES: Final = 262_144
#: Days in which one sender gets one vacation reply. Gmail: documented in its help.
VACATION_DAYS: Final = 4
#: Senders that get a vacation reply in those days; further ones get none. Bounds the memory of
#: who was answered, and what a flood of forged senders makes us send.
VACATION_ANSWERS_MAX: Final = 1_000
#: Messages to a sender that are looked at to find out whether it is a contact.
CONTACT_SCAN_MAX: Final = 20
#: resultSizeEstimate counts this far and no further, so an estimate never costs a scan.
ESTIMATE_MAX: Final = 201
#: Days of history kept, at least; `trash_days` and `spam_days` beyond it keep more, as the age of
#: what lies there is known by it. Gmail (observed): 28 on a quiet mailbox; documented "at least a
#: week".
HISTORY_DAYS: Final = 30
#: History records looked at for one page: 0.1 s of work. A rarer label takes more pages.
HISTORY_SCAN_MAX: Final = 20_000
#: Octets of stored mail one answer may need on the event loop (about 2 ms of decoding); a bigger
#: one is made in a worker thread, so that it holds nobody up.
READ_INLINE_MAX_BYTES: Final = 262_144
#: Messages of a thread that are shown in full on the event loop, for the same reason.
READ_INLINE_MAX_MESSAGES: Final = 20
#: Octets of an arriving message that are parsed where it arrived, on an event loop: 0.2 ms or
#: so. A longer one is parsed on the mailbox's writer thread, inside its change.
PARSE_INLINE_MAX_BYTES: Final = 65_536
#: Addresses an account sends as, its own included. Gmail: reported (99 beside the own one).
SEND_AS_MAX: Final = 100
#: Characters of a display name; one header line has 998 octets (RFC 5322 §2.1.1).
ADDRESS_NAME_MAX: Final = 256
#: Characters of a signature. Gmail: documented for its web interface.
SIGNATURE_MAX: Final = 10_000
#: Addresses mail may be forwarded to; more are no list that a person looks after.
FORWARDING_ADDRESSES_MAX: Final = 100
#: Delegates of an account, and accounts a delegate acts for. Gmail: documented.
DELEGATES_MAX: Final = 25
DELEGATORS_MAX: Final = 10
#: Seconds a mailed confirmation code works.
CONFIRMATION_S: Final = 7 * 86_400
#: Confirmations an account has mailed within 24 hours: they go to people who did not ask.
CONFIRMATIONS_A_DAY: Final = 20
#: Seconds for each step and for all of trying a mail server that a request names; the client
#: waits for it, and Google's gives up after 60.
PROBE_STEP_S: Final = 10.0
PROBE_S: Final = 30.0
#: Such trials and other checks of writes at a time, per process; later ones wait.
CHECKS_MAX: Final = 4
#: Outbox rows handed over in one go: bounds memory, and the wait of a mailbox behind them; and
#: octets of their messages after which no more follow, so a long one goes almost alone.
HAND_OVER_MAX_ROWS: Final = 16
HAND_OVER_MAX_BYTES: Final = 1_048_576

#: Octets of a JSON body beyond the base64 of a message it may carry, and of one that carries
#: none: 1,000 ids take 20 kB. Google's own limit is not published.
JSON_BODY_MAX_BYTES: Final = 1 << 20
#: Octets of a PKCS#12 or PKCS#7 file; a chain of ten takes 20 kB.
KEY_FILE_MAX_BYTES: Final = 65_536
#: Certificates in a chain. Real ones have two to four.
CERTIFICATES_MAX: Final = 10
#: Rounds of a key derivation: 2,000,000 take about a second. Programs of today use up to 600,000.
KEY_ITERATIONS_MAX: Final = 2_000_000
#: S/MIME certificates of an address, and client-side encryption key pairs of an account.
SMIME_INFO_MAX: Final = 100
CSE_KEY_PAIRS_MAX: Final = 500
#: Items of a page of key pairs or identities. Gmail (assumed): not published.
KEYS_PAGE_MAX: Final = 100
#: Octets of opaque data of a key service. Gmail: documented.
KACLS_DATA_MAX_BYTES: Final = 8_192
#: Characters of a description or an address of a key service.
KEY_TEXT_MAX: Final = 2_048
#: Days a key pair stays disabled before it may be obliterated. Gmail: documented.
OBLITERATE_DAYS: Final = 30
#: Octets of the head of a part in a multipart upload; clients send two lines.
PART_HEAD_MAX_BYTES: Final = 16_384
#: Octets of a message that comes as an upload and is read in the HTTP process; a larger one that
#: is only kept is read, hashed and packed in a process of its own, which costs 0.2 s and bounds
#: our memory. Measured: reading 8 MiB takes about 30 MiB for a moment.
UPLOAD_DIRECT_MAX_BYTES: Final = 8 << 20
#: Milliseconds a resumable upload may take. Google: documented (a week).
UPLOAD_DAYS_MS: Final = 7 * 86_400_000
#: Resumable uploads one account may have open; each may fill 150 MiB of disk.
UPLOADS_MAX: Final = 200
#: Seconds a request waits for the one before it on the same upload, whose connection was cut.
UPLOAD_WAIT_S: Final = 10.0
#: Seconds and octets of memory for reading one large message. 150 MiB take about 3 s and 1 GiB.
DIGEST_MAX_S: Final = 120
DIGEST_MEMORY_BYTES: Final = 3 << 30
#: Octets of a discovery document that is compared with ours; Gmail's has 200,000.
DISCOVERY_MAX_BYTES: Final = 16 << 20
#: Nested objects and lists in a JSON body; Google's parser stops at 100.
JSON_MAX_DEPTH: Final = 64
#: Octets of body, and of answer, worked on inline on the event loop; more goes to a thread.
#: 256 KiB of base64 decode in about 0.3 ms.
INLINE_BODY_MAX_BYTES: Final = 262_144
#: Octets of large bodies in hand at the same time, per process; later ones wait to be read. One
#: of 47 MiB (a message of 35 as base64) needs about five times its size while it is decoded.
BODIES_MAX_BYTES: Final = 128 << 20
#: Requests in one batch. Gmail: documented.
BATCH_PARTS_MAX: Final = 100
#: Octets of a batch body. Google's own limit is not published; clients stop at 8 MiB.
BATCH_BODY_MAX_BYTES: Final = 10 << 20
#: Octets of a part's Content-ID, which its answer repeats; clients' have about 60.
BATCH_CONTENT_ID_MAX_BYTES: Final = 998
#: Octets of a batch answer held before it is sent piece by piece, so that a hundred large
#: messages are never in memory together.
BATCH_ANSWER_HELD_BYTES: Final = 1 << 20
#: Reads of one batch in hand at the same time; its writes all are, so that they share commits.
BATCH_READS_AHEAD: Final = 4
#: Octets of an answer from which gzip is worth its time, for clients that take it. Below, the
#: answer fits the ten segments that TCP sends unasked, and arrives no sooner.
GZIP_MIN_BYTES: Final = 14_600
#: Characters of a refused value that its error repeats; Google repeats all of it.
ECHO_MAX_CHARS: Final = 256
#: Levels and names in one fields mask.
FIELDS_MAX_DEPTH: Final = 32
FIELDS_MAX_NAMES: Final = 1_000
#: Seconds messages.send waits for its mail to reach the queue before it answers anyway; the
#: mail is durable already and is handed over later.
HAND_OVER_WAIT_S: Final = 5.0
#: Reads of one account in a turn of the event loop, before others may read. One would be fairest;
#: each turn costs about 10 us.
READS_A_TURN: Final = 4
#: Handlers of unbounded work that run at the same time, per process.
SLOW_READERS_MAX: Final = 8

#: Octets of an answer that is kept for who asks again, and how many are kept per worker: 16 MiB
#: together. More only helps programs that poll more questions than that.
KEPT_ANSWER_MAX_BYTES: Final = 32_768
KEPT_ANSWERS_MAX: Final = 512

# --- Search ----------------------------------------------------------------------------
#: Characters of q. Gmail: not documented for the API, its interface takes about 2048. Programs
#: ask for a hundred senders or Message-IDs at once; longer is cut here, never refused.
QUERY_MAX_CHARS: Final = 8_192
#: Words in one query: SQLite allows conditions 1,000 deep. Nesting of its groups: FTS5 fails at
#: 98 nested parentheses.
QUERY_MAX_TERMS: Final = 500
QUERY_MAX_DEPTH: Final = 20

# --- MIME ------------------------------------------------------------------------------
#: Links of an HTML text that has:drive and its kin look at.
LINKS_MAX: Final = 500
#: Characters of what is read on a link: a name or an address, not an article.
LINK_TEXT_MAX: Final = 200
#: Nested parts; Postfix uses 100. Deeper content becomes the last level's body.
MIME_MAX_DEPTH: Final = 100
#: Parts of one message; the rest stays in the raw message only.
MIME_MAX_PARTS: Final = 10_000
#: Header fields of one entity that are shown; Dovecot CVE-2024-23184 shows why.
MIME_MAX_HEADERS: Final = 1_000
#: Octets of one entity's header block that are read; Postfix uses 102,400.
MIME_MAX_HEADER_BYTES: Final = 262_144
#: Octets of a header block whose end is looked for in one go. A search is one call of C, in which
#: no other thread of the process runs: 4 ms at the most.
MIME_HEADER_STEP_BYTES: Final = 65_536
#: Octets of all header blocks of a message together; parts beyond it have no fields. Reading
#: hostile fields takes about 1 s per MiB.
MIME_MAX_ALL_HEADER_BYTES: Final = 4_194_304
#: Addresses read from one header field.
MIME_MAX_ADDRESSES: Final = 1_000
#: Encoded words (RFC 2047) decoded in one header field; stdlib needs 3 s for 8,000.
MIME_MAX_ENCODED_WORDS: Final = 500
#: Segments of one RFC 2231 parameter; Dovecot CVE-2026-27859 shows why.
MIME_MAX_PARAM_SEGMENTS: Final = 100
#: Lines that begin like a delimiter and are none; after these, delimiters are not looked for.
#: Bounds the work on a message that is nothing but such lines.
MIME_MAX_FALSE_DELIMITERS: Final = 1_000_000
#: Octets of a file name in UTF-8: the limit of common file systems.
MIME_FILENAME_MAX_BYTES: Final = 255
#: Message ids kept of References and In-Reply-To; the newest, which threading looks at first.
MIME_MAX_REFERENCES: Final = 200
#: Octets of a Message-ID; RFC 5322 §2.1.1 bounds a line to 998.
MIME_MESSAGE_ID_MAX: Final = 998
#: Octets of text turned from HTML for the index: room for markup around the text we keep.
HTML_SCAN_MAX_BYTES: Final = 1_048_576
#: Octets (UTF-8) of the parts of an address, RFC 5321 §4.5.3.1.1 to .3: 64, 255, and a path of
#: 256 with its angle brackets.
LOCAL_PART_MAX_BYTES: Final = 64
DOMAIN_MAX_BYTES: Final = 255
ADDRESS_MAX_BYTES: Final = 254
#: Octets of text that feed the snippet and the search index, per message.
SEARCH_TEXT_MAX_BYTES: Final = 524_288
#: Characters of a snippet before escaping. Gmail: observed about 200.
SNIPPET_CHARS: Final = 200

# --- DKIM and ARC ----------------------------------------------------------------------
#: Signatures of one message that are looked at, the topmost: each costs a question to the DNS and
#: a hash of the header. Real mail has one to four.
DKIM_SIGNATURES_MAX: Final = 10
#: Bits of an RSA key. RFC 8301 §3.2: 1,024 at least, and everybody can verify up to 4,096.
DKIM_KEY_MIN_BITS: Final = 1_024
DKIM_KEY_MAX_BITS: Final = 4_096
#: Octets of a key record; one with an RSA key of 4,096 bits has about 800.
DKIM_KEY_RECORD_MAX_BYTES: Final = 8_192
#: Octets of body made canonical and hashed at a time: bounds memory, and fits a processor's cache.
DKIM_BODY_CHUNK_BYTES: Final = 65_536
#: Sets of one ARC chain. RFC 8617 §4.2.1.
ARC_SETS_MAX: Final = 50
# --- Domains and their DNS -------------------------------------------------------------
#: Bits of an RSA key we make. RFC 8301 §3.2: at least 1024, better 2048; longer ones do not fit
#: a UDP answer everywhere, and signing takes four times as long.
DKIM_KEY_BITS: Final = 2_048
#: Milliseconds the keys of a domain are remembered by who signs: a new one signs that much later.
DKIM_KEYS_KEPT_MS: Final = 60_000
#: Domains whose keys are remembered, also those of which there are none: each takes up to 10 kB.
DKIM_KEYS_KEPT_MAX: Final = 1_000
#: Seconds after the start, and between two looks, for records of keys that wait: zones take minutes
#: to be published, and a look is a question per key.
DKIM_WATCH_FIRST_S: Final = 20.0
DKIM_WATCH_S: Final = 600.0
#: Days a retired key stays published: mail it signed waits up to 5 days in queues, and programs
#: that fetch mail verify it later still.
DKIM_RETIRED_DAYS: Final = 14
#: Seconds one look at a domain's DNS may take, of which about ten run side by side; questions that
#: are asked later count as unanswered. An SPF check alone may take 20 (RFC 7208 §4.6.4).
DNS_LOOK_S: Final = 25.0
#: Addresses this server may have: each is looked up backwards, by SPF and on every blocklist.
PUBLIC_ADDRESSES_MAX: Final = 16
#: Keys made for one domain in one month: more would be a mistake in a script.
DKIM_ROTATIONS_MAX: Final = 100

# --- Who a message is from (DMARC, Authentication-Results) ------------------------------
#: Questions of one DNS tree walk. RFC 9989 §4.10: names in use had up to seven labels.
DMARC_QUERIES_MAX: Final = 8
#: Authenticated domains of one message that are compared with the author's: each may cost a walk,
#: and the sender chooses how many signatures there are.
DMARC_IDENTIFIERS_MAX: Final = 10
#: Report addresses taken from one record: each gets a report, and the record's owner chooses them.
DMARC_REPORT_URIS_MAX: Final = 10
#: Domains of one From field that are told to whoever decides about a message with several.
AUTHOR_DOMAINS_MAX: Final = 10
#: Characters of an Authentication-Results field that are read, and of them those in which its
#: authserv-id must end; a name of 255 and comments. Reading takes about 1 µs a character.
RESULTS_MAX_CHARS: Final = 16_384
AUTHSERV_ID_MAX_CHARS: Final = 1_024
#: Such fields of one message that are looked into; what comes after counts as forged.
RESULTS_FIELDS_MAX: Final = 100
#: Results read from one such field, and properties of one of them.
RESULTS_MAX: Final = 100
RESULT_PROPERTIES_MAX: Final = 100
#: Characters of one value we write into such a field: an address, and room. RFC 5322 §2.1.1 bounds
#: a line to 998, and a value cannot be folded.
RESULTS_WORD_MAX: Final = 400
#: Blocklists that count against a message: they copy from each other.
BLOCKLISTS_COUNTED_MAX: Final = 3

# --- What arrives from the internet ----------------------------------------------------
#: Seconds in which the checks of a message end; what is missing then is temperror.
#: RFC 7208 §4.6.4: at least 20. RFC 5321 §4.5.3.2.6: the client waits 10 minutes for its answer.
ARRIVAL_S: Final = 20.0
#: Messages being checked at a time; further ones are asked to come later (451). With a DNS that
#: does not answer, a flood would otherwise hold all its messages in memory for ARRIVAL_S.
ARRIVALS_MAX: Final = 200
#: Threads that compute the signatures of long messages: about 6 ms for a megabyte (measured).
CHECK_THREADS: Final = 2
#: Names of a client's address that are looked at (RFC 7208 §4.6.4 says 10 of `ptr`).
IPREV_NAMES_MAX: Final = 10
#: Blocklists asked for one client: each is a question, and more of them copy from each other.
BLOCKLISTS_MAX: Final = 10
#: Sealers of ARC chains the operator may trust; compared one by one.
ARC_SEALERS_MAX: Final = 100
#: Seconds rspamd has, its own limit for a message is 8; and octets of a message sent to it, of
#: which it reads 50 MiB at most. A longer one is judged without it: spam is short.
RSPAMD_S: Final = 10.0
RSPAMD_MESSAGE_MAX_BYTES: Final = 33_554_432
#: Octets of rspamd's answer: usually 2 to 10 kB, longer with many addresses found in the text.
RSPAMD_ANSWER_MAX_BYTES: Final = 1_048_576
#: Symbols kept of rspamd's answer: a message has 20 to 40 of them.
RSPAMD_SYMBOLS_MAX: Final = 100
#: Addresses of recipients told to rspamd in its header; it uses them for settings and statistics.
RSPAMD_RECIPIENTS_MAX: Final = 100
#: Seconds until a new triplet may come in. RFC 6647 §5: 1 minute to 24 hours; senders' first
#: retry comes after 1 to 15 minutes, and most of what only sends once never comes back.
GREYLIST_WAIT_S: Final = 300
#: Seconds in which it has to come back: senders try for 4 to 5 days, but the first tries are soon.
GREYLIST_RETRY_S: Final = 2 * 86_400
#: Days a triplet that came back is remembered. RFC 6647 §5: a week at least; 36 days let a monthly
#: letter through (Postgrey's 35, with a day for a month of 31 days and a weekend).
GREYLIST_KEPT_DAYS: Final = 36
#: Rows of the greylist, about 60 octets each with its index; then the longest unseen makes room.
GREYLIST_ROWS_MAX: Final = 1_000_000
#: Rows that make room at a time: 0.1 s of work.
GREYLIST_ROOM: Final = 10_000
#: Seconds a question of the greylist may take, SPF included; then the recipient is let in.
GREYLIST_S: Final = 10.0

# --- Text in attachments ---------------------------------------------------------------
#: Octets of a message whose attachments are read: what Gmail lets people send. The mail process
#: holds a message and one attachment of it at a time.
EXTRACT_MESSAGE_MAX_BYTES: Final = SEND_MAX_BYTES
#: Attachments of one message that are read, in document order; more are no letter to a person.
EXTRACT_FILES_MAX: Final = 32
#: Octets (UTF-8) of text from all attachments of one message: a book of 500 pages. Putting so much
#: into the index holds the mailbox's write lock for 0.04 s.
EXTRACT_TEXT_MAX_BYTES: Final = 1_048_576
#: Octets unpacked from one Office file, and levels of its XML. Expat reads about 30 MB a second.
EXTRACT_UNPACKED_MAX_BYTES: Final = 134_217_728
EXTRACT_XML_DEPTH_MAX: Final = 1_000
#: Pages of one PDF that are read; 300,000 empty ones take 19 s.
EXTRACT_PAGES_MAX: Final = 5_000
#: Octets of one RTF file: the reader is a regular expression over each character.
EXTRACT_RTF_MAX_BYTES: Final = 8_388_608
#: What the process that reads may take: octets of address space, and seconds of processor time for
#: each file. Honest files need 40 MB and less than a second.
EXTRACT_MEMORY_BYTES: Final = 536_870_912
EXTRACT_CPU_S: Final = 20
#: Seconds on the clock for one file. Far above the former, because the process has a low priority:
#: on a busy machine it may get a tenth of a processor.
EXTRACT_WALL_S: Final = 200.0
#: Times a message is tried whose attachment ended the process that read it: once because of the
#: file, and again in case it was something else.
EXTRACT_TRIES: Final = 3
#: Messages read of one mailbox before the next one has its turn.
EXTRACT_TURN: Final = 16
#: Seconds paused after a file at most; else as long as the file took.
EXTRACT_PAUSE_S: Final = 1.0
#: Seconds between two looks for new attachments, and the part of a processor that looking may take
#: where there are many mailboxes.
EXTRACT_LOOK_S: Final = 1.0
EXTRACT_LOOK_SHARE: Final = 0.05
#: Seconds a round of reading lasts at most, so that it is seen in the log.
EXTRACT_ROUND_S: Final = 30.0
#: Seconds without work after which the process that reads ends; starting it takes 0.1 s. And the
#: files one process reads: whatever a library leaks is gone with it.
EXTRACT_IDLE_S: Final = 30.0
EXTRACT_FILES_PER_PROCESS: Final = 1_000
#: Seconds a mailbox rests that could not be read or written just now.
EXTRACT_REST_S: Final = 60.0

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
#: Commands without a stored message in between, then 421: room for a transaction with
#: SMTP_RECIPIENTS_MAX recipients and some idle talk. Postfix: 100 that are not part of one.
SMTP_COMMANDS_MAX: Final = 1_200
#: Octets from which a chunk (BDAT) does not count as a command; clients send 8 kB and more, so a
#: large message takes thousands. Smaller ones are as many as other commands may be.
SMTP_CHUNK_SMALL_BYTES: Final = 1_024
#: Characters of ENVID and ORCPT as they are sent. RFC 3461 §4.4 and §4.2.
SMTP_ENVID_MAX_CHARS: Final = 100
SMTP_ORCPT_MAX_CHARS: Final = 500
#: Errors of a session that cost nothing; after each further one the next command is read later,
#: by SMTP_ERROR_DELAY_S more every time. Postfix: 10 and 1 s; guessing addresses must not pay.
SMTP_ERRORS_FREE: Final = 5
SMTP_ERROR_DELAY_S: Final = 1.0
SMTP_ERROR_DELAY_MAX_S: Final = 10.0
#: Seconds of silence. RFC 5321 §4.5.3.2.7 asks for 5 minutes.
SMTP_IDLE_S: Final = 300.0
#: Octets of a message's header. Gmail (documented, message header limits): 500 KB, of what comes
#: in as well. Beyond MIME_MAX_HEADER_BYTES nobody reads it, but each reader looks for its end, at
#: up to 60 ns an octet (measured): a header as long as a message may be would stop the process for
#: a minute.
SMTP_HEADER_MAX_BYTES: Final = 512_000
#: Received fields that prove a loop. RFC 5321 §6.3 asks for at least 100.
SMTP_HOPS_MAX: Final = 100
#: Received fields that carry our own name and prove a loop: mail that a list or a forwarder sends
#: back has two or three.
SMTP_OWN_HOPS_MAX: Final = 8
#: Octets without a line end that are skipped after a line became too long, then 421. Enough
#: for any honest mistake; a client that sends more is not speaking SMTP.
SMTP_SKIP_MAX_BYTES: Final = 65_536
#: Refused logins in one connection, then 421. Gmail and Postfix slow down at once; three
#: tries cover a person who mistypes.
SMTP_LOGIN_FAILURES_MAX: Final = 3
#: Seconds a refused login waits for its answer: one connection tries one password a second.
SMTP_LOGIN_DELAY_S: Final = 1.0
#: Connections of one listener. An idle one holds a descriptor and 2.4 kB, over TLS 30 kB.
SMTP_CONNECTIONS_MAX: Final = 5_000
#: Connections from one address (IPv6: one /64) to one listener. mox: 30.
SMTP_CLIENT_CONNECTIONS_MAX: Final = 30
#: New connections a minute from one address (IPv6: one /64), then 421; this machine is exempt.
#: A large sender opens a few a second, a flood hundreds.
SMTP_CLIENT_RATE_MAX: Final = 600
#: Addresses whose connections are counted at a time, about 0.3 kB each.
SMTP_CLIENTS_COUNTED_MAX: Final = 20_000
#: Seconds the greeting waits to see who talks early. 0: only what is there already counts.
#: Postfix's postscreen: 6; every honest client would wait.
SMTP_GREET_DELAY_S: Final = 0.0
#: Share of SMTP_CONNECTIONS_MAX from which SMTP_STRESS_IDLE_S counts. Postfix does the same.
SMTP_STRESS_SHARE: Final = 0.75
#: Seconds of silence while the listener is nearly full. Postfix: 10.
SMTP_STRESS_IDLE_S: Final = 10.0
#: Octets a second that message data must reach after SMTP_SLOW_START_S. Postfix: 500.
SMTP_RATE_MIN_BYTES: Final = 500
#: Seconds of message data before its rate is judged.
SMTP_SLOW_START_S: Final = 60.0
#: Octets of unfinished messages all sessions of a listener hold; above it MAIL gets 452, at
#: twice that the largest ones are ended with 421.
SMTP_MEMORY_MAX_BYTES: Final = 536_870_912
#: Seconds a stopping listener lets messages in hand finish. interface.md: 10.
SMTP_STOP_GRACE_S: Final = 10.0
#: Hours a receipt is kept, so that retried bytes are recognised after a lost reply.
RECEIPT_HOURS: Final = 24

# --- Delivery --------------------------------------------------------------------------
#: Seconds mail is tried for. RFC 5321 §4.5.4.1: 4 to 5 days.
DELIVERY_LIFE_S: Final = 5 * 86_400
#: Seconds between two tries, the last again and again; Postfix, Exim and KumoMTA differ by half.
DELIVERY_DELAYS_S: Final = (300, 600, 1_200, 2_400, 3_600, 7_200, 14_400, 21_600)
#: The first one where nobody was reached or a greylist said so: it is often over at once.
DELIVERY_FIRST_S: Final = 60
#: The part of a delay that chance adds or takes, so that what failed together is not tried so.
DELIVERY_JITTER: Final = 0.2
#: Seconds behind the moment a server named: its clock is not ours.
DELIVERY_NAMED_MARGIN_S: Final = 10
#: Rows in hand at a time, each a task of a few kB, and how many are taken in one transaction.
DELIVERIES_MAX: Final = 200
DELIVERY_BATCH: Final = 20
#: Of so many times that rows are taken one is for those that wait longest, whatever their priority:
#: a quarter of what leaves, however much of a higher priority comes.
DELIVERY_OLDEST_EVERY: Final = 4
#: Rows that are looked at for some that do not go to a relay which has enough in hand: 0.1 s. Mail
#: that is due behind more than that waits until the relay has taken some.
TAKE_LOOKED_AT_MAX: Final = 10_000
#: Seconds to the next such look when one found nothing.
DELIVERY_LOOK_PAST_S: Final = 2.0
#: Octets up to which a row's message is read with the batch it is taken in, so that it costs no
#: change of threads; DELIVERIES_MAX of them are 13 MB.
DELIVERY_READ_AHEAD_BYTES: Final = 65_536
#: Seconds until what the disk refused is tried again.
DELIVERY_TROUBLE_S: Final = 5.0
#: Octets of messages that are being sent; a larger one goes alone.
DELIVERY_MEMORY_MAX_BYTES: Final = 134_217_728
#: Seconds a row belongs to the process that took it. The process renews it while it has the row in
#: hand, waiting for room too, and the next one that starts ends it; so this is how long a row lies
#: still that the process lost by a fault of its own.
DELIVERY_LEASE_S: Final = 6 * 3_600
#: Seconds between two looks at the queue, which other processes add to; a look costs 13 us.
DELIVERY_LOOK_S: Final = 0.2
#: Seconds for the questions to the DNS of one attempt.
DELIVERY_DNS_S: Final = 60.0
#: Seconds the route to a domain serves for others: finding it in the resolver's memory costs 0.15
#: ms, and equal servers still take turns often enough.
ROUTE_KEPT_S: Final = 1.0
#: Servers that are called in one attempt. RFC 5321 §5.1: at least two, and some limit.
DELIVERY_TRIED_MAX: Final = 8
#: Attempts in a row that reached no server of a domain until it is left alone, and for how many
#: seconds: doubled each time up to the last.
CIRCUIT_FAILURES: Final = 3
CIRCUIT_FIRST_S: Final = 300
CIRCUIT_LAST_S: Final = 3_600
#: Seconds a domain is left alone that wants less of us and does not say for how long.
SLOW_DOWN_S: Final = 300
#: Milliseconds without a complaint after which a tenth more is tried again.
RECOVER_MS: Final = 600_000
#: Days a server is remembered whose TLS is broken; KumoMTA 2026 does so for 3.
BROKEN_TLS_DAYS: Final = 3
#: Domains and servers that are remembered, the longest unused go first.
SITES_MAX: Final = 10_000

# --- Seeds of placement tests ------------------------------------------------------------
#: [[seed]] tables: each is logged in to again and again while a test runs.
SEEDS_MAX: Final = 50
#: Seeds looked into at a time, a thread for each.
SEED_THREADS: Final = 8
#: Seconds between two looks into a seed at last: providers count logins.
SEED_LOOK_S: Final = 10.0
#: Seconds an IMAP server has for each answer; octets of all its answers to one look, whose longest
#: is the list of folders; folders that are looked into.
IMAP_S: Final = 30.0
#: Seconds of a whole look into one mailbox.
IMAP_LOOK_S: Final = 60.0
IMAP_ANSWER_MAX_BYTES: Final = 1_000_000
IMAP_FOLDERS_MAX: Final = 100
#: Seconds a placement test waits for its mail at most.
PLACEMENT_MAX_S: Final = 86_400

# --- Relays and shapes of the operator ---------------------------------------------------
#: [[relay]] tables, and domains in one: all are looked through for each message.
RELAYS_MAX: Final = 100
RELAY_PATTERNS_MAX: Final = 1_000
#: What a shape may ask for: connections are descriptors, and no more messages are in hand.
SHAPE_CONNECTIONS_MAX: Final = 200
SHAPE_MESSAGES_MAX: Final = 100_000
#: Octets of a file with a password, and of an authorized-user file; Google's have 500.
PASSWORD_FILE_MAX_BYTES: Final = 1_024
OAUTH_FILE_MAX_BYTES: Final = 16_384
#: Characters of an access token. Google: documented, 2,048 octets; Microsoft's reach 4,000.
ACCESS_TOKEN_MAX: Final = 16_384
#: Seconds one request for an access token may take, and one of at most so many addresses.
TOKEN_FETCH_S: Final = 30.0
TOKEN_CONNECT_S: Final = 10.0
TOKEN_ADDRESSES_MAX: Final = 4
#: Octets of the answer with a token, and of its head.
TOKEN_BODY_MAX_BYTES: Final = 65_536
TOKEN_HEAD_MAX_BYTES: Final = 65_536
#: Seconds before its end from which an access token is not used: clocks differ, and a login waits.
TOKEN_MARGIN_S: Final = 300
#: Seconds an access token is used that does not say for how long it is good (RFC 6749 §5.1), and
#: at most.
TOKEN_LIFE_S: Final = 3_600
TOKEN_LIFE_MAX_S: Final = 86_400

# --- Tracing mail ----------------------------------------------------------------------
#: Mailboxes looked into for one trace. Opening one that nobody uses and asking it takes about
#: 2 ms, so this is ten seconds at most; with more, the trace says what it left out.
TRACE_MAILBOXES_MAX: Final = 5_000
#: Copies of a mail shown: a person reads them.
TRACE_COPIES_MAX: Final = 200
#: Queue rows of a mail shown. A mail here has up to SMTP_RECIPIENTS_MAX recipients.
TRACE_ROWS_MAX: Final = 1_000
#: The last attempts of a row shown; `penfold queue show` has all.
TRACE_ATTEMPTS_MAX: Final = 5
#: Trace fields of a copy shown: SMTP_HOPS_MAX hops are nearly all of them.
TRACE_FIELDS_MAX: Final = 120

# --- SPF -------------------------------------------------------------------------------
#: Terms of a check that look something up, RFC 7208 §4.6.4; the next is a permerror.
SPF_TERMS_MAX: Final = 10
#: Terms of a check that find nothing, RFC 7208 §4.6.4; the next is a permerror.
SPF_VOID_MAX: Final = 2
#: Hosts of one mx whose addresses are asked for, and names of a client; RFC 7208 §4.6.4.
SPF_NAMES_MAX: Final = 10
#: Questions of a whole check: the record, ten times an mx with ten hosts, the client's names and
#: ten of their addresses, the explanation. Follows from the above.
SPF_QUESTIONS_MAX: Final = 1 + SPF_TERMS_MAX * (1 + SPF_NAMES_MAX) + (1 + SPF_NAMES_MAX) + 1
#: Addresses of one name that are compared; further ones are ignored. RFC 7208 names no limit. One
#: answer can hold 4,000, and a check gets a hundred answers.
SPF_ADDRESSES_MAX: Final = 200
#: Octets of a record; a longer one is a permerror. RFC 7208 §3.4 advises 450, the longest in use
#: have a few thousand. A TXT record can have 65,535, and a check reads eleven of them.
SPF_RECORD_MAX_BYTES: Final = 8_192
#: Characters of a name, RFC 7208 §7.3: macros that make a longer one lose labels on the left.
SPF_NAME_MAX_CHARS: Final = 253
#: Characters of an explanation: a reply line has 512 octets (RFC 5321 §4.5.3.1.5), and words of
#: ours stand beside it.
SPF_EXPLANATION_MAX_CHARS: Final = 400
#: Characters of a record that a result repeats, for logs and header fields.
SPF_TEXT_MAX_CHARS: Final = 100

# --- SMTP as a client ------------------------------------------------------------------
#: Seconds until a connection stands. RFC 5321 names none; Postfix: 30.
SMTP_OUT_CONNECT_S: Final = 30.0
#: Seconds for the banner, and for replies to EHLO, MAIL, RCPT and whatever else has none of its
#: own. RFC 5321 §4.5.3.2.1 to .3: 5 minutes. Busy servers use them.
SMTP_OUT_REPLY_S: Final = 300.0
#: Seconds for a TLS handshake and for the reply to STARTTLS. Postfix gives 300 for both.
SMTP_OUT_TLS_S: Final = 120.0
#: Seconds for the reply to DATA, and for each block of the message to leave. RFC 5321
#: §4.5.3.2.4 and .5: 2 and 3 minutes.
SMTP_OUT_DATA_S: Final = 120.0
SMTP_OUT_BLOCK_S: Final = 180.0
#: Seconds for the reply to the final dot. RFC 5321 §4.5.3.2.6: 10 minutes; who gives up sooner
#: sends the message twice.
SMTP_OUT_DOT_S: Final = 600.0
#: Seconds for the reply to QUIT. Nothing depends on it, and a queue should not wait for it.
SMTP_OUT_QUIT_S: Final = 5.0
#: Seconds for all of an opening, and for all of a message. A server that uses each of the times
#: above to the end, recipient by recipient, would hold a connection for days. The largest message
#: (SEND_MAX_BYTES) passes at 10 kB a second.
SMTP_OUT_SESSION_S: Final = 3_600.0
#: Octets of a line of a reply (RFC 5321 §4.5.3.1.5: 512, but servers with long texts are
#: many), lines of one reply (EHLO has about 15), and octets of one reply.
SMTP_OUT_REPLY_LINE_MAX_BYTES: Final = 4_096
SMTP_OUT_REPLY_LINES_MAX: Final = 100
SMTP_OUT_REPLY_MAX_BYTES: Final = 65_536
#: Characters of a reply that the result of each recipient keeps: there may be
#: SMTP_RECIPIENTS_MAX of them.
SMTP_OUT_TEXT_CHARS: Final = 2_048
#: Octets of the message written in one go, and what waits unsent beside them: the time for a
#: block counts for so much.
SMTP_OUT_BLOCK_BYTES: Final = 65_536
#: Octets of a message from which BDAT is better than DATA where both cost the same round trips:
#: DATA needs a copy with its dots doubled.
SMTP_OUT_BDAT_MIN_BYTES: Final = 1_048_576
#: Characters of a transcript (one for the opening, one for the message), and of one line in it.
#: Enough for a dozen recipients whole; of longer ones the middle is left out.
SMTP_OUT_TRANSCRIPT_CHARS: Final = 8_192
SMTP_OUT_TRANSCRIPT_LINE_CHARS: Final = 512
#: Connections to one destination, messages over one of them, seconds it may stand idle, and
#: connections that stand idle in all. KumoMTA: 10, 100 and 60; a descriptor and 20 kB each.
SMTP_OUT_CONNECTIONS_MAX: Final = 10
SMTP_OUT_MESSAGES_MAX: Final = 100
SMTP_OUT_IDLE_S: Final = 60.0
SMTP_OUT_IDLE_MAX: Final = 200

# --- Storage ---------------------------------------------------------------------------
#: Octets of raw message kept inside the mailbox file; larger ones become a blob.
INLINE_RAW_MAX_BYTES: Final = 262_144
#: Octets of disk kept free beyond the message at hand; below it nothing new is accepted.
#: Room for the write-ahead logs and journals that are open at any moment.
RESERVE_BYTES: Final = 64 << 20
#: Changes that share one commit at most: bounds the wait of the first.
GROUP_COMMIT_MAX: Final = 256
#: Seconds a busy mailbox's next commit waits for company. Measured with 20 SMTP sessions: 2 ms
#: makes groups of 12 instead of 4 and 30 % more mail per second; more only adds delay.
GATHER_S: Final = 0.002
#: Milliseconds a connection waits for another process's write lock, then "busy"; and between two
#: tries. SQLite's own pauses grow to 100 ms, and would miss the gaps that an import leaves.
SQLITE_BUSY_MS: Final = 10_000
SQLITE_BUSY_LOOK_MS: Final = 5
#: KiB of page cache per database handle; thousands of handles must fit in memory.
SQLITE_CACHE_KIB: Final = 2_048
#: Mailbox handles one process keeps open at most; each takes 0.25 MB, and its page cache in use.
SQLITE_HANDLES_MAX: Final = 192
#: Seconds a database handle may stand idle before it is closed.
SQLITE_IDLE_CLOSE_S: Final = 60.0
#: Seconds one listing may run, then it is refused. Reliability: no query holds a snapshot longer.
LISTING_MAX_S: Final = 2.0
#: Octets a write-ahead log keeps on disk after a checkpoint emptied it.
SQLITE_WAL_KEEP_BYTES: Final = 8 << 20

# --- Data protection -------------------------------------------------------------------
#: Octets of a master key: AES-256 (FIPS 197) takes no other.
MASTER_KEY_BYTES: Final = 32
#: Octets read of what is said to be a key: base64 of one, a line end, and room to see that it is
#: something else.
MASTER_KEY_READ_BYTES: Final = 4_096
#: Seconds a command may take that prints the master key. A start waits for it, and a key store that
#: takes longer is not there.
SECRET_COMMAND_S: Final = 10
#: Milliseconds between the removal of an account and the erasure of its mailbox: longer than any
#: process goes on believing in a token or a path, or takes from storing a large message to its row.
ERASE_AFTER_MS: Final = 60_000

# --- Retention -------------------------------------------------------------------------
#: Days a message stays in TRASH and in SPAM unless something else is set. Gmail: documented.
HIDDEN_DAYS: Final = 30
#: Days a row of the queue that is done is kept unless something else is set: late bounces and
#: complaints find their row for VERP_DAYS, and people ask within weeks what became of a mail.
QUEUE_DAYS: Final = 30
#: Days an event of the sending API is kept unless something else is set: what is asked of a mail,
#: and what webhooks may be told again. Others keep 14 to 60.
SENDING_DAYS: Final = 45
#: Days that can be set at most: ten years, as laws on business letters ask for. History of such a
#: length takes 100 octets a change.
RETENTION_DAYS_MAX: Final = 3_650
#: Messages looked at for their age in one snapshot: 5 ms, in which no writer waits.
EXPIRE_LOOK: Final = 500
#: Messages, history records and rows of the queue that one transaction removes: it must hold the
#: writer for less than 50 ms. Measured: 7 ms of work (45 when the index is merged), 4 and 6, and a
#: sync; one row of 20 MB takes 30.
EXPIRE_MESSAGES: Final = 50
EXPIRE_HISTORY: Final = 2_000
EXPIRE_ROWS: Final = 100
#: Octets of messages that such rows have together, one of them apart: their pages are freed one
#: by one.
EXPIRE_ROWS_BYTES: Final = 8 << 20
#: Seconds between two of them: longer than others wait between two tries for the lock.
EXPIRE_GAP_S: Final = 0.012

# --- Moving mail -------------------------------------------------------------------------
#: Octets of a file that are read in one go.
READ_STEP_BYTES: Final = 1 << 20
#: Messages and octets that are handed to a reading process in one go: bounds memory, and what
#: one slow message holds up.
READ_AHEAD_MESSAGES: Final = 100
READ_AHEAD_BYTES: Final = 1 << 20
#: Seconds a reading process has for one such lot; a message at the limit takes 3.
READ_AHEAD_MAX_S: Final = 120
#: Octets of memory of a reading process. A message at the limit takes 1 GiB.
READ_MEMORY_BYTES: Final = 4 << 30
#: Seconds one transaction of an import aims at: mail that arrives meanwhile waits that long. And
#: without a server: pages that many messages change (the indexes by hash) are written once.
IMPORT_COMMIT_S: Final = 0.25
IMPORT_ALONE_COMMIT_S: Final = 2.0
#: Messages of one such transaction, at least and at most, and octets of them as they are stored.
IMPORT_COMMIT_MIN: Final = 50
IMPORT_COMMIT_MAX: Final = 5_000
IMPORT_COMMIT_BYTES: Final = 32 << 20
#: Seconds an import leaves the mailbox alone between two transactions; longer than others wait
#: between two tries for the lock, so that each of them has its turn.
IMPORT_GAP_S: Final = 0.012
#: Messages that one history record of an import names. A client reads 100 to 500 records at a
#: time, so this bounds its answer to a few MB; and a million messages take 20,000 rows.
IMPORT_HISTORY_MESSAGES: Final = 50
#: Days the place of an interrupted import is remembered.
IMPORT_REMEMBERED_DAYS: Final = 30
#: Messages of one Message-ID and size that are compared when a copy is looked for.
COPIES_MAX: Final = 100
#: Reasons that are told one by one when messages are passed over; the rest are counted.
SKIPPED_TOLD_MAX: Final = 20
#: KiB of page cache of an importing process: a transaction's pages are written once.
IMPORT_CACHE_KIB: Final = 65_536
#: Messages and octets that an export reads from one snapshot.
EXPORT_STEP: Final = 100
EXPORT_STEP_BYTES: Final = 8 << 20

# --- Identity --------------------------------------------------------------------------
#: Milliseconds a validated access token is remembered, so how late a revocation made by another
#: process may count. RFC 9700 sets no time; a second costs one point read per token and second.
CREDENTIAL_CACHE_MS: Final = 1_000
#: Access tokens remembered at a time, about 0.5 kB each.
CREDENTIAL_CACHE_MAX: Final = 10_000
#: Milliseconds between two notes of an app password's use; more often costs a disk write each.
APP_PASSWORD_USED_MS: Final = 3_600_000
#: Accounts an alias leads to. Each gets its copy in a commit of its own before the client is
#: answered, so a longer list would make one recipient cost what a mailing list does.
ALIAS_TARGETS_MAX: Final = 50
#: Aliases of an account: all are read whenever it sends. Gmail: documented, 30 of a user.
ALIASES_OF_ACCOUNT_MAX: Final = 100

# --- HTTP listener ---------------------------------------------------------------------
#: Open connections per HTTP process; each costs about 20 kB and a descriptor. Then 503.
HTTP_CONNECTIONS_MAX: Final = 4_000
#: Of these from one network (an IPv4 address or an IPv6 /64), then 429: ten of them make the
#: port full. This machine and trusted proxies are not counted. nginx's examples say 10 to 100; an
#: office behind one address, with browsers that open six each, needs more.
HTTP_CLIENT_CONNECTIONS_MAX: Final = 400
#: Networks that may be trusted as proxies, each compared with every request's peer; and names
#: this server may be asked for beside its own.
TRUSTED_PROXIES_MAX: Final = 50
HOSTS_MAX: Final = 100
#: Hops of X-Forwarded-For that are looked at, the nearest ones; real chains have two or three.
FORWARDED_HOPS_MAX: Final = 20
#: Seconds a browser that came over TLS comes back that way only: half a year. While a
#: certificate is missing that long nobody can look around it, so no longer.
HSTS_S: Final = 15_552_000
#: Octets of a request's line and header fields, then 431. Node and nginx give 16 to 32 KiB;
#: Gmail clients put page tokens and field masks into the line.
HTTP_HEAD_MAX_BYTES: Final = 65_536
#: Header fields of a request, then 431.
HTTP_HEADERS_MAX: Final = 200
#: Seconds a client has for a request's head, and for its TLS handshake.
HTTP_HEAD_S: Final = 20.0
#: Seconds of silence in the middle of a body.
HTTP_BODY_IDLE_S: Final = 60.0
#: Octets a second that a body must reach after HTTP_BODY_SLOW_S seconds: who crawls holds a
#: connection, and room that other large bodies wait for. Postfix: 500 for message data.
HTTP_BODY_RATE_MIN_BYTES: Final = 500
HTTP_BODY_SLOW_S: Final = 60.0
#: Octets of answers that the kernel takes for a connection beyond what is on its way: a fast link
#: drains them in 1 ms at 1 Gbit/s, time enough to hand it more.
HTTP_UNSENT_MAX_BYTES: Final = 131_072
#: Seconds an idle connection is kept. Google's client for Python does not notice that one it kept
#: was closed, and fails its next POST with a broken pipe; so longer than a program pauses.
HTTP_KEEP_ALIVE_S: Final = 300
#: Octets of a signed token (JWT) that is looked at; Google's are below 2 kB.
JWT_MAX_BYTES: Final = 16_384
#: Characters of a password. NIST SP 800-63B §5.1.1.2: at least 8, and 64 must be possible.
PASSWORD_MIN_CHARS: Final = 8
PASSWORD_MAX_CHARS: Final = 256
#: Seconds an access token lives. Gmail: observed (answers say one second less).
ACCESS_TOKEN_S: Final = 3_600
#: Seconds an authorization code can be exchanged. RFC 6749 §4.1.2 allows ten minutes, RFC 9700
#: asks for short; the exchange follows the redirect at once.
CODE_S: Final = 60
#: Seconds a code is remembered after that, to notice that it is shown again.
CODE_REMEMBERED_S: Final = 86_400
#: Codes of one account and application with one PKCE challenge, within that time, of which the
#: audit log tells. A page that is loaded again or gone back to makes a few, a constant one many.
CHALLENGE_REUSES: Final = 20
#: Days after which an unused refresh token dies. Gmail: documented (six months).
REFRESH_IDLE_DAYS: Final = 180
#: Days a key signs id tokens before the next one is made. Google changes its own every week or so;
#: with 90 a copy that leaked is of no use after a quarter.
ID_KEY_DAYS: Final = 90
#: Days after which what was allowed to a client in testing ends. Gmail: documented.
REFRESH_TESTING_DAYS: Final = 7
#: Days that a setting may let tokens live: ten years, as long as the keys of service accounts.
TOKEN_DAYS_MAX: Final = 3_650
#: Grants of one account and client with a refresh token; the oldest dies. Gmail: documented.
GRANTS_MAX: Final = 100
#: What a setting may make of that: all of them are read at each new grant.
GRANTS_SET_MAX: Final = 10_000
#: Days a browser stays signed in.
SESSION_DAYS: Final = 14
#: Octets of a form or JSON body at the identity endpoints; an assertion is the largest part.
OAUTH_BODY_MAX_BYTES: Final = 65_536
#: Seconds a service account's assertion is good for at most. Gmail: documented.
ASSERTION_S: Final = 3_600
#: Seconds two clocks may differ. Google's libraries allow 10 on their side.
ASSERTION_SKEW_S: Final = 60
#: Names of assertions (`jti`) remembered at a time, about 0.2 kB each.
ASSERTIONS_REMEMBERED_MAX: Final = 10_000
#: Fields of such a form or query; OAuth and OpenID Connect together define about 30.
OAUTH_FIELDS_MAX: Final = 100
#: Seconds clients may keep our public keys; a new key is published that long before it signs.
CERTS_MAX_AGE_S: Final = 3_600

# --- DNS -------------------------------------------------------------------------------
#: Octets of a UDP answer we offer room for: what passes every link unfragmented (IPv6's least
#: MTU of 1,280 without its headers). Larger answers come by TCP.
DNS_UDP_BYTES: Final = 1_232
#: Records of one answer that are read; a message of 64 KiB holds 4,000 at most. More is a failure.
DNS_RECORDS_MAX: Final = 2_000
#: Aliases (CNAME) followed for one question. Resolvers follow 8 to 16.
DNS_ALIASES_MAX: Final = 8
#: Seconds an answer is kept: at least (a TTL of 0 would be asked for with every message), at
#: most (RFC 1035 gives weeks, mistakes should not last that long).
DNS_TTL_MIN_S: Final = 5
DNS_TTL_MAX_S: Final = 86_400
#: Seconds "no such name" and "no such record" are kept: at most (RFC 2308 §5 advises one to
#: three hours), and when the answer does not say (without an SOA record).
DNS_NEGATIVE_TTL_MAX_S: Final = 3_600
DNS_NEGATIVE_TTL_S: Final = 5
#: Seconds a failure is kept. RFC 9520 §3.2: at least 1, at most 300.
DNS_FAILURE_TTL_S: Final = 5
#: Answers kept in one process, and octets of their records: ordinary ones take 100 octets, a
#: hostile one 64 KiB.
DNS_KEPT_MAX: Final = 10_000
DNS_KEPT_BYTES: Final = 16_777_216
#: Seconds for one question with all its tries and aliases. An SPF check asks up to 13 in turn
#: within 20 s (RFC 7208 §4.6.4), so one that is never answered must leave room for others.
DNS_TOTAL_S: Final = 8.0
#: Seconds one server is waited for in the first round; twice as long in the second.
DNS_TRY_S: Final = 2.0
#: Rounds through the servers.
DNS_ROUNDS: Final = 2
#: Servers that are asked: as many as the system's own resolver takes from resolv.conf.
DNS_SERVERS_MAX: Final = 3
#: Questions in flight at a time in one process: a descriptor each. More wait.
DNS_IN_FLIGHT_MAX: Final = 200

# --- Certificates ------------------------------------------------------------------------
#: Octets of a file with certificates or a key. A chain has about 5 kB; a bundle of all public
#: authorities 250 kB.
TLS_FILE_MAX_BYTES: Final = 1_048_576
#: Seconds between two looks at the files of a certificate, which costs two system calls: who
#: replaces them sees at once whether it worked.
TLS_LOOK_S: Final = 1.0
#: Seconds until files that were refused are judged again, though they look the same: what was in
#: the way may be gone.
TLS_REFUSED_S: Final = 60
#: Days before its end from which on a certificate is warned of, and hours between two warnings.
TLS_WARN_DAYS: Final = 7
TLS_WARN_HOURS: Final = 12
#: Octets of a ClientHello that are looked at for the protocols it asks for. With the largest
#: keys in use it has 2,000; RFC 8446 §5.1 ends a record at 16,384, which one never fills.
CLIENT_HELLO_MAX_BYTES: Final = 16_384
#: Octets of an answer of an ACME server: the longest is a chain, of about 5 kB.
ACME_ANSWER_MAX_BYTES: Final = 262_144
#: Seconds for one request to it, connection and answer together.
ACME_REQUEST_S: Final = 30.0
#: Entries of a list it sends: names of a certificate (authorities allow 100), challenges of a name.
ACME_LIST_MAX: Final = 100
#: Characters of an address or a nonce it gives, and of its words that are kept.
ACME_URL_MAX: Final = 2_048
ACME_TEXT_MAX: Final = 500
#: Tries of a request whose nonce is refused. RFC 8555 §6.5 asks to try again; one in twenty
#: refused at random, as test servers do, gets ten times in a row once in 10^13 requests.
ACME_NONCE_TRIES: Final = 10
#: Seconds between two looks whether the server has decided, the first and at most (doubling), and
#: of all looks of an order together. Validation takes seconds; ten minutes mean that something
#: is stuck.
ACME_POLL_FIRST_S: Final = 0.5
ACME_POLL_MAX_S: Final = 30.0
ACME_WAIT_MAX_S: Final = 600.0
#: Seconds until the next try after a failure: doubling from five minutes to a day. Let's Encrypt
#: allows 5 failed validations of a name an hour; these are 4 in the first.
ACME_RETRY_FIRST_S: Final = 300.0
ACME_RETRY_MAX_S: Final = 86_400.0
#: Seconds to which a start of the server shortens that: 4 tries an hour, however often it starts.
ACME_RESTART_WAIT_S: Final = 900.0
#: Seconds that a server may make us wait by Retry-After: a week is the longest of its limits.
ACME_RETRY_AFTER_MAX_S: Final = 604_800.0
#: Share of a certificate's life after which it is renewed: Let's Encrypt's advice, 60 of 90 days.
#: The jitter, a share too, is added so that not all servers come at the same time.
TLS_RENEW_SHARE: Final = 2 / 3
TLS_RENEW_JITTER_SHARE: Final = 0.03

# --- Ways out for mail -------------------------------------------------------------------
#: Exchangers of a domain whose addresses are looked up, addresses of one of them, and
#: addresses altogether: each may cost a connection that nobody answers. A domain may list
#: thousands. RFC 5321 §5.1 wants at least two addresses tried.
EXCHANGERS_MAX: Final = 10
EXCHANGER_ADDRESSES_MAX: Final = 4
ROUTE_ADDRESSES_MAX: Final = 10
#: Exchangers whose addresses nobody could say, after which the rest is not asked about: each may
#: take 2 x DNS_TOTAL_S.
EXCHANGERS_FAILED_MAX: Final = 3
#: Octets of an MTA-STS policy file. RFC 8461 §3.3 advises 64 KiB.
STS_POLICY_MAX_BYTES: Final = 65_536
#: Domains whose policy is kept, and seconds until one that could not be fetched is tried again:
#: RFC 8461 §3.3 wants at most once in five minutes.
STS_KEPT_MAX: Final = 10_000
STS_RETRY_S: Final = 300
#: Seconds one fetch may take: RFC 8461 §3.3 advises a minute. Seconds for connecting to one of the
#: addresses, and addresses that are tried: three silent ones leave time for the fourth.
STS_FETCH_S: Final = 60.0
STS_CONNECT_S: Final = 15.0
STS_ADDRESSES_MAX: Final = 4
#: Octets of the answer around the file: a status line, fields, the lengths of chunks. Web servers
#: send less than 2 kB.
STS_HEAD_MAX_BYTES: Final = 16_384
#: Names in a policy; Microsoft's and Google's have less than ten.
STS_NAMES_MAX: Final = 1_000
#: Seconds a policy may live. RFC 8461 §3.2: about a year.
STS_AGE_MAX_S: Final = 31_557_600
#: Seconds our own policy lives: at least, lest senders fetch it with every message; by default.
#: RFC 8461 §3.2 wants weeks or more, Google publishes a day; a week covers a long weekend in which
#: somebody keeps the file from being fetched.
STS_AGE_MIN_S: Final = 3_600
STS_AGE_S: Final = 604_800
#: TLSA records that are considered, and certificates of a chain: each pair is hashed.
TLSA_MAX: Final = 50
CHAIN_MAX: Final = 10

# --- Pub/Sub and push --------------------------------------------------------------------
#: Octets of a request to Pub/Sub, so of what one publish may carry. Google: documented, 10 MB.
PUBSUB_BODY_MAX_BYTES: Final = 10_000_000
#: Messages of one publish, acknowledgement ids of one request. Google: documented for publish.
PUBSUB_BATCH_MAX: Final = 1_000
#: Octets of pubsub.db in use; a publish beyond it is refused and notifications wait. An
#: abandoned subscription must not fill the disk that mail needs.
PUBSUB_STORE_MAX_BYTES: Final = 1 << 30
#: Topics of a project, and subscriptions. Google: documented, 10,000 each.
PUBSUB_TOPICS_MAX: Final = 10_000
PUBSUB_SUBSCRIPTIONS_MAX: Final = 10_000
#: Items of a page when nothing is said, and at most.
PUBSUB_PAGE: Final = 100
PUBSUB_PAGE_MAX: Final = 1_000
#: Characters of a name. Google: documented.
PUBSUB_NAME_MAX: Final = 255
#: Attributes of a message, octets of a key and of a value. Google: documented.
PUBSUB_ATTRIBUTES_MAX: Final = 100
PUBSUB_KEY_MAX_BYTES: Final = 256
PUBSUB_VALUE_MAX_BYTES: Final = 1_024
#: Labels of a topic or subscription, characters of a key and of a value. Google: documented.
PUBSUB_LABELS_MAX: Final = 64
PUBSUB_LABEL_MAX: Final = 63
#: Octets of an IAM policy as JSON. Google: documented, 64 kB.
PUBSUB_POLICY_MAX_BYTES: Final = 65_536
#: Seconds to acknowledge in: default, least, most. Google: documented.
ACK_DEADLINE_S: Final = 10
ACK_DEADLINE_MIN_S: Final = 10
ACK_DEADLINE_MAX_S: Final = 600
#: Seconds an unacknowledged message is kept: default, least, most. Google: documented.
RETENTION_S: Final = 7 * 86_400
RETENTION_MIN_S: Final = 600
RETENTION_MAX_S: Final = 31 * 86_400
#: Tries before a message goes to the dead-letter topic: default, least, most. Google: documented.
DEAD_LETTER_TRIES: Final = 5
DEAD_LETTER_TRIES_MIN: Final = 5
DEAD_LETTER_TRIES_MAX: Final = 100
#: Seconds between tries when a retryPolicy leaves them out, and the most. Google: documented.
RETRY_MIN_S: Final = 10
RETRY_MAX_S: Final = 600
#: Milliseconds between tries of a push without retryPolicy. Google: documented.
PUSH_RETRY_MIN_MS: Final = 100
PUSH_RETRY_MAX_MS: Final = 60_000
#: Seconds a pull waits for a message, and how many wait at a time in one process; more are
#: answered at once. Google waits up to 90 s; less, so that a stopping server does not.
PULL_WAIT_S: Final = 5.0
PULL_WAITING_MAX: Final = 500
#: Seconds between two looks of a pull that waits.
PULL_LOOK_S: Final = 0.1
#: Seconds of one push, connection and answer together, and octets of an answer that are read.
PUSH_S: Final = 10.0
PUSH_ANSWER_MAX_BYTES: Final = 65_536
#: Characters of a push endpoint's or webhook's address, and of the audience a token is for.
PUSH_ENDPOINT_MAX: Final = 2_048
#: Subscriptions pushed to at the same time, and messages taken for one of them in one go.
PUSH_THREADS: Final = 8
PUSH_BATCH: Final = 10
#: Seconds between two rounds that look for due pushes.
PUSH_LOOK_S: Final = 0.2
#: Days a watch lives. Gmail: documented.
WATCH_DAYS: Final = 7
#: Milliseconds between two notifications of one watch. Gmail: documented, one a second per user.
NOTIFY_GAP_MS: Final = 1_000
#: Seconds between two looks for watched mailboxes that changed.
NOTIFY_LOOK_S: Final = 0.2
#: Milliseconds a file must have been at rest before it counts as unchanged: the times of file
#: systems are coarse (4 ms on Linux, 2 s on some).
NOTIFY_REST_MS: Final = 2_000
#: Seconds between two rounds that look into every watched mailbox, whatever its file says.
NOTIFY_ALL_S: Final = 600.0

# --- Reports by mail -------------------------------------------------------------------
#: Characters of a reply that are looked at to find out what it means. RFC 5321 §4.5.3.1.5 gives a
#: line 512 octets; the longest replies in the field have about ten lines of 80.
OUTCOME_TEXT_MAX: Final = 2_000
#: Seconds a server can make us wait by naming a time; longer ones are cut to it.
OUTCOME_WAIT_MAX_S: Final = 6 * 3_600
#: Octets of the keyed hash in a return address: 80 bits, more than anybody can try by mail, and a
#: multiple of 5, so that base 32 needs no padding.
VERP_TOKEN_BYTES: Final = 10
#: Bits of the keys of that hash and of links in mail: as many as the whole hash (SHA-256) has; more
#: gain nothing.
KEPT_KEY_BITS: Final = 256
#: Days in which a return address of ours is believed. Mail waits up to 5 days in the queue of
#: others, and their notification as long again.
VERP_DAYS: Final = 10
#: Rows of one message that are looked at for the one a notification is about.
SENT_ROWS_MAX: Final = 1_000
#: Attempts and notes a row may have before what others say of it is no longer noted: somebody who
#: knows a Message-ID could go on writing notifications.
BOUNCE_NOTES_MAX: Final = 100
#: Characters of a subject that a note quotes: enough to know it by.
NOTE_SUBJECT_MAX: Final = 200
#: Milliseconds a message waits before its sender is told of the delay. RFC 5321 §4.5.4.1 leaves it
#: open; sendmail and Exchange say 4 hours.
DELAY_NOTICE_AFTER_MS: Final = 4 * 3_600_000
#: Milliseconds after which a notice that was not given is made up for. Whoever ended the row is
#: about to give it within the first seconds.
NOTICE_SWEEP_AFTER_MS: Final = 60_000
#: Rows of the queue that are looked at in one go for notices to make up for.
NOTICE_SWEEP_ROWS: Final = 100
#: Recipients one notification tells about; further ones take another. A message has no more.
DSN_RECIPIENTS_MAX: Final = 500
#: Characters of a remote server's words in a notification: ten lines, and one line of SMTP
#: (RFC 5321 §4.5.3.1.6: 1,000 octets) when they are one word.
DSN_DIAGNOSTIC_MAX: Final = 800
#: Octets of the returned message, or of its header when it is longer or its body is not asked for.
#: Postfix returns 50,000; a notification stays below 100 kB whatever it is about.
DSN_RETURN_MAX_BYTES: Final = 50_000
#: Octets of a notification's status part, of a bounce's text and of a returned header that are
#: read. The longest seen have some 100 recipients, of 500 octets each.
REPORT_TEXT_MAX_BYTES: Final = 262_144
#: Recipients that are read from one notification of others.
REPORT_RECIPIENTS_MAX: Final = 1_000
#: Characters of one value in a report of others that are kept.
REPORT_VALUE_MAX: Final = 2_000
#: Octets of a packed report, and of what it unpacks to. RFC 7489 §6.2 shows 10 MB as what a domain
#: may ask for; reading a megabyte of XML takes 0.3 s, so this is a worker's task.
REPORT_PACKED_MAX_BYTES: Final = 10_485_760
REPORT_UNPACKED_MAX_BYTES: Final = 16_777_216
#: Levels of XML, and elements held at a time: a DMARC record has about 30 in 5 levels.
XML_DEPTH_MAX: Final = 32
XML_ELEMENTS_MAX: Final = 10_000
#: Records of one DMARC report, policies and failures of one TLS report that are read; further
#: records are counted only. A record takes 0.15 ms and 1 kB.
DMARC_RECORDS_MAX: Final = 20_000
TLS_POLICIES_MAX: Final = 1_000
TLS_FAILURES_MAX: Final = 10_000
#: Attachments of one message that are tried as reports.
REPORT_FILES_MAX: Final = 8

# --- Reports that come in --------------------------------------------------------------
#: Octets of a message to the reports' address: the largest packed report in base64.
REPORT_MAIL_MAX_BYTES: Final = 14_680_064
#: Reports that wait to be read, in memory; who comes then is asked to come later.
REPORTS_WAITING_MAX: Final = 4
#: Reports that are read in a day (UTC), and of one sender's domain. Anybody can write one, and a
#: large one takes a second. Some 300 receivers report on a busy domain once a day.
REPORTS_PER_DAY: Final = 2_000
REPORTS_PER_SENDER_DAY: Final = 100
#: Days a report is kept unless something else is set, and how many at most: 100 MB.
REPORTS_DAYS: Final = 90
REPORTS_KEPT_MAX: Final = 50_000
#: Addresses of one DMARC report, and failures of one TLS report, that are kept: the largest.
REPORT_SOURCES_MAX: Final = 100
REPORT_FINDINGS_MAX: Final = 50
#: Different results of TLS towards others that are kept of a day; further ones count as "others".
TLS_RESULTS_MAX: Final = 10_000

# --- sign-in -----------------------------------------------------------------------------

#: Octets of a secret for one-time passwords: as long as SHA-1's digest (RFC 4226 §4 R6).
TOTP_SECRET_BYTES: Final = 20
#: Codes that let somebody in who has lost the second factor, made as app passwords are.
RECOVERY_CODES: Final = 10
#: Seconds between the password and the second factor, and for a form that carries a secret of
#: ours: time enough to find a telephone.
SIGN_IN_STEP_S: Final = 600
#: Seconds after a password in which what is about signing in may be changed.
PROVEN_S: Final = 300
#: Milliseconds to which the last use of a session is kept: each is one small write.
SESSION_USED_MS: Final = 600_000
#: Passkeys and app passwords of one account, and characters of their labels and of a browser's
#: name: what a page can list.
PASSKEYS_MAX: Final = 20
APP_PASSWORDS_MAX: Final = 50
LABEL_MAX_CHARS: Final = 60
AGENT_MAX_CHARS: Final = 200
#: Characters of what a browser answers about a passkey: an attestation with its certificates
#: takes some thousand octets.
PASSKEY_ANSWER_MAX_CHARS: Final = 32_768

# --- Audit log and administration -----------------------------------------------------
#: Entries of the audit log read at once: some 500 kB, 2 ms.
AUDIT_PAGE_MAX: Final = 500
#: Days the audit log knows where visitors came from who are nobody's: an attack is looked into by
#: then. At most so many are forgotten in one transaction; an hour brings 60 of them at most.
AUDIT_STRANGERS_DAYS: Final = 90
AUDIT_FORGET_MAX: Final = 2_000
#: Items on one page of the administration API. Google (documented): 500 users, by default 100.
ADMIN_PAGE_MAX: Final = 500
ADMIN_PAGE: Final = 100
#: Octets of one request's body: a client with a hundred redirect addresses fits.
ADMIN_BODY_MAX_BYTES: Final = 65_536
#: Seconds in which the same call denied to the same caller leaves one entry: a program that tries
#: again is one thing to know of.
DENIED_SAME_S: Final = 60
#: Entries an account may leave by calls it is denied, in so many seconds: half as many as there
#: are methods, and some 350 kB a day of an account that does nothing else.
DENIED_ENTRIES_MAX: Final = 15
DENIED_ENTRIES_S: Final = 1_800
#: Entries of failed sign-ins an account may have in so many seconds, and all addresses that are not
#: here together: as many as the limits of production mode let an account have, passwords and
#: codes. Some 700 kB a day of an account that is guessed at without end.
FAILED_ENTRIES_MAX: Final = 30
FAILED_ENTRIES_S: Final = 1_800

# --- device flow -----------------------------------------------------------------------
#: Seconds the two codes of a device are good for, and seconds between two questions of its. Google:
#: documented (1800 and 5).
DEVICE_CODE_S: Final = 1_800
DEVICE_POLL_S: Final = 5
#: Letters of the code a person types, of 20: 34 bits. At the rates of spec/rates.py an account that
#: guesses needs ten thousand years for one of a thousand codes (RFC 8628 §5.1).
DEVICE_USER_CODE_LETTERS: Final = 8
#: Codes of one client that wait at a time: anybody may ask for one, and all are counted then.
DEVICE_CODES_MAX: Final = 1_000

# --- Watching ----------------------------------------------------------------------------
#: Share of a disk, or of its inodes, that is to stay free: below it `penfold doctor` warns.
DISK_LOW_SHARE: Final = 0.1
#: Octets of memory that are to stay available: what one HTTP process takes with its caches.
MEMORY_LOW_BYTES: Final = 200_000_000
#: Descriptors a process should be allowed: three for each of 1,000 mailboxes and 1,000 clients.
DESCRIPTORS_WANTED: Final = 4_096
#: Milliseconds mail may be due before delivering counts as standing still. A full round of
#: attempts to a slow site takes less.
QUEUE_STUCK_MS: Final = 900_000
#: Milliseconds a file may be from the future: clocks are put right by less.
CLOCK_AHEAD_MS: Final = 300_000
#: Days after which a backup is old.
BACKUP_OLD_DAYS: Final = 7
#: Files whose modes are looked at: a second of lstat.
CHECKUP_FILES_MAX: Final = 200_000
#: Domains whose DNS is looked at in one examination; `penfold domain check` looks at any.
CHECKUP_DOMAINS_MAX: Final = 50
#: Seconds a listener or relay has to accept and greet.
CHECKUP_ANSWER_S: Final = 5.0
#: Seconds after which a request counts as slow, and how many slow ones a process keeps for
#: `penfold top`: more than the tallest terminal shows.
SLOW_REQUEST_S: Final = 0.5
SLOW_KEPT: Final = 100
#: Spans that wait for the collector, 1 kB each; further ones are dropped. Sent so many at a time,
#: which is 300 kB of JSON, or after so many seconds.
SPANS_WAITING_MAX: Final = 8_192
SPANS_AT_ONCE: Final = 512
SPANS_EVERY_S: Final = 1.0
#: Seconds a collector has to answer.
TRACES_ANSWER_S: Final = 5.0
#: Seconds for which lines of the log gather. Written one by one they cost twice as much; a person
#: notices no delay, and a process that is killed loses lines of its last moment.
LOG_GATHER_S: Final = 0.02

# --- Sending API -------------------------------------------------------------------------
#: Records of one kind (keys, webhooks, streams …) an account may have; lists of them are one page.
SENDING_RECORDS_MAX: Final = 1_000
#: Octets of one call's JSON. Base64 of SENDING_EMAIL_MAX_BYTES is 35 MB, the rest is for bodies.
SENDING_BODY_MAX_BYTES: Final = 40_000_000
#: Octets of a batch's JSON, as Postmark's: a batch is for many mails, not for large ones.
SENDING_BATCH_MAX_BYTES: Final = 50_000_000
#: Octets of an email as it is sent, attachments encoded: large receivers refuse more.
SENDING_EMAIL_MAX_BYTES: Final = 26_214_400
#: Octets of html, and of text. Gmail cuts what it shows at 102 kB; nothing sensible is larger.
SENDING_PART_MAX_BYTES: Final = 5_000_000
#: Looks at emails before they are sent, at a time in one process: each holds a thread for as long
#: as the DNS and rspamd take, half a minute at worst.
PREFLIGHTS_MAX: Final = 4
#: Octets of HTML and of text that such a look reads of a message.
PREFLIGHT_READ_MAX_BYTES: Final = SENDING_PART_MAX_BYTES
#: Links it tells; a message that people read has fewer.
PREFLIGHT_LINKS_MAX: Final = 500
#: Links it looks at, of the HTML and of the text: 30 us each.
PREFLIGHT_LINKS_READ_MAX: Final = 2_000
#: Octets of a message Gmail takes, files encoded (documented: 25 MB).
GMAIL_MESSAGE_MAX_BYTES: Final = 25_000_000
#: Emails of a batch, and messages of `recipients`: one transaction and one answer.
SENDING_BATCH_MAX: Final = 500
#: Addresses in to, cc and bcc together. Resend: documented (50).
SENDING_RECIPIENTS_MAX: Final = 50
#: Addresses in reply_to, which go into one header line.
SENDING_REPLY_TO_MAX: Final = 10
#: Characters. RFC 5322 §2.1.1: a line has 998 at most; longer subjects are folded, nobody reads on.
SENDING_SUBJECT_MAX: Final = 998
#: Header fields of the caller's own, and characters of one's value.
SENDING_HEADERS_MAX: Final = 50
SENDING_HEADER_VALUE_MAX: Final = 2_000
#: Attachments of an email, and characters of a file's name: file systems have 255 octets.
SENDING_ATTACHMENTS_MAX: Final = 100
SENDING_FILENAME_MAX: Final = 255
#: Tags of an email, which statistics are counted by, and characters of a name or value of one.
SENDING_TAGS_MAX: Final = 10
SENDING_TAG_MAX: Final = 256
#: Members of metadata, characters of a name and of a value: it comes back in every webhook.
SENDING_METADATA_MAX: Final = 50
SENDING_METADATA_NAME_MAX: Final = 64
SENDING_METADATA_VALUE_MAX: Final = 500
#: Characters of the name of a stream, a key, and of a remark.
SENDING_NAME_MAX: Final = 64
#: Milliseconds an email may be put off, and one from the past still means now: clocks differ.
SENDING_AHEAD_MS: Final = 30 * 86_400_000
SENDING_LATE_MS: Final = 60_000
#: Characters of an idempotency key, and milliseconds its answer is kept. Resend: documented.
IDEMPOTENCY_KEY_MAX: Final = 256
IDEMPOTENCY_KEPT_MS: Final = 86_400_000
#: Items of a list's page, and of one nobody asked a size for. Resend: documented (100).
SENDING_PAGE_MAX: Final = 100
SENDING_PAGE: Final = 20
#: Suppressions of one import and one export: 100 octets each.
SUPPRESSIONS_IMPORT_MAX: Final = 10_000
#: Days of usage one call sums up: rows of a day are few.
USAGE_DAYS_MAX: Final = 366
#: Entries in the list of what is wrong with a call.
SENDING_ERRORS_MAX: Final = 50
#: Domains, streams, networks a key may be bound to.
SENDING_BOUND_MAX: Final = 50
#: Milliseconds between two notes that a key was used: a call must not cost a disk write.
SENDING_KEY_USED_MS: Final = 3_600_000
#: Milliseconds the old secret of a rotated key is good for, unless said otherwise, and at most.
SENDING_ROTATE_MS: Final = 86_400_000
SENDING_ROTATE_MAX_MS: Final = 30 * 86_400_000
#: Events of an email that come with it, the newest first; the events' own list has all. A week of
#: retries to 50 recipients is 2,000, of which nobody reads more than the last.
SENDING_EVENTS_SHOWN: Final = 200
#: Milliseconds what an email had in it is kept after it was accepted.
SENDING_BODY_KEPT_MS: Final = 7 * 86_400_000
#: Rows one transaction of the sweep removes of each kind: 50 ms in which nobody else writes.
SENDING_SWEEP_MAX: Final = 500

# --- statistics of the sending API --------------------------------------------------------
#: Tags, and domains of recipients, an account's mail of a day is counted by apart; the rest is
#: counted together. A question about a month reads some 250,000 rows then: 0.4 s of processor time
#: during which the process reads nothing else of the book, so about more days it is refused.
COUNTED_VALUES_MAX: Final = 1_000
STATS_VALUE_DAYS_MAX: Final = 31
#: Groups of one answer: a megabyte of JSON, and more than anybody reads.
STATS_GROUPS_MAX: Final = 2_000
#: Sums that are read for them, a group has some 15; more are more groups than that for sure.
STATS_SUMS_MAX: Final = 150_000

# --- AOTsend's call ------------------------------------------------------------------------
#: Octets of a call: AokSend takes a file of 1 MB; base64 of it and a page of variables fit.
AOTSEND_BODY_MAX_BYTES: Final = 2_000_000
#: Octets of the file (AokSend's bound, as its clients have it).
AOTSEND_FILE_MAX_BYTES: Final = 1_048_576
#: Fields of a form: the call knows eight; a browser adds buttons.
FORM_FIELDS_MAX: Final = 50

# --- balances of the sending API ------------------------------------------------------------
#: Millionths of the currency an account may have prepaid: sums of it stay in 64 bits.
SENDING_MONEY_MAX_MICROS: Final = 10**15
#: Owners told in one round that a limit was passed; a round reads one small table.
BUDGET_NOTICES: Final = 100
BUDGET_NOTICE_S: Final = 10.0

# --- sending with a key by SMTP -------------------------------------------------------------
#: Messages stored at a time in the mail process: the book has one writer, the others check.
SENDING_SMTP_THREADS: Final = 4

# --- sign-in at another provider ----------------------------------------------------------
#: Seconds for one request to the provider, somebody waits for the page; for one of at most so many
#: addresses.
PROVIDER_FETCH_S: Final = 10.0
PROVIDER_CONNECT_S: Final = 4.0
PROVIDER_ADDRESSES_MAX: Final = 4
#: Octets of its answers and their heads; large providers' are below 20 kB.
PROVIDER_BODY_MAX_BYTES: Final = 131_072
PROVIDER_HEAD_MAX_BYTES: Final = 32_768
#: Requests to it at a time, in one process: a slow provider must not take all connections.
PROVIDER_CALLS_MAX: Final = 16
#: Seconds its description and its keys are believed; how soon the keys are fetched again for a key
#: that is not among them, and anything that could not be fetched.
PROVIDER_KEPT_S: Final = 3_600
PROVIDER_KEYS_AGAIN_S: Final = 60
PROVIDER_AGAIN_S: Final = 5
#: Keys of a set, and bits of an RSA key: checking a signature of 16,384 bits takes 5 ms.
JWK_SET_KEYS_MAX: Final = 100
JWK_BITS_MAX: Final = 16_384
#: Seconds by which the clocks may differ, and how old an id token may be that was just fetched.
ID_TOKEN_SKEW_S: Final = 60
ID_TOKEN_AGE_S: Final = 600
#: OpenID Connect Core §2: 255 ASCII characters.
SUBJECT_MAX_CHARS: Final = 255
#: Octets of the page to go on to that are carried through the provider in `state`: a long
#: authorization request. Web servers take addresses of 8,000.
PROVIDER_GOAL_MAX_CHARS: Final = 4_000
#: Octets of the client secret.
PROVIDER_SECRET_MAX_BYTES: Final = 4_096

# --- Templates ---------------------------------------------------------------------------
#: Octets of one part (HTML, MJML or text) of a template, a layout or a partial, as its author wrote
#: it. Gmail clips a message at 102 kB, so a mail that is shown whole has less.
TEMPLATE_PART_MAX_BYTES: Final = 262_144
#: Octets of the parts after the layout is around them and MJML is HTML, which is ten times as long.
TEMPLATE_COMPILED_MAX_BYTES: Final = 1_048_576
#: Characters of a subject's source; of what it becomes, as much as an ordinary reader ever shows.
TEMPLATE_SUBJECT_MAX_CHARS: Final = 2_000
RENDERED_SUBJECT_MAX_CHARS: Final = 500
#: Characters of one `{{ … }}` or `{% … %}`: what a single step of rendering can cost.
TEMPLATE_TAG_MAX_CHARS: Final = 1_000
#: Conditions joined, values listed, and brackets, in one tag: what a step evaluates at most, and
#: levels of recursion.
TEMPLATE_TAG_JOINTS_MAX: Final = 50
#: Tags in one part. One is 1 to 2 kB when parsed, and a process keeps hundreds of templates.
TEMPLATE_TAGS_MAX: Final = 2_000
#: Blocks within blocks; MJML itself needs none.
TEMPLATE_NESTING_MAX: Final = 20
#: Partials of one template, and how often they may be looked into when it is compiled.
TEMPLATE_PARTIALS_MAX: Final = 100
TEMPLATE_VISITS_MAX: Final = 1_000
#: Errors and warnings that are told of one template or one set of variables.
TEMPLATE_FINDINGS_MAX: Final = 50
#: Characters of a name of a template, layout or partial: of a file name.
TEMPLATE_NAME_MAX_CHARS: Final = 64
#: Elements that are open at once, and elements at all, in HTML that style sheets are put into. The
#: library does it recursively, and so does the compiler of MJML: at 100,000 they end the process.
#: MJML makes some 20 of its own.
HTML_DEPTH_MAX: Final = 256
HTML_ELEMENTS_MAX: Final = 20_000
#: Octets of a schema of variables, its levels, and all schemas within it.
SCHEMA_MAX_BYTES: Final = 65_536
SCHEMA_DEPTH_MAX: Final = 8
SCHEMA_NODES_MAX: Final = 1_000
#: Octets of the variables of one mail, as JSON.
VARIABLES_MAX_BYTES: Final = 262_144
#: Steps of one rendering: a node, a variable, a filter, a turn of a loop, or 256 characters that a
#: filter reads or writes. About 1 µs each, 10 at most; an order with 300 rows takes 6,000.
RENDER_STEPS_MAX: Final = 100_000
#: Characters one part may become, and one value on the way; items of a list a filter makes.
RENDERED_PART_MAX_CHARS: Final = 1_048_576
RENDER_VALUE_MAX_CHARS: Final = 262_144
RENDER_ITEMS_MAX: Final = 10_000
#: Characters of a number that is made; what a 64-bit integer has.
RENDER_NUMBER_MAX: Final = 10**18
#: Octets of HTML beyond which Gmail shows "[Message clipped]" (observed by many, not documented).
GMAIL_CLIPS_BYTES: Final = 102_000
#: Pixels: what readers show without scrolling sideways.
MAIL_WIDTH_MAX_PX: Final = 700

# --- Folders of templates ----------------------------------------------------------------
#: Templates, layouts and partials of a folder, and octets of all files.
FOLDER_ENTRIES_MAX: Final = 500
FOLDER_MAX_BYTES: Final = 33_554_432
#: Octets of template.toml, and of sample.json (which are variables of one mail).
FOLDER_HEAD_MAX_BYTES: Final = 16_384

# --- Templates of the sending API --------------------------------------------------------
#: Templates an account may have, and layouts and partials: a folder of the largest size.
TEMPLATES_MAX: Final = 500
TEMPLATE_PARTS_MAX: Final = 200
#: Versions of a template: one a day for almost three years.
TEMPLATE_VERSIONS_MAX: Final = 1_000
#: Versions that are compared at a time, and how much one may weigh.
TEMPLATE_WEIGHTS_MAX: Final = 10
TEMPLATE_WEIGHT_MAX: Final = 1_000
#: Octets of a call that brings a version: three parts, schema and sample, in JSON.
TEMPLATE_BODY_MAX_BYTES: Final = 4_194_304
#: Calls at a time that compile or render, in one process; each holds a thread until its turn.
TEMPLATE_CALLS_MAX: Final = 8
#: Octets of all emails of one call, where each recipient has one: in memory and stored together.
SENDING_PERSONAL_MAX_BYTES: Final = 209_715_200
#: Templates whose mails are rendered together: each may have a megabyte.
TEMPLATES_IN_HAND: Final = 50

#: Lines of what differs in one file that a command shows.
TEMPLATE_DIFF_LINES: Final = 200
#: Seconds a command waits for one answer: the server may be compiling for 15. Octets of it: a
#: page of 100 layouts of the largest size.
API_TIMEOUT_S: Final = 60.0
API_ANSWER_MAX_BYTES: Final = 104_857_600
#: How often a command asks again when it is told to wait, and seconds it waits at most.
API_TRIES: Final = 10
API_WAIT_MAX_S: Final = 60

# --- Processes that render ---------------------------------------------------------------
#: Octets of address space: the libraries take 90 MB resident, a mail of the largest size 30.
RENDER_MEMORY_BYTES: Final = 536_870_912
#: Seconds of processor time for one template, and of waiting for it; an ordinary one takes 5 ms.
RENDER_CPU_S: Final = 5
RENDER_WALL_S: Final = 15.0
#: Mails of one request to a process: what is lost, and made again, when one of them ends it.
RENDER_BATCH_MAX: Final = 100
#: Octets of one answer: HTML whose style sheets were put into elements, four octets a character.
RENDER_ANSWER_MAX_BYTES: Final = 33_554_432
#: Templates a process keeps parsed; the one unused for longest makes room.
RENDER_KEPT_MAX: Final = 200
#: Mails a process renders before it is replaced, so that what it may leak does not grow.
RENDER_MAILS_PER_PROCESS: Final = 100_000
# --- Domains of the sending API ----------------------------------------------------------
#: Domains an account may send from: each costs some questions to the DNS an hour.
SENDING_DOMAINS_MAX: Final = 100
#: Seconds between two looks at the DNS of every domain.
SENDING_DOMAIN_CHECK_S: Final = 3_600.0
#: Milliseconds a domain that never was verified is looked at for, by itself.
SENDING_DOMAIN_PENDING_MS: Final = 7 * 86_400_000
#: Milliseconds mail still leaves while the DNS of a domain is wrong: a mistake in a zone is found
#: and mended in this time, over a weekend too.
SENDING_DOMAIN_GRACE_MS: Final = 3 * 86_400_000

# --- Streams of the sending API ----------------------------------------------------------
#: Streams of an account.
STREAMS_MAX: Final = 50
#: Seconds of the longest time to live: what an email may be put off.
STREAM_TTL_MAX_S: Final = 30 * 86_400
STREAM_PER_HOUR_MAX: Final = 1_000_000
#: Recipients an hour on the first day of a warm-up, and how many times as many each day after it.
#: SendGrid: documented (20, 28, 39, 55, 77 … an hour).
WARMUP_FIRST: Final = 20
WARMUP_GROWTH: Final = 1.4
#: Days of a warm-up: it ends at 20,000 an hour.
WARMUP_DAYS: Final = 21
#: Milliseconds an email that is accepted now may wait for its stream. SendGrid: documented (72 h).
#: One that was scheduled has been accepted when that is known; `expires_at` bounds its wait.
STREAM_WAIT_MAX_MS: Final = 3 * 86_400_000

# --- Webhooks of the sending API ---------------------------------------------------------
#: Seconds a signed time may be away from ours. Standard Webhooks leaves the number open; its own
#: libraries take five minutes.
WEBHOOK_TOLERANCE_S: Final = 300
#: Signatures of one message that a receiver looks at: each costs an HMAC of the body.
WEBHOOK_SIGNATURES_MAX: Final = 10
#: Webhooks of an account: every event is written once for each that wants it.
WEBHOOKS_MAX: Final = 20
#: Milliseconds the secret before is signed with too after a rotation, and secrets kept at most.
WEBHOOK_ROTATE_MS: Final = 86_400_000
WEBHOOK_SECRETS_MAX: Final = 3
#: Seconds until a connection is there, and again until the answer is. Standard Webhooks: 15 to 30
#: in all.
WEBHOOK_S: Final = 15.0
#: Milliseconds between an attempt and the next, for 75 h in all. Standard Webhooks: its schedule.
WEBHOOK_WAITS_MS: Final = (
    5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 50_400_000, 72_000_000,
    86_400_000,
)  # fmt: skip
#: The longest wait a receiver can ask for with Retry-After: the longest of the schedule.
WEBHOOK_RETRY_AFTER_MAX_MS: Final = 86_400_000
#: Milliseconds for which nothing more is tried, at most, after an address did not answer.
WEBHOOK_REST_MS: Final = 60_000
#: Milliseconds without any success after which a webhook is turned off.
WEBHOOK_FAILING_MS: Final = 3 * 86_400_000
#: Deliveries a thread takes for one webhook, milliseconds after which it gives back the rest, and
#: milliseconds they are its own: ten names that are looked up slowly and answer at the last moment.
WEBHOOK_BATCH: Final = 10
WEBHOOK_BATCH_MS: Final = 10_000
WEBHOOK_LEASE_MS: Final = 600_000
#: Threads that post, in all, of one account, of one webhook, and for all webhooks together that
#: fail or are slow: the rest is kept for those that answer.
WEBHOOK_THREADS: Final = 32
WEBHOOK_THREADS_ACCOUNT: Final = 8
WEBHOOK_THREADS_EACH: Final = 4
WEBHOOK_THREADS_LIMITED: Final = 12
#: Milliseconds for an answer from which a webhook counts as slow.
WEBHOOK_SLOW_MS: Final = 2_000
#: Seconds between two rounds that look for due deliveries.
WEBHOOK_LOOK_S: Final = 0.2
#: Events of one call for a replay, those it looks at (50 ms), and waiting deliveries of a webhook
#: that may get more that way.
WEBHOOK_REPLAY_MAX: Final = 500
WEBHOOK_REPLAY_SCAN_MAX: Final = 5_000
WEBHOOK_REPLAY_WAITING_MAX: Final = 10_000
#: Days the attempts of a delivery can be looked at.
WEBHOOK_LOG_DAYS: Final = 30
#: Webhooks read in one step of a sweep over all accounts.
WEBHOOK_SWEEP: Final = 500
#: Characters of what went wrong with an attempt that are kept.
WEBHOOK_OUTCOME_MAX: Final = 200


# --- the way out of the sending API ---------------------------------------------------------

#: Emails that are taken at a time, and milliseconds they are somebody's: what a process does with
#: them takes seconds, and one that died is followed by one that ends all leases.
SENDING_TAKE_MAX: Final = 200
#: Of them one in so many is for each lower priority that waits, as DELIVERY_OLDEST_EVERY.
SENDING_SHARE: Final = 4
SENDING_LEASE_MS: Final = 600_000
#: Octets of content, and recipients, of the emails that are handed over together: three commits
#: serve them all, and what is in memory is a few times that.
SENDING_LOT_BYTES: Final = 8_388_608
SENDING_LOT_RECIPIENTS: Final = 200
#: Seconds between two looks for emails that are due: what a code or a receipt waits at most.
SENDING_LOOK_S: Final = 0.1
#: Milliseconds until a mailbox here that cannot take an email now is tried again, and after which
#: it is given up. RFC 5321 §4.5.4.1: four or five days.
SENDING_AGAIN_MS: Final = 30_000
SENDING_LIFE_MS: Final = 432_000_000
#: Seconds between two looks at what came of queue rows, and of those that are kept in memory in
#: between: what is beyond is found by the sweep.
SENDING_NEWS_S: Final = 0.1
SENDING_NEWS_MAX: Final = 20_000
#: Seconds between two looks for rows whose end nobody told: an index has them.
SENDING_UNTOLD_S: Final = 5.0
#: Events written in one transaction: 100 us each, while which no email can be accepted.
SENDING_NEWS_LOT: Final = 500
#: Characters of a server's reply in an event. RFC 5321 §4.5.3.1.5: 512 a line.
SENDING_RESPONSE_MAX: Final = 1_000
#: Earlier bounces of an address that are looked at: three in two weeks are reason to stop.
SENDING_BOUNCES_LOOKED_AT: Final = 50
#: Octets of bounces that wait to be read, in memory: whoever brings more is asked to come later.
SENDING_RETURNS_WAITING_BYTES: Final = 33_554_432

# --- links in mail of the sending API -------------------------------------------------------

#: Octets of the keyed hash of a link: nobody guesses 128 bits, and a link stays short.
MAIL_LINK_HASH_BYTES: Final = 16
#: Octets of where a link leads that is rewritten. Browsers and mail clients take 2,000 as it is,
#: and base64 makes it a third longer; a longer one stays as it was written.
MAIL_LINK_TARGET_MAX: Final = 1_400
#: Links of a mail that are rewritten, at 15 us and up to 2 kB each; those behind stay as they are.
TRACKED_LINKS_MAX: Final = 500
#: Milliseconds after a mail was due in which opening and clicking is noted, unless its events
#: go before (sending_days), how often at most, and for how long the same is noted once: whoever has
#: a mail's links can have us write no more.
TRACKED_MS: Final = 90 * 86_400_000
TRACKED_EVENTS_MAX: Final = 200
TRACKED_ONCE_MS: Final = 3_600_000
#: Milliseconds after the delivery in which nobody has read a mail yet, and machines look at it.
MACHINE_WITHIN_MS: Final = 5_000
#: Characters of a program's name that are kept, where a setting says so.
AGENT_MAX: Final = 300
