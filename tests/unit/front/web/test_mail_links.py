"""The page to get no more mail, as browsers and mail programs meet it."""

import re
from contextlib import closing
from uuid import UUID

import pytest
import requests
from tests.unit.domain.sending.shop import KIM, Shop
from tests.unit.front.web.conftest import Site
from tests.unit.front.web.test_pages import PAGE_HEADERS

from penfold.base.limits import OAUTH_BODY_MAX_BYTES
from penfold.proto.mail_links import MailLink, Purpose, sign_link

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


class Reader:
    """Has mail of a shop, and nothing of a browser: no cookie, no way to follow redirects."""

    def __init__(self, site, shop):
        self.site = site
        self.shop = shop
        self.token = shop.make_token(shop.accept(KIM, stream="broadcast"))

    def ask(self, verb, token=None, purpose=Purpose.UNSUBSCRIBE, **more):
        url = f"{self.site.base}/mail/{purpose}/{self.token if token is None else token}"
        return requests.request(verb, url, timeout=30, allow_redirects=False, **more)


@pytest.fixture
def reader():
    shop = Shop()
    site = Site(reactions=shop.reactions, limits=("link-network=5/1m",), peer="192.0.2.7")
    with closing(site):
        yield Reader(site, shop)


@pytest.mark.parametrize("encoding", ["data", "files"])
def test_a_mail_program_unsubscribes_by_one_post_in_either_encoding(reader, encoding):
    for _ in range(2):
        answer = reader.ask("POST", **{encoding: ONE_CLICK})
        assert (answer.status_code, answer.cookies.get_dict()) == (200, {})
        assert "Unsubscribed" in answer.text
    assert reader.shop.suppressed() == [(KIM, "stream", "broadcast", "unsubscribe")]
    assert reader.shop.events() == ["unsubscribed"]


def test_looking_changes_nothing_and_the_button_does(reader):
    for verb in ("GET", "HEAD"):
        answer = reader.ask(verb)
        assert answer.status_code == 200
        assert PAGE_HEADERS.items() <= {k.lower(): v for k, v in answer.headers.items()}.items()
    page = reader.ask("GET").text
    assert KIM in page
    assert "Shop &lt;alice@penfold.test&gt;" in page
    assert "<script" not in page
    assert reader.shop.suppressed() == []
    [(name, value)] = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', page)
    assert reader.ask("POST", data={name: value}).status_code == 200
    assert len(reader.shop.suppressed()) == 1


@pytest.mark.parametrize(("body", "status"), [("", 400), ("a=b", 400), ("x" * 9, 400)])
def test_a_post_that_does_not_say_so_does_nothing(reader, body, status):
    assert reader.ask("POST", data=body).status_code == status
    assert reader.ask("POST", data=b"x" * (OAUTH_BODY_MAX_BYTES + 1)).status_code == 413
    assert reader.shop.suppressed() == []


@pytest.mark.parametrize("change", [lambda t: t[:-2] + "AA", lambda t: "B" + t[1:], lambda t: "x"])
def test_a_wrong_token_is_as_any_page_there_is_not(reader, change):
    nowhere = requests.get(f"{reader.site.base}/nowhere", timeout=30)
    for verb in ("GET", "POST"):
        answer = reader.ask(verb, change(reader.token), data=ONE_CLICK)
        assert (answer.status_code, answer.text) == (404, nowhere.text)
    assert reader.shop.suppressed() == []


def test_who_tries_many_tokens_has_to_wait_and_who_has_one_does_not(reader):
    for _ in range(5):
        assert reader.ask("GET", "A" * 46).status_code == 404
    refused = reader.ask("GET", "A" * 46)
    assert (refused.status_code, "Retry-After" in refused.headers) == (429, True)
    assert reader.ask("POST", data=ONE_CLICK).status_code == 200


# --- tracking

TARGET = "https://shop.example/a?b=%20&c=[1]#d"


def test_a_picture_is_loaded_and_told_of_and_looking_for_it_is_not(reader):
    token = reader.shop.make_token(1, purpose=Purpose.OPEN)
    looked = reader.ask("HEAD", token, Purpose.OPEN)
    assert (looked.status_code, reader.shop.events()) == (200, [])
    answer = reader.ask("GET", token, Purpose.OPEN, headers={"User-Agent": "Mozilla/5.0 Firefox/9"})
    assert (answer.headers["content-type"], answer.content[:6]) == ("image/gif", b"GIF89a")
    assert (answer.headers["cache-control"], answer.cookies.get_dict()) == ("no-store", {})
    assert reader.shop.events() == ["opened"]


def test_a_link_leads_on_and_is_told_of_and_looking_at_it_is_not(reader):
    token = reader.shop.make_token(1, purpose=Purpose.CLICK, target=TARGET)
    for verb, events in (("HEAD", []), ("GET", ["clicked"])):
        answer = reader.ask(verb, token, Purpose.CLICK)
        assert (answer.status_code, answer.headers["location"]) == (302, TARGET)
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert reader.shop.events() == events


@pytest.mark.parametrize("purpose", [Purpose.OPEN, Purpose.CLICK])
def test_a_link_that_is_not_ours_leads_nowhere(reader, purpose):
    target = "https://evil.example" if purpose is Purpose.CLICK else ""
    other = sign_link(MailLink(str(UUID(int=1)), 0, target), purpose, bytes(32))
    for token in (reader.token, other, "https%3A%2F%2Fevil.example", "%0d%0aLocation:%20x"):
        answer = reader.ask("GET", token, purpose)
        assert (answer.status_code, answer.headers.get("location")) == (404, None)
    query = f"{reader.site.base}/mail/click/x?url=https://evil.example"
    assert requests.get(query, timeout=30, allow_redirects=False).status_code == 404
    assert reader.shop.events() == []
