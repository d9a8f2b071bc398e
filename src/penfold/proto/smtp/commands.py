"""The arguments of SMTP commands, parsed strictly.

Owns the grammar of RFC 5321 §4.1.2 around addresses; what an address is belongs to
`penfold.proto.address`, what parameters mean to `penfold.proto.smtp.parameters`. Every parser is
pure and raises RefusedError with the reply the client gets. Fails closed: nothing with a syntax
error becomes a value (OpenSMTPD CVE-2020-7247).
"""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.proto.address import parse_mailbox
from penfold.proto.smtp import replies
from penfold.proto.smtp.parameters import (
    NO_OPTIONS,
    MailOptions,
    ReportRequest,
    parse_mail_parameters,
    parse_rcpt_parameters,
)
from penfold.proto.smtp.replies import RefusedError, Reply

#: A host name as clients really send it (underscores, single labels) or an address literal,
#: RFC 5321 §4.1.3. Anything else could not be shown in a Received field as it is.
_HELO = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,253})|\[[A-Za-z0-9:.-]{2,64}\]")

#: RFC 5321 §4.1.2: Reverse-path and Forward-path with their parameters. The space after the
#: colon is not in the grammar; too many clients send it to refuse it.
_PATH = re.compile(rb'<((?:[^"<>\s\x00-\x1f\x7f]++|"(?:[^"\\]|\\.)*+")*+)>(?: +(.*\S))? *')
#: RFC 3030 §2: bdat-cmd, with a size that fits any counter.
_CHUNK = re.compile(rb" *([0-9]{1,18})(?: +(LAST))? *", re.IGNORECASE)

#: What every listener offers; the state machine says what else its client may use.
BASIC: Final = frozenset({"SIZE", "8BITMIME", "SMTPUTF8"})


class MailCommand(Struct, frozen=True, gc=False):
    """MAIL FROM. sender is "" for the null reverse-path; size 0 when it was not announced."""

    sender: str
    size: int = 0
    options: MailOptions = NO_OPTIONS


class RcptCommand(Struct, frozen=True, gc=False):
    """RCPT TO. report is None when nothing was said about reports."""

    address: str
    report: ReportRequest | None = None


class ChunkCommand(Struct, frozen=True, gc=False):
    """BDAT: `size` octets follow (RFC 3030 §2)."""

    size: int
    is_last: bool


def parse_helo(argument: bytes) -> str:
    """Return the client's name for itself."""
    if not argument:
        raise RefusedError(replies.EMPTY_HELO)
    if not _HELO.fullmatch(argument):
        raise RefusedError(replies.BAD_HELO)
    return argument.decode("ascii")


def parse_mail(argument: bytes, *, offered: Collection[str] = BASIC) -> MailCommand:
    """Return what MAIL says; offered: the keywords of the last EHLO reply."""
    if argument[:5].upper() != b"FROM:":
        raise RefusedError(replies.SYNTAX)
    path, tail = _split_path(argument[5:])
    if not tail:
        return MailCommand(_parse_address(path, replies.BAD_SENDER) if path else "")
    parameters = parse_mail_parameters(tail, offered)
    utf8 = parameters.options.utf8
    sender = _parse_address(path, replies.BAD_SENDER, utf8=utf8) if path else ""
    return MailCommand(sender, parameters.size, parameters.options)


def parse_rcpt(
    argument: bytes, *, utf8: bool, domain: str, offered: Collection[str] = BASIC
) -> RcptCommand:
    """Return whom RCPT names; `domain` completes RFC 5321 §4.1.1.3's <Postmaster>."""
    if argument[:3].upper() != b"TO:":
        raise RefusedError(replies.SYNTAX)
    path, tail = _split_path(argument[3:])
    report = parse_rcpt_parameters(tail, offered) if tail else None
    if path.lower() == b"postmaster":
        return RcptCommand(f"postmaster@{domain}", report)
    return RcptCommand(_parse_address(path, replies.BAD_RECIPIENT, utf8=utf8), report)


def parse_chunk(argument: bytes) -> ChunkCommand:
    """Return what BDAT says. The refusal ends the session: nobody knows where the chunk ends."""
    match = _CHUNK.fullmatch(argument)
    if not match:
        raise RefusedError(replies.BAD_CHUNK)
    return ChunkCommand(int(match[1]), match[2] is not None)


def _split_path(argument: bytes) -> tuple[bytes, bytes | None]:
    match = _PATH.fullmatch(argument.lstrip(b" "))
    if not match:
        raise RefusedError(replies.SYNTAX)
    return match[1], match[2]


def _parse_address(path: bytes, refusal: Reply, *, utf8: bool = False) -> str:
    # Deviates (SHOULD): RFC 5321 §4.1.1.3 asks to ignore source routes (`<@a:b@c>`). Nobody
    # needs them and they hide the real recipient from whoever filters, so they are refused.
    if not (utf8 or path.isascii()):
        raise RefusedError(replies.NEEDS_SMTPUTF8)
    try:
        return _decode_mailbox(path)
    except (ParseError, UnicodeDecodeError) as error:
        raise RefusedError(refusal) from error


@lru_cache(maxsize=1024)
def _decode_mailbox(path: bytes) -> str:
    """Return the address in normal form; the same few names come again and again."""
    return parse_mailbox(path.decode("utf-8"))
