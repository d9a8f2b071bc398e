"""S/MIME certificates of the addresses an account sends as.

The private key is sealed where it is kept and leaves nothing but signatures; a certificate is
shown, its key never. The first certificate of an address is its default; when the default is
deleted, the newest other one becomes it (Gmail: assumed).
"""

from typing import Final

from msgspec import UNSET, structs

from penfold.base.chance import Chance
from penfold.base.errors import ParseError
from penfold.base.limits import KEY_FILE_MAX_BYTES, SMIME_INFO_MAX
from penfold.domain.settings.senders import get_sender
from penfold.ports.directory import Account
from penfold.ports.mailbox import MailboxReader, MailboxWriter
from penfold.ports.sealing import Sealer
from penfold.ports.settings import SmimeRecord
from penfold.proto.address import canonical
from penfold.spec.problems import INVALID_SMIME, NOT_FOUND, ProblemError
from penfold.spec.schemas import SmimeInfo

_ID_BITS: Final = 63


def list_smime(box: MailboxReader, account: Account, address: str) -> list[SmimeRecord]:
    """Return the certificates of an address mail is sent as, oldest first."""
    wanted = canonical(get_sender(box, account, address).address)
    return [each for each in box.list_settings(SmimeRecord) if each.send_as == wanted]


def get_smime(box: MailboxReader, account: Account, address: str, smime_id: str) -> SmimeRecord:
    for each in list_smime(box, account, address):
        if each.id == smime_id:
            return each
    raise ProblemError(NOT_FOUND)


def insert_smime(
    box: MailboxWriter,
    account: Account,
    address: str,
    wanted: SmimeInfo,
    *,
    sealer: Sealer,
    chance: Chance,
    now_ms: int,
) -> SmimeRecord:
    """Keep a certificate with its key. Gmail (documented): they come as PKCS#12."""
    from penfold.proto.certificates import parse_pkcs12  # noqa: PLC0415 - 12 MB few processes need

    known = list_smime(box, account, address)
    send_as = canonical(get_sender(box, account, address).address)
    data = wanted.pkcs12
    if not data or not isinstance(data, bytes):
        raise ProblemError(INVALID_SMIME, what="pkcs12 is required")
    if len(data) > KEY_FILE_MAX_BYTES:
        raise ProblemError(INVALID_SMIME, what=f"more than {KEY_FILE_MAX_BYTES} bytes")
    if len(known) >= SMIME_INFO_MAX:
        raise ProblemError(INVALID_SMIME, what=f"limit of {SMIME_INFO_MAX} certificates reached")
    try:
        bag = parse_pkcs12(data, wanted.encrypted_key_password or "", now_ms=now_ms)
    except ParseError as error:
        raise ProblemError(INVALID_SMIME, what=str(error)) from None
    if send_as not in map(canonical, bag.chain.addresses):
        raise ProblemError(INVALID_SMIME, what=f"it does not name {send_as}")
    smime_id = str(chance.getrandbits(_ID_BITS))
    record = SmimeRecord(
        id=smime_id,
        send_as=send_as,
        pem=bag.chain.pem,
        issuer=bag.chain.issuer,
        expires_ms=bag.chain.expires_ms,
        key=sealer.seal(bag.key, context=seal_context(account.id, smime_id)),
        is_default=not known,
    )
    box.put_setting(record, record.id)
    return record


def set_default_smime(box: MailboxWriter, account: Account, address: str, smime_id: str) -> None:
    chosen = get_smime(box, account, address, smime_id)
    for each in list_smime(box, account, address):
        is_default = each.id == chosen.id
        if each.is_default != is_default:
            box.put_setting(structs.replace(each, is_default=is_default), each.id)


def delete_smime(box: MailboxWriter, account: Account, address: str, smime_id: str) -> None:
    gone = get_smime(box, account, address, smime_id)
    box.delete_setting(SmimeRecord, gone.id)
    left = list_smime(box, account, address)
    if gone.is_default and left:
        box.put_setting(structs.replace(left[-1], is_default=True), left[-1].id)


def seal_context(account_id: str, smime_id: str) -> str:
    """Return what the private key of a certificate is sealed under."""
    return f"{account_id}/smime/{smime_id}"


def show_smime(record: SmimeRecord) -> SmimeInfo:
    return SmimeInfo(
        id=record.id,
        pem=record.pem,
        issuer_cn=record.issuer,
        expiration=str(record.expires_ms),
        is_default=True if record.is_default else UNSET,
    )
