r"""SMTP conversations as files, and a player that holds them with a real server.

    # lines that start with # are remarks; "@ name value" is an option for whoever plays it
    @ listener mx
    S: 220 *
    C: EHLO probe.example
    S: 250-*
    S: 250 SMTPUTF8
    C: NOOP   # repeat 5
    S: 250 2.0.0 OK
    CB: MAIL FROM:<a@probe.example>\n
    S: 500 5.5.2 *
    TLS
    EOF

`S:` is one reply line; `*` stands for any text, and `250-*` alone for all continuation lines up to
the one the next `S:` names. `C:` is sent with CR LF; `CB:` and `C64:` are sent as they are, with
Python's backslash escapes or in base64. Client lines that follow each other go out in one write.
`# repeat N` plays its client lines and the replies after them N times. `TLS` starts a TLS
handshake. `EOF` expects the server to close. At the end the player closes its side and expects
not one octet more: a reply nobody wrote down is a failure.
"""

import base64
import contextlib
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

#: Seconds the player waits for the server before it gives up.
PATIENCE_S = 10.0

_REPEAT = re.compile(r"\s+# repeat ([1-9][0-9]*)\s*$")
_ALL_CONTINUATIONS = re.compile(r"[0-9]{3}-\*")


class DialogueError(AssertionError):
    """The file is malformed, or the server said something else; the text shows where."""


@dataclass(slots=True)
class Exchange:
    """What the client sends at once, and the reply lines that must follow."""

    line: int
    sends: list[bytes] = field(default_factory=list)
    expects: list[tuple[int, str]] = field(default_factory=list)
    repeat: int = 1
    #: "", "TLS" or "EOF": what happens instead of sending.
    act: str = ""


@dataclass(frozen=True, slots=True)
class Dialogue:
    name: str
    options: dict[str, str]
    exchanges: tuple[Exchange, ...]


def load_dialogue(path: Path) -> Dialogue:
    return parse_dialogue(path.read_text("utf-8"), name=path.name)


def parse_dialogue(text: str, *, name: str = "dialogue") -> Dialogue:
    options: dict[str, str] = {}
    exchanges: list[Exchange] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.rstrip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("@ "):
            key, _, value = line[2:].strip().partition(" ")
            options[key] = value.strip()
            continue
        try:
            _add_line(exchanges, number, line)
        except ValueError as error:
            raise DialogueError(f"{name}:{number}: {error}: {line}") from error
    return Dialogue(name, options, tuple(exchanges))


def _add_line(exchanges: list[Exchange], number: int, line: str) -> None:
    if line in {"TLS", "EOF"}:
        exchanges.append(Exchange(number, act=line))
        return
    kind, colon, rest = line.partition(":")
    if kind == "S" and colon:
        if not exchanges or exchanges[-1].act:
            exchanges.append(Exchange(number))
        exchanges[-1].expects.append((number, rest.removeprefix(" ")))
        return
    if kind not in {"C", "CB", "C64"} or not colon:
        raise ValueError("neither C:, CB:, C64:, S:, TLS nor EOF")
    if not exchanges or exchanges[-1].expects or exchanges[-1].act:
        exchanges.append(Exchange(number))
    exchange = exchanges[-1]
    if repeat := _REPEAT.search(rest):
        exchange.repeat = int(repeat[1])
        rest = rest[: repeat.start()]
    exchange.sends.append(_octets_of(kind, rest.removeprefix(" ")))


def _octets_of(kind: str, text: str) -> bytes:
    if kind == "C64":
        return base64.b64decode(text, validate=True)
    if kind == "CB":
        return text.encode("latin-1").decode("unicode_escape").encode("latin-1")
    return text.encode("utf-8") + b"\r\n"


def play(
    dialogue: Dialogue,
    address: tuple[str, int],
    *,
    tls: ssl.SSLContext | None = None,
    implicit_tls: bool = False,
    patience_s: float = PATIENCE_S,
) -> str:
    """Hold the conversation and return its transcript; DialogueError where it goes wrong."""
    player = _Player(dialogue.name, tls)
    with player.connect(address, patience_s):
        if implicit_tls:
            player.start_tls()
        for exchange in dialogue.exchanges:
            for _ in range(exchange.repeat):
                player.play(exchange)
        player.finish()
    return player.transcript


class _Player:
    def __init__(self, name: str, tls: ssl.SSLContext | None) -> None:
        self._name = name
        self._context = tls
        self._sock: socket.socket | None = None
        self._buffer = b""
        self._log: list[str] = []

    @property
    def transcript(self) -> str:
        return "\n".join(self._log)

    def connect(self, address: tuple[str, int], patience_s: float) -> "_Player":
        self._sock = socket.create_connection(address, patience_s)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    @property
    def _socket(self) -> socket.socket:
        if self._sock is None:
            raise RuntimeError("not connected")
        return self._sock

    def start_tls(self) -> None:
        if self._context is None:
            raise DialogueError(f"{self._name}: TLS needs a context")
        if self._buffer:
            self._fail(0, f"octets before TLS: {self._buffer!r}")
        self._sock = self._context.wrap_socket(self._socket, server_hostname="localhost")
        self._log.append("-- TLS")

    def play(self, exchange: Exchange) -> None:
        if exchange.act == "TLS":
            self.start_tls()
        elif exchange.act == "EOF":
            self._expect_end(exchange.line)
        if exchange.sends:
            octets = b"".join(exchange.sends)
            self._log.extend(f"C: {part!r}" for part in exchange.sends)
            self._socket.sendall(octets)
        self._expect(exchange.expects)

    def finish(self) -> None:
        with contextlib.suppress(OSError):  # the server has closed already
            self._socket.shutdown(socket.SHUT_WR)
        self._expect_end(0)

    def _expect(self, expects: list[tuple[int, str]]) -> None:
        for index, (number, pattern) in enumerate(expects):
            following = expects[index + 1][1] if index + 1 < len(expects) else None
            for line in self._lines_for(number, pattern, following):
                if not _matches(pattern, line):
                    self._fail(number, f"expected {pattern!r}, got {line!r}")

    def _lines_for(self, number: int, pattern: str, following: str | None) -> Iterator[str]:
        """Yield the reply lines one pattern has to match."""
        yield self._read_line(number)
        if not _ALL_CONTINUATIONS.fullmatch(pattern):
            return
        while following is not None:
            line = self._read_line(number)
            if not line.startswith(pattern[:-1]) or _matches(following, line):
                self._buffer = line.encode() + b"\r\n" + self._buffer
                self._log.pop()
                return
            yield line

    def _read_line(self, number: int) -> str:
        while b"\n" not in self._buffer:
            octets = self._receive()
            if not octets:
                self._fail(number, f"the server closed; unread: {self._buffer!r}")
            self._buffer += octets
        line, _, self._buffer = self._buffer.partition(b"\n")
        if not line.endswith(b"\r"):
            self._fail(number, f"a reply line without CR LF: {line!r}")
        text = line[:-1].decode("ascii", "backslashreplace")
        self._log.append(f"S: {text}")
        return text

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(65536)
        except TimeoutError:
            self._log.append("-- silence")
            return b""
        except OSError:
            return b""  # a reset, or TLS ended without a farewell: both are an end

    def _expect_end(self, number: int) -> None:
        while octets := self._receive():
            self._buffer += octets
        if self._buffer or self._log[-1:] == ["-- silence"]:
            self._fail(number, f"expected the end, got {self._buffer!r}")

    def _fail(self, number: int, what: str) -> None:
        place = f"{self._name}:{number}" if number else self._name
        raise DialogueError(f"{place}: {what}\n{self.transcript}")


def _matches(pattern: str, line: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), line) is not None
