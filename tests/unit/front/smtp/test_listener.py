"""Connections, deadlines, back-pressure and the end, on real sockets."""

import asyncio
import contextlib

import pytest
from tests.dialogue.product import MemoryProduct
from tests.unit.front.smtp.world import HELO, TRANSACTION

from penfold.base import limits
from penfold.front.smtp.facts import SessionFacts, TransactionFacts
from penfold.front.smtp.protocol import HELD_MAX, Session

OK = b"250 2.0.0 OK\r\n"


class HeldProduct(MemoryProduct):
    """Keeps deliveries waiting until the test says how they went."""

    def __init__(self):
        super().__init__()
        self.waiting = asyncio.Queue()

    def accept(self, envelope, data, done):
        self.delivered.append((envelope, data))
        self.waiting.put_nowait(done)


# --- who comes in ---------------------------------------------------------------------------------


def test_one_address_gets_so_many_connections_and_no_more(run):
    async def test(world):
        first, second = await world.connect(), await world.connect()
        assert [await first.reply(), await second.reply()] == [220, 220]
        third = await world.connect()
        assert await third.reply() == 421
        assert "4.7.0" in third.text
        assert await third.reply() == 0
        await first.close()
        await world.until(lambda: world.listener.sessions == 1)
        assert await (await world.connect()).reply() == 220

    run(test, client_connections_max=2)


def test_a_full_listener_says_so(run):
    async def test(world):
        assert await (await world.connect()).reply() == 220
        refused = await world.connect()
        assert await refused.reply() == 421
        assert "4.3.2" in refused.text

    run(test, connections_max=1)


def test_fifty_rounds_leave_nothing_behind(run):
    async def test(world):
        for _ in range(50):
            client = await world.greeted()
            await client.close()
        await world.until(lambda: world.listener.sessions == 0)
        assert len(world.seen(SessionFacts)) == 50

    run(test)


def test_message_data_beyond_the_memory_of_a_listener_is_put_off(run):
    async def test(world):
        hungry = await world.at_data()
        await hungry.say(b"x" * 500)
        await world.until(lambda: any(s.held_bytes for s in world.listener._sessions))
        world.pass_time(0)
        other = await world.greeted()
        await other.say(b"MAIL FROM:<p@probe.example>\r\n")
        assert await other.reply() == 452
        await hungry.say(b"\r\n.\r\n")
        assert await hungry.reply() == 250
        world.pass_time(0)
        await other.say(b"MAIL FROM:<p@probe.example>\r\n")
        assert await other.reply() == 250

    run(test, memory_max_bytes=400)


def test_far_beyond_it_the_largest_messages_are_given_up(run):
    async def test(world):
        large, small = await world.at_data(), await world.at_data()
        await large.say(b"x" * 700)
        await small.say(b"x" * 200)
        await world.until(lambda: sum(s.held_bytes for s in world.listener._sessions) == 900)
        world.pass_time(0)
        assert await large.reply() == 421
        assert "4.3.1" in large.text
        await small.say(b"\r\n.\r\n")
        assert await small.reply() == 250

    run(test, memory_max_bytes=400)


def test_messages_being_stored_count_but_are_never_given_up(run):
    async def test(world):
        client, other = await world.at_data(), await world.greeted()
        await client.say(b"x" * 900 + b"\r\n.\r\n")
        done = await world.product.waiting.get()
        world.pass_time(0)
        await other.say(b"MAIL FROM:<p@probe.example>\r\n")
        assert await other.reply() == 452
        done(("1",), None)
        assert await client.reply() == 250

    run(test, make=HeldProduct, memory_max_bytes=400)


def test_messages_being_stored_count_though_their_clients_left(run):
    async def test(world):
        client, other = await world.at_data(), await world.greeted()
        await client.say(b"x" * 900 + b"\r\n.\r\n")
        done = await world.product.waiting.get()
        await client.reset()
        await world.until(lambda: world.listener.sessions == 1)
        for code in (452, 250):
            world.pass_time(0)
            await other.say(b"MAIL FROM:<p@probe.example>\r\n")
            assert await other.reply() == code
            done(("1",), None)

    run(test, make=HeldProduct, memory_max_bytes=400)


# --- deadlines ------------------------------------------------------------------------------------


def test_silence_ends_the_session(run):
    async def test(world):
        client = await world.greeted()
        world.pass_time(limits.SMTP_IDLE_S - 1)
        await client.say(b"NOOP\r\n")
        assert await client.reply() == 250
        world.pass_time(limits.SMTP_IDLE_S + 1)
        assert await client.reply() == 421
        assert "4.4.2" in client.text
        assert await client.reply() == 0

    run(test)


def test_single_octets_do_not_prolong_a_session(run):
    async def test(world):
        client = await world.greeted()
        for _ in range(4):
            before = [session._bytes_in for session in world.listener._sessions]
            await client.say(b"N")
            await world.until(lambda b=before: [s._bytes_in for s in world.listener._sessions] != b)
            world.pass_time(limits.SMTP_IDLE_S / 3)
        assert await client.reply() == 421

    run(test)


@pytest.mark.parametrize(
    ("size", "code"), [pytest.param(20_000, 421, id="slow"), pytest.param(60_000, 250, id="enough")]
)
def test_data_has_a_minimum_rate(run, size, code):
    async def test(world):
        client = await world.at_data()
        await client.say(b"x" * size)
        await world.until(lambda: any(s.held_bytes == size for s in world.listener._sessions))
        world.pass_time(100)
        await client.say(b"\r\n.\r\n")
        assert await client.reply() == code

    run(test, idle_s=1_000.0)


def test_a_nearly_full_listener_is_less_patient(run):
    async def test(world):
        clients = [await world.greeted() for _ in range(4)]
        world.pass_time(limits.SMTP_STRESS_IDLE_S + 1)
        assert [await client.reply() for client in clients] == [421] * 4

    run(test, connections_max=4)


def test_a_client_that_waits_for_us_is_not_timed_out(run):
    async def test(world):
        client = await world.at_data()
        await client.say(b".\r\n")
        done = await world.product.waiting.get()
        world.pass_time(10 * limits.SMTP_IDLE_S)
        done(("1",), None)
        assert await client.reply() == 250

    run(test, make=HeldProduct)


# --- deliveries -----------------------------------------------------------------------------------


def test_a_result_counts_once_from_whatever_thread(run):
    async def test(world):
        client = await world.at_data()
        await client.say(b".\r\n")
        done = await world.product.waiting.get()
        await asyncio.to_thread(done, ("1",), None)
        await asyncio.to_thread(done, None, RuntimeError("late"))
        assert await client.reply() == 250
        await client.say(b"NOOP\r\n")
        assert await client.reply() == 250
        assert [fact.code for fact in world.seen(TransactionFacts)] == [250]

    run(test, make=HeldProduct)


def test_a_client_that_left_is_still_accounted_for(run):
    async def test(world):
        client = await world.at_data()
        await client.say(b"text\r\n.\r\n")
        done = await world.product.waiting.get()
        await client.reset()
        await world.until(lambda: world.listener.sessions == 0)
        done(("0000000000000001",), None)
        (fact,) = world.seen(TransactionFacts)
        assert (fact.ids, fact.size, fact.code) == (("0000000000000001",), 6, 250)

    run(test, make=HeldProduct)


def test_a_client_that_has_said_everything_still_gets_its_replies(run):
    async def test(world):
        client = await world.greeted()
        await client.say(TRANSACTION)
        assert [await client.reply() for _ in range(3)] == [250, 250, 354]
        await client.say(b".\r\nVRFY x\r\n")
        done = await world.product.waiting.get()
        client.writer.write_eof()
        (session,) = world.listener._sessions
        await world.until(lambda: session._half_closed)
        await asyncio.to_thread(done, ("1",), None)
        assert [await client.reply() for _ in range(3)] == [250, 252, 0]

    run(test, make=HeldProduct)


def test_a_last_command_before_the_end_is_answered(run):
    async def test(world):
        client = await world.greeted()
        client.writer.write(b"NOOP\r\n")
        client.writer.write_eof()
        assert [await client.reply(), await client.reply()] == [250, 0]

    run(test)


class RememberingTransport(asyncio.Transport):
    """Stands for a connection on which data and its end arrive in one read, as TLS can have it."""

    def __init__(self):
        super().__init__()
        self.written = b""
        self.closing = False

    def write(self, data):
        self.written += data

    def is_closing(self):
        return self.closing

    def close(self):
        self.closing = True


def test_a_last_command_in_the_same_read_as_the_end_is_answered(run):
    async def test(world):
        session, transport = Session(world.listener), RememberingTransport()
        session.connection_made(transport)
        session.greet()
        session.data_received(b"NOOP\r\n")
        assert not session.eof_received()
        assert transport.written.endswith(OK)
        session.connection_lost(None)

    run(test)


def test_what_is_sent_ahead_of_an_answer_is_bounded_and_not_lost(run):
    async def test(world):
        client = await world.at_data()
        await client.say(b".\r\n")
        done = await world.product.waiting.get()
        count = 150_000
        flood = asyncio.create_task(client.say(b"NOOP\r\n" * count))
        (session,) = world.listener._sessions
        await world.until(lambda: session._paused)
        assert session._machine.unread_bytes < HELD_MAX + 600_000
        done(("1",), None)
        assert await client.reply() == 250
        assert await client.octets(count * len(OK)) == OK * count
        await flood

    run(test, make=HeldProduct, options={"commands_max": 10_000_000})


def test_a_client_that_takes_no_replies_is_not_read_from(run):
    async def test(world):
        client = await world.greeted()
        client.writer.transport.pause_reading()
        flood = asyncio.create_task(client.say(b"NOOP\r\n" * 2_000_000))
        (session,) = world.listener._sessions
        await world.until(lambda: session._blocked)
        assert not session._transport.is_reading()
        assert session._transport.get_write_buffer_size() < 2_000_000
        world.pass_time(limits.SMTP_IDLE_S + 1)
        world.pass_time(limits.SMTP_IDLE_S + 20)
        await world.until(lambda: world.listener.sessions == 0)
        flood.cancel()
        await asyncio.gather(flood, return_exceptions=True)

    run(test, options={"commands_max": 10_000_000})


# --- what is told ------------------------------------------------------------------------------------


def test_facts_tell_what_happened(run):
    async def test(world):
        client = await world.at_data()
        await client.say(b"12345\r\n.\r\nRCPT TO:<b@box.example>\r\nQUIT\r\n")
        assert [await client.reply() for _ in range(3)] == [250, 503, 221]
        await world.until(lambda: world.seen(SessionFacts))
        (transaction,) = world.seen(TransactionFacts)
        assert transaction.listener == "mx"
        assert transaction.client == "127.0.0.1"
        assert transaction.recipients == ("alice@box.example",)
        assert transaction.size == 7
        assert transaction.error is None
        (session,) = world.seen(SessionFacts)
        assert session.session == transaction.session
        assert (session.helo, session.messages, session.errors) == ("probe.example", 1, 1)
        assert session.refusal == "503 5.5.1 MAIL first"
        assert session.bytes_in > 100

    run(test)


def test_an_unexpected_error_is_told_to_us_and_not_to_the_client(run):
    async def test(world):
        client = await world.greeted()
        await client.say(b"MAIL FROM:<p@probe.example>\r\nRCPT TO:<raises@box.example>\r\n")
        assert [await client.reply(), await client.reply()] == [250, 451]
        assert "SECRET" not in client.text
        (fact,) = world.seen(TransactionFacts)
        assert (fact.stage, fact.code) == ("RCPT", 451)
        assert "SECRET" in str(fact.error)
        assert fact.session in client.text

    run(test)


# --- the end --------------------------------------------------------------------------------------------


def test_stopping_finishes_what_is_in_hand_and_ends_the_rest(run):
    async def test(world):
        idle, busy = await world.greeted(), await world.at_data()
        await busy.say(b".\r\n")
        done = await world.product.waiting.get()
        stop = asyncio.create_task(world.listener.stop(grace_s=10))
        assert [await idle.reply(), await idle.reply()] == [421, 0]
        assert "4.3.2" in idle.text
        assert not stop.done()
        done(("1",), None)
        assert [await busy.reply(), await busy.reply(), await busy.reply()] == [250, 421, 0]
        await stop
        with pytest.raises(OSError):
            await world.connect()

    run(test, make=HeldProduct)


def test_stopping_lets_a_message_be_finished(run):
    async def test(world):
        client = await world.at_data()
        stop = asyncio.create_task(world.listener.stop(grace_s=10))
        await client.say(b"the rest\r\n.\r\n")
        assert [await client.reply(), await client.reply()] == [250, 421]
        await stop

    run(test)


def test_stopping_gives_no_reply_to_what_it_cannot_wait_for(run):
    async def test(world):
        client = await world.at_data()
        await client.say(b".\r\n")
        await world.product.waiting.get()
        stop = asyncio.create_task(world.listener.stop(grace_s=0))
        with contextlib.suppress(ConnectionResetError):  # an aborted connection may be reset
            assert await client.reply() == 0
        await stop

    run(test, make=HeldProduct)


# --- TLS and login -----------------------------------------------------------------------------------------


def test_a_failed_handshake_ends_the_connection(run, tls_contexts):
    async def test(world):
        client = await world.greeted()
        await client.say(b"STARTTLS\r\n")
        assert await client.reply() == 220
        await client.say(b"MAIL FROM:<p@probe.example>\r\n")
        await world.until(lambda: world.listener.sessions == 0)
        (fact,) = world.seen(SessionFacts)
        assert (fact.tls, fact.messages) == ("", 0)

    run(test, tls=tls_contexts[0])


def test_plain_octets_after_a_held_starttls_are_never_run(run, tls_contexts):
    async def test(world):
        client = await world.at_data()
        count = 30_000
        await client.say(b".\r\n")
        done = await world.product.waiting.get()
        (session,) = world.listener._sessions
        flood = asyncio.create_task(client.say(b"NOOP\r\n" * count + b"STARTTLS\r\n"))
        await world.until(lambda: session._paused)
        done(("1",), None)
        assert await client.reply() == 250
        assert await client.octets(count * len(OK)) == OK * count
        assert await client.reply() == 220
        await flood
        await client.say(HELO + TRANSACTION + b".\r\n")
        await world.until(lambda: world.listener.sessions == 0)
        assert len(world.product.delivered) == 1

    run(test, make=HeldProduct, tls=tls_contexts[0], options={"commands_max": 10_000_000})


def test_what_comes_with_the_end_of_the_handshake_is_not_lost(run, tls_contexts):
    async def test(world):
        client = await world.greeted()
        await client.start_tls(tls_contexts[1])
        await client.say(HELO + TRANSACTION)
        assert [await client.reply() for _ in range(4)] == [250, 250, 250, 354]
        await client.say(b".\r\n")
        assert await client.reply() == 250
        assert world.product.delivered[0][0].protocol == "ESMTPS"

    run(test, tls=tls_contexts[0])


def test_stopping_during_a_handshake_does_not_wait(run, tls_contexts):
    async def test(world):
        client = await world.greeted()
        await client.say(b"STARTTLS\r\n")
        assert await client.reply() == 220
        await world.listener.stop(grace_s=0)
        assert world.listener.sessions == 0
        with contextlib.suppress(ConnectionResetError):
            assert await client.reply() == 0

    run(test, tls=tls_contexts[0])


def test_commands_behind_a_failed_login_wait_for_its_reply(run, tls_contexts):
    async def test(world):
        client = await world.greeted()
        await client.start_tls(tls_contexts[1])
        await client.say(HELO + b"AUTH PLAIN AGEAYmFk\r\nNOOP\r\n")
        assert [await client.reply() for _ in range(3)] == [250, 535, 250]
        await client.say(b"QUIT\r\n")
        assert await client.reply() == 221
        await world.until(lambda: world.seen(SessionFacts))
        (fact,) = world.seen(SessionFacts)
        assert fact.tls.startswith("TLSv1.")
        assert fact.login_failures == 1

    run(test, name="submission", tls=tls_contexts[0], login_delay_s=0.01)
