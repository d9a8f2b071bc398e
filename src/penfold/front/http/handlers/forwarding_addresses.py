"""users.settings.forwardingAddresses.*."""

from msgspec import UNSET

from penfold.domain.settings.forwarding_addresses import (
    create_forwarding_address,
    delete_forwarding_address,
    get_forwarding_address,
)
from penfold.front.http.call import Call
from penfold.ports.mailbox import MailboxReader, MailboxWriter
from penfold.spec.methods.forwarding_addresses import (
    ForwardingAddressesCreateParams,
    ForwardingAddressesDeleteParams,
    ForwardingAddressesGetParams,
    ForwardingAddressesListParams,
)
from penfold.spec.schemas import ForwardingAddress, ListForwardingAddressesResponse


def forwarding_addresses_list(
    call: Call[ForwardingAddressesListParams, None], box: MailboxReader
) -> ListForwardingAddressesResponse:
    del call
    found = box.list_settings(ForwardingAddress)
    return ListForwardingAddressesResponse(forwarding_addresses=found or UNSET)


def forwarding_addresses_get(
    call: Call[ForwardingAddressesGetParams, None], box: MailboxReader
) -> ForwardingAddress:
    return get_forwarding_address(box, call.params.forwarding_email)


def forwarding_addresses_create(
    call: Call[ForwardingAddressesCreateParams, ForwardingAddress], box: MailboxWriter
) -> ForwardingAddress:
    return create_forwarding_address(
        box,
        call.account,
        call.body.forwarding_email or "",
        directory=call.services.directory,
        asking=call.services.asking,
        now_ms=call.now_ms,
    )


def forwarding_addresses_delete(
    call: Call[ForwardingAddressesDeleteParams, None], box: MailboxWriter
) -> None:
    delete_forwarding_address(box, call.params.forwarding_email)
