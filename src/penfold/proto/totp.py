"""One-time passwords by time, as authenticator apps make them (RFC 6238, with HMAC-SHA-1).

SHA-1, six digits and 30 seconds are what every app can do; most ignore anything else an address
says. A code is looked for in the step of now and in its two neighbours (RFC 6238 §5.2), and never
at or before the step that was used last, so nobody uses a code he has watched.
"""

import hmac
from base64 import b32encode
from typing import Final
from urllib.parse import quote, urlencode

from penfold.base.chance import Chance
from penfold.base.limits import TOTP_SECRET_BYTES

STEP_S: Final = 30
DIGITS: Final = 6
#: RFC 6238 §5.2: at most one step for the way and for a clock that is off.
_NEIGHBOURS: Final = (0, -1, 1)


def make_secret(chance: Chance) -> bytes:
    """Return a new shared secret."""
    return chance.getrandbits(8 * TOTP_SECRET_BYTES).to_bytes(TOTP_SECRET_BYTES, "big")


def spell_secret(secret: bytes) -> str:
    """Return the secret in base32 without padding, as people type it into an app."""
    return b32encode(secret).decode().rstrip("=")


def make_uri(secret: bytes, *, issuer: str, account: str) -> str:
    """Return the otpauth address that a QR code carries (Google Authenticator's key format)."""
    label = quote(f"{issuer}:{account}", safe="@:")
    return f"otpauth://totp/{label}?" + urlencode(
        {"secret": spell_secret(secret), "issuer": issuer}
    )


def make_code(secret: bytes, step: int, *, digits: int = DIGITS) -> str:
    """Return the code of a step (RFC 4226 §5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    start = mac[-1] & 0x0F
    number = int.from_bytes(mac[start : start + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def find_step(secret: bytes, code: str, *, now_ms: int, after: int = -1) -> int | None:
    """Return the step whose code this is, later than `after`; None for any other text."""
    given = "".join(code.split())
    if len(given) != DIGITS or not (given.isascii() and given.isdigit()):
        return None
    now = now_ms // (1000 * STEP_S)
    found = [
        step
        for step in (now + by for by in _NEIGHBOURS)
        if step > after and step >= 0 and hmac.compare_digest(make_code(secret, step), given)
    ]
    return found[0] if found else None
