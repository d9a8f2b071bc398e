"""One signature of a message, of DKIM or of ARC: what its field says, and whether it holds.

RFC 6376 §3.5 and §6.1. DKIM-Signature and ARC-Message-Signature (RFC 8617 §4.1.2) are read and
checked here alike; they differ in `v=`, which only the former has, and in what `i=` means.

Stricter than the RFC asks: a signature that holds is `policy` when text could have been added to
what it covers, below its `l=` (RFC 6376 §8.2) or as a second field of a kind of which there is one
(§8.15), because a reader would see the added one.
"""

import re
from collections import Counter
from typing import Final

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import DKIM_KEY_MAX_BITS, DKIM_KEY_MIN_BITS
from penfold.proto.dns import Check
from penfold.proto.mailauth.canonical import Bodies, Field, Message, hash_fields, select_fields
from penfold.proto.mailauth.keys import KeyRecord, find_key, parse_name, verify_digest
from penfold.proto.mailauth.outcome import Outcome, RefusedError
from penfold.proto.mailauth.tags import parse_base64, parse_list, parse_number

#: RFC 8301 §3.1: rsa-sha1 is gone. RFC 8463 §3: Ed25519.
ALGORITHMS: Final = ("rsa-sha256", "ed25519-sha256")
_FORMS: Final = {"simple": False, "relaxed": True}
_FIELD_NAME = re.compile(r"[!-9<-~]+")  # RFC 6376 §2.4: no semicolon in it
_QUOTED = re.compile(r"=([0-9A-F]{2})")

#: Fields a message has once (RFC 5322 §3.6, RFC 2045 §3), of which our readers show the first.
_ONCE: Final = (
    b"from", b"sender", b"reply-to", b"subject", b"date", b"content-type",
    b"content-transfer-encoding",
)  # fmt: skip


class Signature(Struct, frozen=True):
    """A signature field. names: of the fields it covers, lower case. length: l=, octets of body.

    domain, selector: in lower-case A-labels. identity: i=, `@domain` if it says none; of ARC "".
    expires_s: Unix time, seconds.
    """

    algorithm: str
    value: bytes
    body_hash: bytes
    domain: str
    selector: str
    identity: str
    names: tuple[bytes, ...]
    relaxed_header: bool
    relaxed_body: bool
    length: int | None
    expires_s: int | None


class Checked(Struct, frozen=True):
    """How a signature fared; bits and testing (t=y) of the key, if there was one."""

    outcome: Outcome
    reason: str = ""
    bits: int = 0
    testing: bool = False


def read_signature(tags: dict[str, str], *, arc: bool = False) -> Signature:
    """Return what the tags say. RefusedError: neutral if malformed, permerror if of no use.

    arc: they are of an ARC-Message-Signature.
    """
    check_presence(tags, ("a", "b", "bh", "d", "h", "s") if arc else _DKIM_TAGS)
    if not arc and tags["v"] != "1":
        raise RefusedError(Outcome.PERMERROR, "unknown version of DKIM")
    algorithm = read_algorithm(tags)
    if "dns/txt" not in parse_list(tags.get("q", "dns/txt")):
        raise RefusedError(Outcome.PERMERROR, "no known way to find the key")
    names = tuple(name.lower().encode() for name in parse_list(tags["h"]))
    if b"from" not in names:  # RFC 6376 §6.1.1
        raise RefusedError(Outcome.PERMERROR, "From is not signed")
    if arc and b"arc-seal" in names:  # RFC 8617 §4.1.2; its older fields do occur, and do no harm
        raise RefusedError(Outcome.PERMERROR, "ARC-Seal is signed")
    try:
        return _read_values(tags, algorithm, names, arc=arc)
    except ParseError as error:
        raise RefusedError(Outcome.NEUTRAL, str(error)) from error


_DKIM_TAGS: Final = ("v", "a", "b", "bh", "d", "h", "s")


def check_presence(tags: dict[str, str], needed: tuple[str, ...]) -> None:
    """RefusedError where one of the tags is missing or empty."""
    for name in needed:
        if not tags.get(name):
            raise RefusedError(Outcome.PERMERROR, f"no tag {name}=")


def read_algorithm(tags: dict[str, str]) -> str:
    """Return a=; RefusedError if it is not among ALGORITHMS."""
    if tags["a"] == "rsa-sha1":
        raise RefusedError(Outcome.PERMERROR, "rsa-sha1 is not accepted")
    if tags["a"] not in ALGORITHMS:
        raise RefusedError(Outcome.PERMERROR, "unknown algorithm")
    return tags["a"]


def _read_values(
    tags: dict[str, str], algorithm: str, names: tuple[bytes, ...], *, arc: bool
) -> Signature:
    header, slash, body = tags.get("c", "simple").partition("/")
    forms = _FORMS.get(header), _FORMS.get(body if slash else "simple")
    if forms[0] is None or forms[1] is None:
        raise RefusedError(Outcome.PERMERROR, "unknown canonicalization")
    for name in names:
        if not _FIELD_NAME.fullmatch(name.decode()):
            raise ParseError("malformed list of fields")
    domain = parse_name(tags["d"])
    signed_s, expires_s = _read_optional(tags, "t"), _read_optional(tags, "x")
    if signed_s is not None and expires_s is not None and expires_s <= signed_s:
        raise ParseError("it expired before it was made")
    body_hash = parse_base64(tags["bh"])
    if len(body_hash) != 32:
        raise ParseError("malformed hash of the body")
    return Signature(
        algorithm=algorithm,
        value=parse_base64(tags["b"]),
        body_hash=body_hash,
        domain=domain,
        selector=parse_name(tags["s"]),
        identity="" if arc else _read_identity(tags, domain),
        names=names,
        relaxed_header=forms[0],
        relaxed_body=forms[1],
        length=_read_optional(tags, "l"),
        expires_s=expires_s,
    )


def _read_optional(tags: dict[str, str], name: str) -> int | None:
    return parse_number(tags[name]) if name in tags else None


def _read_identity(tags: dict[str, str], domain: str) -> str:
    """Return i= (RFC 6376 §3.5): its domain is d= or below it; its local part is unquoted."""
    if "i" not in tags:
        return f"@{domain}"
    local, at, own = tags["i"].rpartition("@")
    own = parse_name(own)
    if not at or not f".{own}".endswith(f".{domain}"):
        raise RefusedError(Outcome.PERMERROR, "identity of another domain")
    # RFC 6376 §2.11: dkim-quoted-printable; RFC 8616 §4: or plain UTF-8.
    octets = local.encode()
    if "=" in local:
        octets = _QUOTED.sub(lambda code: chr(int(code[1], 16)), local).encode("latin_1", "replace")
    text = octets.decode("utf-8", "replace")
    return f"{text if text.isprintable() else ''}@{own}"


def check_signature(
    message: Message, field: Field, signature: Signature, bodies: Bodies, *, now_s: int
) -> Check[Checked]:
    """Ask for the key and say how the signature fares."""
    if not message.whole:
        return Checked(Outcome.PERMERROR, "header too long")
    if signature.expires_s is not None and now_s > signature.expires_s:
        return Checked(Outcome.FAIL, "signature expired")
    try:
        key = yield from find_key(signature.domain, signature.selector)
    except RefusedError as error:
        return Checked(error.outcome, error.reason)
    outcome, reason = _judge(message, field, signature, bodies, key)
    return Checked(outcome, reason, key.bits, key.testing)


def refuse_key(key: KeyRecord, algorithm: str) -> RefusedError | None:
    """Return why a key may not verify a signature by that algorithm, if so."""
    if key.algorithm != algorithm:
        return RefusedError(Outcome.PERMERROR, "the key is for another algorithm")
    if algorithm == "rsa-sha256" and not DKIM_KEY_MIN_BITS <= key.bits <= DKIM_KEY_MAX_BITS:
        return RefusedError(Outcome.POLICY, f"key of {key.bits} bits")  # RFC 8301 §3.2
    return None


def _judge(
    message: Message, field: Field, signature: Signature, bodies: Bodies, key: KeyRecord
) -> tuple[Outcome, str]:
    if refused := refuse_key(key, signature.algorithm):
        return refused.outcome, refused.reason
    if key.strict and signature.identity.rpartition("@")[2] not in ("", signature.domain):
        return Outcome.PERMERROR, "the key is not for subdomains"
    body = bodies.get(relaxed=signature.relaxed_body)
    length = body.size if signature.length is None else signature.length
    if length > body.size:
        return Outcome.FAIL, "the body is shorter than l="
    if signature.body_hash != body.cut.get(length, body.whole):
        return Outcome.FAIL, "body hash did not verify"
    fields = select_fields(message, signature.names, field)
    digest = hash_fields(fields, field, relaxed=signature.relaxed_header)
    if not verify_digest(key.key, signature.value, digest):
        return Outcome.FAIL, "signature did not verify"
    return _judge_cover(message, signature, body.size - length)


def _judge_cover(message: Message, signature: Signature, rest: int) -> tuple[Outcome, str]:
    """Say whether a signature that holds covers what a reader sees."""
    if rest:
        return Outcome.POLICY, f"{rest} octets of the body are not signed (l=)"
    signed = Counter(signature.names)
    there = Counter(field.name for field in message.fields)
    for name in _ONCE:
        if signed[name] and there[name] > signed[name]:
            return Outcome.POLICY, f"a further field {name.decode().title()} is not signed"
    return Outcome.PASS, ""
