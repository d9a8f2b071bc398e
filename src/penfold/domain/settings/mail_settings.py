"""What a mailbox has set once: forwarding, vacation reply, IMAP, POP and language.

Every update replaces the whole record (Gmail: PUT). As in proto3, a member that is left out and
one that is zero are the same, and neither is in an answer; where zero means nothing, what is left
out gets the default. Gmail (assumed): an enum value spelled `…Unspecified` is refused.
IMAP and POP settings are kept and shown; nothing serves these protocols.

The HTML of a vacation reply is kept as it was given. Gmail (documented) sanitises it; here it
only ever leaves as mail, and who reads it must distrust it as any mail.
"""

import re
from typing import Final

from msgspec import structs

from penfold.base.limits import VACATION_BODY_MAX_BYTES, VACATION_SUBJECT_MAX_BYTES
from penfold.domain.settings.forwarding import find_accepted
from penfold.ports.mailbox import MailboxReader, MailboxWriter
from penfold.ports.settings import S, VacationAnswer
from penfold.spec.problems import INVALID_SETTING, UNRECOGNIZED_FORWARDING, ProblemError
from penfold.spec.schemas import (
    AutoForwarding,
    ImapSettings,
    LanguageSettings,
    PopSettings,
    VacationSettings,
)

#: Gmail: what other clients report for a new account.
IMAP_DEFAULT: Final = ImapSettings(enabled=True, auto_expunge=True, expunge_behavior="archive")
POP_DEFAULT: Final = PopSettings(access_window="disabled", disposition="leaveInInbox")
#: Gmail (assumed).
LANGUAGE_DEFAULT: Final = LanguageSettings(display_language="en")
#: Gmail: documented.
FOLDER_SIZES: Final = (0, 1_000, 2_000, 5_000, 10_000)

_OFF: Final = AutoForwarding(enabled=False)
#: BCP 47 as far as languages of an interface need it: language, script, region, variants.
_LANGUAGE = re.compile(
    r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-[A-Za-z0-9]{5,8})*"
)


def drop_zeros(record: S) -> S:
    """Return the record without the members proto3 does not print."""
    members = structs.asdict(record)
    return type(record)(**{name: value for name, value in members.items() if value})


def _check_enums(record: S) -> S:
    for name, value in structs.asdict(record).items():
        if isinstance(value, str) and value.endswith("Unspecified"):
            wire = type(record).__struct_encode_fields__[record.__struct_fields__.index(name)]
            raise ProblemError(INVALID_SETTING, name=wire, what=f"{value} is no setting")
    return record


# --- forwarding ------------------------------------------------------------------------------


def get_auto_forwarding(box: MailboxReader) -> AutoForwarding:
    """Return where new mail goes. Gmail: `enabled` is there even when it is false."""
    return box.find_setting(AutoForwarding) or _OFF


def update_auto_forwarding(box: MailboxWriter, wanted: AutoForwarding) -> AutoForwarding:
    _check_enums(wanted)
    if not wanted.enabled:
        box.delete_setting(AutoForwarding)
        return _OFF
    address = find_accepted(box, wanted.email_address or "")
    if address is None:
        raise ProblemError(UNRECOGNIZED_FORWARDING)
    record = AutoForwarding(
        enabled=True,
        email_address=address,
        disposition=wanted.disposition or "leaveInInbox",
    )
    box.put_setting(record)
    return record


# --- IMAP, POP, language ---------------------------------------------------------------------


def get_imap(box: MailboxReader) -> ImapSettings:
    return drop_zeros(box.find_setting(ImapSettings) or IMAP_DEFAULT)


def update_imap(box: MailboxWriter, wanted: ImapSettings) -> ImapSettings:
    _check_enums(wanted)
    if (wanted.max_folder_size or 0) not in FOLDER_SIZES:
        sizes = ", ".join(map(str, FOLDER_SIZES))
        raise ProblemError(INVALID_SETTING, name="maxFolderSize", what=f"must be one of {sizes}")
    behavior = wanted.expunge_behavior or IMAP_DEFAULT.expunge_behavior
    box.put_setting(structs.replace(wanted, expunge_behavior=behavior))
    return get_imap(box)


def get_pop(box: MailboxReader) -> PopSettings:
    return box.find_setting(PopSettings) or POP_DEFAULT


def update_pop(box: MailboxWriter, wanted: PopSettings) -> PopSettings:
    _check_enums(wanted)
    record = PopSettings(
        access_window=wanted.access_window or POP_DEFAULT.access_window,
        disposition=wanted.disposition or POP_DEFAULT.disposition,
    )
    box.put_setting(record)
    return record


def get_language(box: MailboxReader) -> LanguageSettings:
    return box.find_setting(LanguageSettings) or LANGUAGE_DEFAULT


def update_language(box: MailboxWriter, wanted: LanguageSettings) -> LanguageSettings:
    """Keep a language tag in the spelling of RFC 5646 §2.1.1, as en-GB."""
    tag = wanted.display_language or ""
    if not _LANGUAGE.fullmatch(tag):
        raise ProblemError(INVALID_SETTING, name="displayLanguage", what="no such language")
    language, *rest = tag.split("-")
    spelled = [language.lower(), *map(_spell_subtag, rest)]
    record = LanguageSettings(display_language="-".join(spelled))
    box.put_setting(record)
    return record


def _spell_subtag(text: str) -> str:
    if len(text) == 2:
        return text.upper()
    return text.title() if len(text) == 4 else text.lower()


# --- vacation --------------------------------------------------------------------------------


def get_vacation(box: MailboxReader) -> VacationSettings:
    return box.find_setting(VacationSettings) or VacationSettings()


def update_vacation(box: MailboxWriter, wanted: VacationSettings) -> VacationSettings:
    """Replace the reply; who was answered before is answered anew when it became another one."""
    record = drop_zeros(
        structs.replace(
            wanted,
            start_time=_check_time("startTime", wanted.start_time or ""),
            end_time=_check_time("endTime", wanted.end_time or ""),
        )
    )
    if record.start_time and record.end_time and int(record.end_time) <= int(record.start_time):
        raise ProblemError(INVALID_SETTING, name="endTime", what="must be after startTime")
    _check_length("responseSubject", record.response_subject or "", VACATION_SUBJECT_MAX_BYTES)
    bodies = (record.response_body_html or "", record.response_body_plain_text or "")
    for name, body in zip(("responseBodyHtml", "responseBodyPlainText"), bodies, strict=True):
        _check_length(name, body, VACATION_BODY_MAX_BYTES)
    if record.enable_auto_reply and not (record.response_subject or any(bodies)):
        what = "a subject or a body is needed"
        raise ProblemError(INVALID_SETTING, name="enableAutoReply", what=what)
    if record != get_vacation(box):
        for answer in box.list_settings(VacationAnswer):
            box.delete_setting(VacationAnswer, answer.sender)
    box.put_setting(record)
    return record


def _check_time(name: str, text: str) -> str:
    """Return epoch milliseconds, "" for none; 0 is none, as proto3 has it."""
    if not text or int(text) == 0:
        return ""
    if int(text) < 0:
        raise ProblemError(INVALID_SETTING, name=name, what="must not be negative")
    return text


def _check_length(name: str, text: str, limit: int) -> None:
    if len(text.encode()) > limit:
        raise ProblemError(INVALID_SETTING, name=name, what=f"longer than {limit} bytes")
