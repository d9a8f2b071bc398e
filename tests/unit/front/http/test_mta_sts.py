"""Our own MTA-STS policy over HTTP."""

import pytest

from penfold.front.http.mta_sts import make_policy_operation
from penfold.proto.mta_sts import Mode, make_own_policy, parse_policy

POLICY = make_own_policy("enforce", 604_800, "mx.example.org")


def ask(*hosts, method="GET", policy=POLICY):
    operation = make_policy_operation(policy, {"example.org", "xn--bcher-kva.example"}.__contains__)
    headers = [(b"accept", b"*/*"), *((b"host", host.encode("latin-1")) for host in hosts)]
    return operation({"method": method, "headers": headers})


@pytest.mark.parametrize(
    "host",
    [
        "mta-sts.example.org",
        "MTA-STS.Example.ORG",
        "mta-sts.example.org:443",
        "mta-sts.example.org.",
        "mta-sts.xn--bcher-kva.example",
    ],
)
def test_hosts_of_our_domains_have_the_policy(host):
    reply = ask(host)
    assert (reply.status, reply.content_type.partition(";")[0]) == (200, "text/plain")
    assert parse_policy(reply.body) == POLICY


@pytest.mark.parametrize(
    "hosts",
    [
        (),
        ("",),
        ("example.org",),
        ("mx.example.org",),
        ("mta-sts",),
        ("mta-sts.",),
        ("mta-sts.elsewhere.example",),
        ("mta-sts.sub.example.org",),
        ("x.mta-sts.example.org",),
        ("[::1]:8025",),
        ("\xff.example.org",),
        ("mta-sts.elsewhere.example", "mta-sts.example.org"),
    ],
)
def test_other_hosts_have_none(hosts):
    assert ask(*hosts).status == 404


def test_a_policy_is_read_and_not_written():
    assert ask("mta-sts.example.org", method="HEAD").status == 200
    assert ask("mta-sts.example.org", method="POST").status == 405


def test_what_was_said_is_taken_back_by_a_policy_that_names_nobody():
    said = parse_policy(ask("mta-sts.example.org", policy=make_own_policy("none", 1, "mx.x")).body)
    assert (said.mode, said.names) == (Mode.NONE, ())
