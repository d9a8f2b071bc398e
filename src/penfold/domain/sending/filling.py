"""Mails of templates, for the doors whose calls name a template and have no body of their own."""

from collections.abc import Callable
from typing import Any

from penfold.domain.sending.template_records import find_template
from penfold.ports.sending.book import SendingBook

#: What of a body of `POST /v1/emails` makes a template's mail: of an account's template (its id or
#: alias) and variables. None: there is no such template.
Fill = Callable[[str, str, dict[str, Any]], dict[str, Any] | None]


def make_fill(book: SendingBook) -> Fill:
    """Return what finds templates that have a published version."""

    def fill(account_id: str, word: str, variables: dict[str, Any]) -> dict[str, Any] | None:
        template = book.read(lambda b: find_template(b, account_id, word))
        if template is None or not (template.published or template.weights):
            return None
        return {"template": {"id": template.id}, "variables": variables}

    return fill
