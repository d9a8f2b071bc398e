"""users.settings.cse.identities.* and users.settings.cse.keypairs.*."""

from msgspec import UNSET

from penfold.domain.settings.cse import (
    create_identity,
    create_key_pair,
    delete_identity,
    disable_key_pair,
    enable_key_pair,
    get_identity,
    get_key_pair,
    list_page_of,
    obliterate_key_pair,
    patch_identity,
    show_key_pair,
)
from penfold.front.http.call import Call
from penfold.ports.mailbox import MailboxReader, MailboxWriter
from penfold.ports.settings import KeyPairRecord
from penfold.spec.methods.cse import (
    IdentitiesCreateParams,
    IdentitiesDeleteParams,
    IdentitiesGetParams,
    IdentitiesListParams,
    IdentitiesPatchParams,
    KeypairsCreateParams,
    KeypairsDisableParams,
    KeypairsEnableParams,
    KeypairsGetParams,
    KeypairsListParams,
    KeypairsObliterateParams,
)
from penfold.spec.schemas import (
    CseIdentity,
    CseKeyPair,
    DisableCseKeyPairRequest,
    EnableCseKeyPairRequest,
    ListCseIdentitiesResponse,
    ListCseKeyPairsResponse,
    ObliterateCseKeyPairRequest,
)


def identities_list(
    call: Call[IdentitiesListParams, None], box: MailboxReader
) -> ListCseIdentitiesResponse:
    params = call.params
    found, token = list_page_of(box, CseIdentity, size=params.page_size, token=params.page_token)
    return ListCseIdentitiesResponse(cse_identities=found or UNSET, next_page_token=token or UNSET)


def identities_get(call: Call[IdentitiesGetParams, None], box: MailboxReader) -> CseIdentity:
    return get_identity(box, call.params.cse_email_address)


def identities_create(
    call: Call[IdentitiesCreateParams, CseIdentity], box: MailboxWriter
) -> CseIdentity:
    return create_identity(box, call.account, call.body)


def identities_patch(
    call: Call[IdentitiesPatchParams, CseIdentity], box: MailboxWriter
) -> CseIdentity:
    return patch_identity(box, call.params.email_address, call.body)


def identities_delete(call: Call[IdentitiesDeleteParams, None], box: MailboxWriter) -> None:
    delete_identity(box, call.params.cse_email_address)


def keypairs_list(
    call: Call[KeypairsListParams, None], box: MailboxReader
) -> ListCseKeyPairsResponse:
    params = call.params
    found, token = list_page_of(box, KeyPairRecord, size=params.page_size, token=params.page_token)
    return ListCseKeyPairsResponse(
        cse_key_pairs=[show_key_pair(each) for each in found] or UNSET,
        next_page_token=token or UNSET,
    )


def keypairs_get(call: Call[KeypairsGetParams, None], box: MailboxReader) -> CseKeyPair:
    return show_key_pair(get_key_pair(box, call.params.key_pair_id))


def keypairs_create(call: Call[KeypairsCreateParams, CseKeyPair], box: MailboxWriter) -> CseKeyPair:
    record = create_key_pair(
        box,
        call.body,
        validate=call.params.chain_validation == "all",
        chance=call.services.chance,
        now_ms=call.now_ms,
    )
    return show_key_pair(record)


def keypairs_enable(
    call: Call[KeypairsEnableParams, EnableCseKeyPairRequest], box: MailboxWriter
) -> CseKeyPair:
    return show_key_pair(enable_key_pair(box, call.params.key_pair_id))


def keypairs_disable(
    call: Call[KeypairsDisableParams, DisableCseKeyPairRequest], box: MailboxWriter
) -> CseKeyPair:
    return show_key_pair(disable_key_pair(box, call.params.key_pair_id, now_ms=call.now_ms))


def keypairs_obliterate(
    call: Call[KeypairsObliterateParams, ObliterateCseKeyPairRequest], box: MailboxWriter
) -> None:
    obliterate_key_pair(box, call.params.key_pair_id, now_ms=call.now_ms)
