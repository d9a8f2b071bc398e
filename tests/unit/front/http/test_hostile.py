"""Requests made to cost much: packed bodies, floods of parameters, ranges, verbs nobody serves."""

import gzip
import json
import tracemalloc
import zlib

import pytest

from penfold.spec.schemas import Label, Message, Profile

SEND = "/gmail/v1/users/me/messages/send"
PROFILE = "/gmail/v1/users/me/profile"
HANDLERS = {
    "gmail.users.getProfile": lambda _call, _box: Profile(history_id="7"),
    "gmail.users.labels.create": lambda _call, _box: Label(id="1"),
    "gmail.users.messages.send": lambda _call, _box: Message(id="1"),
}
JSON = {"content-type": "application/json", "content-encoding": "gzip"}


@pytest.fixture
def world(make_world):
    return make_world(HANDLERS)


@pytest.fixture(scope="module")
def bomb():
    """128 MiB of blanks in 130 kB, which JSON allows before its value."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(b" " * 1_048_576) for _ in range(128)) + packer.flush()


def test_a_bomb_is_refused_at_the_limit_of_what_is_plain(world, bomb):
    assert len(bomb) < 140_000
    tracemalloc.start()
    try:
        reply = world.ask("POST", "/gmail/v1/users/me/labels", headers=JSON, body=bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reply.status == 413
    assert peak < 33_554_432
    assert world.ask("POST", SEND, headers=JSON, body=bomb).status == 413


def test_nobody_unpacks_for_a_stranger(world, bomb):
    reply = world.ask("POST", SEND, token="nobodys", headers=JSON, body=bomb)
    assert reply.status == 401
    assert world.facts[-1].received == 0


@pytest.mark.parametrize("coding", ["deflate", "br", "zstd", "gzip, gzip", "x"])
def test_other_codings_are_not_unpacked(world, coding):
    headers = {**JSON, "content-encoding": coding}
    assert world.ask("POST", SEND, headers=headers, body=b"x").status in (400, 415)


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0),
        gzip.compress(b"{}", mtime=0)[:-4],
        gzip.compress(b"{}", mtime=0)[:12],
        b"not gzip",
        b"",
    ],
)
def test_what_is_packed_wrongly_is_the_clients_mistake(world, body):
    assert world.ask("POST", SEND, headers=JSON, body=body).status == 400


def test_ranges_are_not_served(world):
    many = "bytes=" + ",".join(["0-"] * 5_000)
    reply = world.get(PROFILE, headers={"range": many})
    assert (reply.status, reply.json["historyId"]) == (200, "7")


def test_a_flood_of_parameters_is_one_refusal(world):
    reply = world.get(PROFILE + "?" + "&".join(f"a{n}=1" for n in range(10_000)))
    assert reply.status == 400
    assert len(reply.body) < 65_536


@pytest.mark.parametrize("verb", ["TRACE", "HEAD", "PROPFIND", "PURGE", "PATCH"])
@pytest.mark.parametrize("path", [PROFILE, "/batch/gmail/v1", "/gmail/v1/../admin"])
def test_verbs_nobody_serves_are_pages_and_echo_nothing(world, verb, path):
    reply = world.ask(verb, path, headers={"x-secret": "canary"})
    assert reply.status == 404
    assert b"canary" not in reply.body


@pytest.mark.parametrize("name", ["x-http-method", "x-method-override", "_method"])
def test_the_verb_is_overridden_by_googles_field_alone(world, name):
    reply = world.post(PROFILE, headers={name: "GET", "content-type": "application/json"})
    assert reply.status == 404


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, json.dumps({"raw": "9" * 9}).encode() + b"x"]
)
def test_json_that_does_not_end_well_is_400(world, body):
    headers = {"content-type": "application/json"}
    assert world.ask("POST", SEND, headers=headers, body=body).status == 400
