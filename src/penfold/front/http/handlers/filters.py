"""users.settings.filters.*."""

from penfold.domain.mailbox.filters import create_filter, delete_filter, get_filter, list_filters
from penfold.front.http.call import Call
from penfold.ports.mailbox import MailboxReader, MailboxWriter
from penfold.spec.methods.filters import (
    FiltersCreateParams,
    FiltersDeleteParams,
    FiltersGetParams,
    FiltersListParams,
)
from penfold.spec.schemas import Filter, ListFiltersResponse


def filters_list(call: Call[FiltersListParams, None], box: MailboxReader) -> ListFiltersResponse:
    del call
    found = list_filters(box)
    # Gmail (reported by clients): the member is `filter`, and it is absent when there are none.
    return ListFiltersResponse(filter=found) if found else ListFiltersResponse()


def filters_get(call: Call[FiltersGetParams, None], box: MailboxReader) -> Filter:
    return get_filter(box, call.params.id)


def filters_create(call: Call[FiltersCreateParams, Filter], box: MailboxWriter) -> Filter:
    return create_filter(box, call.body, now_ms=call.now_ms, chance=call.services.chance)


def filters_delete(call: Call[FiltersDeleteParams, None], box: MailboxWriter) -> None:
    delete_filter(box, call.params.id)
