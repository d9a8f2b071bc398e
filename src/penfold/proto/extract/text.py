"""What all readers of files share: the text gathered so far, its end, and why there is none."""

from penfold.base.errors import ParseError


class UnreadableError(ParseError):
    """A file gives no text; the message says why in a word or two."""


class EnoughError(Exception):
    """The text has reached its limit; what was gathered stands."""


class Gathered:
    """Text of at most `limit` octets; `add` raises EnoughError when that is reached."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._pieces: list[str] = []

    def add(self, text: str) -> None:
        try:
            data = text.encode()
        except UnicodeEncodeError:  # RTF writes UTF-16: pairs are joined, half ones replaced
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            data = text.encode()
        if len(data) >= self._left:
            self._pieces.append(data[: self._left].decode("utf-8", "ignore"))
            self._left = 0
            raise EnoughError
        self._left -= len(data)
        self._pieces.append(text)

    def get(self) -> str:
        """Return it, without what an index would end at."""
        return "".join(self._pieces).replace("\0", " ")
