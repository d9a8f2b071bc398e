"""users.settings.get… and update…: what exists once per mailbox."""

from penfold.domain.settings.mail_settings import (
    get_auto_forwarding,
    get_imap,
    get_language,
    get_pop,
    get_vacation,
    update_auto_forwarding,
    update_imap,
    update_language,
    update_pop,
    update_vacation,
)
from penfold.front.http.call import Call
from penfold.ports.mailbox import MailboxReader, MailboxWriter
from penfold.spec.methods.settings import (
    SettingsGetAutoForwardingParams,
    SettingsGetImapParams,
    SettingsGetLanguageParams,
    SettingsGetPopParams,
    SettingsGetVacationParams,
    SettingsUpdateAutoForwardingParams,
    SettingsUpdateImapParams,
    SettingsUpdateLanguageParams,
    SettingsUpdatePopParams,
    SettingsUpdateVacationParams,
)
from penfold.spec.schemas import (
    AutoForwarding,
    ImapSettings,
    LanguageSettings,
    PopSettings,
    VacationSettings,
)


def settings_get_auto_forwarding(
    call: Call[SettingsGetAutoForwardingParams, None], box: MailboxReader
) -> AutoForwarding:
    del call
    return get_auto_forwarding(box)


def settings_update_auto_forwarding(
    call: Call[SettingsUpdateAutoForwardingParams, AutoForwarding], box: MailboxWriter
) -> AutoForwarding:
    return update_auto_forwarding(box, call.body)


def settings_get_imap(call: Call[SettingsGetImapParams, None], box: MailboxReader) -> ImapSettings:
    del call
    return get_imap(box)


def settings_update_imap(
    call: Call[SettingsUpdateImapParams, ImapSettings], box: MailboxWriter
) -> ImapSettings:
    return update_imap(box, call.body)


def settings_get_language(
    call: Call[SettingsGetLanguageParams, None], box: MailboxReader
) -> LanguageSettings:
    del call
    return get_language(box)


def settings_update_language(
    call: Call[SettingsUpdateLanguageParams, LanguageSettings], box: MailboxWriter
) -> LanguageSettings:
    return update_language(box, call.body)


def settings_get_pop(call: Call[SettingsGetPopParams, None], box: MailboxReader) -> PopSettings:
    del call
    return get_pop(box)


def settings_update_pop(
    call: Call[SettingsUpdatePopParams, PopSettings], box: MailboxWriter
) -> PopSettings:
    return update_pop(box, call.body)


def settings_get_vacation(
    call: Call[SettingsGetVacationParams, None], box: MailboxReader
) -> VacationSettings:
    del call
    return get_vacation(box)


def settings_update_vacation(
    call: Call[SettingsUpdateVacationParams, VacationSettings], box: MailboxWriter
) -> VacationSettings:
    return update_vacation(box, call.body)
