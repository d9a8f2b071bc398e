"""Pub/Sub at /pubsub/v1/projects/…, in the shape of Google's REST API.

From a request to an answer: address → credential (401, 403) → body (400, 413) → domain.pubsub →
JSON. A token of ours counts for its own project. Where `open_door` says so, a request without
one is let in as Google's emulator does: only from this machine, and never from a browser's page,
which sends Origin or Sec-Fetch-Site. Everything that touches the store runs in a thread; a pull
that waits for a message looks for it now and then, and ends when its client leaves.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from msgspec import Struct

from penfold.base.clock import Clock
from penfold.base.limits import (
    PUBSUB_BODY_MAX_BYTES,
    PULL_LOOK_S,
    PULL_WAIT_S,
    PULL_WAITING_MAX,
)
from penfold.domain.push.pubsub import Pubsub
from penfold.domain.push.pubsub_names import SUBSCRIPTIONS, TOPICS, check_project, make_name
from penfold.front.http import answers
from penfold.front.http.auth import find_token
from penfold.front.http.door import Door
from penfold.front.http.encode import encode_compact, encode_pretty
from penfold.front.http.errors import RefusedError, error_info
from penfold.front.http.operations import is_local
from penfold.front.http.pipeline import Observe
from penfold.front.http.request import Answer, ClientGoneError, Request, Scope
from penfold.front.http.system import split_system
from penfold.front.http.violations import refuse, unknown_parameter
from penfold.ports.identity import Authenticator
from penfold.spec import problems
from penfold.spec import pubsub as spec
from penfold.spec.problems import ProblemError
from penfold.spec.scopes import USE_PUBSUB

_PATH: Final = re.compile(
    r"/pubsub/v1/projects/(?P<project>[^/:]+)/(?P<kind>topics|subscriptions)"
    r"(?:/(?P<id>[^/:]+)(?P<below>/subscriptions)?)?(?::(?P<action>[A-Za-z]+))?"
)
_SCOPES: Final = frozenset(scope.url for scope in USE_PUBSUB)
_SERVICE: Final = "pubsub.googleapis.com"
_BROWSER: Final = frozenset({b"origin", b"sec-fetch-site"})
#: Query parameters of lists and of getIamPolicy.
_LIST: Final = frozenset({"pageSize", "pageToken"})
_POLICY: Final = frozenset({"options.requestedPolicyVersion"})


class Ask(Struct, frozen=True):
    """A checked request. name: the topic's or subscription's, or the project's id for lists."""

    pubsub: Pubsub
    name: str
    body: Any
    now_ms: int
    size: int = 0
    token: str = ""

    @property
    def page(self) -> dict[str, Any]:
        return {"size": self.size, "token": self.token}


class Route(NamedTuple):
    serve: Callable[[Ask], Struct | None]
    request: type[Struct] | None = None
    query: frozenset[str] = frozenset()


#: (verb, kind, has an id, below, action) to what serves it.
Key = tuple[str, str, bool, str, str]
_ROUTES: Final[dict[Key, Route]] = {
    ("PUT", TOPICS, True, "", ""): Route(
        lambda ask: ask.pubsub.create_topic(ask.name, ask.body), spec.Topic
    ),
    ("GET", TOPICS, True, "", ""): Route(lambda ask: ask.pubsub.get_topic(ask.name)),
    ("GET", TOPICS, False, "", ""): Route(
        lambda ask: ask.pubsub.list_topics(ask.name, **ask.page), query=_LIST
    ),
    ("DELETE", TOPICS, True, "", ""): Route(lambda ask: ask.pubsub.delete_topic(ask.name)),
    ("GET", TOPICS, True, "/subscriptions", ""): Route(
        lambda ask: ask.pubsub.list_topic_subscriptions(ask.name, **ask.page), query=_LIST
    ),
    ("POST", TOPICS, True, "", "publish"): Route(
        lambda ask: ask.pubsub.publish(ask.name, ask.body, now_ms=ask.now_ms), spec.PublishRequest
    ),
    ("POST", TOPICS, True, "", "setIamPolicy"): Route(
        lambda ask: ask.pubsub.set_policy(ask.name, ask.body), spec.SetIamPolicyRequest
    ),
    ("GET", TOPICS, True, "", "getIamPolicy"): Route(
        lambda ask: ask.pubsub.get_policy(ask.name), query=_POLICY
    ),
    ("POST", TOPICS, True, "", "testIamPermissions"): Route(
        lambda ask: ask.pubsub.test_permissions(ask.name, ask.body),
        spec.TestIamPermissionsRequest,
    ),
    ("PUT", SUBSCRIPTIONS, True, "", ""): Route(
        lambda ask: ask.pubsub.create_subscription(ask.name, ask.body), spec.Subscription
    ),
    ("GET", SUBSCRIPTIONS, True, "", ""): Route(lambda ask: ask.pubsub.get_subscription(ask.name)),
    ("GET", SUBSCRIPTIONS, False, "", ""): Route(
        lambda ask: ask.pubsub.list_subscriptions(ask.name, **ask.page), query=_LIST
    ),
    ("PATCH", SUBSCRIPTIONS, True, "", ""): Route(
        lambda ask: ask.pubsub.patch_subscription(ask.name, ask.body),
        spec.UpdateSubscriptionRequest,
    ),
    ("DELETE", SUBSCRIPTIONS, True, "", ""): Route(
        lambda ask: ask.pubsub.delete_subscription(ask.name)
    ),
    ("POST", SUBSCRIPTIONS, True, "", "pull"): Route(
        lambda ask: ask.pubsub.pull(ask.name, ask.body, now_ms=ask.now_ms), spec.PullRequest
    ),
    ("POST", SUBSCRIPTIONS, True, "", "acknowledge"): Route(
        lambda ask: ask.pubsub.acknowledge(ask.name, ask.body), spec.AcknowledgeRequest
    ),
    ("POST", SUBSCRIPTIONS, True, "", "modifyAckDeadline"): Route(
        lambda ask: ask.pubsub.modify_ack_deadline(ask.name, ask.body, now_ms=ask.now_ms),
        spec.ModifyAckDeadlineRequest,
    ),
    ("POST", SUBSCRIPTIONS, True, "", "modifyPushConfig"): Route(
        lambda ask: ask.pubsub.modify_push_config(ask.name, ask.body),
        spec.ModifyPushConfigRequest,
    ),
}


class PubsubApi(Door):
    """The ASGI application. open_door: local mode. observe, stop: as of pipeline.GmailApi.

    Google (observed): Pub/Sub's errors have no list of entries.
    """

    def __init__(
        self,
        pubsub: Pubsub,
        authenticator: Authenticator,
        *,
        clock: Clock,
        open_door: bool,
        make_request_id: Callable[[], str],
        observe: Observe | None = None,
        stop: Callable[[BaseException], None] | None = None,
    ) -> None:
        super().__init__(
            "pubsub", make_request_id=make_request_id, entries=False, observe=observe, stop=stop
        )
        self._pubsub = pubsub
        self._authenticator = authenticator
        self._clock = clock
        self._open_door = open_door
        self._waiting = 0
        self._closing = False

    def close(self) -> None:
        """Let pulls that wait end at once; safe to call twice."""
        self._closing = True

    async def _serve(self, request: Request) -> Answer:
        await request.settle_verb()
        match = _PATH.fullmatch(unquote(request.path))
        if match is None:
            raise ProblemError(spec.NO_SUCH_METHOD)
        kind, below, action = match["kind"], match["below"] or "", match["action"] or ""
        route = _ROUTES.get((request.verb, kind, match["id"] is not None, below, action))
        if route is None:
            raise ProblemError(spec.NO_SUCH_METHOD)
        system, pairs, _ = split_system(request.pairs)
        system.entries = False
        request.system = system
        project = check_project(match["project"])
        self._check_caller(request, project)
        name = make_name(project, kind, match["id"]) if match["id"] else project
        query = _read_query(pairs, route.query)
        async with self._room.take(request.weight(PUBSUB_BODY_MAX_BYTES)):
            body = await self._read_json(request, route.request, PUBSUB_BODY_MAX_BYTES)
            ask = Ask(self._pubsub, name, body, self._clock.now_ms(), *query)
            if action == "pull":
                await self._wait(ask, request)
            encode = encode_pretty if system.pretty else encode_compact
            octets = await self._in_thread(lambda: encode(_serve_now(route, ask, self._clock)))
        return answers.success(request, octets)

    def _check_caller(self, request: Request, project: str) -> None:
        """Let in who may use the project, or raise 401 or 403."""
        token = find_token(request.header(b"authorization"), request.system.values)
        if token is None:
            if self._open_door and _is_program_here(request.scope):
                return
            raise RefusedError(
                problems.LOGIN_REQUIRED,
                details=[error_info("CREDENTIALS_MISSING", service=_SERVICE)],
            )
        credential = self._authenticator.find_credential(token) if token else None
        request.credential = credential
        if credential is None:
            raise RefusedError(problems.INVALID_CREDENTIALS)
        if _SCOPES.isdisjoint(credential.scopes):
            raise RefusedError(
                problems.INSUFFICIENT_SCOPE,
                details=[error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", service=_SERVICE)],
            )
        if credential.account.suspended or check_project(credential.project) != project:
            raise ProblemError(spec.NOT_AUTHORIZED)

    async def _wait(self, ask: Ask, request: Request) -> None:
        """Return when there is something to pull, or it has been waited for long enough."""
        await self._in_thread(lambda: ask.pubsub.check_pull(ask.name, ask.body))
        if ask.body.return_immediately is True or self._waiting >= PULL_WAITING_MAX:
            return

        def look() -> bool:
            return ask.pubsub.book.has_due(ask.name, now_ms=self._clock.now_ms())

        gone = asyncio.ensure_future(_client_gone(request.receive))
        self._waiting += 1
        try:
            for _ in range(int(PULL_WAIT_S / PULL_LOOK_S)):
                if await self._in_thread(look) or self._closing:
                    return
                await asyncio.wait({gone}, timeout=PULL_LOOK_S)
                if gone.done():
                    raise ClientGoneError
        finally:
            self._waiting -= 1
            gone.cancel()


def _serve_now(route: Route, ask: Ask, clock: Clock) -> Struct | dict[str, str]:
    """Return the answer; time goes on while a pull waits."""
    current = Ask(ask.pubsub, ask.name, ask.body, clock.now_ms(), ask.size, ask.token)
    return route.serve(current) or {}


def _read_query(pairs: list[tuple[str, str]], known: frozenset[str]) -> tuple[int, str]:
    """Return the page's size and token."""
    values = {}
    for name, value in pairs:
        if name not in known:
            raise refuse([unknown_parameter(name)])
        values[name] = value
    size = values.get("pageSize", "0")
    if not re.fullmatch(r"[0-9]{1,9}", size):
        raise ProblemError(spec.INVALID_ARGUMENT, what="pageSize is not a number.")
    return int(size), values.get("pageToken", "")


def _is_program_here(scope: Scope) -> bool:
    """Return whether a program on this machine asks, and no page in a browser on it."""
    headers = dict(scope["headers"])
    return _BROWSER.isdisjoint(headers) and is_local(scope.get("client"), headers)


async def _client_gone(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
