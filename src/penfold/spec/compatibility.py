"""Where answers differ from Gmail's on purpose, and what is assumed because nobody published it.

docs/compatibility.md is made from this (docs/make_compatibility.py). `methods` names methods
without their prefix, or "" for all. The discovery document has its own list, spec/differences.py.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Departure:
    """A difference that is meant."""

    methods: tuple[str, ...]
    here: str
    gmail: str
    why: str


@dataclass(frozen=True, slots=True)
class Assumption:
    """What Gmail does here is not published; a later measurement may change it."""

    methods: tuple[str, ...]
    text: str


DEPARTURES: Final = (
    Departure(
        ("messages.insert", "messages.import"),
        "`internalDateSource`: both values do what the documentation says",
        "answers showed the Date header whatever was asked",
        "the documentation is what programs are written for",
    ),
    Departure(
        ("messages.insert", "messages.import"),
        "the octets are stored as they came",
        "adds Received and Delivered-To fields",
        "`format=raw` returns what went in",
    ),
    Departure(
        ("messages.import",),
        "nothing is judged spam",
        "classifies, unless `neverMarkSpam`",
        "comes with the checks of incoming mail",
    ),
    Departure(
        ("messages.send", "drafts.send"),
        "mail to an unknown address of our own domain shows in the queue as failed, `550 5.1.1`",
        "mails a notice",
        "notices come with delivery to other hosts",
    ),
    Departure(
        ("messages.get", "threads.get", "drafts.get"),
        "asked again while the mailbox stands still, the same answer comes from memory, with the "
        "same attachment ids",
        "attachment ids differ on nearly every answer",
        "polling is cheap; ids are good for as long either way",
    ),
    Departure(
        ("messages.list", "threads.list", "drafts.list"),
        "`resultSizeEstimate` is exact up to 201, then 201; later pages repeat the first page's",
        "an estimate, often 201",
        "never costs a scan",
    ),
    Departure(
        ("settings.filters.create",),
        "the 1,001st filter is refused with 400 `Filter limit of 1000 reached`",
        "500 has been seen",
        "a limit should say that it is one",
    ),
    Departure(
        ("settings.updateVacation",),
        "`responseBodyHtml` is sent as it was given",
        "sanitises it",
        "it is mail to others, never a page of ours",
    ),
    Departure(
        ("watch",),
        "a topic without a policy lets Gmail publish",
        "Gmail needs the publisher role on it",
        "a topic works as soon as it is made; one with a policy is held to it",
    ),
    Departure(
        ("",),
        "gzip by Accept-Encoding alone, from 14,600 octets",
        "also looks at User-Agent",
        "smaller answers arrive no sooner",
    ),
    Departure(
        ("",),
        "revoking a token ends the grant it came from",
        "ends all access of the application",
        "a test that revokes its own token leaves the ready-made ones alone",
    ),
    Departure(
        ("",),
        "OAuth client ids end in `.apps.penfold`",
        "`.apps.googleusercontent.com`",
        "nobody should take one for the other",
    ),
)

ASSUMED: Final = (
    Assumption(
        ("",),
        "type names inside `Invalid value at …` for enumerations; the sentences for `alt`, a wrong "
        "content type, a batch or media inside a batch, 412 and 504; the end of `Failed to parse "
        "batch request`; 413 in the JSON envelope",
    ),
    Assumption(("",), "a query error (400) comes before a wrong scope (403)"),
    Assumption(("",), "`details` of a quota refusal, and where a minute begins"),
    Assumption(
        ("",), "enumerations in JSON bodies by number: Google's numbers are not published; refused"
    ),
    Assumption(
        ("messages.send", "drafts.send"),
        "which lists exactly get `Invalid To header`; mail to oneself counts for the daily limit",
    ),
    Assumption(("messages.get",), "the size of an attached message/rfc822"),
    Assumption(
        ("messages.list", "threads.list", "drafts.list"),
        "terms without a letter or digit in `q` are passed over; `filename:` is a prefix from "
        "three letters on; `in:archive` is without sent, draft, spam and trash",
    ),
    Assumption(("messages.untrash", "threads.untrash"), "INBOX does not come back"),
    Assumption(
        ("watch",),
        "the order of its checks: topic name, labels, another watch, topic, publisher; and the "
        "sentence for a topic of another project",
    ),
    Assumption(
        ("messages.import",), "filters, forwarding and the vacation reply do not act on imports"
    ),
    Assumption(("labels.patch",), "one colour of a pair keeps the other"),
    Assumption(
        ("settings.filters.create",),
        "the sentences `Invalid filter: …` and the status of `Filter already exists`; `size` and "
        "`sizeComparison` only come together; a label that one filter adds and another removes "
        "stays",
    ),
    Assumption(
        ("settings.updateAutoForwarding", "settings.updateImap", "settings.updatePop"),
        "a value spelled `…Unspecified` is refused; one left out has its default",
    ),
    Assumption(
        ("settings.updateVacation",),
        "a reply goes to the envelope sender, only when the account is among To, Cc or Bcc; at "
        "most 1,000 senders are answered in four days",
    ),
    Assumption(
        ("settings.sendAs.smimeInfo.delete",),
        "when the default is deleted, the newest other certificate becomes it",
    ),
    Assumption(
        ("settings.sendAs.smimeInfo.insert", "settings.cse.keypairs.create"),
        "the sentences about keys; no list of trusted authorities: a chain must reach a "
        "certificate that signed itself (`chainValidation=all`), revocation is not asked for",
    ),
    Assumption(
        ("settings.cse.keypairs.disable", "settings.cse.keypairs.enable"),
        "switching to the state a key pair is in changes nothing",
    ),
    Assumption(
        ("settings.cse.keypairs.obliterate",), "a key pair that an identity uses is refused"
    ),
    Assumption(
        (
            "settings.forwardingAddresses.create",
            "settings.delegates.create",
            "settings.sendAs.create",
        ),
        "the sentence of 403 for people who are no service account",
    ),
)
