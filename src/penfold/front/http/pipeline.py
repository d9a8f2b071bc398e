"""The Gmail API as an ASGI callable: from a request to an answer, the same way for every method.

    address → $.xgafv, callback → credential (401) → how often (429) → parameters, mask,
    alt (400) → scope (403) → whose mailbox (403) → ordered fault → served at all (501)
    → quota (403, 429) → body (400, 413) → handler → mask → encode

That is Gmail's order (observed 2026-09; query before scope assumed). A handler runs where its
method says, see runner.py. Nothing but texts of spec.problems reaches the peer; what nobody
expected is in the facts, with the request id that the answer carries as X-Request-Id.
"""

import itertools
from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter
from typing import Any

from msgspec.structs import replace

from penfold.base.clock import Clock
from penfold.base.errors import OutcomeUnknownError
from penfold.base.limits import (
    BATCH_BODY_MAX_BYTES,
    BODIES_MAX_BYTES,
    INLINE_BODY_MAX_BYTES,
    JSON_BODY_MAX_BYTES,
)
from penfold.domain.settings.delegates import find_delegator
from penfold.domain.throttle import Throttle
from penfold.front.http import answers, batch
from penfold.front.http.ask import Ask
from penfold.front.http.auth import find_token
from penfold.front.http.batch import Batch
from penfold.front.http.body import read_body
from penfold.front.http.call import Call, Services
from penfold.front.http.errors import problem_of
from penfold.front.http.pace import Pace
from penfold.front.http.plan import Check, Handler, Plan, encode
from penfold.front.http.quota import charge
from penfold.front.http.rehearsal import NO_FAULTS, rehearse
from penfold.front.http.request import (
    Answer,
    ClientGoneError,
    Receive,
    Request,
    RequestFacts,
    Scope,
    Send,
)
from penfold.front.http.resumable import Resumable, find_name
from penfold.front.http.room import Room
from penfold.front.http.routes import Match, Routes
from penfold.front.http.runner import Runner
from penfold.front.http.system import check_alt, check_early, split_system
from penfold.front.http.uploads import Media, find_kind
from penfold.ports.directory import Account
from penfold.ports.faults import Faults
from penfold.ports.identity import Authenticator, Credential
from penfold.ports.mailbox import Mailboxes
from penfold.ports.uploads import Upload
from penfold.proto.fields import Mask
from penfold.spec import problems
from penfold.spec.problems import ProblemError
from penfold.spec.registry import BY_ID, REGISTRY, Access, Method, Params

Observe = Callable[[RequestFacts], None]


class GmailApi:
    """Serves every address of the registry; all others are 404 pages.

    handlers, checks: by method id. observe: called once per request, after its answer went out.
    stop: called when the outcome of a commit is unknown; it should end the process, so that the
    client gets no answer. faults: errors that were ordered. strict: a handler that raises a problem
    its method does not declare is an error of ours (tests); otherwise that is logged.
    """

    def __init__(  # noqa: PLR0913 - what it stands on, each by its name
        self,
        *,
        handlers: Mapping[str, Handler],
        checks: Mapping[str, Check] | None = None,
        authenticator: Authenticator,
        mailboxes: Mailboxes,
        services: Services,
        clock: Clock,
        observe: Observe | None = None,
        stop: Callable[[BaseException], None] | None = None,
        faults: Faults = NO_FAULTS,
        throttle: Throttle | None = None,
        strict: bool = False,
    ) -> None:
        self._plans = {
            m.id: Plan(m, handlers.get(m.id), (checks or {}).get(m.id), strict=strict)
            for m in REGISTRY
        }
        self._routes = Routes(REGISTRY)
        self._room = Room(BODIES_MAX_BYTES, small=INLINE_BODY_MAX_BYTES)
        self._find_delegator = partial(find_delegator, services.directory, mailboxes)
        self._runner = Runner(mailboxes, services.outbound)
        self._authenticator = authenticator
        self._services = services
        self._clock = clock
        self._quota = services.quota
        self._observe = observe
        self._stop = stop
        self._faults = faults
        self._pace = Pace(throttle, clock)
        self._prefix = f"{services.chance.getrandbits(48):012x}-"
        self._numbers = itertools.count(1)
        self._media = Media(services.uploads, self._runner, self._room, self._run)
        self._resumable = Resumable(
            services.uploads, self._media, self._runner, clock, self._recall
        )
        self._batch = Batch(
            self._answer,
            chance=services.chance,
            make_request_id=self.make_request_id,
            observe=observe,
        )

    def make_request_id(self) -> str:
        """Return an id no other request of this process has, nor likely of any other."""
        return f"{self._prefix}{next(self._numbers):x}"

    def close(self) -> None:
        """Stop the threads; safe to call twice."""
        self._runner.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        request = Request(scope, receive, self.make_request_id())
        try:
            answer = await self._answer(request)
        except ClientGoneError:
            return
        if answers.wants_gzip(request, answer):
            await answers.compress(answer, self._runner)
        await answers.send_answer(request, answer, send)
        if self._observe:
            self._observe(request.facts(answer, perf_counter() - started))

    async def _answer(self, request: Request) -> Answer:
        try:
            if request.verb == "POST":
                await request.settle_verb()
            upload = find_name(request)
            if upload:
                return await self._resumable.serve(request, upload)
            match = self._routes.find(request.verb, request.path)
            if match is not None:
                return await self._serve(request, match)
            batched = request.path in batch.PATHS
            if batched and request.verb == "POST":
                request.method_id = "batch"
                async with self._room.take(request.weight(BATCH_BODY_MAX_BYTES)):
                    return await self._batch.serve(request, self._runner)
            if request.verb == "OPTIONS" and (batched or self._routes.knows(request.path)):
                return answers.preflight(request)
            return answers.no_such_page(request)
        except ClientGoneError:
            raise
        except OutcomeUnknownError as error:
            if self._stop:
                self._stop(error)
            raise
        except Exception as error:  # noqa: BLE001 - the session top: every request gets an answer
            problem = problem_of(error)
            if problem.problem is problems.INTERNAL:
                request.error = error
            return answers.failure(request, problem)

    async def _serve(self, request: Request, match: Match) -> Answer:
        method = match.leaf.method
        plan = self._plans[method.id]
        request.method_id = method.id
        system, pairs, xgafv = split_system(request.pairs)
        request.system = system
        if xgafv is not None or system.values:
            check_early(system, xgafv, get=request.verb == "GET")
        token = find_token(request.header(b"authorization"), system.values)
        try:
            credential = plan.gate.get_credential(self._authenticator, token)
        except ProblemError:
            self._pace.note_refused(request.client)
            raise
        request.credential = credential
        self._pace.note_call(credential)
        params = plan.binder.bind(match.values, pairs)
        fields, mask = self._read_mask(request, plan)
        account = plan.gate.check(credential, params, pairs, self._find_delegator)
        if self._faults.orders:
            rehearse(self._faults, method, credential, self._clock.now_ms())
        if plan.handler is None:
            raise ProblemError(problems.NOT_IMPLEMENTED)
        call = self._make_call(method, credential, account, params)
        ask = Ask(plan, call, fields, mask, match.values)
        finish = self._finish_upload if match.leaf.upload else self._finish
        quota = self._quota
        if quota is None:
            return await finish(request, ask)
        with quota.hold(account.id):
            charge(quota, method, credential, system)
            return await finish(request, ask)

    def _make_call(
        self, method: Method, credential: Credential, account: Account, params: Params
    ) -> Call[Any, Any]:
        return Call(
            method,
            credential,
            account,
            params,
            None,
            self._clock.now_ms(),
            self._services,
            inline=method.access is Access.READ,
        )

    async def _finish(self, request: Request, ask: Ask) -> Answer:
        """Read the body, if any, and make the call."""
        plan = ask.plan
        if plan.method.verb == "GET":
            return await self._run(request, ask)
        async with self._room.take(request.weight(plan.body_max_bytes)):
            call = replace(ask.call, body=await self._read_body(request, plan))
            return await self._run(request, replace(ask, call=call))

    async def _finish_upload(self, request: Request, ask: Ask) -> Answer:
        kind = find_kind(request)
        if kind == "resumable":
            request.check_json(metadata := await request.read_body(JSON_BODY_MAX_BYTES))
            return await self._resumable.begin(request, ask, bytes(metadata))
        if kind:
            return await self._media.serve(request, ask, kind)
        return await self._finish(request, ask)

    def _recall(self, request: Request, upload: Upload) -> Ask:
        """Make the call of an upload that began earlier ready once more."""
        method = BY_ID[upload.method_id]
        plan = self._plans[method.id]
        request.method_id = method.id
        request.system, pairs, _ = split_system(request.pairs)
        params = plan.binder.bind(list(upload.values), pairs)
        fields, mask = self._read_mask(request, plan)
        owner, account = map(
            self._services.directory.get_account, (upload.owner_id, upload.account_id)
        )
        if owner.suspended or account.suspended:
            raise ProblemError(problems.MAIL_NOT_ENABLED)
        if owner.id != account.id and self._find_delegator(account.address, owner) is None:
            raise ProblemError(problems.DELEGATION_DENIED, address=owner.address)
        request.credential = credential = Credential(
            owner, frozenset(), upload.client_id, upload.project, service=upload.service
        )
        call = self._make_call(method, credential, account, params)
        return Ask(plan, call, fields, mask, list(upload.values))

    async def _run(self, request: Request, ask: Ask) -> Answer:
        method, mask, pretty = ask.plan.method, ask.mask, request.system.pretty
        body = await self._runner.run(
            ask.plan,
            ask.call,
            lambda result: encode(method, result, mask, pretty=pretty),
            form=(ask.fields, pretty),
        )
        return answers.success(request, body)

    def _read_mask(self, request: Request, plan: Plan) -> tuple[str, Mask | None]:
        """Return the mask as the client wrote it and as it is applied."""
        values = request.system.values
        if values:
            check_alt(request.system)
        text = values.get("fields") or request.header(b"x-goog-fieldmask")
        return text, plan.find_mask(text) if text else None

    async def _read_body(self, request: Request, plan: Plan) -> Any:
        data = await request.read_body(plan.body_max_bytes)
        wanted = plan.method.request
        if wanted is None:
            return None  # whatever a client sent to a method that takes nothing
        request.check_json(data)
        patch = plan.method.verb == "PATCH"
        return await self._runner.brief(len(data), lambda: read_body(data, wanted, patch=patch))
