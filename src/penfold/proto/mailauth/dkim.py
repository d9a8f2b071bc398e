"""DKIM (RFC 6376): whose signatures a message bears, and whether they hold.

RFC 8301 (no SHA-1, no short keys), RFC 8463 (Ed25519) and RFC 8616 (addresses beyond ASCII)
included. The message is taken as it is. Never raises; signing is in signing.py.
"""

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import DKIM_SIGNATURES_MAX
from penfold.proto.dns import Check
from penfold.proto.mailauth.canonical import Bodies, Field, read_message
from penfold.proto.mailauth.keys import parse_name
from penfold.proto.mailauth.outcome import Outcome, RefusedError
from penfold.proto.mailauth.signature import ALGORITHMS, Signature, check_signature, read_signature
from penfold.proto.mailauth.tags import parse_tags


class DkimResult(Struct, frozen=True):
    """How one DKIM-Signature fared, and why if it is no pass.

    domain, selector: d= and s= in lower-case A-labels, identity: i=; all "" if they cannot be
    read. bits: of the key, 0 if none was found. testing: the key says t=y, so a failure is to be
    taken as no signature (RFC 6376 §3.6.1). head: the first characters of b=, which tell it from
    the others (RFC 6008 §4).
    """

    result: Outcome
    domain: str = ""
    selector: str = ""
    identity: str = ""
    algorithm: str = ""
    bits: int = 0
    testing: bool = False
    head: str = ""
    reason: str = ""


def verify_dkim(raw: bytes, *, now_s: int) -> Check[tuple[DkimResult, ...]]:
    """Return a result for each DKIM-Signature, from the top; () for a message without any.

    now_s: when the message came, Unix time. Only DKIM_SIGNATURES_MAX are looked at.
    """
    message = read_message(raw)
    claims = [_Claim(each) for each in message.named(b"dkim-signature")[:DKIM_SIGNATURES_MAX]]
    read = [claim.signature for claim in claims if claim.signature is not None]
    bodies = Bodies(message, [(each.relaxed_body, each.length) for each in read])
    results: list[DkimResult] = []
    for claim in claims:
        if claim.signature is None:
            results.append(claim.refuse())
            continue
        checked = yield from check_signature(
            message, claim.field, claim.signature, bodies, now_s=now_s
        )
        results.append(
            DkimResult(
                result=checked.outcome,
                domain=claim.signature.domain,
                selector=claim.signature.selector,
                identity=claim.signature.identity,
                algorithm=claim.signature.algorithm,
                bits=checked.bits,
                testing=checked.testing,
                head=claim.head,
                reason=checked.reason,
            )
        )
    return tuple(results)


class _Claim:
    """A DKIM-Signature: its signature, or why there is none."""

    __slots__ = ("field", "outcome", "reason", "signature", "tags")

    def __init__(self, field: Field) -> None:
        self.field = field
        self.tags: dict[str, str] = {}
        self.signature: Signature | None = None
        self.outcome, self.reason = Outcome.NEUTRAL, ""
        try:
            self.tags = parse_tags(field.value)
            self.signature = read_signature(self.tags)
        except ParseError as error:
            self.reason = str(error)
        except RefusedError as error:
            self.outcome, self.reason = error.outcome, error.reason

    @property
    def head(self) -> str:
        text = "".join(self.tags.get("b", "").split())[:8]
        return text if text.isascii() else ""

    def refuse(self) -> DkimResult:
        domain = self._find_name("d")
        algorithm = self.tags.get("a", "")
        return DkimResult(
            result=self.outcome,
            domain=domain,
            selector=self._find_name("s"),
            identity=f"@{domain}" if domain else "",
            algorithm=algorithm if algorithm in (*ALGORITHMS, "rsa-sha1") else "",
            head=self.head,
            reason=self.reason,
        )

    def _find_name(self, tag: str) -> str:
        try:
            return parse_name(self.tags.get(tag, ""))
        except ParseError:
            return ""
