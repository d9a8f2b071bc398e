"""Mail that is sent on because the account says so: to whom, and what is put on top of it.

A copy goes out octet for octet as it is stored, with two fields of Gmail's above, so that its
signatures still hold. Only addresses whose owner agreed get one, each once per message.

No loop forms: who has forwarded a message stands in its X-Forwarded-For fields, and such an
account neither forwards nor gets it again; through servers that drop these fields, the number of
Received fields ends it. A forged field can only prevent a copy.
"""

from collections.abc import Sequence

from penfold.base.addresses import canonical_address
from penfold.base.errors import ParseError
from penfold.base.labels import INBOX, SPAM, TRASH, UNREAD
from penfold.base.limits import SMTP_HOPS_MAX
from penfold.domain.mailbox.arrival import Arrival
from penfold.domain.mailbox.changes import settle_labels
from penfold.ports.mailbox import MailboxReader, MailboxWriter
from penfold.proto.address import canonical, parse_mailbox
from penfold.proto.mime.compose import header_values, prepend_headers
from penfold.proto.mime.words import decode_words
from penfold.proto.smtp.parameters import MailOptions
from penfold.spec.schemas import AutoForwarding, ForwardingAddress


def find_accepted(box: MailboxReader, address: str) -> str | None:
    """Return a forwarding address as it is set up, if its owner agreed by now."""
    wanted = canonical(address)
    for each in box.list_settings(ForwardingAddress):
        if each.forwarding_email and canonical(each.forwarding_email) == wanted:
            return each.forwarding_email if each.verification_status == "accepted" else None
    return None


def choose_targets(box: MailboxReader, wanted: Sequence[str], arrival: Arrival) -> list[str]:
    """Return the addresses that really get a copy, each once."""
    if not wanted:
        return []
    own = {canonical_address(arrival.own[0])}
    raw = arrival.letter.raw
    passed = {
        canonical_address(words[0])
        for value in header_values(raw, "X-Forwarded-For")
        if (words := decode_words(value).split())
    }
    # RFC 5321 §6.3: a count of Received fields is the loop detection that always works.
    if own & passed or len(header_values(raw, "Received")) > SMTP_HOPS_MAX:
        return []
    accepted = [found for each in wanted if (found := find_accepted(box, each))]
    unseen = {canonical(each): each for each in accepted}
    return [each for each in unseen.values() if canonical_address(each) not in own | passed]


def apply_disposition(
    labels: frozenset[int], auto: AutoForwarding | None, targets: Sequence[str]
) -> frozenset[int]:
    """Return the labels of a message that auto-forwarding sends on.

    One that is not forwarded after all stays as it is, so that it cannot get lost.
    """
    if auto is None or auto.email_address not in targets:
        return labels
    match auto.disposition:
        case "archive":
            return labels - {INBOX}
        case "trash":
            return settle_labels(labels, add=frozenset({TRASH}))
        case "markRead":
            return labels - {UNREAD}
        case _:
            return labels


def find_auto_target(auto: AutoForwarding | None, labels: frozenset[int]) -> list[str]:
    """Return where auto-forwarding sends a message. Gmail (documented): all mail but spam."""
    return [auto.email_address] if auto and auto.email_address and SPAM not in labels else []


def forward(box: MailboxWriter, targets: Sequence[str], arrival: Arrival) -> None:
    """Put a copy for each target into the outbox."""
    own = arrival.own[0]
    for target in targets:
        # Gmail: observed, in this order; X-Forwarded-For has who forwards before the target.
        fields = [("X-Forwarded-To", target), ("X-Forwarded-For", f"{own} {target}")]
        box.add_outbox(
            sender=make_forward_sender(arrival.sender, own, target),
            recipients=[target],
            raw=prepend_headers(arrival.letter.raw, fields),
            now_ms=arrival.now_ms,
            # RFC 8689 §4.2.1: the next hop is bound by it too.
            options=MailOptions(require_tls=arrival.letter.require_tls),
        )


def make_forward_sender(sender: str, own: str, target: str) -> str:
    """Return the reverse-path of a copy. Gmail: observed, `user+caf_=target=domain@domain`.

    Being ours it passes SPF, and its tag leads a bounce back to the account. Where it would be
    too long it is the plain address. RFC 5321 §4.5.5: what came without a reverse-path goes on
    without one, so that bounces of bounces cannot begin.
    """
    if not sender:
        return ""
    user, _, domain = own.rpartition("@")
    try:
        return parse_mailbox(f"{user}+caf_={target.replace('@', '=')}@{domain}")
    except ParseError:
        return own
