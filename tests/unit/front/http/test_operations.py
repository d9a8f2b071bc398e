"""/healthz, /readyz and /metrics, called as the server calls them."""

import pytest

from penfold.front.http.operations import make_operations


def ask(path, *, method="GET", client=("127.0.0.1", 5), headers=(), trouble=None, token=""):
    """Return the reply to one request."""
    operations = make_operations(
        find_trouble=lambda: trouble, render_metrics=lambda: b"up 1\n", metrics_token=token
    )
    scope = {"method": method, "path": path, "client": client, "headers": list(headers)}
    return operations[path](scope)


def test_healthz_answers():
    assert ask("/healthz").status == 200


def test_readyz_answers_when_store_and_queue_do():
    assert ask("/readyz").body == b"ok\n"


def test_readyz_says_what_is_wrong():
    reply = ask("/readyz", trouble="the queue does not answer")
    assert (reply.status, reply.body) == (503, b"the queue does not answer\n")


@pytest.mark.parametrize(
    "client", [("127.0.0.1", 1), ("127.8.8.8", 1), ("::1", 1), ("::ffff:127.0.0.1", 1)], ids=str
)
def test_metrics_are_for_this_machine(client):
    reply = ask("/metrics", client=client)
    assert (reply.status, reply.body) == (200, b"up 1\n")
    assert reply.content_type.startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize("client", [("192.0.2.1", 1), ("::2", 1), ("", 0), None], ids=str)
def test_metrics_are_refused_to_other_machines(client):
    assert ask("/metrics", client=client).status == 403


def test_a_forwarded_request_is_not_from_this_machine():
    assert ask("/metrics", headers=[(b"x-forwarded-for", b"127.0.0.1")]).status == 403


@pytest.mark.parametrize(
    ("given", "status"),
    [
        pytest.param(b"Bearer s3cret", 200, id="right"),
        pytest.param(b"bearer  s3cret ", 200, id="scheme-in-any-case"),
        pytest.param(b"Bearer s3cre", 403, id="wrong"),
        pytest.param(b"Basic s3cret", 403, id="other-scheme"),
        pytest.param(b"", 403, id="empty"),
    ],
)
def test_the_metrics_token_lets_others_in(given, status):
    headers = [(b"authorization", given)]
    assert (
        ask("/metrics", client=("192.0.2.1", 1), headers=headers, token="s3cret").status == status
    )


def test_without_a_metrics_token_no_token_fits():
    assert ask("/metrics", client=None, headers=[(b"authorization", b"Bearer ")]).status == 403


def test_other_verbs_are_refused():
    assert ask("/healthz", method="POST").status == 405
