"""Addresses mail may be forwarded to, and who has to agree first.

Nobody, when the address is an account here or one the account sends as itself; whoever reads its
mail otherwise. Forwarding to oneself would be a loop and is refused, and so is an address of ours
that nobody has. Gmail: documented, except for the refusals.
"""

from penfold.base.addresses import canonical_address
from penfold.base.limits import FORWARDING_ADDRESSES_MAX
from penfold.domain.access.aliases import find_targets, list_own_aliases
from penfold.domain.settings.confirming import Asking, forget_confirmations
from penfold.domain.settings.senders import make_sender, parse_address, same_mailbox
from penfold.ports.directory import Account, Directory
from penfold.ports.mailbox import MailboxReader, MailboxWriter
from penfold.ports.settings import FORWARDING
from penfold.proto.address import domain_of
from penfold.spec.problems import ADDRESS_EXISTS, INVALID_SEND_AS, NOT_FOUND, ProblemError
from penfold.spec.schemas import AutoForwarding, ForwardingAddress


def get_forwarding_address(box: MailboxReader, address: str) -> ForwardingAddress:
    found = box.find_setting(ForwardingAddress, canonical_address(address))
    if found is None:
        raise ProblemError(NOT_FOUND)
    return found


def create_forwarding_address(
    box: MailboxWriter,
    account: Account,
    text: str,
    *,
    directory: Directory,
    asking: Asking,
    now_ms: int,
) -> ForwardingAddress:
    address = parse_address(text, what="forwardingEmail")
    targets = find_targets(directory, address)
    if same_mailbox(account, address) or any(each.id == account.id for each in targets):
        raise ProblemError(INVALID_SEND_AS, what="forwardingEmail is the account's own address")
    local = directory.is_local_domain(domain_of(address))
    if local and not targets:
        raise ProblemError(INVALID_SEND_AS, what="forwardingEmail leads to nobody")
    known = box.list_settings(ForwardingAddress)
    if box.find_setting(ForwardingAddress, canonical_address(address)):
        raise ProblemError(ADDRESS_EXISTS)
    if len(known) >= FORWARDING_ADDRESSES_MAX:
        raise ProblemError(
            INVALID_SEND_AS, what=f"limit of {FORWARDING_ADDRESSES_MAX} addresses reached"
        )
    own = list_own_aliases(directory, account)
    accepted = local or make_sender(box, account, own).find(address) is not None
    record = ForwardingAddress(
        forwarding_email=address, verification_status="accepted" if accepted else "pending"
    )
    box.put_setting(record, canonical_address(address))
    if not accepted:
        asking.ask(box, account, FORWARDING, address, now_ms=now_ms)
    return record


def delete_forwarding_address(box: MailboxWriter, address: str) -> None:
    """Remove the address; nothing is forwarded to it any more (Gmail: documented)."""
    key = canonical_address(address)
    if not box.delete_setting(ForwardingAddress, key):
        raise ProblemError(NOT_FOUND)
    forget_confirmations(box, FORWARDING, address)
    forwarding = box.find_setting(AutoForwarding)
    if forwarding and canonical_address(forwarding.email_address or "") == key:
        # Nothing of it stays, so that an address of that name set up later gets no mail unasked.
        box.delete_setting(AutoForwarding)
