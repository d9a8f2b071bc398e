"""The administration API: from a request to an answer, the same way for every method.

    address (404) → credential (401) → how often (429) → scope (403) → role (403)
    → parameters (400) → body (400, 413) → handler

Everything is refused that the registry does not allow. The role is asked anew at each request, of
an account that is there and not suspended. What is read leaves an entry in the audit log too, and
so does what a known caller is denied for want of a scope or a role.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from msgspec import Struct

from penfold.base.acting import Actor, act
from penfold.base.clock import Clock
from penfold.base.errors import ConflictError, NotFoundError, ParseError
from penfold.base.limits import ADMIN_BODY_MAX_BYTES
from penfold.domain.access.denials import note_denied
from penfold.domain.access.identity import Identity
from penfold.domain.access.roles import find_role
from penfold.domain.outgoing.domains import Domains
from penfold.front.http import answers
from penfold.front.http.admin import access, activities, installation, users
from penfold.front.http.admin.call import Call
from penfold.front.http.auth import challenge, find_token
from penfold.front.http.bind import Binder
from penfold.front.http.discovery import encode_document, root_of
from penfold.front.http.door import Door
from penfold.front.http.encode import encode_compact, encode_pretty
from penfold.front.http.errors import RefusedError, error_info, problem_of
from penfold.front.http.pace import Pace
from penfold.front.http.pipeline import Observe
from penfold.front.http.request import Answer, Request
from penfold.front.http.routes import Routes
from penfold.front.http.system import Pairs, split_system
from penfold.front.http.violations import refuse, unknown_parameter
from penfold.ports.audit import Event
from penfold.ports.directory import Account
from penfold.ports.identity import ADMIN, AUDITOR, Authenticator, Credential, ServiceAccount
from penfold.spec import problems
from penfold.spec.admin.discovery import NOT_OURS, make_admin_document
from penfold.spec.admin.method import (
    CONFLICT,
    DUPLICATE,
    INVALID_INPUT,
    NO_SUCH_METHOD,
    NOT_AUTHORIZED,
    RESOURCE_NOT_FOUND,
    ROOT,
    AdminMethod,
)
from penfold.spec.admin.registry import REGISTRY
from penfold.spec.method import Params
from penfold.spec.problems import ProblemError

Handler = Callable[[Call], Struct | None]

_MODULES: Final[tuple[ModuleType, ...]] = (users, access, installation, activities)
DISCOVERY: Final = f"/{ROOT}/$discovery/rest"
_SERVICE: Final = "penfold"
#: Refusals of the domain that say the thing is there already.
_TAKEN: Final = (
    "the account is there already", "the alias is there already", "the domain is there already",
    "the address is an alias", "the record is there already",
)  # fmt: skip


def find_handlers() -> dict[str, Handler]:
    """Return the function that serves each method of the registry, by its id."""
    functions = {name: value for module in _MODULES for name, value in vars(module).items()}
    return {method.id: functions[method.handler] for method in REGISTRY}


class AdminApi(Door):
    """The ASGI application. observe, stop: as of pipeline.GmailApi."""

    def __init__(
        self,
        identity: Identity,
        domains: Domains,
        authenticator: Authenticator,
        *,
        clock: Clock,
        pace: Pace,
        make_request_id: Callable[[], str],
        observe: Observe | None = None,
        stop: Callable[[BaseException], None] | None = None,
    ) -> None:
        super().__init__(
            "admin", make_request_id=make_request_id, entries=True, observe=observe, stop=stop
        )
        self._identity = identity
        self._domains = domains
        self._authenticator = authenticator
        self._clock = clock
        self._pace = pace
        self._routes = Routes(REGISTRY)
        self._methods = {method.id: method for method in REGISTRY}
        self._binders = {method.id: Binder(method) for method in REGISTRY}
        self._handlers = find_handlers()

    async def _serve(self, request: Request) -> Answer:
        await request.settle_verb()
        if request.path == DISCOVERY and request.verb == "GET":
            return answers.success(
                request, encode_document(make_admin_document, root_of(request.scope))
            )
        match = self._routes.find(request.verb, request.path)
        if match is None:
            raise ProblemError(NO_SUCH_METHOD)
        method = self._methods[match.leaf.method.id]
        system, pairs, _ = split_system(request.pairs)
        request.system = system
        caller = await self._in_thread(lambda: self._check_caller(request, method))
        params = self._bind(method, match.values, pairs)
        async with self._room.take(request.weight(ADMIN_BODY_MAX_BYTES)):
            body = await self._read_json(request, method.request, ADMIN_BODY_MAX_BYTES)
            call = Call(self._identity, self._domains, caller, params, body)
            actor = _actor(request, caller)
            result = await self._in_thread(lambda: self._run(method, call, actor))
        if method.response is None:
            return answers.success(request, None)
        encode = encode_pretty if system.pretty else encode_compact
        return answers.success(request, encode(result))

    def _check_caller(self, request: Request, method: AdminMethod) -> Account:
        """Return who asks, an account whose role and token allow the method; or raise 401, 403."""
        try:
            request.credential = credential = self._get_credential(request)
        except ProblemError:
            self._pace.note_refused(request.client)
            raise
        self._pace.note_call(credential)
        wanted = [scope.url for scope in method.wanted]
        if credential.scopes.isdisjoint(wanted):
            self._note_denied(request, credential, method, "scope")
            header = challenge(f', error="insufficient_scope", scope="{" ".join(wanted)}"')
            details = [error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", service=_SERVICE)]
            raise RefusedError(problems.INSUFFICIENT_SCOPE, details=details, headers=[header])
        account = self._find_administrator(credential, method, wanted)
        if account is None:
            self._note_denied(request, credential, method, "role")
            raise ProblemError(NOT_AUTHORIZED)
        return account

    def _find_administrator(
        self, credential: Credential, method: AdminMethod, wanted: list[str]
    ) -> Account | None:
        """Return the account when it is there, not suspended, and its role allows the method."""
        account = self._identity.book.find(Account, credential.account.id)
        roles = (ADMIN,) if method.changes else (ADMIN, AUDITOR)
        if account is None or account.suspended or not self._is_delegated(credential, wanted):
            return None
        return account if find_role(self._identity.book, account.id) in roles else None

    def _get_credential(self, request: Request) -> Credential:
        """Return whose token it is, or raise one of the two 401s."""
        token = find_token(request.header(b"authorization"), request.system.values)
        if token is None:
            details = [error_info("CREDENTIALS_MISSING", service=_SERVICE)]
            raise RefusedError(problems.LOGIN_REQUIRED, details=details, headers=[challenge()])
        credential = self._authenticator.find_credential(token) if token else None
        if credential is None:
            header = challenge(', error="invalid_token"')
            raise RefusedError(problems.INVALID_CREDENTIALS, headers=[header])
        return credential

    def _is_delegated(self, credential: Credential, wanted: list[str]) -> bool:
        """Return whether a service account was given the scope by name.

        A delegation that lists no scopes is for mail; it must not make an administrator of a
        program that may act for one.
        """
        if credential.itself or not credential.service:
            return not credential.itself
        found = self._identity.book.list_by(ServiceAccount, client_id=credential.client_id)
        return any(not one.scopes.isdisjoint(wanted) for one in found)

    def _bind(self, method: AdminMethod, values: list[str], pairs: Pairs) -> Params:
        foreign = [name for name, _ in pairs if name in (NOT_OURS, "user_id")]
        if foreign:
            raise refuse([unknown_parameter(foreign[0])])
        return self._binders[method.id].bind(values, pairs)

    def _run(self, method: AdminMethod, call: Call, actor: Actor) -> Struct | None:
        with act(actor):
            result = self._handlers[method.id](call)
            if not method.changes:
                self._note_read(method, call)
        return result

    def _note_denied(
        self, request: Request, credential: Credential, method: AdminMethod, lack: str
    ) -> None:
        actor, book = _actor(request, credential.account), self._identity.book
        note_denied(book, actor, method.id, lack, now_ms=self._clock.now_ms())

    def _note_read(self, method: AdminMethod, call: Call) -> None:
        """Write down that it was looked at, and whose it was."""
        key: Any = getattr(call.params, "user_key", "")
        event = Event("read", method.id, account_id=call.get_user().id if key else "")
        self._identity.book.change(lambda writer: writer.note(event))

    def _problem_of(self, error: BaseException) -> ProblemError:
        """Return the answer to a refusal of the domain; its texts are constants."""
        if isinstance(error, ConflictError):
            text = str(error)
            taken = text in _TAKEN
            return ProblemError(DUPLICATE) if taken else ProblemError(CONFLICT, what=text)
        if isinstance(error, ParseError):
            return ProblemError(INVALID_INPUT, what=str(error))
        if isinstance(error, NotFoundError):
            return ProblemError(RESOURCE_NOT_FOUND, what=str(error))
        return problem_of(error)


def _actor(request: Request, caller: Account) -> Actor:
    client = request.credential.client_id if request.credential else ""
    return Actor(caller.id, request.client[0] if request.client else "", client)
