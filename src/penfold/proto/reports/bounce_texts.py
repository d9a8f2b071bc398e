"""Bounces that are no RFC 3464: known by the texts their programs write.

qmail (its own format, QSBMF), Exim, old sendmail, Exchange, Domino, Yahoo, and Gmail as it was. A
family is a row of data: how its text begins, what a line with a recipient looks like, where the
copy of the message begins. What stands between two recipients is what the server said.

Only what a program sent is looked at: a bounce that somebody forwards or quotes is a letter.
"""

import re
from typing import Final, NamedTuple

from penfold.base.limits import REPORT_RECIPIENTS_MAX, REPORT_VALUE_MAX
from penfold.proto.address import parse_address_list
from penfold.proto.mime.charset import decode_text
from penfold.proto.mime.model import Part
from penfold.proto.mime.words import strip_controls
from penfold.proto.reports.action import Action
from penfold.proto.reports.blocks import (
    Field,
    decode_start,
    find_message_id,
    iter_parts,
    read_header,
    read_returned,
)
from penfold.proto.reports.returned import BounceReport, RecipientStatus
from penfold.proto.smtp.outcomes.classify import read_reply


class _Family(NamedTuple):
    """opening: somewhere in the first lines. recipient: group 1 is the address, group 2, if there
    is one, what the server said already. ending: the line before the copy of the message.
    """

    name: str
    opening: re.Pattern[str]
    recipient: re.Pattern[str]
    ending: re.Pattern[str]
    action: Action = Action.FAILED


_CHAR: Final = r"[^\s<>()\"',;:\x00-\x1f\x7f-\x9f]"
_ADDRESS: Final = rf"({_CHAR}{{1,200}}@{_CHAR}{{1,255}})"
_BARE = re.compile(rf"[ \t]*<?{_ADDRESS}>?:?[ \t]*\Z")
_COPY = re.compile(
    r"[ \t]*+-{3,}+.{0,20}(?:copy of|original message|returned message|message follow)",
    re.IGNORECASE,
)


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


#: Order matters: a text may begin like two of them.
_FAMILIES: Final = (
    _Family(
        "qmail",
        _words(r"\AHi\. (?:This is|I'm) the |\AThis is the .{1,60} program at "),
        # QSBMF: a paragraph of a recipient begins with its address in brackets and a colon.
        re.compile(rf"<{_ADDRESS}>:[ \t]*(.*)"),
        re.compile(r"-"),  # the first paragraph that begins with a hyphen
    ),
    _Family(
        "exim-delay",
        _words(r"created automatically by mail delivery software.{0,400}not yet been deliver"),
        _BARE,
        _COPY,
        Action.DELAYED,
    ),
    _Family("exim", _words(r"created automatically by mail delivery software"), _BARE, _COPY),
    _Family(
        "sendmail-delay",
        _words(r"following addresses had (?:transient|delayed)"),
        re.compile(rf"[ \t]*<?{_ADDRESS}>?(?:[ \t]+\(.*\))?[ \t]*\Z"),
        _COPY,
        Action.DELAYED,
    ),
    _Family(
        "sendmail",
        _words(r"following addresses had permanent|Transcript of session follows"),
        re.compile(rf"[ \t]*(?:\d{{3}} )?<?{_ADDRESS}>?(?:\.\.\.[ \t]*(.*)|[ \t]*\(.*\)|[ \t]*)\Z"),
        _COPY,
    ),
    _Family(
        "exchange",
        _words(r"did not reach (?:some or all of )?the (?:intended|following) recipient"
               r"|delivery has failed to these recipients|could not be delivered to the following"),
        re.compile(rf"[ \t]*['\"<(]?{_ADDRESS}['\">)]?(?: on \S.*|[ \t]*[(<].*)?[ \t]*\Z"),
        _words(r"_{5,}|original message headers"),
    ),
    _Family(
        "domino",
        _words(r"was not delivered to:"),
        _BARE,
        _words(r"-{5,}|received:"),
    ),
    _Family(
        "gmail",
        _words(r"Delivery to the following recipients? (?:has been delayed|failed permanently)"),
        _BARE,
        _words(r"-{3,} ?(?:Original|Message header)"),
    ),
    _Family(
        "yahoo",
        _words(
            r"\AMessage from \S{1,60}.{0,40}Unable to deliver"
            r"|\ASorry,? we were unable to deliver"
        ),
        re.compile(rf"<{_ADDRESS}>:[ \t]*(.*)"),
        re.compile(r"--- "),
    ),
    _Family(
        "other",
        _words(r"(?:could not|couldn't|cannot|wasn't able to|unable to) (?:be )?deliver"
               r"|undeliverable|delivery (?:has )?failed|wasn't delivered|returned mail"),
        re.compile(rf"[ \t]*<?{_ADDRESS}>?:?(?:[ \t]+(.*))?\Z"),
        _COPY,
    ),
)  # fmt: skip

#: Who writes bounces. RFC 5321 §6.1 names none; these are what servers use.
_DAEMON = _words(r"mailer-daemon@|mail-?daemon|postmaster@|mail delivery (?:sub)?system|<>")
#: Characters in which a family's opening is looked for.
_OPENING_MAX: Final = 1_500


def read_text_bounce(raw: bytes, root: Part) -> BounceReport | None:
    """Return what a bounce in plain words says; None when the message is none."""
    failed = _failed_recipients(root)
    if not failed and not _is_from_program(root):
        return None
    text = _find_text(raw, root)
    opening = " ".join(text[:_OPENING_MAX].split())  # wherever lines were broken
    family = next((each for each in _FAMILIES if each.opening.search(opening)), None)
    if family is None and not failed:
        return None
    recipients, copy = _read_lines(text, family) if family else ([], "")
    if not recipients:
        recipients = [_make_status(address, text, Action.FAILED) for address in failed]
    if not recipients:
        return None
    returned = read_returned(raw, root) or _read_copy(copy)
    return BounceReport(
        recipients=tuple(recipients),
        message_id=find_message_id(returned, "message-id")
        or find_message_id(root.headers, "in-reply-to", "references"),
        returned=returned,
        source=family.name if family else "x-failed-recipients",
    )


def _failed_recipients(root: Part) -> list[str]:
    """Return the addresses of X-Failed-Recipients, which Exim and Gmail write."""
    for name, value in root.headers:
        if name.lower() == "x-failed-recipients":
            return [each.address for each in parse_address_list(value, decoded=True)]
    return []


def _is_from_program(root: Part) -> bool:
    for name, value in root.headers:
        if name.lower() == "from":
            return _DAEMON.search(value) is not None
    return False


def _find_text(raw: bytes, root: Part) -> str:
    """Return the first text for people, with plain line ends.

    A container that does not come apart, because its header was damaged, is a text as well.
    """
    for part in iter_parts(root):
        if part.mime_type.startswith(("text/plain", "multipart/")) and not part.parts:
            text = decode_text(decode_start(raw, part), part.charset)
            return text.replace("\r\n", "\n").replace("\r", "\n").lstrip()
    return ""


def _read_lines(text: str, family: _Family) -> tuple[list[RecipientStatus], str]:
    """Return the recipients of a text, and what follows the line that ends them."""
    found: list[tuple[str, list[str]]] = []
    at = 0
    for line in text.split("\n"):
        at += len(line) + 1
        if family.ending.match(line):
            break
        match = family.recipient.match(line)
        if match is not None and len(found) < REPORT_RECIPIENTS_MAX:
            said = match[2] if match.re.groups > 1 else ""
            found.append((match[1], [said or ""]))
        elif found:
            found[-1][1].append(line)
    seen: dict[str, RecipientStatus] = {}
    for address, lines in found:
        status = _make_status(address, " ".join(lines), family.action)
        # Exchange names an address for people first, and again for administrators, with codes.
        if address not in seen or (status.status and not seen[address].status):
            seen[address] = status
    return list(seen.values()), text[at:]


def _make_status(address: str, words: str, action: Action) -> RecipientStatus:
    words = " ".join(strip_controls(words[: 2 * REPORT_VALUE_MAX]).split())[:REPORT_VALUE_MAX]
    said = read_reply(words)
    return RecipientStatus(final=address, action=action, status=said.enhanced, diagnostic=words)


def _read_copy(text: str) -> tuple[Field, ...]:
    """Return the header of a message that is copied into the text."""
    return read_header(text.lstrip("\n").encode("utf-8", "replace"))
