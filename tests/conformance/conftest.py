"""One server, every client, and people of its own for each test.

`api.ok(method, …)` calls a method and returns its answer; `api.fails(PROBLEM, method, …)` expects
that row of the catalogue, word for word. Tests name both literally, because
tests/meta/test_conformance.py reads from there what has been shown.
"""

import itertools
import re

import pytest
from tests.conformance.clients import NODE, NodeClient, PythonClient

from penfold.app.command.doors import open_identity
from penfold.domain.access.local_mode import DEFAULT_SCOPES
from penfold.spec.registry import BY_ID
from penfold.spec.scopes import METADATA, MODIFY
from penfold.testing.server import serve

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conformance")
    with (
        serve(folder / "data", log=folder / "log") as server,
        open_identity(server.data) as identity,
    ):
        service = identity.clients.add_service_account("conformance", domain="penfold.test")
        yield House(server, identity, service.client)


class House:
    """A running server and the office that makes people for it."""

    def __init__(self, server, identity, service):
        self.server = server
        self._identity = identity
        self._service = service

    def add_person(self):
        account = self._identity.accounts.add(f"person-{next(_numbers)}@penfold.test")
        app = self._identity.clients.find_house()
        metadata = frozenset({METADATA.url, MODIFY.url})
        return Person(
            account.address,
            {
                "owner": self._issue(account, app, DEFAULT_SCOPES),
                "metadata": self._issue(account, app, metadata),
                "service": self._issue(account, self._service, DEFAULT_SCOPES),
            },
        )

    def add_app_password(self, address):
        return self._identity.accounts.add_app_password(address)

    def _issue(self, account, client, scopes):
        return self._identity.grants.issue_token(account, client, scopes).access_token


class Person:
    """tokens: of the person's own application, of one with the metadata scope, and of a service
    account that acts for the person.
    """

    def __init__(self, address, tokens):
        self.address = address
        self.tokens = tokens


@pytest.fixture(scope="session", params=["discovery", "endpoint", "node"])
def client(request, house, program):
    server = house.server
    if request.param == "node":
        node = program("node")
        program("npm")  # what `make test` installs Node's client with
        assert (NODE / "node_modules").exists(), "run `make test` once: it installs Node's client"
        made = NodeClient(server, node)
    elif request.param == "discovery":
        made = PythonClient(
            server,
            discoveryServiceUrl=server.discovery_url,
            static_discovery=False,
        )
    else:
        made = PythonClient(server, client_options={"api_endpoint": server.http})
    yield made
    made.close()


@pytest.fixture
def api(client, house):
    return Api(client, house, house.add_person())


class Api:
    """Calls of one person through one client. who: which of the person's tokens."""

    def __init__(self, client, house, person):
        self._client = client
        self.house = house
        self.person = person
        self.address = person.address

    def of(self, person):
        """Return the same for somebody else."""
        return Api(self._client, self.house, person)

    def ask(self, method, *, who="owner", body=None, media=None, **params):
        """Return status and parsed body."""
        declared = BY_ID[f"gmail.users.{method}"]
        if body is None and declared.request is not None:
            body = {}
        params.setdefault("userId", "me")
        return self._client.call(method, params, body, media, self.person.tokens[who])

    def batch(self, calls):
        """Send (verb, path below the user, body) of each as one batch."""
        whole = [(verb, f"/gmail/v1/users/me/{path}", body) for verb, path, body in calls]
        return self._client.batch(whole, self.person.tokens["owner"])

    def ok(self, method, **call):
        declared = BY_ID[f"gmail.users.{method}"]
        status, answer = self.ask(method, **call)
        assert status == (200 if declared.response else 204), answer
        return answer

    def fails(self, problem, method, **call):
        """Expect the problem's status, reason and text; returns the error."""
        status, answer = self.ask(method, **call)
        error = answer["error"]
        assert status == error["code"] == problem.code, error
        assert error["status"] == problem.status
        assert error["errors"][0]["reason"] == problem.reason
        assert re.fullmatch(_pattern(problem.message), error["message"]), error["message"]
        return error


def _pattern(message):
    """Return an expression for a catalogue's text, whatever stands for its placeholders."""
    pieces = re.split(r"\{\w+\}", message)
    return "(?s)" + ".*".join(re.escape(piece) for piece in pieces)
