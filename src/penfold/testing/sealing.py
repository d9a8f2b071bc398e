"""Sealed secrets for tests: marked with their context, not hidden."""

from penfold.base.errors import SealBrokenError


class PlainSealer:
    """penfold.ports.sealing.Sealer without a key."""

    def seal(self, secret: bytes, *, context: str) -> bytes:
        return context.encode() + b"\0" + secret[::-1]

    def open(self, sealed: bytes, *, context: str) -> bytes:
        found, _, secret = sealed.partition(b"\0")
        if found != context.encode():
            raise SealBrokenError("sealed for something else", context=context)
        return secret[::-1]

    def is_current(self, sealed: bytes) -> bool:
        return bool(sealed)
