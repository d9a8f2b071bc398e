"""DKIM signatures of our own (RFC 6376 §5), by RSA or Ed25519, relaxed in header and body.

A field that is signed once more than it is there cannot be added later (RFC 6376 §8.15): that is
done for all that a reader sees or that decides how the message is read.

The message must be as it will be sent: whatever alters it later breaks the signature, so encoding
for a peer without 8BITMIME comes first.
"""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from typing import Final

from penfold.base.errors import ParseError
from penfold.proto.mailauth.canonical import (
    Message,
    hash_body,
    hash_fields,
    make_field,
    read_message,
    select_fields,
)
from penfold.proto.mailauth.keys import PrivateKey, algorithm_of, parse_name, sign_digest
from penfold.proto.mailauth.tags import write_field, write_signature

_NAME = re.compile(r"[!-9<-~]{1,76}")

#: Signed as often as they are there, and once more. RFC 6376 §5.4.1, RFC 8058 §4 for the two that
#: make one click enough to leave a list.
SEALED: Final = (
    "from", "to", "cc", "reply-to", "subject", "date", "message-id", "mime-version",
    "content-type", "content-transfer-encoding", "content-disposition", "list-id", "list-help",
    "list-post", "list-owner", "list-archive", "list-subscribe", "list-unsubscribe",
    "list-unsubscribe-post",
)  # fmt: skip
#: Signed as often as they are there; a list or a forwarder may add them.
SIGNED: Final = ("sender", "in-reply-to", "references")


class Signer:
    """A message that is to be signed, perhaps by several keys: its body is hashed once."""

    __slots__ = ("_body_hash", "_message")

    def __init__(self, raw: bytes) -> None:
        """ParseError: no From, which no signature could be valid for, or an endless header."""
        self._message = read_message(raw)
        if not self._message.whole:
            raise ParseError("header too long to sign")
        if not self._message.named(b"from"):
            raise ParseError("no From to sign")
        self._body_hash = hash_body(raw, self._message.body, relaxed=True).whole

    def sign(
        self,
        *,
        domain: str,
        selector: str,
        key: PrivateKey,
        now_s: int,
        headers: Sequence[str] = SEALED,
        expires_s: int | None = None,
    ) -> bytes:
        """Return a DKIM-Signature to put before the message as it came here.

        headers: names signed once more than they are there; From always is. expires_s: Unix time.
        ParseError: domain or selector is none. ValueError: a name is none.
        """
        dated = [("t", str(now_s))]
        if expires_s is not None:
            dated.append(("x", str(expires_s)))
        tags = [
            ("v", "1"),
            ("a", algorithm_of(key)),
            ("c", "relaxed/relaxed"),
            ("d", parse_name(domain)),
            ("s", parse_name(selector)),
            *dated,
        ]
        return self._write(
            "DKIM-Signature", tags, _choose_names(self._message, headers, SIGNED), key
        )

    def sign_arc(self, tags: Sequence[tuple[str, str]], key: PrivateKey) -> bytes:
        """Return an ARC-Message-Signature with these tags; arc.py knows which.

        RFC 8617 §4.1.2: DKIM-Signatures are covered, Authentication-Results and ARC are not.
        """
        names = _choose_names(self._message, SEALED, (*SIGNED, "dkim-signature"))
        return self._write("ARC-Message-Signature", tags, names, key)

    def _write(
        self,
        name: str,
        tags: Sequence[tuple[str, str]],
        names: Sequence[str],
        key: PrivateKey,
    ) -> bytes:
        body_hash = b64encode(self._body_hash).decode("ascii")
        unsigned = write_field(name, [*tags, ("h", ":".join(names)), ("bh", body_hash)])
        fields = select_fields(self._message, [each.encode() for each in names], None)
        digest = hash_fields(fields, make_field(unsigned.encode()), relaxed=True)
        return write_signature(unsigned, sign_digest(key, digest))


def sign_dkim(
    raw: bytes,
    *,
    domain: str,
    selector: str,
    key: PrivateKey,
    now_s: int,
    headers: Sequence[str] = SEALED,
    expires_s: int | None = None,
) -> bytes:
    """Return the DKIM-Signature to put before the message; see Signer, for several keys."""
    return Signer(raw).sign(
        domain=domain, selector=selector, key=key, now_s=now_s, headers=headers, expires_s=expires_s
    )


def _choose_names(message: Message, sealed: Sequence[str], signed: Sequence[str]) -> list[str]:
    """Return h=: the sealed names once more than they are there, the signed as often."""
    if not all(_NAME.fullmatch(name) for name in sealed):
        raise ValueError("not a header field name")
    there = Counter(field.name for field in message.fields)
    first = dict.fromkeys(["from", *(name.lower() for name in sealed)])
    names = [name for name in first for _ in range(there[name.encode()] + 1)]
    return names + [name for name in signed for _ in range(there[name.encode()])]
