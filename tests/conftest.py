"""What many tests share: one running server, and Google's own client pointed at it."""

import os
import shutil

import hypothesis
import pytest
from tests.leaks import find_leaks

from penfold.testing.server import serve

# Speed is measured by `make bench`, not by whether a busy machine makes a test of properties fail.
hypothesis.settings.register_profile("penfold", deadline=None)
hypothesis.settings.load_profile("penfold")


def require_program(name):
    """Skip a test whose program is missing; PENFOLD_REQUIRE_ALL=1 makes that a failure."""
    path = shutil.which(name)
    if path:
        return path
    if os.environ.get("PENFOLD_REQUIRE_ALL") == "1":
        pytest.fail(f"{name} is not installed and PENFOLD_REQUIRE_ALL=1 asks for every check")
    pytest.skip(f"{name} is not installed")


@pytest.fixture(scope="session", autouse=True)
def _no_secret_is_left_in_clear(tmp_path_factory):
    """Refuse the run when a server of it left a secret in a file that is not its place."""
    yield
    leaks = find_leaks(tmp_path_factory.getbasetemp())
    assert not leaks, "\n".join(leaks)


@pytest.fixture(scope="session")
def program():
    return require_program


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server of this test run's own, in local mode, shared by the tests that only add mail."""
    folder = tmp_path_factory.mktemp("server")
    with serve(folder / "data", log=folder / "log") as running:
        yield running


@pytest.fixture(scope="module")
def connect(server):
    """Return Google's client for an account, built from our discovery document."""
    from google.oauth2.credentials import Credentials
    from googleapiclient.discovery import build

    clients = []

    def connect_as(name):
        path = server.data / "credentials" / f"{name}.json"
        client = build(
            "gmail",
            "v1",
            credentials=Credentials.from_authorized_user_file(str(path)),
            discoveryServiceUrl=server.discovery_url,
            static_discovery=False,
        )
        clients.append(client)
        return client

    yield connect_as
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def alice(connect):
    return connect("alice").users()


@pytest.fixture(scope="module")
def bob(connect):
    return connect("bob").users()
