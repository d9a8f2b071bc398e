"""`python -m penfold.app.process.extract_process MEMORY CPU`: read files that came from strangers.

Reads one request after another from standard input and writes one answer each to standard output:

    request   kind (1 octet), length of the charset's name (1), text limit (4), size (4), name, file
    answer    1 text, 0 none (1 octet), size (4), the text or why there is none, in UTF-8

Bounds itself: MEMORY octets of address space, CPU seconds for each file, nothing written to disk,
no core dumps, and the lowest claim on the processor that still gets on. Ends with its input, so it
does not outlive its parent by more than one file. What the libraries do beyond that, its
parent bounds (app/process/extractor.py).
"""

import struct
import sys
from typing import BinaryIO, Final

from penfold.app.mail.bounding import allow_cpu, bound_process
from penfold.proto.extract.kinds import Kind
from penfold.proto.extract.read import read_file
from penfold.proto.extract.text import UnreadableError

KINDS: Final[tuple[Kind, ...]] = ("text", "html", "pdf", "office", "rtf", "message")
REQUEST: Final = struct.Struct("!BBII")
ANSWER: Final = struct.Struct("!BI")


def main(memory_bytes: int, cpu_s: int) -> None:
    bound_process(memory_bytes)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(REQUEST.size):
        kind, name_length, limit, size = REQUEST.unpack(head)
        charset = source.read(name_length).decode("ascii", "replace")
        allow_cpu(cpu_s)
        _answer(target, *_read(KINDS[kind], source.read(size), charset, limit))


def _read(kind: Kind, data: bytes, charset: str, limit: int) -> tuple[bool, str]:
    """Return whether there is text, and it or why not."""
    try:
        return True, read_file(kind, data, charset=charset, limit=limit)
    except UnreadableError as error:
        return False, str(error)
    except MemoryError:
        return False, "needs too much memory"
    except Exception as error:  # noqa: BLE001 - a library and hostile octets: anything may come
        return False, f"cannot be read: {type(error).__name__}"


def _answer(target: BinaryIO, there: bool, text: str) -> None:  # noqa: FBT001 - of _read
    data = text.encode("utf-8", "replace")
    target.write(ANSWER.pack(there, len(data)) + data)
    target.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
