"""Passwords and tokens for relays, from files that change."""

import asyncio
import json

import pytest

from penfold.base.clock import FixedClock
from penfold.base.limits import PASSWORD_FILE_MAX_BYTES
from penfold.front.worker.logins import PasswordLogin, TokenLogin
from penfold.ports.delivering import NoLoginError
from penfold.proto.authorized_user import Token
from penfold.proto.smtp.client.sasl import Credentials
from penfold.spec.relays import Relay
from penfold.store.secret_file import SecretFile


class World:
    """A file, and a token endpoint that gives t1, t2, …"""

    def __init__(self, folder):
        self.path = folder / "secret"
        self.relay = Relay(
            host="hub.example", domains=("*",), user="al", password_file=str(self.path)
        )
        self.file = SecretFile(self.path, most=PASSWORD_FILE_MAX_BYTES)
        self.clock = FixedClock()
        self.exposed, self.asked = [], []
        self.life_s, self.error = 3600, None

    def write(self, content, mode=0o600):
        new = self.path.with_name("new")
        new.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        new.chmod(mode)
        new.replace(self.path)

    async def fetch_token(self, user):
        self.asked.append(user.refresh_token)
        number = len(self.asked)
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return Token(f"t{number}", self.life_s)

    def password_login(self):
        return PasswordLogin(self.relay, self.file, exposed=self.exposed.append)

    def token_login(self):
        return TokenLogin(self.relay, self.file, self, self.clock, exposed=self.exposed.append)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def find(login, refused=""):
    return asyncio.run(login.find(refused))


def test_a_password_is_read_anew_when_its_file_changes(world):
    world.write(b"first\n")
    login = world.password_login()
    assert find(login) == Credentials("al", "first")
    assert not login.is_mended()
    world.write(b"second")
    assert login.is_mended()
    assert find(login) == Credentials("al", "second")
    assert world.exposed == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "one line", id="empty"),
        pytest.param(b"two\nlines\n", "one line", id="lines"),
        pytest.param(b"\xff", "not UTF-8", id="latin"),
        pytest.param(b"x" * 2_000, "longer", id="long"),
    ],
)
def test_a_file_without_a_password_is_named_and_the_old_one_is_not_used(world, content, words):
    world.write(b"good")
    login = world.password_login()
    find(login)
    world.write(content)
    for _ in range(2):
        with pytest.raises(NoLoginError, match=words):
            find(login)
    assert not login.is_mended()
    world.write(b"better")
    assert find(login).secret == "better"


def test_a_file_that_is_gone_is_no_login_until_it_is_back(world):
    login = world.password_login()
    with pytest.raises(NoLoginError, match="No such file"):
        find(login)
    world.write(b"here")
    assert find(login).secret == "here"


def test_a_file_others_may_read_is_told_of_once_for_each_change(world):
    world.write(b"open", mode=0o644)
    login = world.password_login()
    find(login)
    find(login)
    assert world.exposed == [world.relay]


def test_a_token_is_kept_until_shortly_before_its_end(world):
    world.write({"refresh_token": "r", "client_id": "c"})
    login = world.token_login()
    assert find(login) == Credentials("al", "t1", is_token=True)
    world.clock.advance(s=3299)
    assert find(login).secret == "t1"
    world.clock.advance(s=1)
    assert find(login).secret == "t2"


def test_a_short_token_is_used_for_half_its_life(world):
    world.life_s = 100
    world.write({"refresh_token": "r", "client_id": "c"})
    login = world.token_login()
    find(login)
    world.clock.advance(s=49)
    assert find(login).secret == "t1"
    world.clock.advance(s=1)
    assert find(login).secret == "t2"


def test_a_refused_token_is_replaced_and_not_one_that_came_after_it(world):
    world.write({"refresh_token": "r", "client_id": "c"})
    login = world.token_login()
    find(login)
    assert find(login, "t1").secret == "t2"
    assert find(login, "t1").secret == "t2"
    assert len(world.asked) == 2


def test_those_who_ask_at_the_same_time_share_one_request(world):
    world.write({"refresh_token": "r", "client_id": "c"})
    login = world.token_login()

    async def ask():
        return await asyncio.gather(*(login.find() for _ in range(5)))

    assert {each.secret for each in asyncio.run(ask())} == {"t1"}
    assert world.asked == ["r"]


def test_another_file_makes_another_token(world):
    world.write({"refresh_token": "r", "client_id": "c"})
    login = world.token_login()
    find(login)
    world.write({"refresh_token": "s", "client_id": "c"})
    assert find(login).secret == "t2"
    assert world.asked == ["r", "s"]
    world.write(b"{}")
    for _ in range(2):
        with pytest.raises(NoLoginError, match="no authorized-user file"):
            find(login)


def test_an_endpoint_that_gives_none_is_asked_again_the_next_time(world):
    world.write({"refresh_token": "r", "client_id": "c"})
    login = world.token_login()
    world.error = NoLoginError("not now")
    with pytest.raises(NoLoginError, match="not now"):
        find(login)
    world.error = None
    assert find(login).secret == "t2"
