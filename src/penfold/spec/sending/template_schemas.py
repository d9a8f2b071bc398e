"""The JSON objects of templates."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from penfold.spec.sending.schemas import Asked, Given


class NewTemplate(Asked, frozen=True, kw_only=True):
    """alias: what programs call it: small letters, digits, - and _."""

    name: str
    alias: str


class ChangeTemplate(Asked, frozen=True, kw_only=True):
    name: str | None = None
    alias: str | None = None


class NewVersion(Asked, frozen=True, kw_only=True):
    """What the files of a template's folder say. schema: JSON Schema of the variables."""

    subject: str
    html: str | None = None
    mjml: str | None = None
    text: str | None = None
    layout: str | None = None
    schema: dict[str, Any] | None = None
    sample: dict[str, Any] | None = None
    on_missing: Literal["error", "blank"] = "error"
    streams: list[str] = field(default_factory=list)
    note: str = ""


class Weight(Asked, frozen=True, kw_only=True):
    """The share of recipients that get a version: its weight of the sum of all."""

    version: int
    weight: int


class Publish(Asked, frozen=True, kw_only=True):
    """version: the latest unless said otherwise. weights: several at a time, to compare them."""

    version: int | None = None
    weights: list[Weight] | None = None


class RenderTemplate(Asked, frozen=True, kw_only=True):
    """version: the latest unless said otherwise. variables: its sample unless said otherwise."""

    version: int | None = None
    variables: dict[str, Any] | None = None


class SendTest(RenderTemplate, frozen=True, kw_only=True, rename={"from_": "from"}):
    """to: an address of the account the key belongs to; its first one unless said otherwise."""

    to: str | None = None
    from_: Annotated[str, Meta(description="The account's address otherwise.")] | None = None


class NewPart(Asked, frozen=True, kw_only=True):
    """A layout or partial. Versions that are there already keep the one they were made with."""

    kind: Literal["layout", "partial"]
    name: str
    html: str | None = None
    mjml: str | None = None
    text: str | None = None


class GivenWeight(Given, frozen=True, kw_only=True):
    version: int
    weight: int


class Template(Given, frozen=True, kw_only=True):
    """published: the version mails are made of, 0 for none. latest: the last one that was made."""

    object: str
    id: str
    alias: str
    name: str
    created_at: str
    updated_at: str | None
    published: int
    latest: int
    weights: list[GivenWeight]


class TemplateList(Given, frozen=True, kw_only=True):
    object: str
    has_more: bool
    data: list[Template]


class TemplateFinding(Given, frozen=True, kw_only=True):
    """line: from 1, 0 for none."""

    code: str
    message: str
    where: str
    line: int


class VersionSummary(Given, frozen=True, kw_only=True):
    object: str
    version: int
    created_at: str
    note: str
    published: bool


class Version(VersionSummary, frozen=True, kw_only=True):
    """unchanged: it is the latest one, which has all of this already; nothing was made."""

    subject: str
    html: str | None
    mjml: str | None
    text: str | None
    layout: str | None
    schema: dict[str, Any] | None
    sample: dict[str, Any] | None
    on_missing: str
    streams: list[str]
    warnings: list[TemplateFinding]
    unchanged: bool | UnsetType = UNSET


class VersionList(Given, frozen=True, kw_only=True):
    object: str
    has_more: bool
    data: list[VersionSummary]


class RenderedMail(Given, frozen=True, kw_only=True):
    """size: octets of HTML and text."""

    object: str
    version: int
    subject: str
    html: str | None
    text: str
    size: int
    warnings: list[TemplateFinding]


class Part(Given, frozen=True, kw_only=True):
    object: str
    id: str
    kind: str
    name: str
    html: str | None
    mjml: str | None
    text: str | None
    updated_at: str


class PartList(Given, frozen=True, kw_only=True):
    object: str
    has_more: bool
    data: list[Part]
