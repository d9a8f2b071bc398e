"""Sending domains: list, add, get, verify, rotate, remove."""

from penfold.base.errors import ConflictError, ParseError
from penfold.domain.access.accounts import parse_domain_name
from penfold.domain.sending.domain_showing import show_domain
from penfold.domain.sending.findings import INVALID, NOT_ALLOWED, Findings
from penfold.front.http.sending.call import Call, page_list
from penfold.ports.sending.records import SendingDomain
from penfold.spec.sending import schemas, setup
from penfold.spec.sending.problems import NOT_FOUND, NOT_NOW, SendingError


def domains_list(call: Call) -> setup.DomainList:
    there = [
        one
        for one in call.domains.list_visible(call.account_id)[::-1]
        if _is_allowed(call, one.name)
    ]
    items, more = page_list(call.query, there, lambda one: one.id)
    data = [_show(call, one) for one in items]
    return setup.DomainList(object="list", has_more=more, data=data)


def domains_add(call: Call) -> setup.Domain:
    findings = Findings()
    try:
        name = parse_domain_name(call.body.name)
    except ParseError:
        findings.add("name", INVALID, "is not a domain such as shop.example")
    else:
        if not _is_allowed(call, name):
            allowed = ", ".join(call.key.domains)
            findings.add("name", NOT_ALLOWED, f"is none of this API key's domains: {allowed}")
    findings.raise_any()
    try:
        return _show(call, call.domains.add(call.body.name, call.account_id))
    except ConflictError as error:
        raise SendingError(NOT_NOW, f"The domain cannot be added: {error}.") from None


def domains_get(call: Call) -> setup.Domain:
    return _show(call, _get(call))


def domains_verify(call: Call) -> setup.Domain:
    if call.domains.look is None:
        raise SendingError(
            NOT_NOW,
            "In local mode nothing is looked up; `penfold domain add` makes a domain that may be"
            " sent from at once.",
        )
    return _show(call, call.domains.check(_get(call)))


def domains_rotate(call: Call) -> setup.Domain:
    try:
        return _show(call, call.domains.rotate(_get(call).id, call.account_id))
    except ConflictError as error:
        raise SendingError(NOT_NOW, f"{str(error).capitalize()}.") from None


def domains_remove(call: Call) -> schemas.Reference:
    gone = call.domains.remove(_get(call).id, call.account_id)
    return schemas.Reference(object="domain", id=gone.id, deleted=True)


def _get(call: Call) -> SendingDomain:
    domain = call.domains.get(call.id, call.account_id)
    if not _is_allowed(call, domain.name):
        raise SendingError(NOT_FOUND)
    return domain


def _is_allowed(call: Call, name: str) -> bool:
    """A key that is bound to domains sees no others."""
    return not call.key.domains or name in call.key.domains


def _show(call: Call, domain: SendingDomain) -> setup.Domain:
    return show_domain(domain, call.domains.hostname)
