"""The sending API: from a request to an answer, the same way for every method.

    address (404, 405) → key (401, 403) → how often (429) → scope (401) → query (422)
    → body (400, 413, 422) → handler

Everything is refused that the registry does not allow. A key is looked up anew at each request, so
one that was revoked ends at once.
"""

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, Final

import msgspec

from penfold.base.acting import Actor, act
from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.limits import AOTSEND_BODY_MAX_BYTES, IDEMPOTENCY_KEY_MAX
from penfold.domain.sending.accept import Keyed
from penfold.domain.sending.caller import make_caller
from penfold.domain.sending.domains import SendingDomains
from penfold.domain.sending.filling import Fill
from penfold.domain.sending.findings import INVALID
from penfold.domain.sending.keys import Keys
from penfold.domain.sending.metering import Price
from penfold.domain.sending.preflight.run import Preflight
from penfold.domain.sending.template_parts import TemplateParts
from penfold.domain.sending.templates import Templates
from penfold.domain.sending.webhooks import Webhooks
from penfold.domain.throttle import Throttle, TooManyError
from penfold.front.http.auth import find_token
from penfold.front.http.discovery import encode_document, root_of
from penfold.front.http.door import Door
from penfold.front.http.pipeline import Observe
from penfold.front.http.request import Answer, Request
from penfold.front.http.routes import Match, Routes
from penfold.front.http.sending import (
    checks,
    domains,
    emails,
    events,
    keys,
    statements,
    stats,
    streams,
    suppressions,
    template_parts,
    templates,
    usage,
    webhooks,
)
from penfold.front.http.sending.answers import fail, refusal_of, succeed
from penfold.front.http.sending.aotsend import (
    AotsendCall,
    AotsendError,
    check_account,
    read_call,
    refusal_body,
    send_email,
)
from penfold.front.http.sending.call import Call, Reply, encode
from penfold.front.http.sending.reading import read_json, read_query
from penfold.ports.sending.book import SendingBook
from penfold.ports.sending.records import ApiKey
from penfold.spec.rates import SENDING_KEY, SENDING_NETWORK, Limit
from penfold.spec.sending import aotsend
from penfold.spec.sending.method import ROOT, SendingMethod
from penfold.spec.sending.openapi import make_sending_openapi
from penfold.spec.sending.problems import (
    INTERNAL,
    INVALID_IDEMPOTENCY_KEY,
    METHOD_NOT_ALLOWED,
    MISSING_API_KEY,
    NOT_FOUND,
    RATE_LIMITED,
    RESTRICTED_API_KEY,
    VALIDATION,
    FieldError,
    SendingError,
)
from penfold.spec.sending.registry import REGISTRY
from penfold.spec.sending.scopes import allows

Handler = Callable[[Call], Any]

OPENAPI: Final = f"/{ROOT}/openapi.json"
_MODULES: Final[tuple[ModuleType, ...]] = (
    *(emails, checks, events, domains, streams, suppressions, templates, template_parts),
    *(keys, webhooks, stats, usage, statements),
)
_STRICT, _PERMISSIVE = "strict", "permissive"


def find_sending_handlers() -> dict[str, Handler]:
    """Return the function that serves each method of the registry, by its id."""
    functions = {name: value for module in _MODULES for name, value in vars(module).items()}
    return {method.id: functions[method.handler] for method in REGISTRY}


class SendingApi(Door):
    """The ASGI application. is_local: whether a domain's mail is delivered here. domain: senders of
    AOTsend's call have it, for a key that is bound to none; fill: makes mails of its templates.
    """

    def __init__(  # noqa: PLR0913 - what it stands on, each by its name
        self,
        book: SendingBook,
        keys: Keys,
        hooks: Webhooks,
        domains: SendingDomains,
        *,
        preflight: Preflight,
        is_local: Callable[[str], bool],
        find_addresses: Callable[[str], list[str]],
        price: Price,
        clock: Clock,
        chance: Chance,
        throttle: Throttle | None,
        make_request_id: Callable[[], str],
        fill: Fill,
        domain: str = "",
        observe: Observe | None = None,
        stop: Callable[[BaseException], None] | None = None,
    ) -> None:
        super().__init__(
            "sending", make_request_id=make_request_id, entries=False, observe=observe, stop=stop
        )
        self._book = book
        self._keys = keys
        self._hooks = hooks
        self._preflight = preflight
        self._domains = domains
        self._is_local = is_local
        self._find_addresses = find_addresses
        self._price = price
        self._clock = clock
        self._chance = chance
        self._throttle = throttle
        self._domain = domain
        self._fill = fill
        self._routes = Routes(REGISTRY)
        self._methods = {method.id: method for method in REGISTRY}
        self._handlers = find_sending_handlers()

    async def _serve(self, request: Request) -> Answer:
        if request.path == OPENAPI and request.verb == "GET":
            document = encode_document(make_sending_openapi, root_of(request.scope))
            return succeed(request, document)
        if request.path in aotsend.ADDRESSES and request.verb == "POST":
            return await self._serve_aotsend(request)
        match = self._find(request)
        method = self._methods[match.leaf.method.id]
        key = await self._in_thread(lambda: self._recognise(request, _get_token(request)))
        if not allows(key.scopes, method.scope):
            raise SendingError(RESTRICTED_API_KEY, f"This API key lacks the scope {method.scope}.")
        query = read_query(request.pairs, method.query)
        async with self._room.take(request.weight(method.body_max)):
            octets = await request.read_body(method.body_max)
            run = partial(self._run, request, method, key, match.values, query, octets)
            reply = await self._in_thread(run)
        return succeed(
            request, reply.body, replayed=reply.replayed, content_type=reply.content_type
        )

    async def _serve_aotsend(self, request: Request) -> Answer:
        async with self._room.take(request.weight(AOTSEND_BODY_MAX_BYTES)):
            octets = await request.read_body(AOTSEND_BODY_MAX_BYTES)
            body = await self._in_thread(lambda: self._run_aotsend(request, octets))
        return succeed(request, body)

    def _run_aotsend(self, request: Request, octets: bytes | bytearray) -> bytes:
        form = read_call(request.header(b"content-type"), octets)
        key = self._recognise(request, form.app_key)
        call = AotsendCall(
            self._book,
            make_caller(self._book, key, self._is_local),
            self._price,
            self._chance,
            self._clock.now_ms(),
            form,
            _read_word(request),
            self._domain,
            self._fill,
        )
        client = request.client[0] if request.client else ""
        with act(Actor(key.account_id, client, f"API key {key.id}")):
            return send_email(call) if request.path == aotsend.SEND else check_account(call)

    def _find(self, request: Request) -> Match:
        match = self._routes.find(request.verb, request.path)
        if match is None:
            raise SendingError(
                METHOD_NOT_ALLOWED if self._routes.knows(request.path) else NOT_FOUND,
                "" if self._routes.knows(request.path) else "There is no such address.",
            )
        return match

    def _recognise(self, request: Request, secret: str) -> ApiKey:
        """Return the key of a request, counted; or raise 401, 403, 429."""
        client = request.client[0] if request.client else ""
        try:
            key = self._keys.recognise(secret, client)
        except SendingError:
            self._take(SENDING_NETWORK, client)
            raise
        self._take(SENDING_KEY, key.id)
        return key

    def _take(self, limit: Limit, whose: str) -> None:
        if self._throttle is None:
            return
        try:
            self._throttle.take(limit, whose)
        except TooManyError as error:
            raise SendingError(RATE_LIMITED, wait_s=error.wait_s, limit=limit.count) from None

    def _run(  # noqa: PLR0917 - bound by its one caller
        self,
        request: Request,
        method: SendingMethod,
        key: ApiKey,
        values: list[str],
        query: Any,
        octets: bytes | bytearray,
    ) -> Reply:
        body = None if method.body is None else read_json(octets, method.body)
        permissive = method.name == "batch" and _is_permissive(request)
        call = Call(
            self._book,
            self._keys,
            self._hooks,
            self._domains,
            make_caller(self._book, key, self._is_local),
            self._price,
            self._chance,
            self._clock.now_ms(),
            values,
            query,
            body,
            Templates(
                *(self._book, self._preflight.workshop, self._clock, self._chance),
                *(key.account_id, key.id),
            ),
            TemplateParts(self._book, self._clock, self._chance, key.account_id),
            self._find_addresses,
            self._preflight,
            _read_keyed(request, method, body, permissive=permissive) if method.keyed else None,
            permissive,
        )
        client = request.client[0] if request.client else ""
        with act(Actor(key.account_id, client, f"API key {key.id}")):
            result = self._handlers[method.id](call)
        return result if isinstance(result, Reply) else Reply(encode(result))

    def _failure(self, request: Request, error: BaseException) -> Answer:
        if isinstance(error, AotsendError):
            request.reason = str(error.code)
            return succeed(request, refusal_body(error))
        refusal = refusal_of(error)
        if refusal.problem is INTERNAL:
            request.error = error
        if request.path in aotsend.ADDRESSES and request.verb == "POST":
            request.reason = refusal.problem.name
            return succeed(request, refusal_body(refusal))  # HTTP says 200 whatever comes of it
        return fail(request, refusal)


def _get_token(request: Request) -> str:
    token = find_token(request.header(b"authorization"), {})
    if not token:
        raise SendingError(MISSING_API_KEY)
    return token


def _is_permissive(request: Request) -> bool:
    text = request.header(b"x-batch-validation").strip().lower() or _STRICT
    if text not in (_STRICT, _PERMISSIVE):
        what = f"`x-batch-validation` is one of {_STRICT}, {_PERMISSIVE}"
        error = FieldError("x-batch-validation", INVALID, what)
        raise SendingError(VALIDATION, f"{what}.", errors=[error])
    return text == _PERMISSIVE


def _read_keyed(
    request: Request, method: SendingMethod, body: Any, *, permissive: bool
) -> Keyed | None:
    """Return what a repeat of the call is known by; None without an Idempotency-Key.

    Two bodies are the same when they say the same, however their JSON is written.
    """
    word = _read_word(request)
    if not word:
        return None
    asked = msgspec.json.encode([permissive, body], order="deterministic")
    return Keyed(method.id, word, asked)


def _read_word(request: Request) -> str:
    """Return the Idempotency-Key, "" without one."""
    word = request.headers.get(b"idempotency-key")
    if word is None:
        return ""
    text = word.decode("latin-1").strip()
    if not (1 <= len(text) <= IDEMPOTENCY_KEY_MAX and text.isascii() and text.isprintable()):
        raise SendingError(INVALID_IDEMPOTENCY_KEY)
    return text
