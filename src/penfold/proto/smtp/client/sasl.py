"""What we say inside AUTH as a client: PLAIN, LOGIN, XOAUTH2 and OAUTHBEARER.

The other side of `penfold.proto.smtp.sasl`. Pure; a secret appears in no repr.
"""

import base64
from typing import Final

from msgspec import Struct

#: In the order of preference. A password goes out in one message rather than in two.
_PASSWORD: Final = ("PLAIN", "LOGIN")
_TOKEN: Final = ("XOAUTH2", "OAUTHBEARER")


class Credentials(Struct, frozen=True, gc=False):
    """A user's name with a password or, when is_token, an OAuth 2.0 access token."""

    user: str
    secret: str
    is_token: bool = False

    def __repr__(self) -> str:
        return f"Credentials({self.user!r}, is_token={self.is_token})"


def find_mechanism(credentials: Credentials, offered: frozenset[str]) -> str | None:
    """Return the mechanism to use, or None: nothing is offered that takes these credentials."""
    known = _TOKEN if credentials.is_token else _PASSWORD
    return next((name for name in known if name in offered), None)


def make_responses(
    mechanism: str, credentials: Credentials, *, host: str, port: int
) -> tuple[bytes, ...]:
    """Return our messages in their order, in base64; those of LOGIN wait to be asked."""
    user, secret = credentials.user, credentials.secret
    match mechanism:
        case "PLAIN":
            texts = [f"\0{user}\0{secret}"]  # RFC 4616 §2
        case "LOGIN":
            texts = [user, secret]
        case "XOAUTH2":
            texts = [f"user={user}\x01auth=Bearer {secret}\x01\x01"]
        case _:
            # RFC 7628 §3.1; RFC 5801 §4: a comma and an equals sign in a name are escaped.
            name = user.replace("=", "=3D").replace(",", "=2C")
            texts = [f"n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {secret}\x01\x01"]
    return tuple(base64.b64encode(text.encode()) for text in texts)


def final_response(mechanism: str) -> bytes:
    """Return what answers a challenge when we have said everything."""
    if mechanism == "XOAUTH2":
        # Gmail (documented): the challenge says in JSON what is wrong with the token, and the 535
        # comes after an empty line.
        return b""
    if mechanism == "OAUTHBEARER":
        return b"AQ=="  # RFC 7628 §3.2.3: ^A alone
    return b"*"  # RFC 4954 §4: cancel


def find_secrets(credentials: Credentials, *, host: str, port: int) -> tuple[str, ...]:
    """Return every form in which the secret goes over the wire, the longest first."""
    forms = {credentials.secret}
    for mechanism in _TOKEN if credentials.is_token else _PASSWORD:
        responses = make_responses(mechanism, credentials, host=host, port=port)
        forms.add(responses[-1].decode())
    return tuple(sorted(forms - {""}, key=len, reverse=True))
