"""A listening socket and the sessions on it: who may come in, for how long, and how it stops.

Owns the counts and the one timer that serves every deadline of every session; a timer per read
would cost more than the reads. Sockets come bound from outside. One listener belongs to one
event loop.

Stopping: nothing new is accepted, idle sessions get 421, messages in hand are finished for up to
a grace time, the rest is cut without a reply that would be untrue.
"""

import asyncio
import socket
import ssl
from typing import Final

from penfold.base import limits
from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.front.smtp.answers import Answers
from penfold.front.smtp.bounds import Bounds
from penfold.front.smtp.doors import Door
from penfold.front.smtp.facts import Observe
from penfold.front.smtp.protocol import TLS_HANDSHAKE_S, Session
from penfold.front.smtp.visitors import Visitors
from penfold.proto.smtp import replies
from penfold.proto.smtp.profile import Profile
from penfold.proto.smtp.replies import Reply

#: Seconds between two looks at the deadlines: their grain.
TICK_S: Final = 1.0
#: Connections the kernel keeps while none is accepted. Bursts are larger than asyncio's 100.
BACKLOG: Final = 1_024


class Listener:
    """One way in. name is for logs and metrics: "mx", "submission", "submissions"."""

    def __init__(
        self,
        *,
        name: str,
        profile: Profile,
        door: Door,
        clock: Clock,
        chance: Chance,
        observe: Observe,
        tls: ssl.SSLContext | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        """tls: for STARTTLS (when the profile offers it) and for start(implicit_tls=True)."""
        self.name = name
        self.profile = profile
        self.door = door
        self.clock = clock
        self.observe = observe
        self.tls = tls
        self.bounds = bounds or Bounds()
        self.visitors = Visitors(self.bounds)
        self.now = 0.0
        self.is_crowded = False
        self.left_bytes = 0
        self._chance = chance
        self._sessions: set[Session] = set()
        self._servers: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None
        self._is_stopping = False
        self._unflushed: list[Session] = []
        self._ungreeted: list[Session] = []

    async def start(self, sock: socket.socket, *, implicit_tls: bool = False) -> None:
        """Accept connections on a bound socket; call again for further sockets."""
        loop = asyncio.get_running_loop()
        if not self._servers:
            self._loop = loop
            self.answers = Answers(loop)
            self._empty = asyncio.Event()
            self._empty.set()
            self._tick()
        context = self.tls if implicit_tls else None
        if implicit_tls and context is None:
            raise ValueError("implicit TLS needs a TLS context")
        self._servers.append(
            await loop.create_server(
                lambda: Session(self),
                sock=sock,
                ssl=context,
                backlog=BACKLOG,
                ssl_handshake_timeout=TLS_HANDSHAKE_S if context else None,
            )
        )

    async def stop(self, *, grace_s: float = limits.SMTP_STOP_GRACE_S) -> None:
        """Stop accepting, let messages in hand finish, end every session. Safe to call twice."""
        self._is_stopping = True
        for server in self._servers:
            server.close()
        for session in list(self._sessions):
            session.dismiss()
        await self._wait_empty(grace_s)
        for session in list(self._sessions):
            session.cut()
        await self._wait_empty(TICK_S)
        for session in list(self._sessions):
            session.abort()
        if self._timer is not None:
            self._timer.cancel()
        for server in self._servers:
            await server.wait_closed()

    async def _wait_empty(self, timeout_s: float) -> None:
        if self._sessions:
            try:
                await asyncio.wait_for(self._empty.wait(), timeout_s)
            except TimeoutError:
                return

    @property
    def sessions(self) -> int:
        return len(self._sessions)

    # --- deadlines -------------------------------------------------------------------------

    def _tick(self) -> None:
        self.review(self._loop.time())
        self._timer = self._loop.call_later(TICK_S, self._tick)

    def review(self, now: float) -> None:
        """Apply every deadline as of `now` (seconds, monotonic)."""
        self.now = now
        is_stressed = len(self._sessions) > self.bounds.connections_max * limits.SMTP_STRESS_SHARE
        idle_s = limits.SMTP_STRESS_IDLE_S if is_stressed else self.bounds.idle_s
        for session in list(self._sessions):
            session.review(now, idle_s)
        self._bound_memory()

    def _bound_memory(self) -> None:
        """Put new messages off while those in hand fill the memory; at twice that, end some.

        Only unfinished ones are ended: one that is being stored is owed a true answer.
        """
        allowed = self.bounds.memory_max_bytes
        in_hand = sum(session.held_bytes + session.waiting_bytes for session in self._sessions)
        held = in_hand + self.left_bytes
        self.is_crowded = held > allowed
        if held <= 2 * allowed:
            return
        for session in sorted(self._sessions, key=lambda each: each.held_bytes, reverse=True):
            if held <= allowed or not session.held_bytes:
                return
            held -= session.held_bytes
            session.end(replies.OUT_OF_MEMORY)

    # --- what sessions call ------------------------------------------------------------------

    def make_session_id(self) -> str:
        return f"{self._chance.getrandbits(48):012x}"

    def admit(self, session: Session, client: str) -> Reply | None:
        refusal = self.visitors.admit(client, self.now)
        self._sessions.add(session)
        self._empty.clear()
        if self._is_stopping:
            return replies.STOPPING
        if refusal is not None:
            return refusal
        return replies.FULL if len(self._sessions) > self.bounds.connections_max else None

    def greet_soon(self, session: Session) -> None:
        # Two turns of the loop: the next one looks at the socket, the one after it greets.
        self._ungreeted.append(session)
        if len(self._ungreeted) == 1:
            self._loop.call_soon(self._greet_next_turn)

    def _greet_next_turn(self) -> None:
        sessions, self._ungreeted = self._ungreeted, []
        self._loop.call_soon(self._greet, sessions)

    def _greet(self, sessions: list[Session]) -> None:
        for session in sessions:
            session.greet()

    def flush_soon(self, session: Session) -> None:
        self._unflushed.append(session)
        if len(self._unflushed) == 1:
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        sessions, self._unflushed = self._unflushed, []
        for session in sessions:
            session.flush()

    def leave(self, session: Session) -> None:
        self._sessions.discard(session)
        self.visitors.leave(session.client)
        if not self._sessions:
            self._empty.set()
