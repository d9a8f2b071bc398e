"""A world for each test, on both event loops; the certificate of the dialogues serves here too."""

import asyncio
import random
import socket

import pytest
import uvloop
from tests.dialogue.conftest import tls_contexts
from tests.dialogue.product import MemoryProduct, make_profile
from tests.unit.front.smtp.world import World

from penfold.base.clock import FixedClock
from penfold.front.smtp.bounds import Bounds
from penfold.front.smtp.doors import MxDoor, SubmissionDoor
from penfold.front.smtp.listener import Listener

__all__ = ["tls_contexts"]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request):
    """Return a function that runs a test's coroutine in a world of its own."""

    def run_test(test, *, name="mx", options=None, make=MemoryProduct, tls=None, **bounds):
        async def main():
            product, facts = make(), []
            profile = make_profile(name, options or {})
            is_mx = name == "mx"
            listener = Listener(
                name=name,
                profile=profile,
                door=MxDoor(product) if is_mx else SubmissionDoor(product, product),
                clock=FixedClock(),
                chance=random.Random(3),
                observe=facts.append,
                tls=tls,
                bounds=Bounds(**{"login_delay_s": 0.0, "error_delay_s": 0.0, **bounds}),
            )
            sock = socket.create_server(("127.0.0.1", 0))
            await listener.start(sock)
            world = World(product, listener, sock.getsockname(), facts)
            try:
                await test(world)
            finally:
                for client in world.clients:
                    await client.close()
                await listener.stop(grace_s=0)
            assert listener.sessions == 0
            assert listener.visitors.is_empty

        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(main())

    return run_test
