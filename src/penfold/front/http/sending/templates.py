"""Templates: list, add, get, change, remove, versions, publish, render, test."""

from typing import Any

from penfold.base.limits import (
    SENDING_NAME_MAX,
    SENDING_PAGE_MAX,
    TEMPLATE_WEIGHT_MAX,
    TEMPLATE_WEIGHTS_MAX,
)
from penfold.domain.sending.accept import accept
from penfold.domain.sending.checking import check_email
from penfold.domain.sending.findings import (
    INVALID,
    NOT_ALLOWED,
    REQUIRED,
    TOO_MANY,
    Findings,
    make_refusal,
)
from penfold.domain.sending.new_key import read_name
from penfold.domain.sending.showing_templates import (
    show_rendered,
    show_summary,
    show_template,
    show_version,
)
from penfold.domain.sending.template_records import Whole
from penfold.domain.sending.template_use import Known
from penfold.front.http.sending.call import Call, Reply, page_list
from penfold.front.http.sending.emails import make_sent
from penfold.proto.address import canonical
from penfold.proto.templates.folder import NAME
from penfold.proto.templates.model import RenderError, TemplateError, TemplateSource
from penfold.spec.sending import schemas
from penfold.spec.sending import template_schemas as shown
from penfold.spec.sending.problems import FieldError, SendingError

_NAME_RULE = "has other characters than small letters, digits, - and _, or over 64"


def templates_list(call: Call) -> shown.TemplateList:
    items, more = page_list(call.query, call.templates.list_templates()[::-1], lambda one: one.id)
    return shown.TemplateList(
        object="list", has_more=more, data=[show_template(one) for one in items]
    )


def templates_add(call: Call) -> shown.Template:
    findings = Findings()
    name = read_name(call.body.name, findings)
    _check_alias(call.body.alias, findings)
    findings.raise_any()
    return show_template(call.templates.add(name, call.body.alias))


def templates_get(call: Call) -> shown.Template:
    return show_template(call.templates.get(call.id))


def templates_change(call: Call) -> shown.Template:
    findings = Findings()
    values: dict[str, Any] = {}
    if call.body.name is not None:
        values["name"] = read_name(call.body.name, findings)
    if call.body.alias is not None:
        _check_alias(call.body.alias, findings)
        values["alias"] = call.body.alias
    findings.raise_any()
    return show_template(call.templates.change(call.id, **values))


def _check_alias(alias: str, findings: Findings) -> None:
    if not NAME.fullmatch(alias):
        findings.add("alias", INVALID, _NAME_RULE)


def templates_remove(call: Call) -> schemas.Reference:
    gone = call.templates.remove(call.id)
    return schemas.Reference(object="template", id=gone, deleted=True)


def templates_versions(call: Call) -> shown.VersionList:
    findings, query = Findings(), call.query
    if not 1 <= query.limit <= SENDING_PAGE_MAX:
        findings.add("limit", INVALID, f"is not between 1 and {SENDING_PAGE_MAX}")
    if query.after < 0:
        findings.add("after", INVALID, "is not the number of a version")
    findings.raise_any()
    if query.after == 1:
        return shown.VersionList(object="list", has_more=False, data=[])
    template, found = call.templates.list_versions(
        call.id, older=query.after, limit=query.limit + 1
    )
    data = [show_summary(template, one) for one in found[: query.limit]]
    return shown.VersionList(object="list", has_more=len(found) > query.limit, data=data)


def templates_get_version(call: Call) -> shown.Version:
    text = call.values[1]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not number:
        findings = Findings()
        findings.add("version", INVALID, "is not the number of a version")
        findings.raise_any()
    return show_version(call.templates.get_version(call.id, number))


def templates_add_version(call: Call) -> shown.Version:
    body: shown.NewVersion = call.body
    findings = Findings()
    findings.check_text("note", body.note, SENDING_NAME_MAX)
    for at, stream in enumerate(body.streams):
        findings.check_text(f"streams[{at}]", stream, SENDING_NAME_MAX)
    findings.raise_any()
    source = TemplateSource(
        subject=body.subject, html=body.html, mjml=body.mjml, text=body.text, layout=body.layout,
        schema=body.schema, sample=body.sample, on_missing=body.on_missing,
    )  # fmt: skip
    try:
        made = call.templates.add_version(
            call.id, source, streams=tuple(body.streams), note=body.note
        )
    except TemplateError as error:
        raise refuse_template(error) from error
    return show_version(made, asked=True)


def refuse_template(error: TemplateError) -> SendingError:
    """Return the refusal of a template that has mistakes: each with its part and line."""
    return make_refusal(
        FieldError(one.where or "template", one.code, str(one)) for one in error.findings
    )


def templates_publish(call: Call) -> shown.Template:
    body: shown.Publish = call.body
    findings = Findings()
    weights: tuple[tuple[int, int], ...] = ()
    if body.version is not None:
        weights = ((body.version, 1),)
    if body.weights is not None:
        weights = tuple((one.version, one.weight) for one in body.weights)
        _check_weights(body, findings)
    findings.raise_any()
    return show_template(call.templates.publish(call.id, weights))


def _check_weights(body: shown.Publish, findings: Findings) -> None:
    weights = body.weights or []
    if body.version is not None:
        findings.add("version", INVALID, "and `weights` say the same; give one of them")
    if not 1 <= len(weights) <= TEMPLATE_WEIGHTS_MAX:
        findings.add("weights", TOO_MANY if weights else REQUIRED, "has 1 to 10 versions")
    if len({one.version for one in weights}) < len(weights):
        findings.add("weights", INVALID, "has a version twice")
    for at, one in enumerate(weights):
        if not 1 <= one.weight <= TEMPLATE_WEIGHT_MAX:
            most = TEMPLATE_WEIGHT_MAX
            findings.add(f"weights[{at}].weight", INVALID, f"is not between 1 and {most}")


def templates_render(call: Call) -> shown.RenderedMail:
    def choose(whole: Whole) -> dict[str, Any]:
        variables = _choose(call.body, whole)
        findings = Findings()
        Known(whole.version).check(variables, "variables", findings)
        findings.raise_any()
        return variables

    whole, made = call.templates.render(call.id, call.body.version or 0, choose)
    if isinstance(made, RenderError):
        one = made.finding
        raise make_refusal([FieldError(one.where or "template", one.code, str(one))])
    return show_rendered(whole, made)


def _choose(body: shown.RenderTemplate, whole: Whole) -> dict[str, Any]:
    return body.variables if body.variables is not None else whole.stored.source.sample or {}


def templates_test(call: Call) -> Reply:
    """The mail goes the way of all mail, but to the account's own addresses and no others."""
    body: shown.SendTest = call.body
    findings = Findings()
    own = call.find_addresses(call.account_id)
    to = body.to or own[0]
    if canonical(to) not in {canonical(one) for one in own}:
        findings.add("to", NOT_ALLOWED, f"is no address of this account: {', '.join(own[:10])}")
    findings.raise_any()
    whole = call.templates.get_version(call.id, body.version or 0)
    streams = whole.stored.streams or ("transactional",)
    email = schemas.SendEmail(
        from_=body.from_ or own[0],
        to=to,
        template=schemas.TemplateRef(id=whole.template.id, version=whole.version.number),
        variables=_choose(body, whole),
        stream=streams[0],
    )
    drafts = check_email(email, call.caller, findings, now_ms=call.now_ms)
    findings.raise_any()
    done = accept(
        call.book, call.key, lambda: drafts, keyed=None, price=call.price, now_ms=call.now_ms,
        chance=call.chance, make_body=make_sent,
    )  # fmt: skip
    return Reply(done.body)
