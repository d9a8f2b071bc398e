"""What belongs to nobody's account: domains and their keys, applications, service accounts."""

from collections.abc import Iterable

from msgspec import UNSET
from msgspec.structs import replace

from penfold.base.addresses import canonical_domain
from penfold.domain.outgoing.signing_keys import state_of
from penfold.front.http.admin.call import Call, cut_page, missing, needed, rfc3339
from penfold.ports import identity as records
from penfold.ports.identity import Client, Grant, IdentityWriter, ServiceKey
from penfold.spec.admin import schemas
from penfold.spec.admin.method import INVALID_INPUT
from penfold.spec.problems import ProblemError
from penfold.spec.scopes import find_scope


def domains_list(call: Call) -> schemas.Domains:
    return schemas.Domains(domains=[_domain(one) for one in call.domains.list_domains()])


def domains_insert(call: Call) -> schemas.Domain:
    return _domain(call.domains.add(needed(call.body.domain_name, "domainName")))


def domains_delete(call: Call) -> None:
    call.domains.remove(call.params.domain_name)


def dkim_keys_list(call: Call) -> schemas.DkimKeys:
    return _keys(call.domains.list_keys(call.domains.get(call.params.domain_name)))


def dkim_keys_rotate(call: Call) -> schemas.DkimKeys:
    return _keys(call.domains.rotate(call.domains.get(call.params.domain_name)))


def dkim_keys_activate(call: Call) -> schemas.DkimKeys:
    return _keys(call.domains.activate(call.domains.get(call.params.domain_name)))


def apps_list(call: Call) -> schemas.Apps:
    clients = [one for one in call.identity.book.list_by(Client) if one.kind != records.SERVICE]
    page, token = cut_page(clients, lambda one: one.id, call.params)
    return schemas.Apps(apps=[_app(one) for one in page], next_page_token=token or UNSET)


def apps_insert(call: Call) -> schemas.App:
    body = call.body
    made = call.identity.clients.add(
        needed(body.display_text, "displayText"),
        kind=needed(body.kind, "kind"),
        redirect_uris=() if body.redirect_uris is UNSET else tuple(body.redirect_uris),
        public=body.public is True,
    )
    return replace(_app(made.client), client_secret=made.secret or UNSET)


def apps_delete(call: Call) -> None:
    client = call.identity.book.find(Client, call.params.client_id)
    if client is None or client.kind == records.SERVICE:
        raise missing("clientId")
    call.identity.clients.remove(client.id)


def service_accounts_list(call: Call) -> schemas.ServiceAccounts:
    found = call.identity.book.list_by(records.ServiceAccount)
    return schemas.ServiceAccounts(service_accounts=[_service(call, one) for one in found])


def service_accounts_update(call: Call) -> schemas.ServiceAccount:
    """Change the delegation. What was given out under the old one ends, lest it outlives it."""
    account, body = _find_service(call), call.body
    domain = account.domain if body.domain is UNSET else canonical_domain(body.domain)
    scopes = account.scopes if body.scopes is UNSET else _read_scopes(body.scopes)
    if domain and not call.identity.book.is_local_domain(domain):
        raise missing("domain")
    if scopes and not domain:
        raise ProblemError(INVALID_INPUT, what="scopes are delegated together with a domain")
    new = replace(account, domain=domain, scopes=scopes)

    def change(writer: IdentityWriter) -> None:
        writer.replace(new)
        for grant in writer.list_by(Grant, client_id=account.client_id):
            writer.delete(Grant, grant.id)

    call.identity.book.change(change)
    return _service(call, new)


def service_accounts_delete(call: Call) -> None:
    call.identity.clients.remove(_find_service(call).client_id)


def service_keys_delete(call: Call) -> None:
    account, key_id = _find_service(call), call.params.key_id

    def remove(writer: IdentityWriter) -> bool:
        key = writer.find(ServiceKey, key_id)
        mine = key is not None and key.client_id == account.client_id
        return mine and writer.delete(ServiceKey, key_id)

    if not call.identity.book.change(remove):
        raise missing("keyId")


def _read_scopes(words: Iterable[str]) -> frozenset[str]:
    found = [find_scope(word) for word in words]
    if None in found:
        raise ProblemError(INVALID_INPUT, what="scopes")
    return frozenset(scope.url for scope in found if scope)


def _find_service(call: Call) -> records.ServiceAccount:
    account = call.identity.book.find(records.ServiceAccount, call.params.email)
    if account is None:
        raise missing("email")
    return account


def _domain(one: records.Domain) -> schemas.Domain:
    return schemas.Domain(domain_name=one.name, creation_time=rfc3339(one.created_ms))


def _keys(found: Iterable[records.DkimKey]) -> schemas.DkimKeys:
    return schemas.DkimKeys(
        keys=[
            schemas.DkimKey(
                name=one.name,
                selector=one.selector,
                algorithm=one.algorithm,
                state=state_of(one).value,
                record=one.record,
            )
            for one in found
        ]
    )


def _app(one: Client) -> schemas.App:
    return schemas.App(
        client_id=one.id,
        display_text=one.name,
        kind=one.kind,
        redirect_uris=list(one.redirect_uris),
        public=not one.secret,
        creation_time=rfc3339(one.created_ms),
    )


def _service(call: Call, one: records.ServiceAccount) -> schemas.ServiceAccount:
    keys = call.identity.book.list_by(ServiceKey, client_id=one.client_id)
    return schemas.ServiceAccount(
        email=one.email,
        client_id=one.client_id,
        domain=one.domain,
        scopes=sorted(one.scopes),
        key_ids=[key.kid for key in keys],
    )
