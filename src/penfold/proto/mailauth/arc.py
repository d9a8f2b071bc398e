"""ARC (RFC 8617): what those who passed a message on say they saw, and our own word added to it.

A chain has sets 1…N of three fields: ARC-Authentication-Results (what was seen),
ARC-Message-Signature (the message as it went on) and ARC-Seal (over all sets so far). It is
believed whole or not at all (§5.2.1); whether its last signer is to be trusted is for others to
know.

Verifying never raises, asks for each key once, and is linear: a seal covers all sets before it, so
each one's hash goes on from the one before. `oldest-pass`, which is optional (§5.2, step 5), is not
looked for.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import ARC_SETS_MAX
from penfold.proto.dns import Check, ask_once
from penfold.proto.mailauth.canonical import (
    Bodies,
    Field,
    Message,
    make_field,
    read_message,
    relax_field,
    strip_signature,
)
from penfold.proto.mailauth.keys import (
    PrivateKey,
    algorithm_of,
    find_key,
    parse_name,
    sign_digest,
    verify_digest,
)
from penfold.proto.mailauth.outcome import Outcome, RefusedError
from penfold.proto.mailauth.signature import (
    check_presence,
    check_signature,
    read_algorithm,
    read_signature,
    refuse_key,
)
from penfold.proto.mailauth.signing import Signer
from penfold.proto.mailauth.tags import (
    fold_text,
    parse_base64,
    parse_number,
    parse_tags,
    write_field,
    write_signature,
)
from penfold.proto.mime.charset import guess_text
from penfold.proto.mime.words import strip_controls

_RESULTS: Final = b"arc-authentication-results"
_MESSAGE: Final = b"arc-message-signature"
_SEAL: Final = b"arc-seal"
#: RFC 8617 §5.1.1: the order in which a seal covers the fields of a set.
_KINDS: Final = (_RESULTS, _MESSAGE, _SEAL)
#: RFC 8617 §4.1.1: the instance comes first.
_INSTANCE = re.compile(rb"[ \t\r\n]*+i[ \t\r\n]*+=[ \t\r\n]*+([0-9]{1,3})[ \t\r\n]*+;")
_AUTHSERV_ID = re.compile(r"[A-Za-z0-9._:/-]{1,255}")


class ArcResult(Struct, frozen=True):
    """What a chain is worth (RFC 8617 §4.4), and why if it fails.

    instances: the highest number of a set, whatever it is worth. ended: no set may follow (§5.1,
    step 2, and §4.2.1). Of a chain that passes, from its last set: domain and selector of the seal,
    in lower-case A-labels, and results: the authserv-id and what it saw, unfolded.
    """

    status: Literal["none", "pass", "fail"]
    instances: int = 0
    ended: bool = False
    domain: str = ""
    selector: str = ""
    results: str = ""
    reason: str = ""


class _Seal(Struct, frozen=True):
    algorithm: str
    value: bytes
    domain: str
    selector: str


class _Set(Struct, frozen=True):
    results: Field
    message: Field
    seal: Field


class _Chain(Struct, frozen=True):
    """The sets by number, from 1, if problem is "". instances, ended: as in ArcResult."""

    sets: tuple[_Set, ...]
    instances: int
    ended: bool
    problem: str


def verify_arc(raw: bytes, *, now_s: int) -> Check[ArcResult]:
    """Return what the chain of a message is worth, `none` if there is no ARC field at all.

    now_s: when the message came, Unix time.
    """
    return ask_once(_verify(read_message(raw), now_s))


def _verify(message: Message, now_s: int) -> Check[ArcResult]:
    if not any(field.name in _KINDS for field in message.fields):
        return ArcResult("none")
    chain = _collect(message)
    if chain.problem:
        return ArcResult("fail", chain.instances, chain.ended, reason=chain.problem)
    try:
        seals = [_read_seal(number, each) for number, each in enumerate(chain.sets, 1)]
        last = chain.sets[-1]
        yield from _check_message(message, last.message, now_s)
        digests = list(_iter_digests(chain.sets))
        for number in range(len(seals), 0, -1):
            yield from _check_seal(seals[number - 1], digests[number - 1], number)
    except (ParseError, RefusedError) as error:
        return ArcResult("fail", chain.instances, chain.ended, reason=str(error))
    return ArcResult(
        "pass", chain.instances, chain.ended, seals[-1].domain, seals[-1].selector,
        _read_results(last.results),
    )  # fmt: skip


# --- structure -------------------------------------------------------------------------


def _collect(message: Message) -> _Chain:
    """Return the sets of a message (RFC 8617 §5.2, steps 1 to 3, but for the seals' tags)."""
    found: dict[int, dict[bytes, Field]] = {}
    problem = ""
    for field in message.fields:
        if field.name in _KINDS:
            number = _read_instance(field)
            fields = found.setdefault(number, {})
            if number == 0:
                problem = problem or "a field without instance"
            elif field.name in fields:
                problem = problem or f"two fields of a kind in set {number}"
            fields.setdefault(field.name, field)
    found.pop(0, None)
    instances = max(found, default=0)
    seal = found[instances].get(_SEAL) if found else None
    if seal is not None and _read_status(seal) == "fail":
        return _Chain((), instances, True, problem or "the chain had failed before")
    if instances > ARC_SETS_MAX:
        problem = problem or f"more than {ARC_SETS_MAX} sets"
    elif not problem and any(len(found.get(n, ())) != len(_KINDS) for n in range(1, instances + 1)):
        problem = "a set is not complete"
    sets: tuple[_Set, ...] = ()
    if not problem:
        sets = tuple(_Set(*(found[n][kind] for kind in _KINDS)) for n in range(1, instances + 1))
    return _Chain(sets, instances, instances >= ARC_SETS_MAX, problem)


def _read_instance(field: Field) -> int:
    """Return the number of a field's set; 0 if it has none."""
    if field.name == _RESULTS:
        match = _INSTANCE.match(field.value)
        return int(match[1]) if match is not None else 0
    try:
        return parse_number(parse_tags(field.value).get("i", ""))
    except ParseError:
        return 0


def _read_status(seal: Field) -> str:
    try:
        return parse_tags(seal.value).get("cv", "").lower()
    except ParseError:
        return ""


def _read_seal(number: int, each: _Set) -> _Seal:
    """Return what a seal says; RefusedError or ParseError if it cannot be right."""
    tags = parse_tags(each.seal.value)
    check_presence(tags, ("a", "b", "cv", "d", "s"))
    if "h" in tags:  # RFC 8617 §4.1.3
        raise ParseError("a seal with h=")
    if tags["cv"].lower() != ("none" if number == 1 else "pass"):
        raise ParseError(f"seal {number} says cv={tags['cv'][:8]}")
    if "t" in tags:
        parse_number(tags["t"])
    return _Seal(
        algorithm=read_algorithm(tags),
        value=parse_base64(tags["b"]),
        domain=parse_name(tags["d"]),
        selector=parse_name(tags["s"]),
    )


def _read_results(field: Field) -> str:
    begin = _INSTANCE.match(field.value)
    text = guess_text(field.value[begin.end() if begin else 0 :].replace(b"\r\n", b""))
    return strip_controls(text).strip()


# --- signatures ------------------------------------------------------------------------


def _check_message(message: Message, field: Field, now_s: int) -> Check[None]:
    """Check the newest ARC-Message-Signature (RFC 8617 §5.2, step 4)."""
    signature = read_signature(parse_tags(field.value), arc=True)
    bodies = Bodies(message, [(signature.relaxed_body, signature.length)])
    checked = yield from check_signature(message, field, signature, bodies, now_s=now_s)
    if checked.outcome is not Outcome.PASS:
        raise RefusedError(checked.outcome, checked.reason)


def _check_seal(seal: _Seal, digest: bytes, number: int) -> Check[None]:
    key = yield from find_key(seal.domain, seal.selector)
    if refused := refuse_key(key, seal.algorithm):
        raise refused
    if not verify_digest(key.key, seal.value, digest):
        raise RefusedError(Outcome.FAIL, f"seal {number} did not verify")


def _iter_digests(sets: Sequence[_Set]) -> Iterator[bytes]:
    """Yield what each seal signs (RFC 8617 §5.1.1): all before it, and itself without b=."""
    running = hashlib.sha256()
    for each in sets:
        running.update(relax_field(each.results) + b"\r\n")
        running.update(relax_field(each.message) + b"\r\n")
        own = running.copy()
        own.update(relax_field(strip_signature(each.seal)))
        yield own.digest()
        running.update(relax_field(each.seal) + b"\r\n")


# --- sealing ---------------------------------------------------------------------------


def seal_arc(
    raw: bytes,
    *,
    authserv_id: str,
    results: str,
    chain: ArcResult,
    domain: str,
    selector: str,
    key: PrivateKey,
    now_s: int,
) -> bytes:
    """Return the three fields to put before a message that goes on; b"" if no set may follow.

    results: what follows the authserv-id in Authentication-Results. chain: what verify_arc said of
    the message as it came; raw is the message as it goes on. Alter nothing afterwards.

    ParseError: as Signer says, or domain or selector is none. ValueError: text that fits no field.
    """
    if chain.ended:
        return b""
    instance = str(chain.instances + 1)
    signed_by = [("d", parse_name(domain)), ("s", parse_name(selector)), ("t", str(now_s))]
    algorithm = ("a", algorithm_of(key))
    message_tags = [("i", instance), algorithm, ("c", "relaxed/relaxed"), *signed_by]
    seal_tags = [("i", instance), algorithm, ("cv", chain.status), *signed_by]
    seen = _write_results(instance, authserv_id, results)
    message = Signer(raw).sign_arc(message_tags, key)
    unsigned = write_field("ARC-Seal", seal_tags)
    own = _Set(_as_field(seen), _as_field(message), make_field(unsigned.encode()))
    # RFC 8617 §5.1.2: of a chain that failed, only the new set is covered.
    before = _collect(read_message(raw)).sets if chain.status == "pass" else ()
    *_, digest = _iter_digests([*before, own])
    return write_signature(unsigned, sign_digest(key, digest)) + message + seen


def _write_results(instance: str, authserv_id: str, results: str) -> bytes:
    text = results.replace("\r\n", "").replace("\t", " ")
    if not text.isprintable() or not _AUTHSERV_ID.fullmatch(authserv_id):
        raise ValueError("not fit for a header field")
    line = f"i={instance}; {authserv_id}; {text.strip()}"
    return fold_text("ARC-Authentication-Results", line).encode() + b"\r\n"


def _as_field(written: bytes) -> Field:
    return make_field(written.removesuffix(b"\r\n"))
