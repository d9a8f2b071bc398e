"""The methods of the administration API, in the order of the documentation."""

from typing import Final

from penfold.spec.admin import schemas
from penfold.spec.admin.method import ROOT, AdminMethod, PageParams, UserParams
from penfold.spec.method import Params


class AliasParams(UserParams, frozen=True, kw_only=True, gc=False):
    alias: str


class TokenParams(UserParams, frozen=True, kw_only=True, gc=False):
    client_id: str


class AspParams(UserParams, frozen=True, kw_only=True, gc=False):
    code_id: str


class DomainParams(Params, frozen=True, kw_only=True, gc=False):
    domain_name: str


class AppParams(Params, frozen=True, kw_only=True, gc=False):
    client_id: str


class EmailParams(Params, frozen=True, kw_only=True, gc=False):
    email: str


class KeyParams(EmailParams, frozen=True, kw_only=True, gc=False):
    key_id: str


class ActivityParams(PageParams, frozen=True, kw_only=True, gc=False):
    """user_key: only entries about this account."""

    user_key: str = ""


REGISTRY: Final = (
    AdminMethod(
        id="admin.users.list",
        verb="GET",
        path=f"{ROOT}/users",
        params=PageParams,
        response=schemas.Users,
        summary="List the accounts, by address.",
    ),
    AdminMethod(
        id="admin.users.get",
        verb="GET",
        path=f"{ROOT}/users/{{userKey}}",
        params=UserParams,
        response=schemas.User,
        summary="Return an account.",
    ),
    AdminMethod(
        id="admin.users.insert",
        verb="POST",
        path=f"{ROOT}/users",
        request=schemas.User,
        response=schemas.User,
        summary="Make an account with an empty mailbox.",
    ),
    AdminMethod(
        id="admin.users.update",
        verb="PATCH",
        path=f"{ROOT}/users/{{userKey}}",
        params=UserParams,
        request=schemas.User,
        response=schemas.User,
        summary="Change name, role or password; suspend an account or let it in again.",
    ),
    AdminMethod(
        id="admin.users.delete",
        verb="DELETE",
        path=f"{ROOT}/users/{{userKey}}",
        params=UserParams,
        summary="Remove an account and erase its mail.",
    ),
    AdminMethod(
        id="admin.users.signOut",
        verb="POST",
        path=f"{ROOT}/users/{{userKey}}/signOut",
        params=UserParams,
        summary="End the account's sessions in browsers.",
    ),
    AdminMethod(
        id="admin.aliases.list",
        verb="GET",
        path=f"{ROOT}/users/{{userKey}}/aliases",
        params=UserParams,
        response=schemas.Aliases,
        summary="List the addresses whose mail the account gets as well.",
    ),
    AdminMethod(
        id="admin.aliases.insert",
        verb="POST",
        path=f"{ROOT}/users/{{userKey}}/aliases",
        params=UserParams,
        request=schemas.Alias,
        response=schemas.Alias,
        summary="Let the account get the mail of another address.",
    ),
    AdminMethod(
        id="admin.aliases.delete",
        verb="DELETE",
        path=f"{ROOT}/users/{{userKey}}/aliases/{{alias}}",
        params=AliasParams,
        summary="Take an alias from the account.",
    ),
    AdminMethod(
        id="admin.tokens.list",
        verb="GET",
        path=f"{ROOT}/users/{{userKey}}/tokens",
        params=UserParams,
        response=schemas.Tokens,
        summary="List the applications an account let in.",
    ),
    AdminMethod(
        id="admin.tokens.delete",
        verb="DELETE",
        path=f"{ROOT}/users/{{userKey}}/tokens/{{clientId}}",
        params=TokenParams,
        summary="Take back all that an account allowed an application.",
    ),
    AdminMethod(
        id="admin.asps.list",
        verb="GET",
        path=f"{ROOT}/users/{{userKey}}/asps",
        params=UserParams,
        response=schemas.Asps,
        summary="List an account's app passwords.",
    ),
    AdminMethod(
        id="admin.asps.insert",
        verb="POST",
        path=f"{ROOT}/users/{{userKey}}/asps",
        params=UserParams,
        request=schemas.Asp,
        response=schemas.Asp,
        summary="Make an app password, which is shown this once.",
    ),
    AdminMethod(
        id="admin.asps.delete",
        verb="DELETE",
        path=f"{ROOT}/users/{{userKey}}/asps/{{codeId}}",
        params=AspParams,
        summary="Remove an app password.",
    ),
    AdminMethod(
        id="admin.domains.list",
        verb="GET",
        path=f"{ROOT}/domains",
        response=schemas.Domains,
        summary="List the domains whose mail is delivered here.",
    ),
    AdminMethod(
        id="admin.domains.insert",
        verb="POST",
        path=f"{ROOT}/domains",
        request=schemas.Domain,
        response=schemas.Domain,
        summary="Deliver a domain's mail here.",
    ),
    AdminMethod(
        id="admin.domains.delete",
        verb="DELETE",
        path=f"{ROOT}/domains/{{domainName}}",
        params=DomainParams,
        summary="Deliver a domain's mail here no longer.",
    ),
    AdminMethod(
        id="admin.dkimKeys.list",
        verb="GET",
        path=f"{ROOT}/domains/{{domainName}}/dkimKeys",
        params=DomainParams,
        response=schemas.DkimKeys,
        summary="List the keys a domain's mail is signed with.",
    ),
    AdminMethod(
        id="admin.dkimKeys.rotate",
        verb="POST",
        path=f"{ROOT}/domains/{{domainName}}/dkimKeys/rotate",
        params=DomainParams,
        response=schemas.DkimKeys,
        summary="Make new keys, which wait until their records are published.",
    ),
    AdminMethod(
        id="admin.dkimKeys.activate",
        verb="POST",
        path=f"{ROOT}/domains/{{domainName}}/dkimKeys/activate",
        params=DomainParams,
        response=schemas.DkimKeys,
        summary="Let waiting keys sign and retire those before them.",
    ),
    AdminMethod(
        id="admin.apps.list",
        verb="GET",
        path=f"{ROOT}/apps",
        params=PageParams,
        response=schemas.Apps,
        summary="List the applications that may ask for access.",
    ),
    AdminMethod(
        id="admin.apps.insert",
        verb="POST",
        path=f"{ROOT}/apps",
        request=schemas.App,
        response=schemas.App,
        summary="Register an application; its secret is shown this once.",
    ),
    AdminMethod(
        id="admin.apps.delete",
        verb="DELETE",
        path=f"{ROOT}/apps/{{clientId}}",
        params=AppParams,
        summary="Remove an application with everything it was granted.",
    ),
    AdminMethod(
        id="admin.serviceAccounts.list",
        verb="GET",
        path=f"{ROOT}/serviceAccounts",
        response=schemas.ServiceAccounts,
        summary="List service accounts, their keys and what was delegated to them.",
    ),
    AdminMethod(
        id="admin.serviceAccounts.update",
        verb="PATCH",
        path=f"{ROOT}/serviceAccounts/{{email}}",
        params=EmailParams,
        request=schemas.ServiceAccount,
        response=schemas.ServiceAccount,
        summary="Change what is delegated to a service account; its tokens end.",
    ),
    AdminMethod(
        id="admin.serviceAccounts.delete",
        verb="DELETE",
        path=f"{ROOT}/serviceAccounts/{{email}}",
        params=EmailParams,
        summary="Remove a service account with its keys and tokens.",
    ),
    AdminMethod(
        id="admin.serviceKeys.delete",
        verb="DELETE",
        path=f"{ROOT}/serviceAccounts/{{email}}/keys/{{keyId}}",
        params=KeyParams,
        summary="Remove a key of a service account.",
    ),
    AdminMethod(
        id="admin.activities.list",
        verb="GET",
        path=f"{ROOT}/activities",
        params=ActivityParams,
        response=schemas.Activities,
        summary="List the audit log, the newest entry first.",
    ),
)
