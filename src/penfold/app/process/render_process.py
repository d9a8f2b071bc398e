"""`python -m penfold.app.process.render_process MEMORY CPU`: compile and render templates of
others.

Reads one request after another from standard input and writes answers to standard output, each a
length (4 octets) and MessagePack:

    Compile   one Compiled or Failed
    Keep      no answer: a compiled template under a name, for the requests behind it
    Drop      no answer: it is not needed any more
    Render    for each mail, in order, a Rendered or Failed, as soon as it is there

Bounds itself: MEMORY octets of address space, CPU seconds for each template, nothing written to
disk, no core dumps. What the libraries do beyond that ends it, and its parent
(app/process/renderer.py) knows by the answers that are missing which template did.
"""

import struct
import sys
from typing import Any, BinaryIO, Final

import msgspec
from msgspec import Struct

from penfold.app.mail.bounding import allow_cpu, bound_process
from penfold.proto.templates.model import (
    Compiled,
    Finding,
    Layout,
    Partial,
    Rendered,
    RenderError,
    TemplateError,
    TemplateSource,
)


class Compile(Struct, tag=True):
    source: TemplateSource
    layouts: dict[str, Layout]
    partials: dict[str, Partial]


class Keep(Struct, tag=True):
    key: str
    compiled: Compiled


class Drop(Struct, tag=True):
    key: str


class Render(Struct, tag=True):
    """mails: key, variables, and whether to look for warnings."""

    mails: list[tuple[str, dict[str, Any], bool]]


class Failed(Struct, tag=True):
    findings: tuple[Finding, ...]


class Made(Struct, tag=True):
    rendered: Rendered


class Ready(Struct, tag=True):
    compiled: Compiled


Request = Compile | Keep | Drop | Render
Answer = Failed | Made | Ready
SIZE: Final = struct.Struct("!I")


def encode_frame(message: Request | Answer) -> bytes:
    data = msgspec.msgpack.encode(message)
    return SIZE.pack(len(data)) + data


def main(memory_bytes: int, cpu_s: int) -> None:
    bound_process(memory_bytes, nice=0)
    allow_cpu(cpu_s)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    decoder = msgspec.msgpack.Decoder(Request)
    worker = _Worker(cpu_s)
    while head := source.read(SIZE.size):
        (size,) = SIZE.unpack(head)
        worker.serve(decoder.decode(source.read(size)), target)


class _Worker:
    def __init__(self, cpu_s: int) -> None:
        self._cpu_s = cpu_s
        self._compiled: dict[str, Compiled] = {}
        self._prepared: dict[str, Any] = {}

    def serve(self, request: Request, target: BinaryIO) -> None:
        match request:
            case Keep(key, compiled):
                self._compiled[key] = compiled
            case Drop(key):
                self._compiled.pop(key, None)
                self._prepared.pop(key, None)
            case Compile():
                _answer(target, self._compile(request))
            case Render(mails):
                for key, variables, warn in mails:
                    _answer(target, self._render(key, variables, warn=warn))

    def _compile(self, request: Compile) -> Answer:
        # Imported late, after the limits: the libraries' own memory counts as well.
        from penfold.proto.templates.compile import compile_template  # noqa: PLC0415 - see above

        allow_cpu(self._cpu_s)
        try:
            return Ready(compile_template(request.source, request.layouts, request.partials))
        except TemplateError as error:
            return Failed(error.findings)
        except MemoryError:
            return Failed((_MEMORY,))

    def _render(self, key: str, variables: dict[str, Any], *, warn: bool) -> Answer:
        from penfold.proto.templates.render import prepare, render  # noqa: PLC0415 - see _compile

        allow_cpu(self._cpu_s)
        try:
            if key not in self._prepared:
                self._prepared[key] = prepare(self._compiled[key])
            return Made(render(self._prepared[key], variables, warn=warn))
        except RenderError as error:
            return Failed((error.finding,))
        except MemoryError:
            return Failed((_MEMORY,))


_MEMORY: Final = Finding("memory", "needs too much memory; use smaller lists or templates")


def _answer(target: BinaryIO, message: Answer) -> None:
    target.write(encode_frame(message))
    target.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
