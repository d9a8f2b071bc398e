"""The vacation reply: who gets one, once, and what it says.

RFC 3834 decides together with the account's settings. A reply has the null reverse-path and
says Auto-Submitted, so that nothing answers it. Gmail keeps no copy of it (assumed).
"""

import base64
import re
from typing import Final

from penfold.base.addresses import canonical_address
from penfold.base.chance import Chance
from penfold.base.errors import UnavailableError
from penfold.base.labels import SENT, SPAM
from penfold.base.limits import (
    CONTACT_SCAN_MAX,
    VACATION_ANSWERS_MAX,
    VACATION_DAYS,
)
from penfold.domain.mailbox.arrival import Arrival
from penfold.domain.mailbox.composing import Sender, make_message_id_header
from penfold.ports.mailbox import MailboxReader, MailboxWriter, Query
from penfold.ports.settings import VacationAnswer
from penfold.proto.address import canonical, domain_of, local_part_of, parse_address_list
from penfold.proto.mime.compose import (
    encode_header_value,
    format_address,
    format_date,
    prepend_headers,
)
from penfold.proto.mime.html import html_to_text
from penfold.proto.mime.model import Address
from penfold.proto.mime.words import strip_controls
from penfold.proto.search.tokens import tokenise
from penfold.proto.search.tree import Text
from penfold.proto.smtp.parameters import MailOptions
from penfold.spec.schemas import VacationSettings

_DAY_MS: Final = 86_400_000
#: Senders that are programs. RFC 3834 §2 names owner-, -request and MAILER-DAEMON.
_ROBOT = re.compile(
    r"(mailer-daemon|postmaster|listserv|majordomo|daemon|bounces?|owner-.*|.*-request"
    r"|.*-(owner|bounces?)|.*(no|not)[-_.]?reply.*)([+=-].*)?"
)
_BULK: Final = frozenset({"bulk", "junk", "list"})
#: What may stand between < and > in a field of ours.
_ID = re.compile(r"[!-;=?-~]+")
_NO_REPLIES = re.compile(r"\b(all|oof|autoreply)\b")


def answer(
    box: MailboxWriter,
    settings: VacationSettings | None,
    arrival: Arrival,
    *,
    labels: frozenset[int],
    chance: Chance,
) -> bool:
    """Put the reply into the outbox if this message gets one; return whether it does."""
    if settings is None or not _is_on(settings, arrival.now_ms):
        return False
    if SPAM in labels or is_automatic(arrival) or not _is_personal(arrival):
        return False
    if not _is_wanted(box, settings, arrival) or not _remember(box, arrival):
        return False
    box.add_outbox(
        sender="",
        recipients=[arrival.sender],
        raw=compose_reply(settings, arrival, chance=chance),
        now_ms=arrival.now_ms,
        options=MailOptions(require_tls=arrival.letter.require_tls),
    )
    return True


def _is_on(settings: VacationSettings, now_ms: int) -> bool:
    start, end = int(settings.start_time or 0), int(settings.end_time or 0)
    return bool(settings.enable_auto_reply) and start <= now_ms and (not end or now_ms < end)


def is_automatic(arrival: Arrival) -> bool:
    """Return whether a program or a list sent the message (RFC 3834 §2)."""
    local = local_part_of(arrival.sender).lower()
    if not local or _ROBOT.fullmatch(local):
        return True
    for name, value in arrival.letter.root.headers:
        field, text = name.lower(), value.strip().lower()
        match field:
            case "auto-submitted":
                if text.partition(";")[0].strip() != "no":
                    return True
            case "precedence":
                if text in _BULK:
                    return True
            case "x-auto-response-suppress":
                # [MS-OXCMAIL] §2.1.3.2.20: how Exchange says that nobody wants a reply.
                if _NO_REPLIES.search(text):
                    return True
            case _ if field.startswith("list-"):
                return True
    return arrival.letter.root.mime_type == "multipart/report"


def _is_personal(arrival: Arrival) -> bool:
    """Return whether it is from somebody else and names the account as a recipient.

    RFC 3834 §2 asks for the second; Gmail (assumed) does so too.
    """
    own = set(map(canonical_address, arrival.own))
    summary = arrival.letter.summary
    named = {canonical_address(each.address) for each in summary.to + summary.cc + summary.bcc}
    return bool(own & named) and canonical_address(arrival.sender) not in own


def _is_wanted(box: MailboxReader, settings: VacationSettings, arrival: Arrival) -> bool:
    if settings.restrict_to_domain and (
        domain_of(arrival.sender).lower() != domain_of(arrival.own[0]).lower()
    ):
        return False
    return not settings.restrict_to_contacts or is_contact(box, arrival.sender)


def is_contact(box: MailboxReader, address: str) -> bool:
    """Return whether the account has written to an address, as far as it keeps what it sent."""
    sought = Text("to", tokenise(address))
    query = Query(limit=CONTACT_SCAN_MAX, labels=frozenset({SENT}), tree=sought)
    try:
        found = box.list_messages(query)
    except UnavailableError:
        return False  # too much to look through: no reason to keep the message out
    # Words next to each other are not yet the address: an.na@x holds those of na@x.
    return any(
        canonical(each.address) == canonical(address)
        for message_id, _ in found
        for name, value in box.get_structure(message_id).headers
        if name.lower() in ("to", "cc", "bcc")
        for each in parse_address_list(value, decoded=True)
    )


def _remember(box: MailboxWriter, arrival: Arrival) -> bool:
    """Note that a sender is answered; False when it was, or when there are too many."""
    sender = canonical(arrival.sender)
    live = set()
    for each in box.list_settings(VacationAnswer):
        if arrival.now_ms - each.at_ms >= VACATION_DAYS * _DAY_MS:
            box.delete_setting(VacationAnswer, each.sender)
        else:
            live.add(each.sender)
    if sender in live or len(live) >= VACATION_ANSWERS_MAX:
        return False
    box.put_setting(VacationAnswer(sender, arrival.now_ms), sender)
    return True


# --- the reply -------------------------------------------------------------------------------


def compose_reply(settings: VacationSettings, arrival: Arrival, *, chance: Chance) -> bytes:
    """Return the reply. Gmail (documented): HTML wins over plain text."""
    summary = arrival.letter.summary
    own = Address(strip_controls(arrival.name), arrival.own[0])
    sender = Sender((own,), own.address)
    fields = [
        ("MIME-Version", "1.0"),
        ("From", format_address(own)),
        ("To", format_address(Address("", arrival.sender))),
        ("Subject", encode_header_value(_make_subject(settings, summary.subject))),
        ("Date", format_date(arrival.now_ms)),
        ("Message-ID", make_message_id_header(sender, chance)),
        # RFC 3834 §3.1.7, and §5 for the field that keeps others from answering.
        ("Auto-Submitted", "auto-replied"),
    ]
    if _ID.fullmatch(summary.message_id):
        # RFC 5322 §3.6.4: the parent's references and its own id.
        chain = [*filter(_ID.fullmatch, summary.references), summary.message_id]
        fields.append(("In-Reply-To", f"<{summary.message_id}>"))
        fields.append(("References", " ".join(f"<{each}>" for each in chain)))
    html = settings.response_body_html or ""
    if not html:
        return prepend_headers(_make_part("plain", settings.response_body_plain_text or ""), fields)
    boundary = f"{chance.getrandbits(128):032x}"
    fields.append(("Content-Type", f'multipart/alternative; boundary="{boundary}"'))
    parts = [_make_part("plain", html_to_text(html)), _make_part("html", html)]
    body = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts)
    return prepend_headers(b"\r\n" + body + f"--{boundary}--\r\n".encode(), fields)


def _make_subject(settings: VacationSettings, subject: str) -> str:
    """Return the subject. Gmail (documented): its own text stands before that of a reply."""
    reply = subject if subject[:3].lower() == "re:" else f"Re: {subject}"
    return " ".join(strip_controls(f"{settings.response_subject or ''} {reply}").split())


def _make_part(kind: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return (
        f'Content-Type: text/{kind}; charset="UTF-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    ).encode() + base64.encodebytes(data).replace(b"\n", b"\r\n")
