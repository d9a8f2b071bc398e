"""Delivery status notifications of our own: what happened to a message its sender has sent.

RFC 3464 in the form of RFC 6522, with RFC 6533 for addresses beyond ASCII, and in Gmail's manner:
from mailer-daemon@ the domain, in the sender's thread, the reason in plain words first. It goes out
with the null reverse-path (RFC 3461 §6.1), so that nothing answers it.

A remote server's words come from a stranger: they are cut, and control characters leave them.
"""

import base64
import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from penfold.base.chance import Chance
from penfold.base.limits import DSN_DIAGNOSTIC_MAX, DSN_RECIPIENTS_MAX
from penfold.proto.mime.compose import (
    format_date,
    header_values,
    prepend_headers,
)
from penfold.proto.mime.words import strip_controls
from penfold.proto.reports.action import Action
from penfold.proto.reports.returning import make_returned
from penfold.proto.reports.wording import find_wording
from penfold.proto.smtp.outcomes.rule import Kind
from penfold.proto.smtp.xtext import OriginalRecipient


class Told(Struct, frozen=True, gc=False):
    """One recipient, and what is told about it.

    kind: the class of the outcome, which chooses the words. status: as RFC 3463 has it.
    diagnostic: the remote server's reply, "" when there was none. remote_mta: its name, and
    remote_ip its address. retry_until_ms: for a delay. Times are epoch milliseconds.
    """

    address: str
    action: Action
    status: str
    kind: Kind = Kind.UNDETERMINED
    diagnostic: str = ""
    original: OriginalRecipient | None = None
    remote_mta: str = ""
    remote_ip: str = ""
    last_attempt_ms: int | None = None
    retry_until_ms: int | None = None


class Subject(Struct, frozen=True, gc=False):
    """What a notification is about: a message, who sent it, and who reports.

    raw: the message as it was accepted. hostname: our name (Reporting-MTA); domain: whose
    mailer-daemon writes. envelope_id: what ENVID said, decoded. full: RET=FULL was asked for.
    """

    raw: bytes
    sender: str
    hostname: str
    domain: str
    arrival_ms: int
    envelope_id: str = ""
    full: bool = False


class Notice(Struct, frozen=True, gc=False):
    """A notification ready to go, from the null reverse-path to `recipient`.

    utf8: it has UTF-8 in its header fields, so it needs SMTPUTF8.
    """

    recipient: str
    raw: bytes
    utf8: bool


def compose_dsn(
    subject: Subject, recipients: Sequence[Told], *, now_ms: int, chance: Chance
) -> Notice:
    """Return the notification about some recipients of a message.

    ValueError for a message from the null reverse-path, which nobody is told about (RFC 5321
    §6.1), and for no recipients or more than DSN_RECIPIENTS_MAX.
    """
    if not subject.sender:
        raise ValueError("nobody is told about a message from nobody")
    if not 0 < len(recipients) <= DSN_RECIPIENTS_MAX:
        raise ValueError("no recipients, or too many")
    utf8 = not all(each.isascii() for each in _list_addresses(subject, recipients))
    returned = make_returned(
        subject.raw, full=subject.full and any(each.action is Action.FAILED for each in recipients)
    )
    parts = [_make_text(recipients), _make_status(subject, recipients, utf8=utf8), returned]
    boundary = f"{chance.getrandbits(128):032x}"
    body = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts)
    body = b"\r\n" + body + f"--{boundary}--\r\n".encode()
    fields = _make_fields(subject, recipients, now_ms=now_ms, chance=chance)
    fields.append(
        (
            "Content-Type",
            f'multipart/report; boundary="{boundary}"; report-type='
            + ("global-delivery-status" if utf8 else "delivery-status"),
        )
    )
    if not body.isascii():
        fields.append(("Content-Transfer-Encoding", "8bit"))
    return Notice(subject.sender, prepend_headers(body, fields, utf8=utf8), utf8)


def _list_addresses(subject: Subject, recipients: Sequence[Told]) -> Iterable[str]:
    yield subject.sender
    for each in recipients:
        yield each.address
        yield each.original.address if each.original else ""


# --- the header ------------------------------------------------------------------------

_SUBJECTS: Final = (
    (Action.FAILED, "Delivery Status Notification (Failure)"),
    (Action.DELAYED, "Delivery Status Notification (Delay)"),
)
#: What may stand between < and > in a field of ours.
_ID = re.compile(r"<([!-;=?-~]{1,900})>")
_ID_OCTETS: Final = 15


def _make_fields(
    subject: Subject, recipients: Sequence[Told], *, now_ms: int, chance: Chance
) -> list[tuple[str, str]]:
    number = base64.b32encode(chance.getrandbits(8 * _ID_OCTETS).to_bytes(_ID_OCTETS)).decode()
    fields = [
        ("MIME-Version", "1.0"),
        ("From", f"Mail Delivery Subsystem <mailer-daemon@{subject.domain}>"),
        ("To", _clean(subject.sender)),
        ("Subject", _make_subject(recipients)),
        ("Date", format_date(now_ms)),
        ("Message-ID", f"<{number.lower()}.dsn@{subject.domain}>"),
        # RFC 3834 §5; RFC 3464 §2 asks that nothing answers a notification.
        ("Auto-Submitted", "auto-replied"),
    ]
    if found := _ID.search(" ".join(header_values(subject.raw, "Message-ID")[:1])):
        fields += [("In-Reply-To", found[0]), ("References", found[0])]
    failed = [_clean(each.address) for each in recipients if each.action is Action.FAILED]
    if failed:
        fields.append(("X-Failed-Recipients", ", ".join(failed)))
    return fields


def _make_subject(recipients: Sequence[Told]) -> str:
    actions = {each.action for each in recipients}
    for action, text in _SUBJECTS:
        if action in actions:
            return text
    return "Delivery Status Notification (Success)"


# --- for people ------------------------------------------------------------------------

_LINE: Final = 76


class _Fate(NamedTuple):
    """What recipients share who are told of together. remote: a server of others said it."""

    action: Action
    kind: Kind
    diagnostic: str
    remote: bool
    until_ms: int | None


def _make_text(recipients: Sequence[Told]) -> bytes:
    """Return the text part: a section for all recipients that share a fate."""
    groups: dict[_Fate, list[str]] = {}
    for each in recipients:
        remote = bool(each.remote_mta)
        fate = _Fate(each.action, each.kind, each.diagnostic, remote, each.retry_until_ms)
        groups.setdefault(fate, []).append(_clean(each.address))
    text = "\r\n\r\n".join(_make_section(fate, whom) for fate, whom in groups.items()) + "\r\n"
    head = 'Content-Type: text/plain; charset="UTF-8"\r\n'
    if text.isascii():
        return f"{head}\r\n{text}".encode()
    packed = base64.encodebytes(text.encode("utf-8", "replace")).replace(b"\n", b"\r\n")
    return f"{head}Content-Transfer-Encoding: base64\r\n\r\n".encode() + packed


def _make_section(fate: _Fate, whom: list[str]) -> str:
    heading, event, advice = find_wording(fate.action, fate.kind)
    until = f" until {format_date(fate.until_ms)}" if fate.until_ms is not None else ""
    one = len(whom) == 1
    paragraphs = [
        f"** {heading} **",
        _wrap(event.format(whom=whom[0] if one else "the addresses below", until=until)),
    ]
    if not one:
        paragraphs.append("\r\n".join(f"    {address}" for address in whom))
    if advice:
        paragraphs.append(_wrap(advice))
    if words := _clean_diagnostic(fate.diagnostic):
        whose = " from the remote server" if fate.remote else ""
        paragraphs += [f"The response{whose} was:", _wrap(words)]
    return "\r\n\r\n".join(paragraphs)


def _wrap(text: str) -> str:
    return "\r\n".join(textwrap.wrap(text, _LINE, break_on_hyphens=False))


def _clean(text: str) -> str:
    """Return a stranger's text for one line."""
    return " ".join(strip_controls(text.encode("utf-8", "replace").decode()).split())


def _clean_diagnostic(text: str) -> str:
    return _clean(text[:DSN_DIAGNOSTIC_MAX])


# --- for programs ----------------------------------------------------------------------


def _make_status(subject: Subject, recipients: Sequence[Told], *, utf8: bool) -> bytes:
    """Return the part of RFC 3464 §2.1: a block about the message, one for each recipient."""
    kind = "global-delivery-status" if utf8 else "delivery-status"
    fields = [
        ("Reporting-MTA", f"dns; {subject.hostname}"),
        ("Arrival-Date", format_date(subject.arrival_ms)),
    ]
    if subject.envelope_id:
        fields.insert(0, ("Original-Envelope-Id", _clean(subject.envelope_id)))
    blocks = [fields, *(_list_status(each) for each in recipients)]
    head = f"Content-Type: message/{kind}\r\n"
    if utf8:
        head += "Content-Transfer-Encoding: 8bit\r\n"
    body = b"".join(_write_block(each, utf8=utf8) for each in blocks)
    return f"{head}\r\n".encode() + body.removesuffix(b"\r\n")  # no empty block at the end


def _list_status(told: Told) -> list[tuple[str, str]]:
    fields = []
    if told.original is not None:
        fields.append(
            ("Original-Recipient", f"{told.original.kind}; {_clean(told.original.address)}")
        )
    kind = "rfc822" if told.address.isascii() else "utf-8"
    fields += [
        ("Final-Recipient", f"{kind}; {_clean(told.address)}"),
        ("Action", told.action.value),
        ("Status", told.status),
    ]
    if told.remote_mta:
        where = f" ({_clean(told.remote_ip)})" if told.remote_ip else ""
        fields.append(("Remote-MTA", f"dns; {_clean(told.remote_mta)}{where}"))
    if words := _clean_diagnostic(told.diagnostic):
        ascii_words = words.encode("ascii", "replace").decode()  # a line has room for these
        fields.append(("Diagnostic-Code", f"smtp; {ascii_words}"))
    if told.last_attempt_ms is not None:
        fields.append(("Last-Attempt-Date", format_date(told.last_attempt_ms)))
    if told.action is Action.DELAYED and told.retry_until_ms is not None:
        fields.append(("Will-Retry-Until", format_date(told.retry_until_ms)))
    return fields


def _write_block(fields: Sequence[tuple[str, str]], *, utf8: bool) -> bytes:
    """Return fields and the blank line after them; RFC 3464 §2.1.1 knows no encoded words."""
    plain = [
        (name, value if utf8 else value.encode("ascii", "replace").decode())
        for name, value in fields
    ]
    return prepend_headers(b"", plain, utf8=utf8)
