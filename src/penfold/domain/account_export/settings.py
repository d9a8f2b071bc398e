"""What an account has set, as the API shows it, and its labels."""

from msgspec import UNSET, structs

from penfold.base.errors import NotFoundError
from penfold.base.labels import format_label_id
from penfold.domain.mailbox.filters import list_filters
from penfold.domain.mailbox.labels import get_label
from penfold.domain.settings.cse import show_key_pair
from penfold.domain.settings.delegates import find_delegator, list_delegates
from penfold.domain.settings.mail_settings import (
    get_auto_forwarding,
    get_imap,
    get_language,
    get_pop,
    get_vacation,
)
from penfold.domain.settings.senders import list_senders, show_sender
from penfold.domain.settings.smime import show_smime
from penfold.ports.directory import Account, Directory
from penfold.ports.mailbox import Mailboxes, MailboxReader
from penfold.ports.pubsub import format_time
from penfold.ports.settings import (
    Confirmation,
    DelegatorNote,
    KeyPairRecord,
    SmimeRecord,
    VacationAnswer,
)
from penfold.spec.account_export import (
    AccountDocument,
    Answered,
    Certificate,
    LabelsDocument,
    Pending,
)
from penfold.spec.schemas import CseIdentity, ForwardingAddress


def make_account(account: Account, directory: Directory, mailboxes: Mailboxes) -> AccountDocument:
    """Return the account and its settings, as of one moment."""
    with mailboxes.open_reader(account.id) as box:
        notes = box.list_settings(DelegatorNote)
        document = _read(box, account, directory)
    for note in notes:
        if delegator := _find_delegator(note, account, directory, mailboxes):
            document.acts_for.append(delegator)
    return document


def _read(box: MailboxReader, account: Account, directory: Directory) -> AccountDocument:
    return AccountDocument(
        address=account.address,
        name=account.name,
        created=format_time(account.created_ms),
        suspended=account.suspended,
        aliases=directory.list_aliases(account.id),
        language=get_language(box),
        imap=get_imap(box),
        pop=get_pop(box),
        send_as=[show_sender(each, account) for each in list_senders(box, account)],
        certificates=[
            Certificate(send_as_email=each.send_as, smime_info=show_smime(each))
            for each in box.list_settings(SmimeRecord)
        ],
        cse_identities=box.list_settings(CseIdentity),
        cse_key_pairs=[
            # Their private keys, though wrapped by a key service, are nobody's to carry around.
            structs.replace(show_key_pair(each), private_key_metadata=UNSET)
            for each in box.list_settings(KeyPairRecord)
        ],
        vacation=get_vacation(box),
        vacation_answers=[
            Answered(sender=each.sender, answered=format_time(each.at_ms))
            for each in box.list_settings(VacationAnswer)
        ],
        filters=list_filters(box),
        auto_forwarding=get_auto_forwarding(box),
        forwarding_addresses=box.list_settings(ForwardingAddress),
        confirmations=[
            Pending(purpose=each.kind, address=each.address, expires=format_time(each.expires_ms))
            for each in box.list_settings(Confirmation)
        ],
        delegates=list_delegates(box, directory),
        acts_for=[],
    )


def _find_delegator(
    note: DelegatorNote, account: Account, directory: Directory, mailboxes: Mailboxes
) -> str | None:
    """Return the address of an account that lets this one act for it; a note may be past."""
    try:
        delegator = directory.get_account(note.account_id)
    except NotFoundError:
        return None
    found = find_delegator(directory, mailboxes, delegator.address, account)
    return found.address if found else None


def make_labels(box: MailboxReader) -> LabelsDocument:
    """Return every label with its counters."""
    ids = [format_label_id(row.number) for row in box.list_labels()]
    return LabelsDocument(labels=[get_label(box, each) for each in ids])
