"""The methods of templates, in the order of the documentation."""

from typing import Any, Final

from penfold.base.limits import TEMPLATE_BODY_MAX_BYTES
from penfold.spec.sending import schemas, scopes, template_schemas
from penfold.spec.sending.method import ROOT, PageQuery, SendingMethod, VersionQuery

_TEMPLATES: Final = f"{ROOT}/templates"
_ONE: Final = f"{_TEMPLATES}/{{id}}"
_PARTS: Final = f"{ROOT}/template-parts"


def _method(name: str, verb: str, path: str, summary: str, **more: Any) -> SendingMethod:
    scope = scopes.TEMPLATES_READ if verb == "GET" else scopes.TEMPLATES_WRITE
    values: dict[str, Any] = {"scope": scope, "body_max": TEMPLATE_BODY_MAX_BYTES} | more
    return SendingMethod(id=f"sending.{name}", verb=verb, path=path, summary=summary, **values)


TEMPLATE_METHODS: Final = (
    _method(
        "templates.list", "GET", _TEMPLATES, "List templates, the newest first.",
        query=PageQuery, answer=template_schemas.TemplateList,
    ),
    _method(
        "templates.add", "POST", _TEMPLATES, "Make a template, which has no version yet.",
        body=template_schemas.NewTemplate, answer=template_schemas.Template,
    ),
    _method(
        "templates.get", "GET", _ONE, "Return a template by its id or alias.",
        answer=template_schemas.Template,
    ),
    _method(
        "templates.change", "PATCH", _ONE, "Change a template's name or alias.",
        body=template_schemas.ChangeTemplate, answer=template_schemas.Template,
    ),
    _method(
        "templates.remove", "DELETE", _ONE,
        "Remove a template with its versions; mail that waits for them fails.",
        answer=schemas.Reference,
    ),
    _method(
        "templates.versions", "GET", f"{_ONE}/versions", "List versions, the newest first.",
        query=VersionQuery, answer=template_schemas.VersionList,
    ),
    _method(
        "templates.add_version", "POST", f"{_ONE}/versions",
        "Make a version, which is checked and never changes; nothing uses it yet.",
        body=template_schemas.NewVersion, answer=template_schemas.Version,
    ),
    _method(
        "templates.get_version", "GET", f"{_ONE}/versions/{{version}}",
        "Return a version as it was written.",
        answer=template_schemas.Version,
    ),
    _method(
        "templates.publish", "POST", f"{_ONE}/publish",
        "Have mails made of a version from now on, an older one too, or of several by weight.",
        body=template_schemas.Publish, answer=template_schemas.Template,
    ),
    _method(
        "templates.render", "POST", f"{_ONE}/render", "Return the mail a version makes.",
        scope=scopes.TEMPLATES_READ,
        body=template_schemas.RenderTemplate, answer=template_schemas.RenderedMail,
    ),
    _method(
        "templates.test", "POST", f"{_ONE}/test",
        "Send the mail a version makes to an address of the account itself.",
        body=template_schemas.SendTest, answer=schemas.Sent,
    ),
    _method(
        "template_parts.list", "GET", _PARTS, "List layouts and partials, the newest first.",
        query=PageQuery, answer=template_schemas.PartList,
    ),
    _method(
        "template_parts.put", "POST", _PARTS,
        "Make a layout or partial, or replace the one of that name.",
        body=template_schemas.NewPart, answer=template_schemas.Part,
    ),
    _method(
        "template_parts.get", "GET", f"{_PARTS}/{{id}}", "Return a layout or partial.",
        answer=template_schemas.Part,
    ),
    _method(
        "template_parts.remove", "DELETE", f"{_PARTS}/{{id}}",
        "Remove a layout or partial; versions made with it stay as they are.",
        answer=schemas.Reference,
    ),
)  # fmt: skip
