"""Every reply an SMTP server of ours gives.

Owns the texts; nobody else writes one. Codes and, where the words are a fact rather than prose,
texts are Gmail's (docs/compatibility.md says which were observed). A reply is encoded once, when
it is made; refusals get the session's tag at the end, so that a person can quote it to whoever
reads the log, as Gmail's " - gsmtp" does.

Invariants: every line is printable ASCII and at most 512 octets with its line end
(RFC 5321 §4.5.3.1.5); every line of a reply carries the same codes (RFC 2034 §4).
"""

import base64
from typing import Final

from msgspec import Struct

from penfold.base.errors import ParseError

#: RFC 5321 §4.5.3.1.5: octets of a reply line with code and line end.
LINE_MAX: Final = 512
#: Octets kept free for the tag of a refusal.
TAG_MAX: Final = 64


class Reply(Struct, frozen=True, gc=False):
    """A reply as it goes out; `wire` holds every line with its end; a final one closes."""

    code: int
    wire: bytes
    final: bool = False

    def tagged(self, tag: bytes) -> bytes:
        """Return the octets with the session's tag at the end of the last line."""
        return b"%b %b\r\n" % (self.wire[:-2], tag) if tag else self.wire


class RefusedError(ParseError):
    """What the client said gets this reply; raised by parsers, caught by the state machine."""

    def __init__(self, reply: Reply) -> None:
        super().__init__("refused", code=reply.code)
        self.reply = reply


def make_reply(code: int, enhanced: str, *lines: str) -> Reply:
    """Encode a reply; what is not printable ASCII becomes "?", what is too long is cut."""
    status = f"{enhanced} " if enhanced else ""
    last = len(lines) - 1
    room = LINE_MAX - TAG_MAX - len(status) - 6
    parts = []
    for number, line in enumerate(lines):
        text = "".join(c if " " <= c <= "~" else "?" for c in line[:room])
        parts.append(f"{code}{' ' if number == last else '-'}{status}{text}\r\n")
    return Reply(code, "".join(parts).encode("ascii"))


def _final(code: int, enhanced: str, text: str) -> Reply:
    return Reply(code, make_reply(code, enhanced, text).wire, final=True)


def _challenge(text: bytes) -> Reply:
    return make_reply(334, "", base64.b64encode(text).decode("ascii"))


# --- what goes well --------------------------------------------------------------------
HELP: Final = make_reply(214, "2.0.0", "Commands are those of RFC 5321 and of the EHLO reply")
READY_FOR_TLS: Final = make_reply(220, "2.0.0", "Ready to start TLS")
CLOSING: Final = _final(221, "2.0.0", "closing connection")
# Gmail (documented): XOAUTH2 answers exactly this.
ACCEPTED: Final = make_reply(235, "2.7.0", "Accepted")
OK: Final = make_reply(250, "2.0.0", "OK")
SENDER_OK: Final = make_reply(250, "2.1.0", "OK")
RECIPIENT_OK: Final = make_reply(250, "2.1.5", "OK")
FLUSHED: Final = make_reply(250, "2.1.5", "Flushed")
VERIFY: Final = make_reply(252, "2.1.5", "Cannot verify; send a message and see")
# RFC 4954 §4: a 334 carries base64 and nothing else, not even a status.
ASK: Final = _challenge(b"")
ASK_USER: Final = _challenge(b"Username:")
ASK_PASSWORD: Final = _challenge(b"Password:")
# Gmail (documented, xoauth2-protocol): the failure document before the 535.
BEARER_FAILED: Final = _challenge(
    b'{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}'
)
# Gmail (observed): two spaces.
GO_AHEAD: Final = make_reply(354, "", " Go ahead")

# --- the session ends ------------------------------------------------------------------
STOPPING: Final = _final(421, "4.3.2", "Service is stopping, try again later")
TOO_MANY_CONNECTIONS: Final = _final(
    421, "4.7.0", "Too many connections from your address, try again later"
)
FULL: Final = _final(421, "4.3.2", "Too many connections, try again later")
TIMEOUT: Final = _final(421, "4.4.2", "Timeout, closing connection")
TOO_SLOW: Final = _final(421, "4.4.2", "Data arrives too slowly, closing connection")
TOO_MANY_ERRORS: Final = _final(421, "4.7.0", "Too many errors, closing connection")
TOO_MANY_COMMANDS: Final = _final(
    421, "4.7.0", "Too many commands without a message, closing connection"
)
TOO_MANY_LOGINS: Final = _final(421, "4.7.0", "Too many failed logins, closing connection")
#: Gmail (documented).
TOO_MANY_SENT: Final = _final(421, "4.7.0", "Try again later, closing connection")
OUT_OF_MEMORY: Final = _final(421, "4.3.1", "Insufficient system storage, try again later")
ENDLESS_LINE: Final = _final(421, "4.7.0", "Line has no end, closing connection")
NOT_SMTP: Final = _final(554, "5.5.0", "This is an SMTP server, closing connection")
EARLY_TALK: Final = _final(501, "5.5.1", "Octets after STARTTLS and before TLS, closing connection")
#: RFC 5321 §4.3.1: the client has to wait for the greeting.
EARLY_TALKER: Final = _final(554, "5.5.0", "You spoke before the greeting, closing connection")
TOO_FAST: Final = _final(
    421, "4.7.0", "Too many new connections from your address, try again later"
)
TOO_MANY_MESSAGES: Final = _final(
    421, "4.7.0", "Too many messages in one connection, open another one"
)
#: Nobody knows where the chunk ends, so nothing behind it can be read as a command.
BAD_CHUNK: Final = _final(501, "5.5.4", "BDAT needs a size; closing connection")
#: It was told the limit and goes on; nobody drains an endless message.
ENDLESS_DATA: Final = _final(552, "5.3.4", "Message exceeds the size limit, closing connection")

# --- try again -------------------------------------------------------------------------
SYSTEM_PROBLEM: Final = make_reply(451, "4.3.0", "Temporary system problem, try again later")
MAILBOX_UNAVAILABLE: Final = make_reply(451, "4.3.0", "Mail server temporarily rejected message")
NO_ROOM: Final = make_reply(452, "4.3.1", "Insufficient system storage, try again later")
TOO_MANY_RECIPIENTS: Final = make_reply(
    452, "4.5.3", "Too many recipients, send the rest in another transaction"
)
#: Gmail (documented): the code, and what it is for.
TOO_MANY_GUESSES: Final = make_reply(454, "4.7.0", "Too many login attempts, try again later")
LOGIN_UNAVAILABLE: Final = make_reply(
    454, "4.7.0", "Temporary authentication failure, try again later"
)

# --- syntax and order ------------------------------------------------------------------
LINE_TOO_LONG: Final = make_reply(500, "5.5.2", "Line too long")
BARE_LF: Final = make_reply(500, "5.5.2", "Bare LF: a line must end with CR LF")
BARE_CR: Final = make_reply(500, "5.5.2", "Bare CR in a command line")
NUL_IN_COMMAND: Final = make_reply(500, "5.5.2", "NUL in a command line")
BAD_HELO: Final = make_reply(501, "5.5.4", "HELO/EHLO argument is not a host name or address")
EMPTY_HELO: Final = make_reply(501, "5.5.4", "Empty HELO/EHLO argument not allowed")
NO_ARGUMENT: Final = make_reply(501, "5.5.4", "This command takes no argument")
BAD_PARAMETER: Final = make_reply(501, "5.5.4", "Parameter repeated or malformed")
BAD_RET: Final = make_reply(501, "5.5.4", "RET is FULL or HDRS")
BAD_ENVID: Final = make_reply(501, "5.5.4", "ENVID is up to 100 characters of xtext (RFC 3461)")
BAD_NOTIFY: Final = make_reply(
    501, "5.5.4", "NOTIFY is NEVER, or one or more of SUCCESS, FAILURE and DELAY"
)
BAD_ORCPT: Final = make_reply(
    501, "5.5.4", "ORCPT is an address type, a semicolon and an address in xtext (RFC 3461)"
)
CANNOT_DECODE: Final = make_reply(501, "5.5.2", "Cannot Decode response")
LOGIN_CANCELLED: Final = make_reply(501, "5.7.0", "Authentication canceled")
UNRECOGNIZED: Final = make_reply(502, "5.5.1", "Unrecognized command")
NO_EXPN: Final = make_reply(502, "5.5.1", "EXPN is not offered")
HELO_FIRST: Final = make_reply(503, "5.5.1", "EHLO/HELO first")
MAIL_FIRST: Final = make_reply(503, "5.5.1", "MAIL first")
RCPT_FIRST: Final = make_reply(503, "5.5.1", "RCPT first")
NESTED_MAIL: Final = make_reply(503, "5.5.1", "A transaction is open; finish it or send RSET")
CHUNKS_BEGUN: Final = make_reply(503, "5.5.1", "BDAT has begun; send its last chunk or send RSET")
BINARY_NEEDS_BDAT: Final = make_reply(503, "5.5.1", "BODY=BINARYMIME needs BDAT")
LOGGED_IN_ALREADY: Final = make_reply(503, "5.5.1", "Already authenticated")
TLS_ALREADY: Final = make_reply(503, "5.5.1", "TLS is active already")
UNKNOWN_MECHANISM: Final = make_reply(504, "5.7.4", "Unrecognized Authentication Type")
# Gmail (documented): also for AUTH before TLS, where RFC 4954 §6 would allow 538.
TLS_FIRST: Final = make_reply(530, "5.7.0", "Must issue a STARTTLS command first")
REQUIRETLS_NEEDS_TLS: Final = make_reply(530, "5.7.0", "REQUIRETLS needs TLS on this connection")
LOGIN_FIRST: Final = make_reply(530, "5.7.0", "Authentication Required")
SYNTAX: Final = make_reply(555, "5.5.2", "Syntax error")
UNKNOWN_PARAMETER: Final = make_reply(555, "5.5.4", "Parameter not recognized")

# --- who -------------------------------------------------------------------------------
BAD_CREDENTIALS: Final = make_reply(
    535,
    "5.7.8",
    "Username and Password not accepted.",
    "Use an app password, or an OAuth 2.0 token with the scope https://mail.google.com/",
)
NOT_YOUR_ADDRESS: Final = make_reply(
    553, "5.7.1", "The sender address does not belong to the authenticated account"
)
BAD_SENDER: Final = make_reply(553, "5.1.7", "The sender address is not a valid RFC 5321 address")
BAD_RECIPIENT: Final = make_reply(
    553, "5.1.3", "The recipient address is not a valid RFC 5321 address"
)
NEEDS_SMTPUTF8: Final = make_reply(553, "5.6.7", "This address needs the SMTPUTF8 parameter")
UNKNOWN_RECIPIENT: Final = make_reply(
    550,
    "5.1.1",
    "The email account that you tried to reach does not exist.",
    "Please check the address for typing errors and spaces",
)
RELAY_DENIED: Final = make_reply(550, "5.7.1", "Mail relay denied")

# --- what --------------------------------------------------------------------------------
TOO_BIG: Final = make_reply(552, "5.3.4", "Message exceeds the size limit")
HEADER_TOO_BIG: Final = make_reply(552, "5.3.4", "The header of the message is longer than 500 KB")
NO_VALID_RECIPIENTS: Final = make_reply(554, "5.5.1", "No valid recipients")
LOOP: Final = make_reply(554, "5.4.6", "Message has passed too many servers: a loop")
OWN_LOOP: Final = make_reply(554, "5.4.6", "Message came back here too often: a loop")
BARE_LF_IN_DATA: Final = make_reply(
    550, "5.6.11", "Message holds a bare LF; every line must end with CR LF"
)
BARE_CR_IN_DATA: Final = make_reply(
    550, "5.6.11", "Message holds a bare CR; every line must end with CR LF"
)
NUL_IN_DATA: Final = make_reply(554, "5.6.0", "Message holds a NUL octet")
NOT_ALLOWED: Final = make_reply(550, "5.7.1", "This account may not do that")
BAD_BINARY_HEADER: Final = make_reply(
    554, "5.6.0", "Message header holds a bare CR, a bare LF or a NUL octet"
)
MALFORMED: Final = make_reply(554, "5.6.0", "Mail message is malformed. Not accepted")


def make_greeting(hostname: str, tag: str) -> Reply:
    return Reply(220, f"220 {hostname} ESMTP {tag}\r\n".encode("ascii"))


def make_stored(epoch_s: int, message_id: str) -> Reply:
    """Return the reply to a stored message; Gmail (observed): the time, then an id."""
    return Reply(250, f"250 2.0.0 OK {epoch_s} {message_id} - penfold\r\n".encode("ascii"))


def make_queued(email_id: str) -> Reply:
    """Return the reply to a program whose message is an email of the sending API."""
    return make_reply(250, "2.0.0", f"OK queued as {email_id}")


def make_greylisted(seconds: int) -> Reply:
    """Return the reply to a recipient whose sender is a stranger (RFC 6647 §3)."""
    return make_reply(451, "4.7.1", f"Greylisted, try again in {seconds} seconds")


def make_chunk_taken(octets: int) -> Reply:
    """Return the reply to a chunk that is not the last one (RFC 3030 §2)."""
    return Reply(250, b"250 2.0.0 %d octets received\r\n" % octets)


def make_session_tag(session: str) -> str:
    return f"{session} - penfold"
