"""Layouts and partials: list, put, get, remove."""

from penfold.base.limits import TEMPLATE_PART_MAX_BYTES
from penfold.domain.sending.findings import INVALID, NOT_ALLOWED, REQUIRED, TOO_LONG, Findings
from penfold.domain.sending.showing_templates import show_part
from penfold.domain.sending.template_parts import PARTIAL
from penfold.front.http.sending.call import Call, page_list
from penfold.proto.templates.folder import NAME
from penfold.proto.templates.model import Layout, Partial
from penfold.spec.sending import schemas
from penfold.spec.sending import template_schemas as shown


def template_parts_list(call: Call) -> shown.PartList:
    items, more = page_list(call.query, call.parts.list_parts()[::-1], lambda one: one.id)
    return shown.PartList(object="list", has_more=more, data=[show_part(one) for one in items])


def template_parts_put(call: Call) -> shown.Part:
    """What is inside is looked at by the versions that are made with it."""
    body: shown.NewPart = call.body
    findings = Findings()
    if not NAME.fullmatch(body.name):
        findings.add("name", INVALID, "has other than small letters, digits, - and _, or over 64")
    if body.kind == PARTIAL and body.mjml is not None:
        findings.add("mjml", NOT_ALLOWED, "is for layouts; a partial has html and text")
    if body.html is None and body.mjml is None and body.text is None:
        findings.add("html", REQUIRED, "or another part has to be there")
    for field in ("html", "mjml", "text"):
        text = getattr(body, field) or ""
        if len(text.encode("utf-8", "replace")) > TEMPLATE_PART_MAX_BYTES:
            findings.add(field, TOO_LONG, f"has more than {TEMPLATE_PART_MAX_BYTES} octets")
    findings.raise_any()
    parts: Layout | Partial = (
        Partial(html=body.html, text=body.text)
        if body.kind == PARTIAL
        else Layout(html=body.html, mjml=body.mjml, text=body.text)
    )
    return show_part(call.parts.put_part(body.kind, body.name, parts))


def template_parts_get(call: Call) -> shown.Part:
    return show_part(call.parts.get_part(call.id))


def template_parts_remove(call: Call) -> schemas.Reference:
    call.parts.remove_part(call.id)
    return schemas.Reference(object="template_part", id=call.id, deleted=True)
