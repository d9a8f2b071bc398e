"""What leaves: with which return path, and signed."""

import pytest
from tests.unit.domain.test_signing_keys import make_key
from tests.unit.world import World, mail

from penfold.app.delivering import Preparing
from penfold.base.limits import DELIVERY_READ_AHEAD_BYTES
from penfold.domain.signing_keys import SigningKeys
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
    return Preparing(keys, world.clock, world.returns if returns else None)


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
