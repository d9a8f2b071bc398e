"""Wait for what another process does, which says nothing when it has done it."""

import socket
import time


def until(find, *, within_s=30, what="it"):
    """Return the first true value of `find`, asked again and again; AssertionError when none comes.

    The only place where a test sleeps: between two looks, never for a length of time.
    """
    ends = time.monotonic() + within_s
    while not (found := find()):
        assert time.monotonic() < ends, f"{what} does not happen"
        time.sleep(0.01)
    return found


def answers(port):
    """Return whether somebody listens at a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
