"""The functions that serve the methods of the API, each named as spec.method.Method.handler says.

A handler holds only what is particular to its method: it hands checked values to the product and
puts what comes back into the response type.
"""

from collections.abc import Callable
from typing import Any, Final

from penfold.front.http.handlers.attachments import attachments_get
from penfold.front.http.handlers.cse import (
    identities_create,
    identities_delete,
    identities_get,
    identities_list,
    identities_patch,
    keypairs_create,
    keypairs_disable,
    keypairs_enable,
    keypairs_get,
    keypairs_list,
    keypairs_obliterate,
)
from penfold.front.http.handlers.delegates import (
    check_delegates_create,
    delegates_create,
    delegates_delete,
    delegates_get,
    delegates_list,
)
from penfold.front.http.handlers.drafts import (
    drafts_create,
    drafts_delete,
    drafts_get,
    drafts_list,
    drafts_send,
    drafts_update,
)
from penfold.front.http.handlers.filters import (
    filters_create,
    filters_delete,
    filters_get,
    filters_list,
)
from penfold.front.http.handlers.forwarding_addresses import (
    forwarding_addresses_create,
    forwarding_addresses_delete,
    forwarding_addresses_get,
    forwarding_addresses_list,
)
from penfold.front.http.handlers.history import history_list
from penfold.front.http.handlers.labels import (
    labels_create,
    labels_delete,
    labels_get,
    labels_list,
    labels_patch,
    labels_update,
)
from penfold.front.http.handlers.messages import (
    messages_batch_delete,
    messages_batch_modify,
    messages_delete,
    messages_get,
    messages_import,
    messages_insert,
    messages_list,
    messages_modify,
    messages_send,
    messages_trash,
    messages_untrash,
)
from penfold.front.http.handlers.profile import users_get_profile
from penfold.front.http.handlers.send_as import (
    check_send_as_change,
    check_send_as_create,
    send_as_create,
    send_as_delete,
    send_as_get,
    send_as_list,
    send_as_patch,
    send_as_update,
    send_as_verify,
)
from penfold.front.http.handlers.settings import (
    settings_get_auto_forwarding,
    settings_get_imap,
    settings_get_language,
    settings_get_pop,
    settings_get_vacation,
    settings_update_auto_forwarding,
    settings_update_imap,
    settings_update_language,
    settings_update_pop,
    settings_update_vacation,
)
from penfold.front.http.handlers.smime_info import (
    smime_info_delete,
    smime_info_get,
    smime_info_insert,
    smime_info_list,
    smime_info_set_default,
)
from penfold.front.http.handlers.threads import (
    threads_delete,
    threads_get,
    threads_list,
    threads_modify,
    threads_trash,
    threads_untrash,
)
from penfold.front.http.handlers.watch import users_stop, users_watch

HANDLERS: Final[tuple[Callable[[Any, Any], Any], ...]] = (
    users_get_profile,
    users_watch,
    users_stop,
    messages_list,
    messages_get,
    messages_send,
    messages_insert,
    messages_import,
    messages_modify,
    messages_batch_modify,
    messages_trash,
    messages_untrash,
    messages_delete,
    messages_batch_delete,
    attachments_get,
    threads_list,
    threads_get,
    threads_modify,
    threads_trash,
    threads_untrash,
    threads_delete,
    labels_list,
    labels_get,
    labels_create,
    labels_update,
    labels_patch,
    labels_delete,
    drafts_list,
    drafts_get,
    drafts_create,
    drafts_update,
    drafts_delete,
    drafts_send,
    history_list,
    filters_list,
    filters_get,
    filters_create,
    filters_delete,
    settings_get_auto_forwarding,
    settings_get_imap,
    settings_get_language,
    settings_get_pop,
    settings_get_vacation,
    settings_update_auto_forwarding,
    settings_update_imap,
    settings_update_language,
    settings_update_pop,
    settings_update_vacation,
    forwarding_addresses_list,
    forwarding_addresses_get,
    forwarding_addresses_create,
    forwarding_addresses_delete,
    send_as_list,
    send_as_get,
    send_as_create,
    send_as_update,
    send_as_patch,
    send_as_delete,
    send_as_verify,
    delegates_list,
    delegates_get,
    delegates_create,
    delegates_delete,
    smime_info_delete,
    smime_info_get,
    smime_info_insert,
    smime_info_list,
    smime_info_set_default,
    identities_create,
    identities_delete,
    identities_get,
    identities_list,
    identities_patch,
    keypairs_create,
    keypairs_disable,
    keypairs_enable,
    keypairs_get,
    keypairs_list,
    keypairs_obliterate,
)

#: What is found out in a thread before the change of a handler, see penfold.front.http.call.
CHECKS: Final[dict[Callable[[Any, Any], Any], Callable[[Any, Any], None]]] = {
    send_as_create: check_send_as_create,
    send_as_update: check_send_as_change,
    send_as_patch: check_send_as_change,
    delegates_create: check_delegates_create,
}
