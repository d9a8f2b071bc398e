"""Write an export: to standard output, or to a file that has its name only once it is whole."""

import gzip
import os
import sys
from pathlib import Path
from typing import IO, Final

from penfold.base.errors import ConflictError
from penfold.ports.moving import Sink
from penfold.store.durable import sync_path

#: Half the time of gzip's own default, for files a tenth larger.
_GZIP_LEVEL: Final = 4


def open_sink(name: str) -> Sink:
    """Return what writes to this file; "-" is standard output, *.gz is compressed."""
    return _StandardOutput() if name == "-" else _File(Path(name))


class _StandardOutput:
    def write(self, data: bytes) -> None:
        sys.stdout.buffer.write(data)

    def finish(self) -> None:
        sys.stdout.buffer.flush()

    def close(self) -> None:
        pass


class _File:
    """A new file: written under another name beside it, and linked into place."""

    def __init__(self, path: Path) -> None:
        if path.exists():
            raise ConflictError(f"{path} is there already; name another file")
        self._path = path
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        self._file = self._partial.open("xb")
        self._stream: IO[bytes] = self._file
        if path.suffix == ".gz":
            self._stream = gzip.GzipFile(  # type: ignore[assignment]  # no IO by name
                filename="", mode="wb", fileobj=self._file, compresslevel=_GZIP_LEVEL
            )

    def write(self, data: bytes) -> None:
        self._stream.write(data)

    def finish(self) -> None:
        if self._stream is not self._file:
            self._stream.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        try:
            os.link(self._partial, self._path)
        except FileExistsError:
            raise ConflictError(f"{self._path} is there already; name another file") from None
        sync_path(self._path.parent)

    def close(self) -> None:
        self._file.close()
        self._partial.unlink(missing_ok=True)
