"""Calls to a Penfold server's HTTP API, as a command makes them."""

from typing import Any, Protocol

from penfold.base.errors import PenfoldError


class RefusedError(PenfoldError):
    """The server did not do it; the detail has its words, one reason a line."""

    public = "The server refused"


class ApiClient(Protocol):
    def ask(self, verb: str, path: str, value: Any = None) -> Any:
        """Return the JSON of an answer; RefusedError. path: below `/v1`, escaped. Blocks."""
        ...
