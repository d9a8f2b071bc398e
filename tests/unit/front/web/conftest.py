"""The web application behind a real uvicorn on a free port, and a browser of a few lines."""

import re
import socket
import threading
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
import requests
import uvicorn
from tests.unit.identity import IdentityWorld

from penfold.base.clock import FixedClock
from penfold.base.errors import UnavailableError
from penfold.domain.settings.confirming import Confirmations
from penfold.front.web.app import Welcome, build_web
from penfold.front.web.mail_links import LinkPages
from penfold.testing.directory import MemoryDirectory

PASSWORD = "open-sesame"


class MoodyDirectory(MemoryDirectory):
    """Refuses changes while it is `busy`, as a full or locked disk does."""

    busy = False

    def change(self, change):
        if self.busy:
            raise UnavailableError("busy")
        return super().change(change)


def from_elsewhere(app, peer):
    async def serve(scope, receive, send):
        await app({**scope, "client": (peer, 4711)}, receive, send)

    return serve


class Site:
    """A running server and the world behind it."""

    def __init__(
        self, *, issuer="", welcome=None, make_provider=None, limits=(), peer="", reactions=None
    ):
        """peer: the network address everybody seems to come from; this machine's is not counted."""
        clock = FixedClock()
        book = MoodyDirectory(clock=clock)
        self.world = IdentityWorld(book, clock=clock, passwords=True, limits=limits)
        self.identity = self.world.identity
        mailboxes = self.identity.accounts.mailboxes
        confirmations = Confirmations(self.identity.book, mailboxes, clock)
        provider = make_provider(self.identity) if make_provider else None
        links = LinkPages(reactions, self.identity.throttle) if reactions else None
        more = {"issuer": issuer, "welcome": welcome, "provider": provider, "links": links}
        app = build_web(self.identity, confirmations, **more)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        options = {"log_config": None, "lifespan": "off", "access_log": False}
        app = from_elsewhere(app, peer) if peer else app
        config = uvicorn.Config(app, proxy_headers=False, **options)  # as the real one
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.start()

    def close(self):
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()

    def url(self, path="/o/oauth2/v2/auth", client=None, **changed):
        query = requests.models.PreparedRequest()
        query.prepare_url(self.base + path, self.world.pairs(client, **changed))
        return query.url


class Browser:
    """Follows redirects on its own site only, sends forms as they stand."""

    def __init__(self):
        self.session = requests.Session()
        self.answer = None

    def open(self, url):
        self.answer = self.session.get(url, allow_redirects=False, timeout=10)
        return self._follow()

    def send(self, *, headers=None, **fields):
        """Send the form of the page, with these fields filled in."""
        text = self.answer.text
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text)
        ticked = re.findall(r'<input type="checkbox" name="scope" value="([^"]+)" checked>', text)
        boxes = {"scope": list(map(unescape, ticked))} if ticked else {}
        values = {name: unescape(value) for name, value in hidden} | boxes | fields
        self.answer = self.session.post(
            self.answer.url, data=values, headers=headers, allow_redirects=False, timeout=10
        )
        return self._follow()

    def sign_in(self, address="alice@penfold.test", password=PASSWORD):
        return self.send(step="sign-in", address=address, password=password)

    def click(self, words):
        """Follow the link with these words in it."""
        links = re.findall(r'<a href="([^"]+)">(.*?)</a>', self.answer.text, re.DOTALL)
        [href] = [unescape(href) for href, text in links if words in text]
        return self.open(urljoin(self.answer.url, href))

    def _follow(self):
        while self.answer.is_redirect:
            target = urljoin(self.answer.url, self.answer.headers["location"])
            if urlsplit(target).netloc != urlsplit(self.answer.url).netloc:
                break
            self.answer = self.session.get(target, allow_redirects=False, timeout=10)
        return self.answer

    @property
    def left_for(self):
        """Where the site sent the browser; None when it stayed."""
        return self.answer.headers.get("location")

    def close(self):
        self.session.close()


@pytest.fixture(scope="module")
def site():
    site = Site()
    yield site
    site.close()


@pytest.fixture
def local_site():
    welcome = Welcome(
        smtp="127.0.0.1:2525",
        submission="127.0.0.1:2587",
        submissions="127.0.0.1:2465",
        credentials="penfold-data/credentials",
    )
    site = Site(issuer="https://accounts.google.com", welcome=welcome)
    yield site
    site.close()


@pytest.fixture
def busy(site):
    """The directory takes no changes."""
    yield lambda: setattr(site.world.book, "busy", True)
    site.world.book.busy = False


@pytest.fixture
def browser():
    browser = Browser()
    yield browser
    browser.close()
