"""Client-side encryption: key pairs whose private half is elsewhere, and who sends with them.

A key pair is a certificate chain and where its private key is kept: at a key service or on a
piece of hardware. It is enabled, disabled, and 30 days later obliterated. An identity says which
key pairs an address uses; only enabled ones that name the address. Gmail: documented; (assumed)
switching to the state it is in changes nothing, and a key pair in use is not obliterated.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar
from urllib.parse import urlsplit

from msgspec import UNSET, Struct, UnsetType, structs

from penfold.base.chance import Chance
from penfold.base.errors import ParseError
from penfold.base.limits import (
    CSE_KEY_PAIRS_MAX,
    KACLS_DATA_MAX_BYTES,
    KEY_FILE_MAX_BYTES,
    KEY_TEXT_MAX,
    KEYS_PAGE_MAX,
    OBLITERATE_DAYS,
)
from penfold.domain.mailbox.paging import Place, make_token, parse_token
from penfold.domain.settings.senders import is_primary
from penfold.ports.directory import Account
from penfold.ports.mailbox import MailboxReader, MailboxWriter
from penfold.ports.settings import KeyPairRecord
from penfold.proto.address import canonical
from penfold.spec.members import merge_members
from penfold.spec.problems import (
    IDENTITY_EXISTS,
    INVALID_IDENTITY,
    INVALID_KEY_PAIR,
    INVALID_PAGE_SIZE,
    KEY_PAIR_STATE,
    NOT_FOUND,
    ProblemError,
)
from penfold.spec.schemas import CseIdentity, CseKeyPair, CsePrivateKeyMetadata

T = TypeVar("T", bound=Struct)

_ID_BITS: Final = 63
_DAY_MS: Final = 86_400_000


# --- key pairs


def get_key_pair(box: MailboxReader, key_pair_id: str) -> KeyPairRecord:
    record = box.find_setting(KeyPairRecord, key_pair_id)
    if record is None:
        raise ProblemError(NOT_FOUND)
    return record


def create_key_pair(
    box: MailboxWriter, wanted: CseKeyPair, *, validate: bool, chance: Chance, now_ms: int
) -> KeyPairRecord:
    from penfold.proto.certificates import parse_pkcs7  # noqa: PLC0415 - 12 MB few processes need

    known = box.list_settings(KeyPairRecord)
    if len(known) >= CSE_KEY_PAIRS_MAX:
        raise _bad_key_pair(f"limit of {CSE_KEY_PAIRS_MAX} reached")
    text = wanted.pkcs7 or ""
    if len(text) > KEY_FILE_MAX_BYTES:
        raise _bad_key_pair(f"pkcs7 has more than {KEY_FILE_MAX_BYTES} characters")
    metadata = _check_metadata(wanted.private_key_metadata or (), chance)
    try:
        chain = parse_pkcs7(text, now_ms=now_ms, validate=validate)
    except ParseError as error:
        raise _bad_key_pair(f"pkcs7: {error}") from None
    if not chain.addresses:
        raise _bad_key_pair("pkcs7: the certificate names no address")
    record = KeyPairRecord(
        id=str(chance.getrandbits(_ID_BITS)),
        number=max((each.number for each in known), default=0) + 1,
        pem=chain.pem,
        addresses=chain.addresses,
        metadata=metadata,
    )
    box.put_setting(record, record.id)
    return record


def _check_metadata(
    given: Sequence[CsePrivateKeyMetadata], chance: Chance
) -> tuple[CsePrivateKeyMetadata, ...]:
    """Return where the private key is, with an id. Gmail (documented): one place."""
    if len(given) != 1:
        raise _bad_key_pair("privateKeyMetadata must have one entry")
    kacls, hardware = given[0].kacls_key_metadata, given[0].hardware_key_metadata
    if bool(kacls) == bool(hardware):
        raise _bad_key_pair("one of kaclsKeyMetadata and hardwareKeyMetadata is required")
    if kacls:
        uri, data = kacls.kacls_uri or "", kacls.kacls_data or ""
        if urlsplit_scheme(uri) != "https" or len(uri) > KEY_TEXT_MAX:
            raise _bad_key_pair("kaclsUri must be an https address")
        if not data or len(data.encode("utf-8", "replace")) > KACLS_DATA_MAX_BYTES:
            raise _bad_key_pair(f"kaclsData must have 1 to {KACLS_DATA_MAX_BYTES} bytes")
    elif hardware and len(hardware.description or "") > KEY_TEXT_MAX:
        raise _bad_key_pair(f"description has more than {KEY_TEXT_MAX} characters")
    named = structs.replace(given[0], private_key_metadata_id=str(chance.getrandbits(_ID_BITS)))
    return (named,)


def urlsplit_scheme(uri: str) -> str:
    """Return the scheme of an address that has a host; "" for what is none."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    return parts.scheme if parts.hostname else ""


def _bad_key_pair(what: str) -> ProblemError:
    return ProblemError(INVALID_KEY_PAIR, what=what)


def enable_key_pair(box: MailboxWriter, key_pair_id: str) -> KeyPairRecord:
    return _set_state(box, key_pair_id, disabled_ms=None)


def disable_key_pair(box: MailboxWriter, key_pair_id: str, *, now_ms: int) -> KeyPairRecord:
    record = get_key_pair(box, key_pair_id)
    if record.disabled_ms is not None:
        return record  # the thirty days began with the first time
    return _set_state(box, key_pair_id, disabled_ms=now_ms)


def _set_state(box: MailboxWriter, key_pair_id: str, *, disabled_ms: int | None) -> KeyPairRecord:
    record = structs.replace(get_key_pair(box, key_pair_id), disabled_ms=disabled_ms)
    box.put_setting(record, record.id)
    return record


def obliterate_key_pair(box: MailboxWriter, key_pair_id: str, *, now_ms: int) -> None:
    record = get_key_pair(box, key_pair_id)
    if record.disabled_ms is None:
        raise ProblemError(KEY_PAIR_STATE, what="must be disabled first")
    if now_ms < record.disabled_ms + OBLITERATE_DAYS * _DAY_MS:
        raise ProblemError(
            KEY_PAIR_STATE, what=f"must have been disabled for {OBLITERATE_DAYS} days"
        )
    if any(record.id in _used_by(each) for each in box.list_settings(CseIdentity)):
        raise ProblemError(KEY_PAIR_STATE, what="is used by an identity")
    box.delete_setting(KeyPairRecord, record.id)


def show_key_pair(record: KeyPairRecord) -> CseKeyPair:
    shown = CseKeyPair(
        key_pair_id=record.id,
        pem=record.pem,
        subject_email_addresses=list(record.addresses),
        private_key_metadata=list(record.metadata),
        enablement_state="enabled" if record.disabled_ms is None else "disabled",
    )
    if record.disabled_ms is not None:
        instant = datetime.fromtimestamp(record.disabled_ms / 1000, UTC)
        shown.disable_time = f"{instant:%Y-%m-%dT%H:%M:%S}.{record.disabled_ms % 1000:03d}Z"
    return shown


# --- identities


def get_identity(box: MailboxReader, address: str) -> CseIdentity:
    identity = box.find_setting(CseIdentity, canonical(address))
    if identity is None:
        raise ProblemError(NOT_FOUND)
    return identity


def create_identity(box: MailboxWriter, account: Account, wanted: CseIdentity) -> CseIdentity:
    """Gmail (documented): the address is the account's own."""
    if not wanted.email_address or not is_primary(account, wanted.email_address):
        raise ProblemError(INVALID_IDENTITY, what="emailAddress must be the account's own")
    if box.find_setting(CseIdentity, canonical(wanted.email_address)) is not None:
        raise ProblemError(IDENTITY_EXISTS)
    return _put_identity(box, structs.replace(wanted, email_address=account.address))


def patch_identity(box: MailboxWriter, address: str, change: CseIdentity) -> CseIdentity:
    """Use other key pairs. One way of naming them takes the place of the other."""
    old = get_identity(box, address)
    merged: CseIdentity = merge_members(old, change)
    merged.email_address = old.email_address
    if change.primary_key_pair_id:
        merged.sign_and_encrypt_key_pairs = change.sign_and_encrypt_key_pairs
    elif change.sign_and_encrypt_key_pairs:
        merged.primary_key_pair_id = UNSET
    return _put_identity(box, merged)


def _put_identity(box: MailboxWriter, identity: CseIdentity) -> CseIdentity:
    if bool(identity.primary_key_pair_id) and bool(identity.sign_and_encrypt_key_pairs):
        raise ProblemError(
            INVALID_IDENTITY,
            what="primaryKeyPairId and signAndEncryptKeyPairs exclude each other",
        )
    pairs = identity.sign_and_encrypt_key_pairs
    if pairs and not (pairs.signing_key_pair_id and pairs.encryption_key_pair_id):
        raise ProblemError(INVALID_IDENTITY, what="both key pairs are required")
    assert isinstance(identity.email_address, str)
    wanted = canonical(identity.email_address)
    for key_pair_id in _used_by(identity):
        record = box.find_setting(KeyPairRecord, key_pair_id)
        if record is None or record.disabled_ms is not None:
            raise ProblemError(INVALID_IDENTITY, what=f"no enabled key pair {key_pair_id}")
        if wanted not in map(canonical, record.addresses):
            raise ProblemError(
                INVALID_IDENTITY, what=f"key pair {key_pair_id} does not name {wanted}"
            )
    box.put_setting(identity, wanted)
    return identity


def _used_by(identity: CseIdentity) -> list[str]:
    pairs = identity.sign_and_encrypt_key_pairs
    ids: list[str | UnsetType] = [identity.primary_key_pair_id]
    if pairs:
        ids += [pairs.signing_key_pair_id, pairs.encryption_key_pair_id]
    return [each for each in ids if each]


def delete_identity(box: MailboxWriter, address: str) -> None:
    get_identity(box, address)
    box.delete_setting(CseIdentity, canonical(address))


# --- pages


def list_page_of(
    box: MailboxReader, kind: type[T], *, size: int, token: str
) -> tuple[list[T], str]:
    """Return one page of records in the order they came, and the next page's token or ""."""
    if size <= 0:
        raise ProblemError(INVALID_PAGE_SIZE)
    name = f"settings {kind.__name__}"
    start = parse_token(box.get_secret(), name, token).position if token else 0
    size = min(size, KEYS_PAGE_MAX)
    records = box.list_settings(kind)[start:]
    if len(records) <= size:
        return records, ""
    return records[:size], make_token(box.get_secret(), name, Place(start + size, 0))
