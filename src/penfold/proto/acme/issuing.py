"""From an account key to a certificate: the requests in order, as a generator (RFC 8555 §7.1).

`issue` yields steps and is sent what came of them: an Ask is answered by a Reply, a Pause and a
Prove by nothing once they are done. Whoever runs it does the I/O (net/acme.py). It returns the
chain, or raises AcmeError with a line for the operator.

A request whose nonce the server does not take any more is made again (§6.5). Objects may be in any
state from the beginning, as servers use authorizations again (§7.1.3). Whatever the server does,
requests and waiting are bounded.
"""

import json
import math
from collections.abc import Generator, Mapping
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import (
    ACME_NONCE_TRIES,
    ACME_POLL_FIRST_S,
    ACME_POLL_MAX_S,
    ACME_RETRY_AFTER_MAX_S,
    ACME_URL_MAX,
    ACME_WAIT_MAX_S,
)
from penfold.proto.acme.documents import (
    BAD_NONCE,
    AcmeError,
    Authorization,
    Challenge,
    Directory,
    Order,
    Problem,
    check_length,
    check_url,
    explain,
    parse_document,
)
from penfold.proto.acme.jws import AccountKey
from penfold.proto.acme.proofs import Proof, make_proof
from penfold.proto.acme.requests import KeyRequest, parse_chain
from penfold.proto.oauth import base64url

T = TypeVar("T")

_CHAIN_TYPE: Final = "application/pem-certificate-chain"
_ERRORS_FROM: Final = 400


class Wanted(Struct, frozen=True):
    """directory: address of the server. email: "" for none. challenge: one of proofs.KINDS."""

    directory: str
    email: str
    names: tuple[str, ...]
    challenge: str


class Ask(Struct, frozen=True, gc=False):
    """A request. A body is application/jose+json (§6.2)."""

    method: str
    url: str
    body: bytes = b""
    accept: str = "application/json"


class Reply(Struct, frozen=True):
    """headers: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Pause(Struct, frozen=True, gc=False):
    seconds: float


class Prove(Struct, frozen=True):
    """These must be answered, everywhere, before the next step; only these."""

    proofs: tuple[Proof, ...]


Step = Ask | Pause | Prove
Steps = Generator[Step, Reply | None, T]


def issue(wanted: Wanted, key: AccountKey, request: KeyRequest) -> Steps[bytes]:
    """Return the chain for the request's key, PEM, the server's own certificate first."""
    try:
        return (yield from _Dialogue(wanted, key).run(request))
    except ParseError as error:
        raise AcmeError(f"{wanted.directory} answers what cannot be understood: {error}") from error


class _Dialogue:
    """What has to be kept between requests: nonce, account, how long we have waited."""

    def __init__(self, wanted: Wanted, key: AccountKey) -> None:
        self._wanted = wanted
        self._key = key
        self._account = ""
        self._nonce = ""
        self._new_nonce = ""
        self._waited_s = 0.0

    def run(self, request: KeyRequest) -> Steps[bytes]:
        reply = yield from _ask(Ask("GET", check_url(self._wanted.directory)))
        if reply.status >= _ERRORS_FROM:
            raise _refusal(reply)
        directory = parse_document(reply.body, Directory)
        if directory.meta.external_account_required:
            raise AcmeError(
                "this authority wants an account made beforehand (external account binding), "
                "which Penfold cannot have; choose another acme_directory"
            )
        self._new_nonce = check_url(directory.new_nonce)
        yield from self._sign_in(check_url(directory.new_account))
        where, order = yield from self._order(check_url(directory.new_order))
        yield from self._authorize(order)
        if order.status == "pending":
            order = yield from self._poll(where, Order, "pending")
        if order.status == "ready":
            csr = {"csr": base64url(request.csr)}
            yield from self._post(check_url(order.finalize), csr)
            # §7.4: the reply is the order as well; asking once more treats all servers alike.
            order = yield from self._poll(where, Order, "ready", "processing")
        if order.status != "valid":
            raise AcmeError(explain(order.error or Problem(detail=f"the order is {order.status}")))
        chain = yield from self._post(check_url(order.certificate), None, accept=_CHAIN_TYPE)
        return parse_chain(chain.body, request.key)

    def _sign_in(self, url: str) -> Steps[None]:
        """Make the account or find the one there is: the key alone decides (§7.3, §7.3.1)."""
        account: dict[str, object] = {"termsOfServiceAgreed": True}
        if self._wanted.email:
            account["contact"] = [f"mailto:{self._wanted.email}"]
        reply = yield from self._post(url, account)
        self._account = check_url(reply.headers.get("location", ""))

    def _order(self, url: str) -> Steps[tuple[str, Order]]:
        names = [{"type": "dns", "value": name} for name in self._wanted.names]
        reply = yield from self._post(url, {"identifiers": names})
        order = parse_document(reply.body, Order)
        check_length(order.authorizations)
        return check_url(reply.headers.get("location", "")), order

    def _authorize(self, order: Order) -> Steps[None]:
        """Answer a challenge for every name that the server does not believe yet (§7.5.1)."""
        waiting: list[tuple[str, Challenge, Proof]] = []
        for url in order.authorizations:
            found = yield from self._fetch(check_url(url), Authorization)
            if found.status == "pending":
                challenge = self._choose(found)
                name = found.identifier.value
                if name not in self._wanted.names:
                    raise ParseError("an authorization for a name nobody asked for")
                proof = make_proof(challenge.type, name, challenge.token, self._key)
                waiting.append((url, challenge, proof))
            elif found.status != "valid":
                raise AcmeError(_why(found))
        if not waiting:
            return
        yield Prove(tuple(proof for _, _, proof in waiting))
        for _, challenge, _ in waiting:
            if challenge.status in {"", "pending"}:
                yield from self._post(check_url(challenge.url), {})
        for url, _, _ in waiting:
            judged = yield from self._poll(url, Authorization, "pending")
            if judged.status != "valid":
                raise AcmeError(_why(judged))

    def _choose(self, found: Authorization) -> Challenge:
        check_length(found.challenges)
        for challenge in found.challenges:
            if challenge.type == self._wanted.challenge:
                return challenge
        offered = explain(Problem(detail=", ".join(each.type for each in found.challenges)))
        raise AcmeError(
            f"the authority does not offer {self._wanted.challenge} for {found.identifier.value} "
            f"({offered}); choose another acme_challenge"
        )

    def _poll(self, url: str, kind: type[T], *unfinished: str) -> Steps[T]:
        """Return the object once its status is none of `unfinished`."""
        pause_s = ACME_POLL_FIRST_S
        while True:
            reply = yield from self._post(url, None)
            found = parse_document(reply.body, kind)
            if getattr(found, "status", "") not in unfinished:
                return found
            wait_s = min(_retry_after_s(reply) or pause_s, ACME_POLL_MAX_S)
            pause_s = min(2 * pause_s, ACME_POLL_MAX_S)
            self._waited_s += wait_s
            if self._waited_s > ACME_WAIT_MAX_S:
                raise AcmeError("the authority took too long to decide")
            yield Pause(wait_s)

    def _fetch(self, url: str, kind: type[T]) -> Steps[T]:
        reply = yield from self._post(url, None)
        return parse_document(reply.body, kind)

    def _post(
        self, url: str, document: Mapping[str, object] | None, *, accept: str = "application/json"
    ) -> Steps[Reply]:
        """Return the reply to a signed request; None asks for an object (POST-as-GET, §6.3)."""
        payload = b"" if document is None else json.dumps(document).encode()
        for _ in range(ACME_NONCE_TRIES):
            if not self._nonce:
                self._keep_nonce((yield from _ask(Ask("HEAD", self._new_nonce))))
            if not self._nonce:
                raise ParseError("no Replay-Nonce")
            nonce, self._nonce = self._nonce, ""
            body = self._key.sign(url=url, nonce=nonce, account=self._account, payload=payload)
            reply = yield from _ask(Ask("POST", url, body, accept))
            self._keep_nonce(reply)
            if reply.status < _ERRORS_FROM:
                return reply
            if _find_problem(reply).type != BAD_NONCE:
                raise _refusal(reply)
        raise AcmeError("the authority took none of its own nonces back")

    def _keep_nonce(self, reply: Reply) -> None:
        """§6.5.1: base64url; what is none would spoil the next request, and is asked for anew."""
        nonce = reply.headers.get("replay-nonce", "")
        fits = 0 < len(nonce) <= ACME_URL_MAX and nonce.isascii()
        self._nonce = nonce if fits and nonce.replace("-", "").replace("_", "").isalnum() else ""


def _ask(ask: Ask) -> Steps[Reply]:
    reply = yield ask
    if reply is None:
        raise TypeError("an Ask is answered by a Reply")
    return reply


def _why(found: Authorization) -> str:
    """Return why a name was not authorized: the words of the challenge that failed."""
    for challenge in found.challenges[:10]:
        if challenge.error is not None:
            return explain(
                Problem(
                    type=challenge.error.type,
                    detail=f"{found.identifier.value}: {challenge.error.detail}",
                    subproblems=challenge.error.subproblems,
                )
            )
    return explain(Problem(detail=f"{found.identifier.value}: {found.status}"))


def _find_problem(reply: Reply) -> Problem:
    try:
        return parse_document(reply.body, Problem)
    except ParseError:
        return Problem(detail=f"HTTP status {reply.status}")


def _refusal(reply: Reply) -> AcmeError:
    return AcmeError(explain(_find_problem(reply)), wait_s=_retry_after_s(reply))


def _retry_after_s(reply: Reply) -> float:
    """Return Retry-After (RFC 9110 §10.2.3) in seconds, bounded; 0 without one.

    A date is compared with the reply's own Date, so that nobody's clock matters.
    """
    text = reply.headers.get("retry-after", "").strip()
    if text.isdecimal() and text.isascii():
        seconds = float(text[:12])
    else:
        try:
            now = parsedate_to_datetime(reply.headers.get("date", ""))
            seconds = (parsedate_to_datetime(text) - now).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return 0.0
    return min(max(seconds, 0.0), ACME_RETRY_AFTER_MAX_S) if math.isfinite(seconds) else 0.0
