"""What leaves: with which return path, and signed."""

from functools import partial

import pytest
from tests.unit.domain.outgoing.test_signing_keys import make_key
from tests.unit.world import World, mail

from penfold.app.mail.delivering import Preparing
from penfold.base.limits import DELIVERY_READ_AHEAD_BYTES, DKIM_KEYS_KEPT_MS
from penfold.domain.outgoing.signing_keys import SigningKeys
from penfold.proto.mailauth.private_keys import ED25519
from penfold.spec.relays import Relay

RELAY = Relay(host="hub.example", domains=("*",))


@pytest.fixture
def world():
    world = World(captures=False)
    yield world
    world.close()


def add_row(world):
    raw = mail("Lunch", sender="al@penfold.test")
    world.submit(raw, "kim@elsewhere.example")
    [row] = world.queue.list_rows()
    return row, world.queue.get_raw(row.id)


def make_preparing(world, *, returns=True):
    key = make_key("ed", ED25519, domain="penfold.test")
    world.directory.change(lambda writer: writer.add(key))
    keys = SigningKeys(world.directory, world.sealer, world.clock)
    return Preparing(keys, world.clock, partial(world.returns.make, local=returns))


def test_a_row_leaves_with_a_return_address_of_its_own_and_signed(world):
    row, raw = add_row(world)
    sender, signed = make_preparing(world).prepare(row, raw, None)
    assert world.returns.find_row(sender) == row
    assert signed.startswith(b"DKIM-Signature: ")
    assert signed.endswith(raw)


def test_a_relay_gets_the_senders_own_address(world):
    row, raw = add_row(world)
    sender, signed = make_preparing(world).prepare(row, raw, RELAY)
    assert sender == row.sender
    assert signed.startswith(b"DKIM-Signature: ")


def test_without_the_setting_rows_leave_with_their_senders_address(world):
    row, raw = add_row(world)
    assert make_preparing(world, returns=False).prepare(row, raw, None)[0] == row.sender


@pytest.mark.parametrize(("filling", "same"), [(10, True), (DELIVERY_READ_AHEAD_BYTES, False)])
def test_signatures_of_a_short_message_are_remembered_and_a_long_one_is_let_go(
    world, filling, same
):
    row, raw = add_row(world)
    raw += b"x" * filling + b"\r\n"
    preparing = make_preparing(world)
    _, first = preparing.prepare(row, raw, None)
    _, again = preparing.prepare(row, raw, None)
    assert (first is again) is same


def test_what_was_signed_is_signed_anew_once_keys_are_looked_up_again(world):
    row, raw = add_row(world)
    preparing = make_preparing(world)
    _, first = preparing.prepare(row, raw, None)
    world.clock.advance(ms=DKIM_KEYS_KEPT_MS - 1)
    assert preparing.prepare(row, raw, None).raw is first
    newer = make_key("newer", ED25519, domain="penfold.test", active_ms=2)
    world.directory.change(lambda writer: writer.add(newer))
    world.clock.advance(ms=1)
    _, again = preparing.prepare(row, raw, None)
    assert b"s=newer" in again
    assert again.endswith(raw)
    assert b"s=ed" not in again


def test_what_left_unsigned_is_signed_once_its_domain_has_a_key(world):
    row, raw = add_row(world)
    keys = SigningKeys(world.directory, world.sealer, world.clock)
    preparing = Preparing(keys, world.clock, partial(world.returns.make, local=False))
    assert preparing.prepare(row, raw, None).raw == raw
    key = make_key("ed", ED25519, domain="penfold.test")
    world.directory.change(lambda writer: writer.add(key))
    world.clock.advance(ms=DKIM_KEYS_KEPT_MS)
    assert preparing.prepare(row, raw, None).raw.startswith(b"DKIM-Signature: ")


def test_what_has_no_author_leaves_unsigned(world):
    row, _ = add_row(world)
    nobody = b"Subject: hi\r\n\r\nhello\r\n"
    assert make_preparing(world).prepare(row, nobody, None).raw == nobody
