"""Accounts that may act for another one: read its mail, and send for it.

The record is kept with the one that is acted for, so that taking it back is one change there.
The delegate's mailbox only notes where it may have been made one, for the limit on that; a note
whose record is gone counts for nothing. Gmail: documented.
"""

from penfold.base.errors import NotFoundError
from penfold.base.limits import DELEGATES_MAX, DELEGATORS_MAX
from penfold.domain.settings.senders import parse_address
from penfold.ports.directory import Account, Directory
from penfold.ports.mailbox import Mailboxes, MailboxReader, MailboxWriter
from penfold.ports.settings import DelegateRecord, DelegatorNote
from penfold.proto.address import canonical
from penfold.spec.problems import (
    ADDRESS_EXISTS,
    INVALID_DELEGATE,
    NOT_FOUND,
    ProblemError,
)
from penfold.spec.schemas import Delegate


def find_delegator(
    directory: Directory, mailboxes: Mailboxes, address: str, caller: Account
) -> Account | None:
    """Return the account at an address when it lets the caller act for it."""
    account = directory.find_account(address)
    if account is None or canonical(account.address) != canonical(address):
        return None
    try:
        with mailboxes.open_reader(account.id) as box:
            return account if _find(box, caller) else None
    except NotFoundError:
        return None


def _find(box: MailboxReader, account: Account) -> DelegateRecord | None:
    record = box.find_setting(DelegateRecord, account.address)
    return record if record and record.account_id == account.id else None


def list_delegates(box: MailboxReader, directory: Directory) -> list[Delegate]:
    """Return the delegates there are; one whose account is gone is none."""
    return [_show(each) for each in box.list_settings(DelegateRecord) if _is_alive(directory, each)]


def get_delegate(box: MailboxReader, directory: Directory, address: str) -> Delegate:
    record = box.find_setting(DelegateRecord, canonical(address))
    if record is None or not _is_alive(directory, record):
        raise ProblemError(NOT_FOUND)
    return _show(record)


def find_candidate(directory: Directory, account: Account, text: str) -> Account:
    """Return the account at a primary address of this server, other than the delegator's own."""
    address = parse_address(text, what="delegateEmail")
    found = directory.find_account(address)
    if found is None or found.suspended:
        raise ProblemError(INVALID_DELEGATE, what="is no account of this organisation")
    if canonical(found.address) != canonical(address):
        raise ProblemError(INVALID_DELEGATE, what="is an alias; name the primary address")
    if found.id == account.id:
        raise ProblemError(INVALID_DELEGATE, what="is the account itself")
    return found


def note_delegator(mailboxes: Mailboxes, delegate: Account, account: Account) -> None:
    """Note with the delegate whom it is about to act for, dropping what is past.

    Its own change of another mailbox, so it is made before the delegate's record is.
    """
    with mailboxes.open_reader(delegate.id) as box:
        notes = [each for each in box.list_settings(DelegatorNote) if each.account_id != account.id]
    past = [each for each in notes if not _still(mailboxes, each, delegate)]
    if len(notes) - len(past) >= DELEGATORS_MAX:
        raise ProblemError(
            INVALID_DELEGATE, what=f"acts for {DELEGATORS_MAX} accounts already, which is the limit"
        )

    def change(box: MailboxWriter) -> None:
        for each in past:
            box.delete_setting(DelegatorNote, each.account_id)
        box.put_setting(DelegatorNote(account.id), account.id)

    mailboxes.change(delegate.id, change)


def _still(mailboxes: Mailboxes, note: DelegatorNote, delegate: Account) -> bool:
    try:
        with mailboxes.open_reader(note.account_id) as box:
            return _find(box, delegate) is not None
    except NotFoundError:
        return False


def create_delegate(
    box: MailboxWriter, directory: Directory, account: Account, text: str
) -> Delegate:
    delegate = find_candidate(directory, account, text)
    if _find(box, delegate):
        raise ProblemError(ADDRESS_EXISTS)
    if len(list_delegates(box, directory)) >= DELEGATES_MAX:
        raise ProblemError(INVALID_DELEGATE, what=f"is one more than the limit of {DELEGATES_MAX}")
    record = DelegateRecord(delegate.address, delegate.id)
    box.put_setting(record, delegate.address)
    return _show(record)


def delete_delegate(box: MailboxWriter, address: str) -> None:
    if not box.delete_setting(DelegateRecord, canonical(address)):
        raise ProblemError(NOT_FOUND)


def _is_alive(directory: Directory, record: DelegateRecord) -> bool:
    account = directory.find_account(record.address)
    return account is not None and account.id == record.account_id


def _show(record: DelegateRecord) -> Delegate:
    return Delegate(delegate_email=record.address, verification_status="accepted")
