"""Secrets of ours that wait in a form until a person accepts them.

A new app password, a set of recovery codes or a challenge for a passkey is made when a page is
shown and stored when its form comes back, so showing a page changes nothing. In between it lies
in the form, sealed: bound to what it is for, to the browser, and to a time.
"""

import base64
import binascii
import json
from dataclasses import dataclass

from penfold.base.clock import Clock
from penfold.base.errors import SealBrokenError
from penfold.base.limits import SIGN_IN_STEP_S
from penfold.ports.sealing import Sealer
from penfold.proto.oauth import base64url, digest


@dataclass(frozen=True, slots=True)
class Offers:
    """Seals and opens what a form carries."""

    sealer: Sealer
    clock: Clock

    def seal(self, secret: str, *, purpose: str, browser: str) -> str:
        """Return the text for a hidden field."""
        until_ms = self.clock.now_ms() + 1000 * SIGN_IN_STEP_S
        octets = json.dumps([until_ms, secret]).encode()
        return base64url(self.sealer.seal(octets, context=_context(purpose, browser)))

    def find(self, text: str, *, purpose: str, browser: str) -> str | None:
        """Return the secret; None when it is too old, for something else, or not from here."""
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            opened = self.sealer.open(sealed, context=_context(purpose, browser))
        except (binascii.Error, ValueError, SealBrokenError):
            return None
        until_ms, secret = json.loads(opened)
        return str(secret) if until_ms > self.clock.now_ms() else None


def _context(purpose: str, browser: str) -> str:
    return f"form {purpose} {digest(browser).hex()}"
