"""The whole HTTP port as one ASGI application: the API, its documents, operations, pages.

Sends every address to who owns it, by its first segments:

    /gmail/v1, /upload, /resumable, /batch      the Gmail API (pipeline.py)
    /$discovery, /discovery/v1/apis             documents with the caller's own root address
    /healthz, /readyz, /metrics                 operations; the callables come from app/
    /pubsub/v1                                  topics and subscriptions (pubsub.py)
    /admin/v1                                   the administration API (admin/)
    /.well-known/acme-challenge                 what an ACME server asks (RFC 8555 §8.3)
    /v1, /index/api                             the sending API, and AOTsend's call (sending/)
    /mail                                       where links in mail lead (web/mail_links.py)
    everything else                             OAuth and pages, a mounted ASGI application

Whose name and whose forwarded fields are believed is entry.py's. Every answer is observed once.
"""

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any, Final

from msgspec import Struct

from penfold.base.acting import VISITOR, Actor, act
from penfold.base.limits import HSTS_S
from penfold.front.http.discovery import find_document
from penfold.front.http.entry import Names, Proxies
from penfold.front.http.errors import Header
from penfold.front.http.pipeline import GmailApi, Observe
from penfold.front.http.request import Message, Receive, RequestFacts, Scope, Send
from penfold.proto.acme.proofs import HTTP_PATH
from penfold.proto.mail_links import LINKS_PATH
from penfold.proto.mta_sts import POLICY_PATH

ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_GMAIL: Final = frozenset({"gmail", "upload", "resumable", "batch"})
#: Ours, and of AOTsend's call.
_SENDING: Final = frozenset({"v1", "index"})
#: Google's address of OpenID Connect's claims (openidconnect.googleapis.com), the one address below
#: /v1 that is not the sending API's.
_USERINFO: Final = "/v1/userinfo"
_DOCUMENTS: Final = frozenset({"$discovery", "discovery"})
#: First segments of the addresses of OAuth and OpenID Connect; they count as such in metrics.
_OAUTH: Final = frozenset(
    {"o", "token", "oauth2", "revoke", "tokeninfo", "v1", "userinfo", "device", ".well-known"}
)


#: Asked for with a token that no other site has, or of use to nobody without one.
_GUARDED: Final = (_GMAIL | _DOCUMENTS | _OAUTH | _SENDING | {"admin"}) - {"o", "device"}
_ANY_NAME: Final = frozenset({"/healthz", "/readyz", POLICY_PATH})

#: What every answer says: its type is what it says, no site may frame it. Over TLS with a
#: certificate that browsers know: come back over TLS only (RFC 6797 §6.1).
_SAFE: Final = ((b"x-content-type-options", b"nosniff"), (b"x-frame-options", b"DENY"))
_SAFE_TLS: Final = (
    *_SAFE,
    (b"strict-transport-security", b"max-age=%d" % HSTS_S),
)
#: Pages of other sites may read the documents.
_ANYWHERE: Final = ((b"access-control-allow-origin", b"*"),)


class Reply(Struct, frozen=True):
    """What an operation answers."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


#: RFC 9110 §15.5.20. The name itself is not repeated.
_MISDIRECTED: Final = Reply(
    421,
    b"This server does not answer to the name you asked for. "
    b"If it should, add the name to the setting `hosts`.\n",
)
_NO_CHALLENGE: Final = Reply(404, b"No such challenge\n")


def _prove(answer: bytes) -> Reply:
    return Reply(200, answer, "application/octet-stream")


#: An operation looks at the request (its peer's address, say) and answers at once.
Operation = Callable[[Scope], Reply]


class HttpApp:
    """Everything behind the HTTP port.

    operations: by path. find_answer: to a token of an ACME server. start, stop: called with the
    ASGI lifespan, on the event loop. hsts: browsers know our certificate, and shall insist on it.
    """

    def __init__(  # noqa: PLR0913 - what it stands on, each by its name
        self,
        gmail: GmailApi,
        web: ASGIApp,
        operations: Mapping[str, Operation],
        *,
        pubsub: ASGIApp | None = None,
        admin: ASGIApp | None = None,
        sending: ASGIApp | None = None,
        observe: Observe | None = None,
        find_answer: Callable[[str], bytes | None] | None = None,
        start: Callable[[], None] | None = None,
        stop: Callable[[], None] | None = None,
        proxies: Proxies | None = None,
        names: Names | None = None,
        hsts: bool = False,
    ) -> None:
        self._gmail = gmail
        self._web = web
        self._operations = operations
        self._pubsub = pubsub
        self._admin = admin
        self._sending = sending
        self._observe = observe
        self._find_answer = find_answer
        self._start = start
        self._stop = stop
        self._proxies = proxies
        self._names = names
        self._hsts = hsts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            path: str = scope["path"]
            first = path[1 : path.find("/", 1)] if "/" in path[1:] else path[1:]
            if self._proxies:
                self._proxies.settle(scope)
            if self._names and not self._admits(self._names, first, scope):
                await self._serve(first, scope, receive, send, misdirected=True)
            elif first in _GMAIL:
                await self._gmail(scope, receive, send)
            elif first == "pubsub" and self._pubsub:
                await self._pubsub(scope, receive, send)
            elif first == "admin" and self._admin:
                await self._admin(scope, receive, send)
            elif first in _SENDING and self._sending and path != _USERINFO:
                await self._sending(scope, receive, send)
            else:
                await self._serve(first, scope, receive, send)
        elif kind == "lifespan":
            await self._live(receive, send)
        else:
            raise NotImplementedError(f"no {kind} here")

    def _admits(self, names: Names, first: str, scope: Scope) -> bool:
        """Whether the name that was asked for is ours, where that matters.

        Probes call by address; an ACME server and senders by names of other domains of ours.
        """
        path: str = scope["path"]
        if path in _ANY_NAME or path.startswith(HTTP_PATH):
            return True
        return names.admits(scope, guarded=first in _GUARDED)

    async def _serve(
        self, first: str, scope: Scope, receive: Receive, send: Send, *, misdirected: bool = False
    ) -> None:
        always = _SAFE_TLS if self._hsts and scope["scheme"] == "https" else _SAFE
        watch = _Watch(send, self._gmail.make_request_id(), always)
        started = perf_counter()
        error: BaseException | None = None
        route = "web"
        try:
            if misdirected:
                await _reply(watch.send, _MISDIRECTED, scope)
            else:
                route = await self._route(first, scope, receive, watch.send)
        except Exception as caught:
            error = caught
            raise
        finally:
            if self._observe:
                self._observe(_facts(scope, route, watch, perf_counter() - started, error))

    async def _route(self, first: str, scope: Scope, receive: Receive, send: Send) -> str:
        operation = self._operations.get(scope["path"])
        if operation is not None:
            await _reply(send, operation(scope), scope)
            return "operations"
        if self._find_answer and scope["path"].startswith(HTTP_PATH):
            answer = self._find_answer(scope["path"].removeprefix(HTTP_PATH))
            await _reply(send, _NO_CHALLENGE if answer is None else _prove(answer), scope)
            return "operations"
        if first in _DOCUMENTS:
            document = find_document(scope)
            if document is not None:
                reply = Reply(200, document, "application/json; charset=UTF-8")
                await _reply(send, reply, scope, _ANYWHERE)
                return "discovery"
        peer = scope.get("client")
        with act(Actor(VISITOR, peer[0] if peer else "")):
            await self._web(scope, receive, send)
        return "oauth" if first in _OAUTH else "web"

    async def _live(self, receive: Receive, send: Send) -> None:
        """Speak the lifespan protocol of ASGI."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                if self._start:
                    self._start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                self._gmail.close()
                if self._stop:
                    self._stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


class _Watch:
    """Notes status and size of an answer as it passes; adds the request id and what is always said.

    always: fields that an answer gets if it has none of their name.
    """

    def __init__(self, send: Send, request_id: str, always: tuple[Header, ...]) -> None:
        self._always = always
        self._send = send
        self.request_id = request_id
        self.status = 0
        self.sent = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ())]
            names = {name.lower() for name, _ in headers}
            headers += [field for field in self._always if field[0] not in names]
            headers.append((b"x-request-id", self.request_id.encode()))
            message = {**message, "headers": headers}
        else:
            self.sent += len(message.get("body", b""))
        await self._send(message)


def _facts(
    scope: Scope, route: str, watch: _Watch, seconds: float, error: BaseException | None
) -> RequestFacts:
    client: Any = scope.get("client")
    return RequestFacts(
        request_id=watch.request_id,
        method_id=route,
        verb=scope["method"],
        path=_without_token(scope["path"]),
        status=watch.status or 500,
        reason="",
        seconds=seconds,
        account_id="",
        client=client[0] if client else "",
        app="",
        received=0,
        sent=watch.sent,
        error=error,
    )


def _without_token(path: str) -> str:
    """Return a path for the log: who reads a link of a mail there could use it."""
    return path.rpartition("/")[0] + "/…" if path.startswith(LINKS_PATH + "/") else path


async def _reply(send: Send, reply: Reply, scope: Scope, more: tuple[Header, ...] = ()) -> None:
    headers = [
        (b"content-type", reply.content_type.encode()),
        (b"content-length", b"%d" % len(reply.body)),
        (b"cache-control", b"no-store"),
        *more,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else reply.body
    await send({"type": "http.response.body", "body": body})
