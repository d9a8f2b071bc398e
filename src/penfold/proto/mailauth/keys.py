"""Keys of signatures: the records that publish them (RFC 6376 §3.6), and what they do.

Private keys are loaded by others and come as objects of the cryptography library. A key signs and
verifies a SHA-256, whatever was hashed: RSA as RFC 8017 §8.2 (PKCS1-v1_5), Ed25519 as RFC 8463 §3.
"""

import base64
import re
from typing import Final

import idna
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import DKIM_KEY_MIN_BITS, DKIM_KEY_RECORD_MAX_BYTES, DOMAIN_MAX_BYTES
from penfold.proto.dns import Check, Question, Status
from penfold.proto.mailauth.outcome import Outcome, RefusedError
from penfold.proto.mailauth.tags import parse_base64, parse_list, parse_tags

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ed25519.Ed25519PublicKey

_PREHASHED: Final = Prehashed(SHA256())
_PKCS1: Final = padding.PKCS1v15()
#: RFC 1035 §2.3.4. Underscores, because selectors in use have them.
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*+")


class KeyRecord(Struct, frozen=True):
    """A published key. testing: t=y. strict: t=s, the identity has the very domain of d=."""

    key: PublicKey
    testing: bool
    strict: bool

    @property
    def bits(self) -> int:
        return self.key.key_size if isinstance(self.key, rsa.RSAPublicKey) else 256

    @property
    def algorithm(self) -> str:
        return algorithm_of(self.key)


def algorithm_of(key: PublicKey | PrivateKey) -> str:
    """Return what a= says of a signature by that key."""
    is_rsa = isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey)
    return "rsa-sha256" if is_rsa else "ed25519-sha256"


def sign_digest(key: PrivateKey, digest: bytes) -> bytes:
    """Return the signature of a SHA-256. ValueError for an RSA key nobody would accept."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(digest)
    if key.key_size < DKIM_KEY_MIN_BITS:
        raise ValueError("RSA key too short")
    return key.sign(digest, _PKCS1, _PREHASHED)


def verify_digest(key: PublicKey, signature: bytes, digest: bytes) -> bool:
    """Say whether the key signed that SHA-256."""
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, digest)
        else:
            key.verify(signature, digest, _PKCS1, _PREHASHED)
    except InvalidSignature:
        return False
    return True


def make_key_record(key: PrivateKey | PublicKey) -> str:
    """Return the text of the TXT record at <selector>._domainkey.<domain>.

    One text; a zone file cuts it into strings of 255 octets (RFC 6376 §3.6.2.2).
    """
    public = key if isinstance(key, PublicKey) else key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        kind = "rsa"
        octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        kind = "ed25519"
        octets = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k={kind}; p={base64.b64encode(octets).decode('ascii')}"


def parse_key_record(octets: bytes) -> KeyRecord:
    """Return what a TXT record publishes; ParseError says why it is no key for mail."""
    if len(octets) > DKIM_KEY_RECORD_MAX_BYTES:
        raise ParseError("key record too long")
    tags = parse_tags(octets)
    # RFC 6376 §3.6.1: the version is optional, but stands first and is DKIM1.
    if "v" in tags and (next(iter(tags)) != "v" or tags["v"] != "DKIM1"):
        raise ParseError("no key record")
    if "p" not in tags:
        raise ParseError("key record without a key")
    if "sha256" not in parse_list(tags.get("h", "sha256")):
        raise ParseError("key not for SHA-256")
    if not {"*", "email"} & set(parse_list(tags.get("s", "*"))):
        raise ParseError("key not for mail")
    if not tags["p"]:
        raise ParseError("key revoked")
    flags = parse_list(tags.get("t", ""))
    key = _load_key(tags.get("k", "rsa"), parse_base64(tags["p"]))
    return KeyRecord(key, testing="y" in flags, strict="s" in flags)


def _load_key(kind: str, octets: bytes) -> PublicKey:
    try:
        if kind == "ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(octets)  # RFC 8463 §4
        if kind != "rsa":
            raise ParseError("unknown kind of key")
        key = load_der_public_key(octets)  # also the bare key of RFC 6376 §3.6.1
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ParseError("malformed key") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise ParseError("not the kind of key it says")
    return key


def parse_name(text: str) -> str:
    """Return a domain or selector in lower-case A-labels (RFC 8616 §4), or ParseError."""
    if len(text) > DOMAIN_MAX_BYTES:
        raise ParseError("name too long")
    if not text.isascii():
        try:
            text = idna.encode(text, uts46=True).decode("ascii")
        except (UnicodeError, ValueError, IndexError) as error:
            raise ParseError("not a name in IDNA") from error
    name = text.lower()
    if not _NAME.fullmatch(name):
        raise ParseError("not a name")
    return name


def find_key(domain: str, selector: str) -> Check[KeyRecord]:
    """Ask for the key of a signature. RefusedError when there is none that can be used.

    RFC 6376 §3.6.2.2 leaves open which of several records counts, and their order is chance. So
    none counts, unless all but one are no key records at all.
    """
    name = f"{selector}._domainkey.{domain}"
    if len(name) > DOMAIN_MAX_BYTES - 2:  # RFC 1035 §2.3.4 counts the octets on the wire
        raise RefusedError(Outcome.PERMERROR, "name of the key too long")
    answer = yield Question(name, "TXT")
    if answer.status is Status.FAILED:
        raise RefusedError(Outcome.TEMPERROR, "no answer about the key")
    keys: list[KeyRecord] = []
    why = "no key"
    for octets in answer.texts:
        try:
            keys.append(parse_key_record(octets))
        except ParseError as error:
            why = str(error)
    if len(keys) != 1:
        raise RefusedError(Outcome.PERMERROR, "several keys" if keys else why)
    return keys[0]
