"""OAuth clients and service accounts."""

import re

import pytest
from tests.unit.identity import WEB_REDIRECT, IdentityWorld

from penfold.base.errors import ConflictError, NotFoundError, ParseError
from penfold.domain.access.clients import LOOPBACK_REDIRECTS
from penfold.ports.identity import Client, Grant


@pytest.fixture
def world():
    return IdentityWorld()


def test_an_installation_has_one_project_number(world):
    number = world.identity.clients.get_project()
    assert re.fullmatch("[1-9][0-9]{11}", number)
    assert world.identity.clients.get_project() == number


def test_a_desktop_client_looks_like_googles(world):
    new = world.desktop
    assert re.fullmatch(r"[0-9]{12}-[a-z0-9]{32}\.apps\.penfold", new.client.id)
    assert new.client.id.startswith(new.client.project + "-")
    assert re.fullmatch("PENFPX-[a-z0-9]{28}", new.secret)
    assert new.client.redirect_uris == LOOPBACK_REDIRECTS
    assert not new.client.pkce
    assert new.secret.encode() not in world.book.find(Client, new.client.id).secret


def test_a_web_client_registers_its_addresses(world):
    assert world.web.client.redirect_uris == (WEB_REDIRECT,)
    assert not world.web.client.pkce


@pytest.mark.parametrize(
    ("kind", "uris"),
    [("web", ()), ("web", ("http://a.example/",)), ("desktop", ("https://a.example/",)),
     ("desktop", ("javascript:alert(1)",)), ("service", ()), ("", ())],
)  # fmt: skip
def test_a_client_that_cannot_be_is_refused(world, kind, uris):
    with pytest.raises(ParseError):
        world.identity.clients.add("X", kind=kind, redirect_uris=uris)


def test_a_removed_client_takes_its_tokens_along(world):
    token = world.tokens()["access_token"]
    world.identity.clients.remove(world.desktop.client.id)
    assert world.book.find_credential(token) is None
    assert world.book.list_by(Grant) == []
    for call in (world.identity.clients.remove, world.identity.clients.get):
        with pytest.raises(NotFoundError):
            call(world.desktop.client.id)


def test_the_house_client_is_the_last_one_set(world):
    clients = world.identity.clients
    assert clients.find_house() is None
    for new in (world.desktop, world.web):
        clients.set_house(new.client)
        assert clients.find_house() == new.client
    clients.remove(world.web.client.id)
    assert clients.find_house() is None


def test_a_service_account_has_a_number_and_an_address(world):
    new = world.identity.clients.add_service_account("robot", domain="Penfold.test")
    project = world.identity.clients.get_project()
    assert new.account.email == f"robot@penfold-{project}.iam.penfold"
    assert re.fullmatch("1[0-9]{20}", new.client.id)
    assert new.account.domain == "penfold.test"


def test_a_service_account_is_made_once_and_for_our_domains(world):
    clients = world.identity.clients
    clients.add_service_account("robot")
    with pytest.raises(ConflictError):
        clients.add_service_account("robot")
    with pytest.raises(NotFoundError):
        clients.add_service_account("other", domain="elsewhere.test")
    with pytest.raises(NotFoundError):
        clients.add_service_key("other")
    for name in ("", "a b", "ä", "a@b"):
        with pytest.raises(ParseError):
            clients.add_service_account(name)
