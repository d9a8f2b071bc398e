"""Who an account sends as: its own address first, then the addresses it may use as well.

Owns the records of settings.sendAs and the one answer to "which addresses are mine". The own
address is always there and cannot be taken away. What an address of others needs before it may
be used is said here too: nothing within the account's own domain, whose operator lets a service
account set this, and one's own plus addresses; a confirmation by mail for everything else.
Gmail: documented; the bounds of "the same organisation" are assumed.
"""

from collections.abc import Collection, Sequence

from msgspec import UNSET, structs

from penfold.base.addresses import canonical_address
from penfold.base.errors import ParseError
from penfold.base.limits import ADDRESS_NAME_MAX, SEND_AS_MAX, SIGNATURE_MAX
from penfold.domain.mailbox.composing import Sender
from penfold.ports.directory import Account
from penfold.ports.mailbox import MailboxReader, MailboxWriter
from penfold.ports.settings import MailServer, SenderRecord
from penfold.proto.address import canonical, domain_of, parse_mailbox
from penfold.proto.mime.clean import clean_html
from penfold.proto.mime.compose import CONTROLS
from penfold.proto.mime.model import Address
from penfold.spec.problems import (
    ADDRESS_EXISTS,
    INVALID_SEND_AS,
    NOT_FOUND,
    PRIMARY_UNDELETABLE,
    ProblemError,
)
from penfold.spec.schemas import SendAs, SmtpMsa


def make_sender(box: MailboxReader, account: Account, aliases: Sequence[str] = ()) -> Sender:
    """Return what the account may send as, the default first: its address and accepted others.

    aliases: of the account, which its operator vouches for; a record of its own says more of one.
    """
    records = [each for each in list_senders(box, account) if each.accepted]
    known = {canonical(each.address) for each in records}
    records += [SenderRecord(each) for each in aliases if canonical(each) not in known]
    own = records[0].name or account.name
    records.sort(key=lambda each: not each.is_default)
    return Sender(
        tuple(Address(each.name or own, each.address) for each in records), account.address
    )


def list_senders(box: MailboxReader, account: Account) -> list[SenderRecord]:
    """Return all records, the account's own address first; exactly one is the default."""
    primary = find_primary(box, account)
    others = [each for each in box.list_settings(SenderRecord) if each.address != primary.address]
    if any(each.is_default for each in others):
        return [primary, *others]
    return [structs.replace(primary, is_default=True), *others]


def find_primary(box: MailboxReader, account: Account) -> SenderRecord:
    found = box.find_setting(SenderRecord, canonical(account.address))
    return found or SenderRecord(account.address)


def get_sender(box: MailboxReader, account: Account, address: str) -> SenderRecord:
    for each in list_senders(box, account):
        if canonical(each.address) == canonical(address):
            return each
    raise ProblemError(NOT_FOUND)


def is_primary(account: Account, address: str) -> bool:
    return canonical(address) == canonical(account.address)


def show_sender(record: SenderRecord, account: Account) -> SendAs:
    """Return the API's view. Gmail (observed): the own address lacks the last two members."""
    shown = SendAs(
        send_as_email=record.address,
        display_name=account.name if record.name is None else record.name,
        reply_to_address=record.reply_to,
        signature=record.signature,
        is_default=True if record.is_default else UNSET,
    )
    if record.server:
        # Gmail (documented): user name and password are never shown.
        server = record.server
        shown.smtp_msa = SmtpMsa(
            host=server.host,
            port=server.port,
            security_mode=server.security,  # type: ignore[arg-type]  # checked when stored
        )
    if is_primary(account, record.address):
        shown.is_primary = True
    else:
        shown.treat_as_alias = record.treat_as_alias
        shown.verification_status = "accepted" if record.accepted else "pending"
    return shown


def create_sender(
    box: MailboxWriter,
    account: Account,
    wanted: SendAs,
    server: MailServer | None,
    *,
    aliases: Collection[str] = (),
) -> SenderRecord:
    """Store a new address; one of the account's aliases needs no confirmation."""
    address = parse_address(wanted.send_as_email or "", what="sendAsEmail")
    known = list_senders(box, account)
    if any(canonical(each.address) == canonical(address) for each in known):
        raise ProblemError(ADDRESS_EXISTS)
    if len(known) >= SEND_AS_MAX:
        raise ProblemError(INVALID_SEND_AS, what=f"limit of {SEND_AS_MAX} addresses reached")
    trusted = is_trusted(account, address) or canonical(address) in aliases
    record = SenderRecord(address, name="", accepted=trusted)
    return _store(box, account, merge_sender(record, wanted, server), wanted)


def update_sender(
    box: MailboxWriter,
    account: Account,
    address: str,
    wanted: SendAs,
    server: MailServer | None,
    *,
    merge: bool,
) -> SenderRecord:
    """Change a record. merge: only the members that are given; otherwise the others go."""
    old = get_sender(box, account, address)
    blank = SenderRecord(old.address, "", is_default=old.is_default, accepted=old.accepted)
    return _store(box, account, merge_sender(old if merge else blank, wanted, server), wanted)


def merge_sender(record: SenderRecord, wanted: SendAs, server: MailServer | None) -> SenderRecord:
    """Return the record with the members that are given; what only the server sets stays."""
    return structs.replace(
        record,
        name=_line(wanted.display_name, "displayName") if _is(wanted.display_name) else record.name,
        reply_to=(
            _parse_reply_to(wanted.reply_to_address or "")
            if _is(wanted.reply_to_address)
            else record.reply_to
        ),
        signature=(_clean(wanted.signature or "") if _is(wanted.signature) else record.signature),
        treat_as_alias=(
            bool(wanted.treat_as_alias) if _is(wanted.treat_as_alias) else record.treat_as_alias
        ),
        server=server or record.server,
    )


def _store(
    box: MailboxWriter, account: Account, record: SenderRecord, wanted: SendAs
) -> SenderRecord:
    """Store the record; a wish to be the default takes that from whoever was it."""
    if wanted.is_default and not record.is_default:
        if not record.accepted:
            raise ProblemError(INVALID_SEND_AS, what="only a verified address can be the default")
        for each in box.list_settings(SenderRecord):
            if each.is_default:
                put_sender(box, structs.replace(each, is_default=False))
        record = structs.replace(record, is_default=True)
    # The own address is the default whenever no other is, so that is never written down.
    own = is_primary(account, record.address)
    put_sender(box, structs.replace(record, is_default=record.is_default and not own))
    return record


def put_sender(box: MailboxWriter, record: SenderRecord) -> None:
    box.put_setting(record, canonical(record.address))


def delete_sender(box: MailboxWriter, account: Account, address: str) -> SenderRecord:
    """Remove an address and return what it was."""
    record = get_sender(box, account, address)
    if is_primary(account, record.address):
        raise ProblemError(PRIMARY_UNDELETABLE)
    box.delete_setting(SenderRecord, canonical(record.address))
    return record


def is_trusted(account: Account, address: str) -> bool:
    """Return whether the account may send as the address without a confirmation."""
    return domain_of(address) == domain_of(account.address)


def parse_address(text: str, *, what: str) -> str:
    """Return an address others can be asked at: a name at a domain."""
    try:
        address = parse_mailbox(text)
    except ParseError:
        raise ProblemError(INVALID_SEND_AS, what=f"{what} is not an address") from None
    if domain_of(address).startswith("["):
        raise ProblemError(INVALID_SEND_AS, what=f"{what} must have a domain name")
    return address


def same_mailbox(account: Account, address: str) -> bool:
    """Return whether mail to the address is the account's own mail."""
    return canonical_address(address) == canonical_address(account.address)


def _is(value: object) -> bool:
    return value is not UNSET


def _line(value: object, what: str) -> str:
    text = str(value)
    if len(text) > ADDRESS_NAME_MAX or CONTROLS.search(text):
        raise ProblemError(INVALID_SEND_AS, what=f"{what} is too long or not one line")
    return text


def _parse_reply_to(text: str) -> str:
    return parse_address(text, what="replyToAddress") if text else ""


def _clean(text: str) -> str:
    if len(text) > SIGNATURE_MAX:
        raise ProblemError(INVALID_SEND_AS, what="signature is too long")
    return clean_html(text)
