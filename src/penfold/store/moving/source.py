"""Look through the files that were named and yield the messages in them, in order.

What a file is, its first octets tell: an mbox, a message, or one of these in gzip, zip or tar, as
Takeout packs them. Archives are read as they stream by and never unpacked to disk; of what is in
them only regular files named *.mbox and *.eml count.
"""

import gzip
import hashlib
import io
import os
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final, Literal

from penfold.base.limits import (
    INSERT_MAX_BYTES,
    READ_AHEAD_BYTES,
    READ_AHEAD_MESSAGES,
    READ_STEP_BYTES,
)
from penfold.ports.moving import Format, NotMailError, Place, Ready, Skipped
from penfold.proto.mbox import Entry, Oversize, Quoting, Splitter
from penfold.store.moving.found import Found
from penfold.store.moving.leaves import Leaf, iter_leaves
from penfold.store.moving.readers import Readers

Kind = Literal["mbox", "eml", "gzip", "zip", "tar", ""]

_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_BOM: Final = b"\xef\xbb\xbf"
_HEAD_BYTES: Final = 4_096
_BUFFER_BYTES: Final = 1 << 16
#: The offset behind a whole file, where its end was not reached.
_END: Final = 1 << 62
_IN_ARCHIVES: Final = (".mbox", ".eml")
_DAMAGE: Final = (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError, zipfile.BadZipFile,
                  NotImplementedError, RuntimeError)  # fmt: skip
_KIND_OF: Final[dict[Format, Kind]] = {
    "takeout": "mbox", "mbox": "mbox", "mboxo": "mbox", "mboxcl2": "mbox", "eml": "eml",
}  # fmt: skip
_QUOTING_OF: Final[dict[Format, Quoting]] = {"mboxo": "mboxo", "mboxcl2": "mboxcl2"}


class FileSources:
    """Implements ports.moving.Sources. blobs: where large messages go."""

    def __init__(self, blobs: Path) -> None:
        self._blobs = blobs

    def open(self, paths: Sequence[str], style: Format) -> "FileSource":
        return FileSource([Path(path) for path in paths], style, self._blobs)


class FileSource:
    """Implements ports.moving.Source."""

    def __init__(self, paths: Sequence[Path], style: Format, blobs: Path) -> None:
        self._paths = paths
        self._style = style
        self._readers = Readers(blobs)
        self._file: IO[bytes] | None = None
        self._done = 0
        self.total_bytes = 0
        digest = hashlib.sha256(style.encode())
        for path in paths:
            try:
                self._check(path)
                for part in _measure(path):
                    digest.update(repr(part).encode())
                    self.total_bytes += part[1]
            except OSError as error:
                raise NotMailError(f"{path}: {error.strerror}") from error
        self.identity = digest.digest()

    @property
    def done_bytes(self) -> int:
        return self._done + (self._file.tell() if self._file and not self._file.closed else 0)

    def iter_ready(self, after: Place) -> Iterator[Ready | Skipped]:
        return self._readers.map(_gather(self._iter_found(after)))

    def close(self) -> None:
        self._readers.close()

    def _check(self, path: Path) -> None:
        """Raise NotMailError unless there is something to import."""
        if path.is_dir():
            os.scandir(path).close()
            if self._style == "maildir" and not (path / "cur").is_dir():
                raise NotMailError(f"{path}: no Maildir, as it has no folder named cur")
            return
        if path.exists() and not path.is_file():
            raise NotMailError(f"{path}: neither a file nor a folder")
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if self._style == "maildir":
            raise NotMailError(f"{path}: a file; a Maildir is a folder")
        if not recognise(head) and self._style == "auto":
            raise NotMailError(
                f"{path}: neither a mailbox file nor a message; --format says what it is"
            )

    def _iter_found(self, after: Place) -> Iterator[Found | Skipped]:
        done = tuple(after.path.split("/")) if after.path else ()
        for number, path in enumerate(self._paths):
            if number < after.source:
                self._done += sum(size for _, size, _ in _measure(path))
                continue
            here = after.source == number
            leaves: Iterable[Leaf] = [Leaf((), path)]
            if path.is_dir():
                leaves = iter_leaves(path, maildir=self._style == "maildir")
            for leaf in leaves:
                if here and leaf.key < done[: len(leaf.key)]:
                    self._done += _size(leaf.path)
                    continue
                behind = after if here and leaf.key == done[: len(leaf.key)] else Place(number)
                yield from self._read_leaf(number, leaf, behind, inside=path.is_dir())

    def _read_leaf(
        self, number: int, leaf: Leaf, behind: Place, *, inside: bool
    ) -> Iterator[Found | Skipped]:
        place = Place(number, "/".join(leaf.key), 1)
        behind_all = Place(number, place.path, _END)
        where = str(leaf.path)
        if leaf.problem:
            yield Skipped(behind_all, where, leaf.problem)
            return
        try:
            with leaf.path.open("rb", buffering=0) as file:
                self._file = file
                fallback_ms = os.fstat(file.fileno()).st_mtime_ns // 1_000_000
                if leaf.letters is not None:
                    yield from _read_message(file, leaf, place, behind, fallback_ms)
                else:
                    item = _Item(number, leaf.key, where, fallback_ms, inside=inside)
                    with _buffer(file) as stream:
                        yield from self._read_any(stream, item, behind)
        except OSError as error:
            yield Skipped(behind_all, where, error.strerror or str(error))
        except _DAMAGE as error:
            yield Skipped(behind_all, where, f"the file is cut off or damaged: {error}")
        finally:
            self._file = None
            self._done += _size(leaf.path)

    def _read_any(
        self, stream: io.BufferedReader, item: "_Item", behind: Place
    ) -> Iterator[Found | Skipped]:
        """Read what a stream turns out to be."""
        head = stream.peek(_HEAD_BYTES)[:_HEAD_BYTES]
        kind = recognise(head)
        if kind not in {"gzip", "zip", "tar"}:
            kind = _KIND_OF.get(self._style, kind)
        if kind == "gzip":
            with gzip.GzipFile(fileobj=stream) as opened, _buffer(opened) as plain:
                yield from self._read_any(plain, item, behind)
        elif kind == "mbox":
            yield from self._read_mbox(stream, item, behind)
        elif kind == "eml":
            yield from _read_file(stream, item, behind)
        elif kind in {"zip", "tar"} and not item.member:
            members = _iter_zip(stream) if kind == "zip" else _iter_tar(stream)
            for count, (name, member, at_ms) in enumerate(members):
                inner = item.enter(count, name, at_ms or item.fallback_ms)
                done = behind.path.split("/") if behind.path else []
                if done[: len(inner.key)] > list(inner.key):
                    continue
                yield from self._read_any(member, inner, behind)
        elif behind.path == item.path and behind.offset:
            return
        elif item.inside or item.member:
            yield Skipped(item.place(1), item.where, "not mail", lost=False)
        else:
            yield Skipped(item.place(1), item.where, "neither a mailbox nor a message in it")

    def _read_mbox(
        self, stream: io.BufferedReader, item: "_Item", behind: Place
    ) -> Iterator[Found | Skipped]:
        start = behind.offset if behind.path == item.path else 0
        if start == _END:
            return
        _advance(stream, start)
        splitter = Splitter(limit=INSERT_MAX_BYTES, start=start, lengths=self._style != "mboxo")
        if not start:
            start = _skip_preface(stream)
            splitter = Splitter(limit=INSERT_MAX_BYTES, start=start, lengths=self._style != "mboxo")
        while data := stream.read(READ_STEP_BYTES):
            for entry in splitter.feed(data):
                yield self._take(entry, item)
        for entry in splitter.finish():
            yield self._take(entry, item)

    def _take(self, entry: Entry | Oversize, item: "_Item") -> Found | Skipped:
        if isinstance(entry, Entry):
            quoting: Quoting | None = _QUOTING_OF.get(self._style, "mboxrd")
            return Found(
                item.place(entry.end),
                f"{item.where}, offset {entry.offset}",
                entry.raw,
                item.fallback_ms,
                entry.postmark,
                quoting if entry.quoted else None,
                marked=True,
            )
        where = f"{item.where}, offset {entry.offset}"
        return Skipped(item.place(entry.end), where, f"larger than {INSERT_MAX_BYTES} bytes")


class _Item:
    """Where a stream comes from. member: it lies in an archive. inside: in a folder."""

    __slots__ = ("fallback_ms", "inside", "key", "member", "number", "where")

    def __init__(
        self, number: int, key: tuple[str, ...], where: str, fallback_ms: int, *, inside: bool
    ) -> None:
        self.number = number
        self.key = key
        self.where = where
        self.fallback_ms = fallback_ms
        self.inside = inside
        self.member = False

    @property
    def path(self) -> str:
        return "/".join(self.key)

    def place(self, offset: int) -> Place:
        return Place(self.number, self.path, offset)

    def enter(self, count: int, name: str, at_ms: int) -> "_Item":
        """Return the item of a member of this archive."""
        key = (*self.key, f"{count:08}")
        inner = _Item(self.number, key, f"{self.where}, {name}", at_ms, inside=self.inside)
        inner.member = True
        return inner


def recognise(head: bytes) -> Kind:
    """Return what begins with these octets, "" for what is nothing to import."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head[257:262] == b"ustar":
        return "tar"
    text = head.removeprefix(_BOM).lstrip(b"\r\n")
    if text.startswith(b"From "):
        return "mbox"
    return "eml" if _FIELD.match(text) else ""


def _gather(found: Iterable[Found | Skipped]) -> Iterator[list[Found | Skipped]]:
    """Put messages together into lots."""
    lot: list[Found | Skipped] = []
    size = 0
    for each in found:
        lot.append(each)
        size += len(each.raw) if isinstance(each, Found) else 0
        if len(lot) >= READ_AHEAD_MESSAGES or size >= READ_AHEAD_BYTES:
            yield lot
            lot, size = [], 0
    if lot:
        yield lot


def _read_message(
    file: IO[bytes], leaf: Leaf, place: Place, behind: Place, fallback_ms: int
) -> Iterator[Found | Skipped]:
    if behind.path == place.path and behind.offset:
        return
    raw = file.read(INSERT_MAX_BYTES + 1)
    if len(raw) > INSERT_MAX_BYTES:
        yield Skipped(place, str(leaf.path), f"larger than {INSERT_MAX_BYTES} bytes")
    else:
        yield Found(
            place, str(leaf.path), raw, fallback_ms, letters=leaf.letters, folder=leaf.folder
        )


def _read_file(stream: io.BufferedReader, item: _Item, behind: Place) -> Iterator[Found | Skipped]:
    """Read a file that is one message."""
    if behind.path == item.path and behind.offset:
        return
    raw = stream.read(INSERT_MAX_BYTES + 1)
    if len(raw) > INSERT_MAX_BYTES:
        yield Skipped(item.place(1), item.where, f"larger than {INSERT_MAX_BYTES} bytes")
    else:
        yield Found(item.place(1), item.where, raw, item.fallback_ms)


def _iter_zip(stream: io.BufferedReader) -> Iterator[tuple[str, io.BufferedReader, int]]:
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            if info.filename.lower().endswith(_IN_ARCHIVES):
                with archive.open(info) as member, _buffer(member) as plain:
                    yield info.filename, plain, 0


def _iter_tar(stream: io.BufferedReader) -> Iterator[tuple[str, io.BufferedReader, int]]:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for info in archive:
            if info.isreg() and info.name.lower().endswith(_IN_ARCHIVES):
                member = archive.extractfile(info)
                assert member is not None, "it is a regular file"
                with member, _buffer(member) as plain:
                    yield info.name, plain, int(info.mtime) * 1000


def _buffer(stream: IO[bytes] | gzip.GzipFile) -> io.BufferedReader:
    return io.BufferedReader(stream, _BUFFER_BYTES)  # type: ignore[arg-type]  # they have readinto


def _skip_preface(stream: io.BufferedReader) -> int:
    """Read over a byte order mark and empty lines before the first postmark; return how much."""
    head = stream.peek(_HEAD_BYTES)[:_HEAD_BYTES]
    rest = head.removeprefix(_BOM).lstrip(b"\r\n")
    return len(stream.read(len(head) - len(rest)))


def _advance(stream: io.BufferedReader, offset: int) -> None:
    """Go to an offset from the beginning; what cannot jump is read over."""
    if offset and stream.seekable():
        stream.seek(offset)
        return
    while offset > 0:
        step = len(stream.read(min(offset, READ_STEP_BYTES)))
        if not step:
            return
        offset -= step


def _measure(path: Path) -> Iterator[tuple[str, int, int]]:
    """Yield (path, octets, time of change) of a file, or of every folder and its files.

    The time of a folder changes with its entries, so a folder that changed is another source.
    """
    found = path.stat()
    if not path.is_dir():
        yield str(path.resolve()), found.st_size, found.st_mtime_ns
        return
    for folder, _, files in os.walk(path):
        size = sum(_size(Path(folder, name)) for name in files)
        yield str(Path(folder).resolve()), size, Path(folder).stat().st_mtime_ns


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
