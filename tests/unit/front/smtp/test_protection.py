"""Clients that come too often, talk early, err or guess; and what a cut connection leaves."""

import asyncio
import contextlib
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dialogue.product import ALICE, MemoryProduct
from tests.unit.front.smtp.world import HELO, TRANSACTION
from tests.unit.identity import make_throttle

from penfold.base import limits
from penfold.base.clock import FixedClock
from penfold.domain.throttle import TooManyError
from penfold.front.smtp.bounds import Bounds
from penfold.front.smtp.doors import SubmissionDoor
from penfold.front.smtp.facts import SessionFacts
from penfold.front.smtp.visitors import Visitors
from penfold.proto.smtp import replies
from penfold.proto.smtp.parameters import MailOptions, ReportRequest
from penfold.proto.smtp.sasl import Login
from penfold.spec.rates import SMTP_LOGIN_ACCOUNT, SMTP_LOGIN_NETWORK, SUBMISSION_ACCOUNT

# --- how often ------------------------------------------------------------------------------------


def test_an_address_may_come_so_often_a_minute(run):
    async def test(world):
        for code in (220, 220, 421):
            client = await world.connect()
            assert await client.reply() == code
            await client.close()
            await world.until(lambda: world.listener.sessions == 0)
        assert "new connections" in client.text
        world.pass_time(60)
        assert await (await world.connect()).reply() == 220

    run(test, client_rate_max=2, exempts_loopback=False)


def test_this_machine_may_come_as_often_as_it_likes(run):
    async def test(world):
        for _ in range(4):
            assert await (await world.connect()).reply() == 220

    run(test, client_rate_max=2)


def test_a_network_is_counted_for_all_its_addresses():
    visitors = Visitors(Bounds(client_rate_max=2))
    seen = [visitors.admit(f"2001:db8::{number}", 0.0) for number in (1, 2, 3)]
    assert seen == [None, None, replies.TOO_FAST]
    assert visitors.admit("2001:db8:0:1::1", 0.0) is None
    assert visitors.admit("::ffff:192.0.2.1", 0.0) is None


def test_the_networks_that_are_remembered_are_bounded():
    visitors = Visitors(Bounds())
    for number in range(limits.SMTP_CLIENTS_COUNTED_MAX + 10):
        client = f"{number >> 16}.{number >> 8 & 255}.{number & 255}.9"
        visitors.admit(client, 0.0)
        visitors.leave(client)
    assert len(visitors._came) <= limits.SMTP_CLIENTS_COUNTED_MAX
    assert visitors.is_empty


@given(
    st.lists(st.sampled_from(["192.0.2.1", "2001:db8::1", "fe80::1%eth0", "::1", ""]), max_size=30)
)
def test_who_came_and_left_is_no_longer_open(clients):
    visitors = Visitors(Bounds(client_connections_max=2))
    for client in clients:
        visitors.admit(client, 0.0)
    for client in reversed(clients):
        visitors.leave(client)
    assert visitors.is_empty


# --- too early ------------------------------------------------------------------------------------


def connect_talking(address, octets):
    """Connect and talk before the listener had a chance to greet: its loop stands still."""
    sock = socket.create_connection(address, 10)
    sock.sendall(octets)
    sock.setblocking(False)
    return sock


async def read_all(sock):
    loop, octets = asyncio.get_running_loop(), b""
    with contextlib.suppress(ConnectionResetError), sock:
        while piece := await asyncio.wait_for(loop.sock_recv(sock, 65_536), 10):
            octets += piece
    return octets


def test_who_talks_before_the_greeting_is_refused(run):
    async def test(world):
        sock = connect_talking(world.address, HELO + TRANSACTION)
        assert (await read_all(sock)).startswith(b"554 5.5.0 You spoke before the greeting")
        await world.until(lambda: world.seen(SessionFacts))
        assert "554" in world.seen(SessionFacts)[0].refusal

    run(test)


@pytest.mark.parametrize("delay_s", [0.0, 0.01])
def test_people_who_submit_may_talk_early(run, delay_s):
    async def test(world):
        sock = connect_talking(world.address, HELO + b"QUIT\r\n")
        codes = [line[:4] for line in (await read_all(sock)).splitlines()]
        assert codes[0] == b"220 "
        assert codes[-1] == b"221 "

    run(test, name="submission", greet_delay_s=delay_s)


def test_a_delayed_greeting_waits_for_early_talkers(run):
    async def test(world):
        client = await world.connect()
        await world.until(lambda: world.listener.sessions)
        await client.say(b"HELO early.example\r\n")
        assert await client.reply() == 554
        assert await client.reply() == 0

    run(test, greet_delay_s=1_000.0)


def test_a_delayed_greeting_comes(run):
    async def test(world):
        assert await (await world.connect()).reply() == 220

    run(test, greet_delay_s=0.01)


def test_stopping_does_not_wait_for_a_greeting(run):
    async def test(world):
        client = await world.connect()
        await world.until(lambda: world.listener.sessions)
        await world.listener.stop(grace_s=0)
        assert await client.reply() == 421

    run(test, greet_delay_s=1_000.0)


# --- errors ---------------------------------------------------------------------------------------


def test_further_errors_make_the_next_command_wait(run):
    async def test(world):
        client = await world.greeted()
        free = world.listener.profile.errors_free
        await client.say(b"nonsense\r\n" * (free + 1) + b"NOOP\r\n")
        assert [await client.reply() for _ in range(free + 1)] == [502] * (free + 1)
        (session,) = world.listener._sessions
        await world.until(lambda: session._timer)
        assert session._machine.unread_bytes == len(b"NOOP\r\n")
        session._timer.cancel()
        session._resume()
        assert await client.reply() == 250

    run(test, error_delay_s=1_000.0)


def test_a_client_that_leaves_while_it_waits_is_let_go(run):
    async def test(world):
        client = await world.greeted()
        await client.say(b"nonsense\r\n" * 10)
        (session,) = world.listener._sessions
        await world.until(lambda: session._timer)
        await client.reset()
        await world.until(lambda: world.listener.sessions == 0)
        assert session._timer.cancelled()

    run(test, error_delay_s=1_000.0)


def test_the_delay_grows_up_to_a_limit():
    delays = [Bounds(error_delay_s=2.0).error_delay(errors) for errors in (1, 2, 3, 100)]
    assert delays == [2.0, 4.0, 6.0, limits.SMTP_ERROR_DELAY_MAX_S]


# --- guessing passwords ----------------------------------------------------------------------------

WRONG = Login("PLAIN", ALICE.address, "wrong")
RIGHT = Login("PLAIN", ALICE.address, "abcdefghijklmnop")


def make_door(clock):
    product = MemoryProduct()
    return SubmissionDoor(product, product, throttle=make_throttle(clock))


def test_wrong_passwords_count_over_all_connections_of_an_address():
    clock = FixedClock()
    door = make_door(clock)
    for number in range(SMTP_LOGIN_NETWORK.count):
        assert door.find_account(WRONG, f"2001:db8::{number:x}") is None
    with pytest.raises(TooManyError):
        door.find_account(RIGHT, "2001:db8::ffff")
    assert door.find_account(RIGHT, "192.0.2.1") == ALICE
    clock.advance(s=SMTP_LOGIN_NETWORK.period_s)
    assert door.find_account(RIGHT, "2001:db8::ffff") == ALICE


def test_a_right_password_does_not_forget_the_wrong_ones():
    door = make_door(FixedClock())
    for _ in range(SMTP_LOGIN_NETWORK.count):
        door.find_account(WRONG, "192.0.2.1")
        with contextlib.suppress(TooManyError):
            door.find_account(RIGHT, "192.0.2.1")
    with pytest.raises(TooManyError):
        door.find_account(RIGHT, "192.0.2.1")


def test_this_machine_may_mistype_as_often_as_it_likes():
    door = make_door(FixedClock())
    for _ in range(SMTP_LOGIN_NETWORK.count + 1):
        assert door.find_account(WRONG, "127.0.0.1") is None
    assert door.find_account(RIGHT, "127.0.0.1") == ALICE


def test_wrong_passwords_count_for_the_account_from_everywhere():
    door = make_door(FixedClock())
    for number in range(SMTP_LOGIN_ACCOUNT.count):
        assert door.find_account(WRONG, f"192.0.2.{number}") is None
    with pytest.raises(TooManyError) as caught:
        door.find_account(RIGHT, "198.51.100.1")
    assert caught.value.limit is SMTP_LOGIN_ACCOUNT


def test_messages_of_an_account_are_counted_and_a_foreign_sender_is_not():
    door = make_door(FixedClock())
    for _ in range(SUBMISSION_ACCOUNT.count):
        assert door.check_sender(ALICE, ALICE.address) == replies.SENDER_OK
    assert door.check_sender(ALICE, ALICE.address) == replies.TOO_MANY_SENT
    assert door.check_sender(ALICE, "ceo@elsewhere.example") == replies.NOT_YOUR_ADDRESS


class GuardedProduct(MemoryProduct):
    limit = SMTP_LOGIN_NETWORK

    def find_app_login(self, address, password):
        raise TooManyError(900, self.limit)


class GuardedAccount(GuardedProduct):
    limit = SMTP_LOGIN_ACCOUNT


def test_an_account_that_was_guessed_at_too_often_answers_later(run, tls_contexts):
    async def test(world):
        client = await world.greeted()
        await client.start_tls(tls_contexts[1])
        await client.say(HELO + b"AUTH PLAIN AGEAYmFk\r\nNOOP\r\n")
        assert [await client.reply() for _ in range(3)] == [250, 454, 250]

    run(test, name="submission", tls=tls_contexts[0], make=GuardedAccount)


def test_who_guessed_too_often_is_sent_away_whatever_he_says(run, tls_contexts):
    async def test(world):
        client = await world.greeted()
        await client.start_tls(tls_contexts[1])
        await client.say(HELO + b"AUTH PLAIN AGEAYmFk\r\nNOOP\r\n")
        assert [await client.reply() for _ in range(3)] == [250, 421, 0]

    run(test, name="submission", tls=tls_contexts[0], make=GuardedProduct)


# --- chunks on a real connection ---------------------------------------------------------------------


def test_options_and_requests_reach_the_product(run):
    async def test(world):
        client = await world.greeted()
        await client.say(
            b"MAIL FROM:<p@probe.example> RET=HDRS ENVID=x\r\n"
            b"RCPT TO:<alice@box.example> NOTIFY=NEVER\r\nBDAT 3 LAST\r\nx\r\n"
        )
        assert [await client.reply() for _ in range(3)] == [250, 250, 250]
        ((envelope, data),) = world.product.delivered
        assert envelope.options == MailOptions(ret="HDRS", envid="x")
        assert envelope.reports == (ReportRequest(("NEVER",)),)
        assert data == b"x\r\n"

    run(test, options={"reports": "1"})


@pytest.mark.parametrize("sent", [b"BDAT 9 LAST\r\nhalf", b"BDAT 4\r\nhalf"], ids=["in", "between"])
def test_a_connection_lost_among_chunks_stores_nothing(run, sent):
    async def test(world):
        client = await world.greeted()
        await client.say(TRANSACTION.replace(b"DATA\r\n", sent))
        assert [await client.reply() for _ in range(2)] == [250, 250]
        await client.reset()
        await world.until(lambda: world.listener.sessions == 0)
        assert not world.product.delivered

    run(test)


def test_chunks_that_wait_for_the_next_one_count_as_held_memory(run):
    async def test(world):
        client = await world.greeted()
        await client.say(TRANSACTION.replace(b"DATA\r\n", b"BDAT 900\r\n" + b"x" * 900))
        assert [await client.reply() for _ in range(3)] == [250, 250, 250]
        world.pass_time(0)
        assert await client.reply() == 421
        assert "4.3.1" in client.text

    run(test, memory_max_bytes=400)


def test_a_chunk_has_a_minimum_rate_of_its_own(run):
    async def test(world):
        client = await world.greeted()
        await client.say(TRANSACTION.replace(b"DATA\r\n", b"BDAT 50000\r\n" + b"x" * 50_000))
        assert [await client.reply() for _ in range(3)] == [250, 250, 250]
        await client.say(b"BDAT 50000\r\n" + b"x" * 10)
        (session,) = world.listener._sessions
        await world.until(lambda: session._machine.data_bytes == 10)
        world.pass_time(limits.SMTP_SLOW_START_S + 1)
        assert await client.reply() == 421
        assert "too slowly" in client.text

    run(test)


@pytest.mark.parametrize("command", [b"BDAT 99\r\nhalf", b"DATA\r\nhalf"], ids=["BDAT", "DATA"])
def test_tls_that_ends_in_the_middle_of_a_message_ends_everything(run, tls_contexts, command):
    """CVE-2026-45185: an octet in clear behind the end of TLS is neither data nor a command."""

    def talk(address):
        with socket.create_connection(address, 10) as raw, raw.makefile("rb", 0) as reader:
            assert reader.readline().startswith(b"220")
            raw.sendall(HELO + b"STARTTLS\r\n")
            while not reader.readline().startswith(b"220"):
                pass
            tls = tls_contexts[1].wrap_socket(raw.dup(), server_hostname="localhost")
            tls.sendall(HELO + TRANSACTION.replace(b"DATA\r\n", command))
            with tls, contextlib.suppress(OSError):
                tls.unwrap().sendall(b"\r\n.\r\nRSET\r\n")

    async def test(world):
        await asyncio.to_thread(talk, world.address)
        await world.until(lambda: world.seen(SessionFacts))
        assert not world.product.delivered
        assert world.listener.sessions == 0

    run(test, tls=tls_contexts[0])
