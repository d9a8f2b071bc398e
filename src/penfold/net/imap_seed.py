"""A seed mailbox looked into by IMAP: TLS from the first octet, folders by what they are for.

Folders are only examined, so nothing is marked as read. One connection for each look. The host is
the operator's choice and looked up by the system.
"""

import imaplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from penfold.base.limits import IMAP_ANSWER_MAX_BYTES, IMAP_FOLDERS_MAX, IMAP_LOOK_S, IMAP_S
from penfold.ports.delivering import NoLoginError
from penfold.ports.seeds import Place, SeedError, Where
from penfold.proto.imap_list import Folder, parse_folder_line, quote
from penfold.proto.mailfolders import decode_utf7
from penfold.proto.smtp.client.sasl import Credentials

#: RFC 6154 §2, in the order folders are looked into behind the inbox and the junk folder.
_LATE: Final = {"\\trash": Where.TRASH, "\\archive": Where.ARCHIVE, "\\all": Where.ARCHIVE}
#: Folders mail does not arrive in, or that cannot be opened (RFC 5258 §3.1).
_NEVER: Final = frozenset(
    {"\\noselect", "\\nonexistent", "\\sent", "\\drafts", "\\flagged", "\\important"}
)


class ImapSeed:
    """A SeedMailbox (ports.seeds). find_login: NoLoginError.

    timeout_s: for each read. look_s: for a look, after which the connection is cut.
    """

    def __init__(
        self,
        host: str,
        port: int,
        find_login: Callable[[], Credentials],
        *,
        context: ssl.SSLContext,
        timeout_s: float = IMAP_S,
        look_s: float = IMAP_LOOK_S,
    ) -> None:
        self._host = host
        self._port = port
        self._find_login = find_login
        self._context = context
        self._timeout_s = timeout_s
        self._look_s = look_s

    def find(self, message_id: str) -> Place | None:
        if not (message_id.isascii() and message_id.isprintable()):
            raise SeedError("the Message-ID is none that can be asked for")
        try:
            with self._open() as imap:
                return _find(imap, message_id)
        except (OSError, imaplib.IMAP4.error, NoLoginError, ValueError) as error:
            raise SeedError(f"{self._host}: {_explain(error)}") from error

    @contextmanager
    def _open(self) -> "Iterator[_Imap]":
        login = self._find_login()
        imap = _Imap(self._host, self._port, self._context, self._timeout_s, self._look_s)
        try:
            # RFC 4616; Google's XOAUTH2 (documented). imaplib sends nothing before TLS holds.
            if login.is_token:
                said = f"user={login.user}\1auth=Bearer {login.secret}\1\1"
                imap.authenticate("XOAUTH2", lambda asked: b"" if asked else said.encode())
            else:
                said = f"\0{login.user}\0{login.secret}"
                imap.authenticate("PLAIN", lambda _: said.encode())
            yield imap
        finally:
            with suppress(OSError, imaplib.IMAP4.error):
                imap.logout()
            with suppress(OSError):  # what broke on the way was not closed by that
                imap.shutdown()


class _Imap(imaplib.IMAP4_SSL):
    """imaplib, which reads no more than it is to, and no longer: literals of any size would fill
    the memory, and an octet now and then keeps to the time of each read for ever.
    """

    def __init__(
        self, host: str, port: int, context: ssl.SSLContext, timeout_s: float, look_s: float
    ) -> None:
        self._read_bytes = 0
        self._end = threading.Timer(look_s, self._cut)
        self._end.daemon = True
        super().__init__(host, port, ssl_context=context, timeout=timeout_s)

    def open(self, host: str = "", port: int | None = 993, timeout: float | None = None) -> None:
        super().open(host, port, timeout)
        self._end.start()

    def shutdown(self) -> None:
        self._end.cancel()
        super().shutdown()

    def _cut(self) -> None:
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def read(self, size: int) -> bytes:
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._count(len(line))
        return line

    def _count(self, size: int) -> None:
        self._read_bytes += size
        if self._read_bytes > IMAP_ANSWER_MAX_BYTES:
            raise self.abort("the server says too much")


def _find(imap: _Imap, message_id: str) -> Place | None:
    for folder, place in _order(_list_folders(imap)):
        status, _ = imap.select(quote(folder.name), readonly=True)
        if status != "OK":
            continue  # it may be gone, or others' alone
        status, found = imap.uid("SEARCH", "HEADER", "Message-ID", quote(f"<{message_id}>"))
        if status == "OK" and any(each for each in found if each):
            return place
    return None


def _list_folders(imap: _Imap) -> list[Folder]:
    """Return the folders. RFC 6154 §5.1, RFC 5258: their uses may have to be asked for."""
    said = b" ".join(each for each in imap.capability()[1] if isinstance(each, bytes)).upper()
    extended = {b"SPECIAL-USE", b"LIST-EXTENDED"} <= set(said.split())
    pattern = '"*" RETURN (SPECIAL-USE)' if extended else '"*"'
    status, lines = imap.list('""', pattern)
    if status != "OK":
        raise imap.error("it lists no folders")
    found = map(_read_line, _list_lines(lines))
    return [folder for folder in found if folder is not None][:IMAP_FOLDERS_MAX]


def _list_lines(lines: Sequence[Any]) -> Iterator[bytes | tuple[bytes, bytes]]:
    """Yield lines and (line, literal), without what imaplib puts behind a literal."""
    for each in lines:
        if each and each != b")":
            yield each


def _read_line(each: bytes | tuple[bytes, bytes]) -> Folder | None:
    return parse_folder_line(*each) if isinstance(each, tuple) else parse_folder_line(each)


def _order(folders: Sequence[Folder]) -> list[tuple[Folder, Place]]:
    """Return folders with what it means to be found there, the likely ones first."""
    placed = [(folder, _place(folder)) for folder in folders if not folder.uses & _NEVER]
    order = [Where.INBOX, Where.SPAM, Where.FOLDER, Where.TRASH, Where.ARCHIVE]
    return sorted(placed, key=lambda one: order.index(one[1].where))


def _place(folder: Folder) -> Place:
    if folder.name.upper() == "INBOX":
        return Place(Where.INBOX)
    if "\\junk" in folder.uses:
        return Place(Where.SPAM)
    for use, where in _LATE.items():
        if use in folder.uses:
            return Place(where)
    return Place(Where.FOLDER, decode_utf7(folder.name))


def _explain(error: Exception) -> str:
    """Return what went wrong on one line; imaplib hands on octets in their Python spelling."""
    text = str(error)
    if error.args and isinstance(error.args[0], bytes):
        text = error.args[0].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in text)[:200]
