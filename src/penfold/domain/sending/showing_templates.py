"""Templates as the API shows them."""

from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from penfold.domain.sending.showing import show_maybe, show_time
from penfold.domain.sending.template_records import Whole
from penfold.ports.sending.records import Template, TemplatePart, TemplateVersion
from penfold.proto.templates.model import Finding, Layout, Rendered
from penfold.spec.sending import template_schemas as schemas


def show_template(one: Template) -> schemas.Template:
    return schemas.Template(
        object="template",
        id=one.id,
        alias=one.alias,
        name=one.name,
        created_at=show_time(one.created_ms),
        updated_at=show_maybe(one.updated_ms),
        published=one.published,
        latest=one.latest,
        weights=[schemas.GivenWeight(version=number, weight=n) for number, n in one.weights],
    )


def is_published(template: Template, number: int) -> bool:
    return number == template.published or number in dict(template.weights)


def show_summary(template: Template, one: TemplateVersion) -> schemas.VersionSummary:
    return schemas.VersionSummary(
        object="template_version",
        version=one.number,
        created_at=show_time(one.created_ms),
        note=one.note,
        published=is_published(template, one.number),
    )


def show_version(whole: Whole, *, asked: bool = False) -> schemas.Version:
    """Return a version. asked: it was just asked for, so `unchanged` says if it is new."""
    source = whole.stored.source
    return schemas.Version(
        object="template_version",
        version=whole.version.number,
        created_at=show_time(whole.version.created_ms),
        note=whole.version.note,
        published=is_published(whole.template, whole.version.number),
        subject=source.subject,
        html=source.html,
        mjml=source.mjml,
        text=source.text,
        layout=source.layout,
        schema=source.schema,
        sample=source.sample,
        on_missing=source.on_missing,
        streams=list(whole.stored.streams),
        warnings=show_findings(whole.stored.compiled.warnings),
        unchanged=not whole.is_new if asked else UNSET,
    )


def show_findings(found: Iterable[Finding]) -> list[schemas.TemplateFinding]:
    return [
        schemas.TemplateFinding(code=one.code, message=one.message, where=one.where, line=one.line)
        for one in found
    ]


def show_rendered(whole: Whole, made: Rendered) -> schemas.RenderedMail:
    return schemas.RenderedMail(
        object="rendered",
        version=whole.version.number,
        subject=made.subject,
        html=made.html,
        text=made.text,
        size=made.size,
        warnings=show_findings((*whole.stored.compiled.warnings, *made.warnings)),
    )


def show_part(one: TemplatePart) -> schemas.Part:
    parts = msgspec.json.decode(one.source, type=Layout)  # a partial has no MJML, and no other name
    return schemas.Part(
        object="template_part",
        id=one.id,
        kind=one.kind,
        name=one.name,
        html=parts.html,
        mjml=parts.mjml,
        text=parts.text,
        updated_at=show_time(one.created_ms),
    )
