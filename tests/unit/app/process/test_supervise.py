"""The supervisor's loop, where no process is needed to see what it does."""

import selectors
import socket

import pytest

from penfold.app.process.supervise import Supervisor
from penfold.spec.settings import Settings


class Log:
    def emit(self, event, /, **fields):
        pass


@pytest.fixture
def supervisor():
    sockets = {
        name: socket.create_server(("127.0.0.1", 0))
        for name in ("http", "smtp", "submission", "submissions")
    }
    supervisor = Supervisor(Settings(), sockets, lock=-1, log=Log())
    yield supervisor
    supervisor.close()


def test_a_process_that_closed_its_channel_and_lingers_does_not_keep_the_loop_awake(supervisor):
    child = supervisor._serving[0]
    child.channel, theirs = socket.socketpair()
    child.channel.setblocking(False)
    supervisor._selector.register(child.channel, selectors.EVENT_READ, child)
    theirs.sendall(b'{"state": "alive"}\n')
    theirs.close()
    while ready := supervisor._selector.select(0):
        assert [key.data for key, _ in ready] == [child]
        if child.fell_silent:
            pytest.fail("the channel is looked at again")
        supervisor._hear(child)
    assert child.fell_silent
