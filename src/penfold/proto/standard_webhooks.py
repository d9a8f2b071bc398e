"""Standard Webhooks 1.0.0: a POST that its receiver can tell from anybody else's.

    webhook-id: ID
    webhook-timestamp: seconds since the epoch
    webhook-signature: v1,BASE64 v1,BASE64 …

A signature is HMAC-SHA256 (RFC 2104) of `ID.TIMESTAMP.BODY`. There is one for each secret, so that
a secret can be changed without a gap. The id stays the same when a message is sent again.
"""

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from penfold.base.chance import Chance
from penfold.base.limits import WEBHOOK_SIGNATURES_MAX, WEBHOOK_TOLERANCE_S

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"

_PREFIX: Final = "whsec_"
_VERSION: Final = "v1,"
#: Octets of a secret: what is made, and the bounds of the standard ("Signature scheme").
_OCTETS: Final = 32
_LEAST, _MOST = 24, 64
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


class Verdict(StrEnum):
    """good: one of the signatures is of one of the secrets, and the time is close to ours."""

    GOOD = "good"
    MALFORMED = "malformed"
    OLD = "old"
    NEW = "new"
    FORGED = "forged"


class Signed(Struct, frozen=True, gc=False):
    """The three headers, as they are written."""

    id: str
    timestamp: str
    signature: str

    def list_headers(self) -> list[tuple[str, str]]:
        return [(ID, self.id), (TIMESTAMP, self.timestamp), (SIGNATURE, self.signature)]


def make_secret(chance: Chance) -> str:
    """Return a new secret in its textual form."""
    return _PREFIX + b64encode(chance.getrandbits(8 * _OCTETS).to_bytes(_OCTETS, "big")).decode()


def parse_secret(text: str) -> bytes | None:
    """Return the octets of a secret, whose prefix may be left out; None when it is none."""
    encoded = text.removeprefix(_PREFIX)
    if len(encoded) > 2 * _MOST:
        return None
    try:
        octets = b64decode(encoded, validate=True)
    except ValueError:
        return None
    return octets if _LEAST <= len(octets) <= _MOST else None


def sign(webhook_id: str, body: bytes, secrets: Iterable[bytes], *, now_s: int) -> Signed:
    """Return the headers of a message. webhook_id: without a dot, which would end it."""
    timestamp = str(now_s)
    signatures = (_sign(webhook_id, timestamp, body, secret) for secret in secrets)
    written = " ".join(_VERSION + b64encode(each).decode() for each in signatures)
    return Signed(webhook_id, timestamp, written)


def verify(signed: Signed, body: bytes, secrets: Iterable[bytes], *, now_s: int) -> Verdict:
    """Return what is to be thought of a message, for a receiver. Never raises."""
    if not signed.id or "." in signed.id or not _SECONDS.fullmatch(signed.timestamp):
        return Verdict.MALFORMED
    given = _read_signatures(signed.signature)
    if given is None:
        return Verdict.MALFORMED
    if int(signed.timestamp) < now_s - WEBHOOK_TOLERANCE_S:
        return Verdict.OLD
    if int(signed.timestamp) > now_s + WEBHOOK_TOLERANCE_S:
        return Verdict.NEW
    wanted = [_sign(signed.id, signed.timestamp, body, secret) for secret in secrets]
    found = [hmac.compare_digest(one, other) for one in wanted for other in given]
    return Verdict.GOOD if any(found) else Verdict.FORGED


def _sign(webhook_id: str, timestamp: str, body: bytes, secret: bytes) -> bytes:
    head = f"{webhook_id}.{timestamp}.".encode("utf-8", "surrogatepass")
    return hmac.digest(secret, head + body, "sha256")


def _read_signatures(text: str) -> list[bytes] | None:
    """Return the signatures of the version we know; those of others are passed over."""
    parts = text.split(" ", WEBHOOK_SIGNATURES_MAX)
    if len(parts) > WEBHOOK_SIGNATURES_MAX:
        return None
    try:
        return [
            b64decode(part.removeprefix(_VERSION), validate=True)
            for part in parts
            if part.startswith(_VERSION)
        ]
    except ValueError:
        return None
