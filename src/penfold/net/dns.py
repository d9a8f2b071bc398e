"""The resolver: answers questions to the DNS by asking the servers that were named, in asyncio.

It asks recursive resolvers, never the servers of a zone. What is known is not asked again
(dns_cache), a question in flight is asked once however many want it, and every one ends: a server
has its time, the whole has DNS_TOTAL_S, and what nobody answers is a failure, never an exception.

`secure` needs the AD bit and trust: servers all on this machine, or trusted by setting. Signatures
are checked by those servers, not here.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import ParseError
from penfold.base.limits import (
    DNS_ALIASES_MAX,
    DNS_IN_FLIGHT_MAX,
    DNS_ROUNDS,
    DNS_TOTAL_S,
    DNS_TRY_S,
)
from penfold.net.dns_cache import DnsCache
from penfold.net.dns_exchange import send_by_tcp, send_by_udp
from penfold.proto.dns import Answer, Check, Question, Status, T
from penfold.proto.dns_message import FAILED, Reply, print_question
from penfold.proto.resolv_conf import Resolvers, Server, parse_resolv_conf

SYSTEM_CONF: Final = Path("/etc/resolv.conf")


class Patience(Struct, frozen=True):
    """Seconds for a question with everything, for a server in the first round; rounds."""

    total_s: float = DNS_TOTAL_S
    try_s: float = DNS_TRY_S
    rounds: int = DNS_ROUNDS


class Counts(Struct):
    """What a resolver did. asked: questions to the servers (not their tries), of which failed;
    joined: those that waited for one in flight; kept: answered from memory; tries: messages sent,
    of which by_tcp; ms: that the asked ones took together.
    """

    asked: int = 0
    failed: int = 0
    joined: int = 0
    kept: int = 0
    tries: int = 0
    by_tcp: int = 0
    ms: float = 0.0


def load_resolvers(path: Path = SYSTEM_CONF) -> Resolvers:
    """Return the servers the system names; the one on this machine when it names none."""
    try:
        return parse_resolv_conf(path.read_text(errors="replace"))
    except OSError:
        return parse_resolv_conf("")


class Resolver:
    """For one event loop. clock: of the cache, only its passing matters. chance: must not be
    predictable, it numbers the questions (RFC 5452 §9.1).
    """

    def __init__(
        self,
        resolvers: Resolvers,
        *,
        clock: Clock,
        chance: Chance,
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        self.counts = Counts()
        self._servers = list(resolvers.servers)
        self._trusted = resolvers.trusted
        self._chance = chance
        self._patience = patience
        self._cache = DnsCache(clock)
        self._room = asyncio.Semaphore(DNS_IN_FLIGHT_MAX)
        self._flights: dict[Question, asyncio.Task[Answer]] = {}

    @property
    def trusted(self) -> bool:
        """Whether the servers' word on what is secure counts."""
        return self._trusted

    async def ask(self, question: Question) -> Answer:
        """Return the answer, after DNS_TOTAL_S at the latest. Cancelling stops the waiting only."""
        if question.name != (lower := question.name.lower()):  # RFC 4343: case means nothing
            question = replace(question, name=lower)
        known = self._cache.find(question)
        if known is not None:
            self.counts.kept += 1
            return known
        flight = self._flights.get(question)
        if flight is None:
            flight = asyncio.get_running_loop().create_task(self._fly(question))
            self._flights[question] = flight
            flight.add_done_callback(lambda _: self._flights.pop(question, None))
        else:
            self.counts.joined += 1
        return await asyncio.shield(flight)

    async def run(self, check: Check[T], *, within_s: float | None = None) -> T:
        """Return what the check finds, with an answer for each of its questions.

        within_s: seconds after which every further question fails unasked, so that the check
        comes to its own end.
        """
        loop = asyncio.get_running_loop()
        end = None if within_s is None else loop.time() + within_s
        try:
            question = next(check)
            while True:
                answer = Answer(Status.FAILED)
                if end is None or loop.time() < end:
                    with suppress(TimeoutError):
                        async with asyncio.timeout_at(end):
                            answer = await self.ask(question)
                question = check.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            check.close()

    async def close(self) -> None:
        """End what is in flight; who waits for it is cancelled."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def _fly(self, question: Question) -> Answer:
        loop = asyncio.get_running_loop()
        began = loop.time()
        reply = FAILED
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.total_s), self._room:
                reply = await self._follow(question)
        answer = reply.answer
        if answer.secure and not self._trusted:
            answer = replace(answer, secure=False)
        self.counts.asked += 1
        self.counts.failed += answer.status is Status.FAILED
        self.counts.ms += 1000 * (loop.time() - began)
        self._cache.keep(question, answer, ttl_s=reply.ttl_s)
        return answer

    async def _follow(self, question: Question) -> Reply:
        """Return the reply about the last name of a chain of aliases."""
        ttls_s: list[int] = []
        secure = True
        for _ in range(DNS_ALIASES_MAX):
            reply = await self._ask_servers(question)
            ttls_s.append(reply.ttl_s)
            secure = secure and reply.answer.secure
            if not reply.alias:
                return replace(
                    reply, answer=replace(reply.answer, secure=secure), ttl_s=min(ttls_s)
                )
            question = replace(question, name=reply.alias)
        return FAILED

    async def _ask_servers(self, question: Question) -> Reply:
        edns = True
        for server, seconds in self._plan():
            number = self._chance.getrandbits(16)
            try:
                asked = print_question(question, number, edns=edns)
            except ParseError:  # nobody can have such a name
                return Reply(Answer(Status.ABSENT))
            reply = await self._try(server, asked, number, question, seconds)
            edns = edns and not reply.plain
            if reply.answer.status is not Status.FAILED:
                return reply
        return FAILED

    def _plan(self) -> Iterator[tuple[Server, float]]:
        for turn in range(self._patience.rounds):
            for server in tuple(self._servers):
                yield server, self._patience.try_s * 2**turn

    async def _try(
        self, server: Server, asked: bytes, number: int, question: Question, seconds: float
    ) -> Reply:
        try:
            async with asyncio.timeout(seconds):
                self.counts.tries += 1
                reply = await send_by_udp(server, asked, number, question)
                if reply.truncated:
                    self.counts.tries += 1
                    self.counts.by_tcp += 1
                    reply = await send_by_tcp(server, asked, number, question)
        except (OSError, EOFError):  # TimeoutError is one
            self._put_last(server)
            return FAILED
        return reply

    def _put_last(self, server: Server) -> None:
        """Ask the others first from now on: each question would wait for a dead one anew."""
        with suppress(ValueError):
            self._servers.remove(server)
            self._servers.append(server)
