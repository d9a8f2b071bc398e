"""What the supervisor and its processes tell each other."""

import json
import socket
import subprocess
import sys

import pytest

from penfold.app.process.child import Child
from penfold.app.process.launch import Channel, Launch, decode_launch, encode_launch
from penfold.spec.setting_values import Endpoint
from penfold.spec.settings import Settings

LAUNCH = Launch(
    role="http",
    index=2,
    settings=Settings(
        data="/d",
        http=Endpoint("::1", 0),
        domains=("a.example",),
        dns_servers=(Endpoint("192.0.2.1", 53),),
        workers=3,
    ),
    addresses={"http": Endpoint("::1", 8025), "smtp": Endpoint("127.0.0.1", 2525)},
    sockets={"http": 7},
)


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    channel = Channel(theirs.detach())
    with ours, channel._socket:
        yield ours, channel


def test_a_launch_arrives_as_it_was_sent():
    assert decode_launch(encode_launch(LAUNCH)) == LAUNCH
    assert LAUNCH.base_url == "http://[::1]:8025"


@pytest.mark.parametrize(
    ("http", "port", "more", "url"),
    [
        ("0.0.0.0", 443, {}, "https://mail.example.org"),
        ("203.0.113.25", 443, {}, "https://mail.example.org"),
        ("::", 8443, {}, "https://mail.example.org:8443"),
        ("127.0.0.1", 8025, {}, "http://127.0.0.1:8025"),
        ("localhost", 8025, {}, "http://127.0.0.1:8025"),
        ("127.0.0.1", 8025, {"issuer": "https://api.example.org"}, "https://api.example.org"),
        ("0.0.0.0", 443, {"issuer": "https://accounts.google.com"}, "https://mail.example.org"),
        ("0.0.0.0", 8025, {"domains": ()}, "http://127.0.0.1:8025"),
    ],
)  # fmt: skip
def test_what_is_written_for_others_leads_to_where_they_reach_the_server(http, port, more, url):
    settings = {"domains": ("example.org",), "hostname": "mail.example.org"} | more
    launch = Launch(
        role="http",
        index=0,
        settings=Settings(http=Endpoint(http, port), **settings),
        addresses={"http": Endpoint("127.0.0.1", port)},
        sockets={},
    )
    assert launch.public_url == url


def test_a_process_gets_its_launch_and_its_signs_arrive(ends):
    ours, channel = ends
    ours.sendall(encode_launch(LAUNCH))
    assert channel.wait_for_launch() == LAUNCH
    channel.say_ready()
    channel.say_alive()
    channel.say_failed("no luck", code=2)
    states = [json.loads(line) for line in ours.recv(4096).splitlines()]
    assert [state["state"] for state in states] == ["ready", "alive", "failed"]
    assert (states[2]["text"], states[2]["code"]) == ("no luck", 2)


def test_a_process_that_dies_often_is_replaced_at_once_and_then_less_and_less_soon():
    child = Child("http", 0, [])
    delays = [child.plan_restart() for _ in range(8)]
    assert delays[:2] == [0.0, 0.25]
    assert delays == sorted(delays)
    assert delays[-1] == delays[-2] == 4.0


SCRIPT = """
import sys, time
from penfold.app.process.launch import Channel
channel = Channel(int(sys.argv[1]))
channel.end_with_supervisor()
channel.say_ready()
while True:  # a loop that is busy for good
    pass
"""


def test_a_busy_process_ends_when_its_supervisor_does():
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(theirs.fileno())], pass_fds=[theirs.fileno()]
        )
    assert b"ready" in ours.recv(100)
    ours.close()
    assert process.wait(20) == 0
