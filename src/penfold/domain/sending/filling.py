"""Mails of templates, for the doors whose calls name a template and have no body of their own."""

from collections.abc import Callable
from typing import Any

#: What of a body of `POST /v1/emails` makes a template's mail: of an account's template (its id or
#: alias) and variables. None: there is no such template.
Fill = Callable[[str, str, dict[str, Any]], dict[str, Any] | None]


def no_templates(_account_id: str, _word: str, _variables: dict[str, Any]) -> None:
    """Return None: there are no templates."""
