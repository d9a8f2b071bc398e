"""A template in a call that sends: which version, and whether its variables are right.

Decided when the email is accepted, and kept with it: what is published later changes nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.limits import SENDING_ERRORS_MAX, SENDING_PERSONAL_MAX_BYTES
from penfold.domain.sending.content import Content, pack_content
from penfold.domain.sending.findings import INVALID, NOT_ALLOWED, REQUIRED, TOO_LONG, Findings
from penfold.domain.sending.template_records import find_template
from penfold.ports.sending.book import SendingBook
from penfold.ports.sending.emails import Email
from penfold.ports.sending.records import Template, TemplateVersion, version_id
from penfold.proto.templates.model import UNSUBSCRIBE_PLACE, UNSUBSCRIBE_URL
from penfold.proto.templates.schema import Schema, parse_schema
from penfold.proto.templates.variables import check_variables
from penfold.spec.sending.schemas import SendEmail, TemplateRef

#: (address, kind), in their order.
Addresses = tuple[tuple[str, str], ...]


class Known:
    """A version whose schema is read once, however many mails of a call use it."""

    def __init__(self, version: TemplateVersion) -> None:
        self.version = version

    @cached_property
    def schema(self) -> Schema:
        return parse_schema(self.version.schema)

    def check(self, variables: Mapping[str, Any], field: str, findings: Findings) -> None:
        """Note each variable that is missing, unknown or wrong."""
        blank = self.version.on_missing == "blank"
        for one in check_variables(self.schema, variables, missing_is_blank=blank):
            name = f"{field}.{one.name}" if one.name else field
            findings.add(name, one.code, one.message.removeprefix(one.name or "variables").strip())


class Shelf:
    """The templates of an account, as one call finds them."""

    def __init__(self, book: SendingBook, account_id: str) -> None:
        self._book = book
        self._account_id = account_id
        self._found: dict[str, Template | None] = {}
        self._versions: dict[str, Known | None] = {}

    def find(self, word: str) -> Template | None:
        if word not in self._found:
            self._found[word] = self._book.read(lambda b: find_template(b, self._account_id, word))
        return self._found[word]

    def find_version(self, template: Template, number: int) -> Known | None:
        key = version_id(template.id, number)
        if key not in self._versions:
            found = self._book.read(lambda b: b.find(TemplateVersion, key, self._account_id))
            self._versions[key] = None if found is None else Known(found)
        return self._versions[key]


def split(email: Email, addresses: Addresses) -> list[Addresses]:
    """Return who gets each message: all one, or each their own where it has links of theirs."""
    return [(one,) for one in addresses] if email.is_personal else [addresses]


class Addressed(Struct, frozen=True):
    """An email before it has content. variables: of its recipient; field: where they stood."""

    email: Email
    addresses: Addresses
    variables: dict[str, Any] | None = None
    field: str = "variables"


def check_together(octets: int, findings: Findings) -> bool:
    """Note that emails of a call are too large together, and return whether they are not."""
    fits = octets <= SENDING_PERSONAL_MAX_BYTES
    if not fits:
        most = SENDING_PERSONAL_MAX_BYTES >> 20
        findings.add("recipients", TOO_LONG, f"make over {most} MiB together; make it two")
    return fits


def choose_version(template: Template, address: str) -> int:
    """Return the version for a recipient: by weight and the same each time, 0 for none."""
    if not template.weights:
        return template.published
    digest = hashlib.sha256(f"{template.id} {address.casefold()}".encode()).digest()
    point = int.from_bytes(digest[:8]) % sum(weight for _, weight in template.weights)
    for number, weight in template.weights:
        if point < weight:
            return number
        point -= weight
    return template.published


def read_template(body: SendEmail, shelf: Shelf | None, findings: Findings) -> Template | None:
    """Return the template a call names, or note what is wrong with how it does."""
    ref = body.template
    if ref is None:
        own = any(one.variables is not None for one in body.recipients or ())
        if body.variables is not None or own:
            findings.add("variables", INVALID, "are for a template; name one in `template`")
        return None
    if body.html is not None or body.text is not None:
        field = "html" if body.html is not None else "text"
        findings.add(field, NOT_ALLOWED, "comes from the template; leave it out")
    if body.variables is not None and ref.variables is not None:
        findings.add("variables", INVALID, "are in `template` as well; give one of them")
    word = _read_word(ref, findings)
    found = shelf.find(word) if shelf is not None and word else None
    if word and found is None:
        findings.add("template", INVALID, "is none of this account's; make or push it first")
    return found


def _read_word(ref: TemplateRef, findings: Findings) -> str:
    if ref.id is not None and ref.alias is not None:
        findings.add("template.alias", INVALID, "names it once more; give `id` or `alias`")
        return ""
    word = ref.id or ref.alias or ""
    if not word:
        findings.add("template.id", REQUIRED, "or `alias` has to be there")
    return word


def fill(  # noqa: PLR0917 - bound by its one caller
    body: SendEmail,
    template: Template,
    shelf: Shelf,
    content: Content,
    emails: Sequence[Addressed],
    findings: Findings,
) -> list[tuple[Email, bytes]]:
    """Return emails with the version and variables that they are to be made of, packed."""
    ref = body.template or TemplateRef()
    shared = ref.variables if body.variables is None else body.variables
    field = "variables" if body.variables is not None or not ref.variables else "template.variables"
    made: list[tuple[Email, bytes]] = []
    octets = 0
    for one in emails:
        if len(findings.errors) >= SENDING_ERRORS_MAX:
            break
        number = ref.version or choose_version(template, one.addresses[0][0])
        known = _find_version(template, number, shelf, one.email.stream, findings)
        if known is None:
            break  # the others would be told the same
        variables = {**(shared or {}), **(one.variables or {})}
        known.check(variables, field if one.variables is None else one.field, findings)
        if findings:
            continue  # nothing will be sent, but all that is wrong is to be told
        if one.email.unsubscribe:
            variables = {UNSUBSCRIBE_URL: UNSUBSCRIBE_PLACE, **variables}
        packed = pack_content(
            replace(content, template_id=template.id, template_version=number, variables=variables)
        )
        octets += len(packed)
        if not check_together(octets, findings):
            break
        email = replace(one.email, template_id=template.id, template_version=number)
        made.append((email, packed))
    return made


def _find_version(
    template: Template, number: int, shelf: Shelf, stream: str, findings: Findings
) -> Known | None:
    if not number:
        findings.add("template", INVALID, "has no published version; publish one, or name one")
        return None
    known = shelf.find_version(template, number)
    if known is None:
        findings.add("template.version", INVALID, f"is none of it: {number}")
    elif known.version.streams and stream not in known.version.streams:
        allowed = ", ".join(known.version.streams)
        findings.add("stream", NOT_ALLOWED, f"is none of this template's: {allowed}")
        return None
    return known
