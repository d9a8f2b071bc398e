"""Another mail server that mail of one sender shall leave by: whether it takes a login."""

from typing import Protocol

from penfold.base.errors import PenfoldError


class ServerError(PenfoldError):
    """The server cannot be used; `sentence` is for the client and says what to mend."""

    def __init__(self, sentence: str, **facts: object) -> None:
        super().__init__(sentence, **facts)
        self.sentence = sentence


class Probe(Protocol):
    def __call__(
        self, host: str, port: int, *, security: str, username: str, password: str
    ) -> None:
        """Return when the server takes the login ("": none is tried); it may take seconds.

        security: none, ssl or starttls. Raises ServerError.
        """
        ...
