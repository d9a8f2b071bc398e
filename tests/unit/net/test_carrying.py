"""How a relay is logged in to over a real socket, and what a token it refuses leads to."""

import asyncio

import pytest
from tests.scripted import Trust, serve

from penfold.net.carrying import Access, SmtpCarrier
from penfold.ports.delivering import Hop, NoLoginError, Share
from penfold.proto.smtp.client.sasl import Credentials
from penfold.proto.smtp.client.transaction import Envelope, Recipient
from penfold.proto.tls_ladder import Decision, Rung, Source

ENVELOPE = Envelope("al@home.example", (Recipient("kim@box.example"),))
RAW = b"Subject: hi\r\n\r\nhello\r\n"


class Login:
    """Gives t1, t2, … for each refusal of the one before; `asked` with what."""

    def __init__(self, error=None):
        self.asked, self.error = [], error

    def is_mended(self):
        return False

    async def find(self, refused=""):
        self.asked.append(refused)
        if self.error:
            raise self.error
        return Credentials("al", f"t{len(self.asked)}", is_token=True)


@pytest.fixture
def trust(tmp_path):
    return Trust(tmp_path, ["localhost"])


def send(trust, login, *verdicts):
    """Offer a message to a relay that answers one AUTH after the other; return what came of it."""
    said = []

    async def talk(peer):
        await peer.greet("AUTH XOAUTH2")
        said.append(await peer.hear())
        verdict = verdicts[len(said) - 1]
        if verdict == "334":
            await peer.say("334 eyJzdGF0dXMiOiI0MDAifQ==")
            assert await peer.hear() == ""
            verdict = "535 5.7.8 no"
        await peer.say(verdict)
        await peer.take_messages()

    async def run():
        async with serve(talk, trust=trust, implicit_tls=True) as (port, _):
            relays = {"hub": Access(lambda _: True, trust.authorities, login)}
            carrier = SmtpCarrier(
                hostname="home.example",
                clock=None,
                elapsed=asyncio.get_running_loop().time,
                allowed=lambda _: False,
                relays=relays,
            )
            hop = Hop(
                "localhost", "127.0.0.1", port, Decision(Rung.VERIFIED, Source.SETTINGS),
                relay="hub", implicit=True,
            )  # fmt: skip
            outcome = await carrier.send(hop, ENVELOPE, RAW, Share(1, 1))
            await carrier.close()
            return outcome

    return asyncio.run(run()).results[0], said


def test_a_token_that_is_refused_is_fetched_anew_and_tried_once(trust):
    login = Login()
    result, said = send(trust, login, "334", "235 ok")
    assert result.fate == "accepted"
    assert login.asked == ["", "t1"]
    assert len(set(said)) == 2


def test_a_second_refusal_is_the_outcome(trust):
    login = Login()
    result, said = send(trust, login, "535 5.7.8 no", "535 5.7.8 still no")
    assert (result.fate, result.stage, result.text) == ("refused", "auth", "still no")
    assert len(said) == 2


def test_another_answer_does_not_cost_a_token(trust):
    login = Login()
    result, _ = send(trust, login, "454 4.7.0 later")
    assert result.fate == "deferred"
    assert login.asked == [""]


def test_without_a_login_nobody_is_called_and_the_reason_is_told(trust):
    result, said = send(trust, Login(NoLoginError("/pw cannot be used: gone")))
    assert (result.fate, result.stage, result.reason) == ("failed", "auth", "no-login")
    assert "gone" in result.text
    assert said == []
