"""What a template is, what it is compiled to, and what becomes of it: plain values.

    TemplateSource, Layout, Partial   what a designer writes
    Compiled                          checked, layout applied, MJML turned into HTML: plain data,
                                      which may be stored, sent to a process and rendered there
    Rendered                          one mail's subject, HTML and text

This module and schema.py load no library, so whoever takes orders to send can check variables
without what renders.
"""

from typing import Any, ClassVar, Final, Literal

from msgspec import Struct

from penfold.base.errors import PenfoldError

OnMissing = Literal["error", "blank"]
#: A variable that mail has whose readers can get no more of it; nobody has to declare it.
UNSUBSCRIBE_URL: Final = "unsubscribe_url"
#: What it is while a template is rendered: the link is put there when the message is composed.
UNSUBSCRIBE_PLACE: Final = f"{{{{ {UNSUBSCRIBE_URL} }}}}"


class Finding(Struct, frozen=True, gc=False):
    """Something wrong, or worth a look, and what to do about it.

    where: the part it is in (`html`, `text of layout base`); line: counted from 1, 0 for none;
    code: a stable word for programs.
    """

    code: str
    message: str
    where: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.where} line {self.line}" if self.line else self.where
        return f"{place}: {self.message}" if place else self.message


class Layout(Struct, frozen=True):
    """What is around a body; each part has `{{ content }}` once."""

    html: str | None = None
    mjml: str | None = None
    text: str | None = None


class Partial(Struct, frozen=True):
    """A piece that `{% render 'name' %}` puts in: html into HTML, text into text and subjects."""

    html: str | None = None
    text: str | None = None


class TemplateSource(Struct, frozen=True, kw_only=True):
    """A template as its author wrote it.

    html or mjml: one of them, or neither for mail that is plain text. text: None has it made from
    the HTML. layout: its name. schema: JSON Schema of the variables; None takes every variable the
    template uses, of any type. on_missing: whether a required variable without a value is an error
    or nothing (AOTsend's rule).
    """

    subject: str
    html: str | None = None
    mjml: str | None = None
    text: str | None = None
    layout: str | None = None
    schema: dict[str, Any] | None = None
    sample: dict[str, Any] | None = None
    on_missing: OnMissing = "error"


class Compiled(Struct, frozen=True, kw_only=True):
    """A template that was checked: everything rendering needs, and nothing else.

    html: None for mail that is plain text. text: None has it made from the HTML. html_partials and
    text_partials: those that are used. inlines: whether style sheets are put into elements.
    """

    subject: str
    html: str | None
    text: str | None
    html_partials: dict[str, str]
    text_partials: dict[str, str]
    schema: dict[str, Any]
    on_missing: OnMissing
    inlines: bool
    warnings: tuple[Finding, ...]


class Rendered(Struct, frozen=True, kw_only=True):
    """One mail. html: None for plain text. size: octets of HTML and text in UTF-8."""

    subject: str
    html: str | None
    text: str
    warnings: tuple[Finding, ...]
    size: int


class TemplateError(PenfoldError):
    """The template cannot be compiled; `findings` has each reason, at least one."""

    public = "The template has errors"

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("; ".join(str(each) for each in findings[:3]))
        self.findings = findings


class RenderError(PenfoldError):
    """The template cannot be rendered with these variables, now or later; `finding` says why."""

    public: ClassVar[str] = "The template cannot be rendered"

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding
