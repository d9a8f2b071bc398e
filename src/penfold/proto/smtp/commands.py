"""The arguments of SMTP commands, parsed strictly.

Owns the grammar of RFC 5321 §4.1.2 around addresses; what an address is belongs to
`penfold.proto.address`. Every parser is pure and raises RefusedError with the reply the client
gets. Fails closed: nothing with a syntax error becomes a value (OpenSMTPD CVE-2020-7247).
"""

import re
from functools import lru_cache
from typing import Final

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.proto.address import parse_mailbox
from penfold.proto.smtp import replies
from penfold.proto.smtp.replies import RefusedError, Reply

#: A host name as clients really send it (underscores, single labels) or an address literal,
#: RFC 5321 §4.1.3. Anything else could not be shown in a Received field as it is.
_HELO = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,253})|\[[A-Za-z0-9:.-]{2,64}\]")

#: RFC 5321 §4.1.2: Reverse-path and Forward-path with their parameters. The space after the
#: colon is not in the grammar; too many clients send it to refuse it.
_PATH = re.compile(rb'<((?:[^"<>\s\x00-\x1f\x7f]++|"(?:[^"\\]|\\.)*+")*+)>(?: +(.*\S))? *')
_PARAMETER = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e\x80-\xff]+))?")

#: RFC 1870 §4: size-value = 1*20DIGIT.
_SIZE = re.compile(rb"[0-9]{1,20}")
_BODIES: Final = frozenset({b"7BIT", b"8BITMIME"})


class MailCommand(Struct, frozen=True, gc=False):
    """MAIL FROM. sender is "" for the null reverse-path; size 0 when it was not announced."""

    sender: str
    size: int = 0
    utf8: bool = False


def parse_helo(argument: bytes) -> str:
    """Return the client's name for itself."""
    if not argument:
        raise RefusedError(replies.EMPTY_HELO)
    if not _HELO.fullmatch(argument):
        raise RefusedError(replies.BAD_HELO)
    return argument.decode("ascii")


def parse_mail(argument: bytes) -> MailCommand:
    if argument[:5].upper() != b"FROM:":
        raise RefusedError(replies.SYNTAX)
    path, tail = _split_path(argument[5:])
    if not tail:
        return MailCommand(_parse_address(path, replies.BAD_SENDER) if path else "")
    size, utf8 = 0, False
    for name, value in _parse_parameters(tail).items():
        if name == b"SIZE":
            size = _parse_size(value)
        elif name == b"SMTPUTF8" and value is None:
            utf8 = True
        elif name == b"BODY" and value is not None and value.upper() in _BODIES:
            pass  # RFC 6152 §3: the message is kept octet for octet either way
        elif name == b"AUTH" and value is not None:
            pass  # RFC 4954 §5: a server that does not trust the client takes it as AUTH=<>
        else:
            known = name in (b"SMTPUTF8", b"BODY", b"AUTH")
            raise RefusedError(replies.BAD_PARAMETER if known else replies.UNKNOWN_PARAMETER)
    sender = _parse_address(path, replies.BAD_SENDER, utf8=utf8) if path else ""
    return MailCommand(sender, size, utf8)


def parse_rcpt(argument: bytes, *, utf8: bool, domain: str) -> str:
    """Return the recipient's address; `domain` completes RFC 5321 §4.1.1.3's <Postmaster>."""
    if argument[:3].upper() != b"TO:":
        raise RefusedError(replies.SYNTAX)
    path, tail = _split_path(argument[3:])
    if tail:
        _parse_parameters(tail)
        raise RefusedError(replies.UNKNOWN_PARAMETER)
    if path.lower() == b"postmaster":
        return f"postmaster@{domain}"
    return _parse_address(path, replies.BAD_RECIPIENT, utf8=utf8)


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


def _parse_parameters(tail: bytes) -> dict[bytes, bytes | None]:
    parameters: dict[bytes, bytes | None] = {}
    for word in tail.split():
        match = _PARAMETER.fullmatch(word)
        if not match or match[1].upper() in parameters:
            raise RefusedError(replies.BAD_PARAMETER)
        parameters[match[1].upper()] = match[2]
    return parameters


def _parse_size(value: bytes | None) -> int:
    if value is None or not _SIZE.fullmatch(value):
        raise RefusedError(replies.BAD_PARAMETER)
    return int(value)
