"""What a notification tells a person: what happened to a message, why, and what to do next.

One row for each class of outcomes that a sender can learn from. Headings and the first sentence
are in Gmail's manner; {whom} is one address or several.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from penfold.proto.reports.action import Action
from penfold.proto.smtp.outcomes.rule import Kind


class Wording(NamedTuple):
    """A heading, what happened, and what to do about it ("" when there is nothing to do)."""

    heading: str
    event: str
    advice: str


_NOT: Final = "Your message wasn't delivered to {whom} because "

#: Why a message failed, by the class of the outcome that ended it.
FAILURES: Final[Mapping[Kind, Wording]] = {
    Kind.INVALID_RECIPIENT: Wording(
        "Address not found",
        _NOT + "the address couldn't be found, or is unable to receive mail.",
        "Check the address for typing errors and blanks, and send the message again.",
    ),
    Kind.BAD_DOMAIN: Wording(
        "Address not found",
        _NOT + "its domain couldn't be found, or takes no mail.",
        "Check what stands behind the @ for typing errors, and send the message again.",
    ),
    Kind.INACTIVE_MAILBOX: Wording(
        "Address inactive",
        _NOT + "the account is disabled or no longer in use.",
        "Reach the recipient in another way and ask for a new address.",
    ),
    Kind.MAILBOX_FULL: Wording(
        "Recipient inbox full",
        _NOT + "the recipient's mailbox is full, or gets too much mail right now.",
        "Try again later, or tell the recipient in another way.",
    ),
    Kind.MESSAGE_TOO_LARGE: Wording(
        "Message too large",
        _NOT + "the message is larger than the recipient's server accepts.",
        "Send it again with smaller attachments, or put the files somewhere and send a link.",
    ),
    Kind.CONTENT_REJECTED: Wording(
        "Message blocked",
        _NOT + "the recipient's server takes its content or an attachment for harmful or unwanted.",
        "Change the text, its links or the attachments, and send it again.",
    ),
    Kind.SPAM_BLOCK: Wording(
        "Message blocked",
        _NOT + "the recipient's server takes no mail from our server or domain at present.",
        "Tell your administrator, who finds the server's reason below. Sending again won't help.",
    ),
    Kind.AUTH_FAILED: Wording(
        "Message blocked",
        _NOT + "the recipient's server couldn't verify that it comes from your domain.",
        "Tell your administrator: the domain's SPF, DKIM or DMARC settings need attention.",
    ),
    Kind.PTR_MISSING: Wording(
        "Message blocked",
        _NOT + "our server's address has no valid name in the DNS.",
        "Tell your administrator: a PTR record is missing or wrong.",
    ),
    Kind.POLICY: Wording(
        "Message blocked",
        _NOT + "a rule of the recipient's server doesn't allow it.",
        "Ask the recipient, in another way, whom they accept mail from.",
    ),
    Kind.EXPIRED: Wording(
        "Message not delivered",
        _NOT + "the recipient's server couldn't be reached, or kept putting us off, for too long.",
        "Send the message again later, or tell the recipient in another way.",
    ),
}
_FAILURE: Final = Wording(
    "Message not delivered",
    _NOT + "the recipient's server refused it.",
    "The server's own words below may tell why.",
)

#: Everything else than failures.
_OTHERS: Final[Mapping[Action, Wording]] = {
    Action.DELAYED: Wording(
        "Delivery incomplete",
        "There was a temporary problem delivering your message to {whom}. We'll try again{until}, "
        "and you'll be notified if the delivery fails permanently.",
        "You don't need to send the message again.",
    ),
    Action.DELIVERED: Wording(
        "Message delivered", "Your message was delivered to {whom}, as you asked to be told.", ""
    ),
    Action.RELAYED: Wording(
        "Message passed on",
        "Your message was passed on to the mail server of {whom}, which doesn't tell whether it "
        "delivers. You'll hear no more unless the delivery fails.",
        "",
    ),
    Action.EXPANDED: Wording(
        "Message passed on",
        "Your message was delivered to {whom}, which passed it on to the addresses behind it.",
        "",
    ),
}


def find_wording(action: Action, kind: Kind) -> Wording:
    """Return what to tell about a recipient."""
    if action is Action.FAILED:
        return FAILURES.get(kind, _FAILURE)
    return _OTHERS[action]
