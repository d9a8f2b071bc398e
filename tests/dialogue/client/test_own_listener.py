"""Our client and our server, over real sockets: what one says, the other hears."""

import asyncio

import pytest
from tests.dialogue.client.player import LOGINS

from penfold.net.smtp_out import SmtpConnection
from penfold.net.tls_out import NoTls, Opportunistic
from penfold.proto.smtp.client.outcome import Fate
from penfold.proto.smtp.client.profile import ClientProfile
from penfold.proto.smtp.client.sasl import Credentials
from penfold.proto.smtp.client.transaction import Envelope, Recipient

RAW = b"Subject: hi\r\n\r\n.\r\n..hello\r\nh\xc3\xa9\r\n"
PATIENCE_S = 20


def deliver(converse, options, *messages, mode, sender="p@probe.example", to=(), **profile):
    """Send messages over one connection; return the outcomes and what was delivered."""
    outcomes = []

    async def send(address):
        async with asyncio.timeout(PATIENCE_S):
            connection = await SmtpConnection.open(
                "localhost",
                *address,
                mode,
                profile=ClientProfile(hostname="mail.probe.example", **profile),
                allowed=lambda _: True,
            )
            envelope = Envelope(sender, tuple(map(Recipient, to)))
            outcomes.extend([await connection.send(envelope, raw) for raw in messages])
            await connection.close()

    product, _ = converse(lambda address: asyncio.run(send(address)), options)
    return outcomes, product.delivered


@pytest.mark.parametrize("mode", [NoTls(), Opportunistic()], ids=["clear", "tls"])
@pytest.mark.parametrize("pipelining", [True, False])
def test_messages_arrive_octet_for_octet(converse, mode, pipelining):
    to = ("alice@box.example", "bob@box.example", "nobody@box.example")
    outcomes, delivered = deliver(
        converse, {"listener": "mx"}, RAW, RAW * 2, mode=mode, to=to, pipelining=pipelining
    )
    fates = [[result.fate for result in outcome.results] for outcome in outcomes]
    assert fates == [[Fate.ACCEPTED, Fate.ACCEPTED, Fate.REFUSED]] * 2
    assert [outcome.results[2].enhanced for outcome in outcomes] == ["5.1.1"] * 2
    assert [octets for _, octets in delivered] == [RAW, RAW * 2]
    assert (outcomes[0].tls is not None) == (mode == Opportunistic())


def test_a_login_is_taken_and_the_message_with_it(converse):
    outcomes, delivered = deliver(
        converse,
        {"listener": "submissions"},
        RAW,
        mode=Opportunistic(implicit=True),
        sender="alice@box.example",
        to=("bob@box.example",),
        auth_unverified=True,
        credentials=Credentials("alice@box.example", "abcdefghijklmnop"),
    )
    assert outcomes[0].is_accepted, outcomes
    assert len(delivered) == 1


@pytest.mark.parametrize("login", ["password", "token"])
def test_a_wrong_login_is_refused_with_the_reply_of_the_server(converse, login):
    outcomes, delivered = deliver(
        converse,
        {"listener": "submissions"},
        RAW,
        mode=Opportunistic(implicit=True),
        to=("bob@box.example",),
        credentials=LOGINS[login],
        auth_unverified=True,
    )
    (result,) = outcomes[0].results
    assert (result.fate, result.stage, result.code) == (Fate.REFUSED, "auth", 535)
    assert delivered == []
