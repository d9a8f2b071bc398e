"""Settings that exist once per mailbox.

Declares the methods and their parameters; see spec.method for what each member means.
"""

from typing import Final

from penfold.spec.method import USER, Access, Cost, Method, Params
from penfold.spec.problems import INVALID_SETTING, UNRECOGNIZED_FORWARDING
from penfold.spec.schemas import (
    AutoForwarding,
    ImapSettings,
    LanguageSettings,
    PopSettings,
    VacationSettings,
)
from penfold.spec.scopes import READ_SETTINGS, SHARE_SETTINGS, WRITE_SETTINGS


class SettingsGetAutoForwardingParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class SettingsGetImapParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class SettingsGetLanguageParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class SettingsGetPopParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class SettingsGetVacationParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class SettingsUpdateAutoForwardingParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class SettingsUpdateImapParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class SettingsUpdateLanguageParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class SettingsUpdatePopParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class SettingsUpdateVacationParams(Params, frozen=True, kw_only=True, gc=False):
    pass


METHODS: Final = (
    Method(
        id="gmail.users.settings.getAutoForwarding",
        verb="GET",
        path=USER + "/settings/autoForwarding",
        params=SettingsGetAutoForwardingParams,
        response=AutoForwarding,
        scopes=READ_SETTINGS,
        cost=Cost(1, 1),
        access=Access.READ,
        summary="Return where new mail is forwarded to.",
        since="0.1",
    ),
    Method(
        id="gmail.users.settings.getImap",
        verb="GET",
        path=USER + "/settings/imap",
        params=SettingsGetImapParams,
        response=ImapSettings,
        scopes=READ_SETTINGS,
        cost=Cost(1, 1),
        access=Access.READ,
        summary="Return the IMAP settings.",
        since="0.1",
    ),
    Method(
        id="gmail.users.settings.getLanguage",
        verb="GET",
        path=USER + "/settings/language",
        params=SettingsGetLanguageParams,
        response=LanguageSettings,
        scopes=READ_SETTINGS,
        cost=Cost(1, 1),
        access=Access.READ,
        summary="Return the display language.",
        since="0.1",
    ),
    Method(
        id="gmail.users.settings.getPop",
        verb="GET",
        path=USER + "/settings/pop",
        params=SettingsGetPopParams,
        response=PopSettings,
        scopes=READ_SETTINGS,
        cost=Cost(1, 1),
        access=Access.READ,
        summary="Return the POP settings.",
        since="0.1",
    ),
    Method(
        id="gmail.users.settings.getVacation",
        verb="GET",
        path=USER + "/settings/vacation",
        params=SettingsGetVacationParams,
        response=VacationSettings,
        scopes=READ_SETTINGS,
        cost=Cost(1, 1),
        access=Access.READ,
        summary="Return the vacation reply.",
        since="0.1",
    ),
    Method(
        id="gmail.users.settings.updateAutoForwarding",
        verb="PUT",
        path=USER + "/settings/autoForwarding",
        params=SettingsUpdateAutoForwardingParams,
        request=AutoForwarding,
        response=AutoForwarding,
        scopes=SHARE_SETTINGS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        service_account_only=True,
        summary="Forward new mail to a verified address, or stop doing so.",
        errors=frozenset({INVALID_SETTING, UNRECOGNIZED_FORWARDING}),
        since="0.1",
    ),
    Method(
        id="gmail.users.settings.updateImap",
        verb="PUT",
        path=USER + "/settings/imap",
        params=SettingsUpdateImapParams,
        request=ImapSettings,
        response=ImapSettings,
        scopes=WRITE_SETTINGS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        summary="Change the IMAP settings.",
        errors=frozenset({INVALID_SETTING}),
        since="0.1",
    ),
    Method(
        id="gmail.users.settings.updateLanguage",
        verb="PUT",
        path=USER + "/settings/language",
        params=SettingsUpdateLanguageParams,
        request=LanguageSettings,
        response=LanguageSettings,
        scopes=WRITE_SETTINGS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        summary="Change the display language.",
        errors=frozenset({INVALID_SETTING}),
        since="0.1",
    ),
    Method(
        id="gmail.users.settings.updatePop",
        verb="PUT",
        path=USER + "/settings/pop",
        params=SettingsUpdatePopParams,
        request=PopSettings,
        response=PopSettings,
        scopes=WRITE_SETTINGS,
        cost=Cost(100, 100),
        access=Access.WRITE,
        summary="Change the POP settings.",
        errors=frozenset({INVALID_SETTING}),
        since="0.1",
    ),
    Method(
        id="gmail.users.settings.updateVacation",
        verb="PUT",
        path=USER + "/settings/vacation",
        params=SettingsUpdateVacationParams,
        request=VacationSettings,
        response=VacationSettings,
        scopes=WRITE_SETTINGS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        summary="Change the vacation reply.",
        errors=frozenset({INVALID_SETTING}),
        since="0.1",
    ),
)
