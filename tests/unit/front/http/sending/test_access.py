"""Who is let in: keys, scopes, bounds, rates; idempotency; and what keys may do to keys."""

import dataclasses
import gzip
from datetime import UTC, datetime

import pytest
from tests.unit.front.http.sending.desk import EMAIL, EVERYTHING, Desk, fields, rates

from penfold.base.errors import StorageFullError
from penfold.base.limits import SENDING_BODY_MAX_BYTES, SENDING_RECORDS_MAX
from penfold.front.http.sending.app import find_sending_handlers
from penfold.ports.directory import Account
from penfold.ports.sending.records import ApiKey
from penfold.spec.rates import SENDING_KEY, SENDING_NETWORK
from penfold.spec.sending.problems import PROBLEMS
from penfold.spec.sending.registry import REGISTRY
from penfold.spec.sending.scopes import SCOPES, allows

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


@pytest.fixture
def desk():
    return Desk()


def status(desk, **how):
    return desk.ask("GET", "/emails", **how).status


# --- keys


def test_without_a_key_or_with_one_that_is_none_nothing_is_told(desk):
    assert desk.ask("GET", "/emails", key=None).json["name"] == "missing_api_key"
    reply = desk.ask("GET", "/emails", key="pf_guessed")
    assert (reply.status, reply.json["name"]) == (403, "invalid_api_key")
    assert (
        desk.ask("GET", "/emails", key=None, headers={"authorization": "Basic eDp5"}).status == 401
    )


def test_a_key_ends_when_it_expires_is_revoked_or_its_account_is_suspended(desk):
    key = desk.make_key(expires_ms=desk.clock.now_ms() + 10)
    assert status(desk, key=key) == 200
    desk.clock.advance(ms=10)
    assert status(desk, key=key) == 403
    key = desk.make_key()
    [*_, shown] = desk.keys.list(desk.alice.id)
    desk.keys.revoke(shown.key.id, desk.alice.id)
    assert status(desk, key=key) == 403
    alice = Account(desk.alice.id, desk.alice.address, "", 0, suspended=True)
    desk.directory.change(lambda writer: writer.replace(alice))
    assert status(desk) == 403


def test_a_key_bound_to_networks_works_from_there_alone(desk):
    key = desk.make_key(networks=("192.0.2.0/28", "2001:db8::/32"))
    assert status(desk, key=key, client="192.0.2.7") == 200
    assert status(desk, key=key, client="::ffff:192.0.2.7") == 200
    assert status(desk, key=key, client="2001:db8::1") == 200
    for outside in ("192.0.2.16", "198.51.100.1", "::1", "nonsense"):
        assert status(desk, key=key, client=outside) == 403


def test_a_key_bound_to_domains_and_streams_sends_there_alone(desk):
    desk.directory.seed_account("x@other.test")
    key = desk.make_key(domains=("other.test",), streams=("otp",))
    assert fields(desk.send(key=key)) == [("from", "not_allowed"), ("stream", "not_allowed")]
    assert desk.send(key=key, stream="otp", **{"from": "x@other.test"}).status == 200


@pytest.mark.parametrize("method", REGISTRY, ids=lambda method: method.id)
def test_each_method_wants_its_scope_and_has_a_handler(desk, method):
    assert method.id in find_sending_handlers()
    lacking = [scope for scope in SCOPES if not allows([scope], method.scope)]
    path = method.path.removeprefix("v1").replace("{id}", "x")
    reply = desk.ask(method.verb, path, {}, key=desk.make_key(scopes=tuple(lacking)))
    assert (reply.status, reply.json["name"]) == (401, "restricted_api_key")


def test_another_verb_is_not_allowed_and_another_address_not_found(desk):
    assert desk.ask("PUT", "/emails", {}).status == 405
    assert desk.ask("GET", "/emails/x/y").status == 404


def test_the_use_of_a_key_is_noted_once_an_hour(desk):
    status(desk)
    [shown] = desk.ask("GET", "/api-keys").json["data"]
    first = shown["last_used_at"]
    assert first is not None
    desk.clock.advance(ms=HOUR_MS - 1)
    [shown] = desk.ask("GET", "/api-keys").json["data"]
    assert shown["last_used_at"] == first
    desk.clock.advance(ms=1)
    status(desk)
    [shown] = desk.ask("GET", "/api-keys").json["data"]
    assert shown["last_used_at"] != first


def test_a_body_that_is_too_large_is_refused_before_it_is_read_and_a_bomb_while_it_is(desk):
    claimed = desk.ask(
        "POST", "/emails", headers={"content-length": str(SENDING_BODY_MAX_BYTES + 1)}
    )
    bomb = gzip.compress(bytes(SENDING_BODY_MAX_BYTES + 1), 1)
    unpacked = desk.ask("POST", "/emails", body=bomb, headers={"content-encoding": "gzip"})
    for reply in (claimed, unpacked):
        assert (reply.status, reply.json["name"]) == (413, "payload_too_large")
    assert desk.ask("POST", "/emails", body=b"x", headers={"content-encoding": "br"}).status == 400


# --- how often


def test_a_key_that_calls_too_often_is_told_how_long_to_wait():
    desk = Desk(rates=rates(SENDING_KEY, 2))
    assert [status(desk) for _ in range(3)] == [200, 200, 429]
    reply = desk.ask("GET", "/emails")
    assert reply.json["name"] == "rate_limit_exceeded"
    assert reply.headers["retry-after"] == reply.headers["ratelimit-reset"]
    assert (reply.headers["ratelimit-remaining"], int(reply.headers["retry-after"]) > 0) == (
        "0",
        True,
    )
    assert status(desk, key=desk.make_key()) == 200


def test_guessing_keys_is_counted_by_network():
    desk = Desk(rates=rates(SENDING_NETWORK, 2))
    assert [status(desk, key="pf_x") for _ in range(3)] == [403, 403, 429]
    assert status(desk) == 200
    assert status(desk, key="pf_x", client="198.51.100.1") == 403


# --- idempotency


def keyed(desk, word, *, path="/emails", body=EMAIL, **more):
    return desk.ask("POST", path, body, headers={"idempotency-key": word} | more)


def test_the_same_key_and_body_is_the_same_answer_and_one_email(desk):
    first, again = (
        keyed(desk, "order-7"),
        keyed(desk, "order-7", body=dict(reversed(EMAIL.items()))),
    )
    assert (again.body, again.headers["idempotent-replayed"]) == (first.body, "true")
    assert "idempotent-replayed" not in first.headers
    assert len(desk.ask("GET", "/emails").json["data"]) == 1
    assert desk.ask("GET", "/usage").json["accepted"] == 1


def test_another_body_is_a_conflict_and_another_route_or_key_is_not(desk):
    keyed(desk, "order-7")
    reply = keyed(desk, "order-7", body=EMAIL | {"subject": "Other"})
    assert (reply.status, reply.json["name"]) == (409, "invalid_idempotent_request")
    assert keyed(desk, "order-7", path="/emails/batch", body=[EMAIL]).status == 200
    desk.key = desk.make_key()
    assert keyed(desk, "order-7").status == 200


def test_a_batch_is_another_one_when_it_is_judged_otherwise(desk):
    batch = [EMAIL, EMAIL | {"to": "x"}]
    permissive = {"x-batch-validation": "permissive"}
    first = keyed(desk, "b", path="/emails/batch", body=batch, **permissive)
    assert keyed(desk, "b", path="/emails/batch", body=batch, **permissive).body == first.body
    assert keyed(desk, "b", path="/emails/batch", body=[EMAIL]).status == 409


def test_what_was_refused_is_not_kept_so_a_mended_call_may_use_its_key(desk):
    assert keyed(desk, "order-7", body=EMAIL | {"to": "x"}).status == 422
    assert keyed(desk, "order-7").status == 200


def schedule(desk, *, in_ms=60_000):
    return datetime.fromtimestamp((desk.clock.now_ms() + in_ms) / 1000, UTC).isoformat()


@pytest.mark.parametrize("path", ["/emails", "/emails/batch"])
def test_a_repeat_gets_its_answer_though_it_could_not_be_sent_any_more(desk, path):
    soon = EMAIL | {"scheduled_at": schedule(desk), "expires_at": schedule(desk, in_ms=90_000)}
    body = [soon] if path.endswith("batch") else soon
    first = keyed(desk, "later", path=path, body=body)
    desk.clock.advance(ms=120_000)
    again = keyed(desk, "later", path=path, body=body)
    assert (first.status, again.status, again.body) == (200, 200, first.body)
    assert keyed(desk, "other", path=path, body=body).status == 422


def test_an_answer_is_kept_for_a_day(desk):
    first = keyed(desk, "order-7").json
    desk.clock.advance(ms=DAY_MS - 1)
    assert keyed(desk, "order-7").json == first
    desk.clock.advance(ms=1)
    assert keyed(desk, "order-7").json != first


@pytest.mark.parametrize("word", ["", " ", "x" * 257, "ä", "a\x01b"])
def test_an_idempotency_key_that_is_none_is_refused(desk, word):
    reply = keyed(desk, word)
    assert (reply.status, reply.json["name"]) == (400, "invalid_idempotency_key")


# --- keys make keys


def make(desk, *, key="", **body):
    return desk.ask("POST", "/api-keys", {"name": "new"} | body, key=key)


def test_a_new_key_works_and_is_listed_without_its_secret(desk):
    desk.clock.advance(ms=1)
    made = make(desk, scopes=["emails:read"], domains=["Penfold.test"]).json
    assert status(desk, key=made["token"]) == 200
    assert desk.send(key=made["token"]).status == 401
    reply = desk.ask("GET", "/api-keys")
    [new, _] = reply.json["data"]
    assert (new["id"], new["domains"]) == (made["id"], ["penfold.test"])
    assert new["last4"] == [made["token"][-4:]]
    assert made["token"].encode() not in reply.body


@pytest.mark.parametrize(
    ("word", "scopes"), [("sending_access", ["emails:send"]), ("full_access", list(EVERYTHING))]
)
def test_resend_s_words_for_what_a_key_may_are_understood(desk, word, scopes):
    desk.clock.advance(ms=1)
    make(desk, permission=word)
    assert desk.ask("GET", "/api-keys").json["data"][0]["scopes"] == scopes


MAKER = {
    "scopes": ("keys:*", "emails:send"), "domains": ("penfold.test",), "streams": ("otp",),
    "networks": ("192.0.2.0/24",),
}  # fmt: skip


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": ["emails:read"]}, "scopes"),
        ({"scopes": ["emails:send"], "domains": ["other.test"]}, "domains"),
        ({"scopes": ["emails:send"], "streams": ["otp", "broadcast"]}, "streams"),
        ({"scopes": ["emails:send"], "networks": ["0.0.0.0/0"]}, "networks"),
        ({"scopes": ["emails:send"], "networks": ["::/0"]}, "networks"),
        ({"scopes": ["emails:send"], "networks": ["192.0.2.0/25", "198.51.100.0/24"]}, "networks"),
        ({"scopes": ["no:such"]}, "scopes"),
    ],
    ids=["scope", "domain", "stream", "network", "ipv6", "one-network-outside", "unknown"],
)
def test_a_key_makes_no_key_that_may_more_than_itself(desk, body, field):
    reply = make(desk, key=desk.make_key(**MAKER), **body)
    assert (reply.status, fields(reply)[0][0]) == (422, field)


def test_a_key_made_by_a_bound_one_is_bound_as_it_is(desk):
    maker = desk.make_key(**MAKER)
    desk.clock.advance(ms=1)
    made = make(desk, key=maker, scopes=["emails:send"]).json
    [new, *_] = desk.ask("GET", "/api-keys").json["data"]
    assert (new["id"], new["domains"], new["streams"], new["networks"]) == (
        made["id"], ["penfold.test"], ["otp"], ["192.0.2.0/24"],
    )  # fmt: skip


def test_a_test_key_makes_test_keys_only(desk):
    key = desk.make_key(test=True)
    assert fields(make(desk, key=key)) == [("test", "not_allowed")]
    assert make(desk, key=key, test=True).json["token"].startswith("test_")


def test_a_rotated_key_has_two_secrets_until_the_old_one_s_time_is_over(desk):
    made = make(desk, scopes=["emails:read"]).json
    reply = desk.ask("POST", f"/api-keys/{made['id']}/rotate", {"grace_s": 60})
    assert reply.json["id"] == made["id"]
    new = reply.json["token"]
    assert (status(desk, key=made["token"]), status(desk, key=new)) == (200, 200)
    desk.clock.advance(s=60)
    assert (status(desk, key=made["token"]), status(desk, key=new)) == (403, 200)
    assert desk.ask("POST", f"/api-keys/{made['id']}/rotate", {"grace_s": 0}).status == 200
    assert status(desk, key=new) == 403


def test_a_key_does_not_get_at_the_secret_of_one_that_may_more(desk):
    wide = desk.keys.list(desk.alice.id)[0].key.id
    narrow = desk.make_key(scopes=("keys:*",))
    reply = desk.ask("POST", f"/api-keys/{wide}/rotate", {}, key=narrow)
    assert (reply.status, fields(reply)) == (422, [("scopes", "not_allowed")])


def test_a_revoked_key_ends_at_once_and_only_its_owner_revokes_it(desk):
    made = make(desk, scopes=["emails:read"]).json
    theirs = desk.make_key(owner=desk.bob)
    assert desk.ask("DELETE", f"/api-keys/{made['id']}", key=theirs).status == 404
    assert desk.ask("DELETE", f"/api-keys/{made['id']}").json["deleted"]
    assert status(desk, key=made["token"]) == 403
    assert desk.ask("DELETE", f"/api-keys/{made['id']}").status == 404


def test_keys_are_listed_in_pages(desk):
    for _ in range(4):
        desk.clock.advance(ms=1)
        make(desk)
    every = [one["id"] for one in desk.ask("GET", "/api-keys").json["data"]]
    assert len(every) == 5
    reply = desk.ask("GET", f"/api-keys?limit=2&after={every[0]}").json
    assert ([one["id"] for one in reply["data"]], reply["has_more"]) == (every[1:3], True)
    reply = desk.ask("GET", f"/api-keys?limit=2&before={every[3]}").json
    assert ([one["id"] for one in reply["data"]], reply["has_more"]) == (every[1:3], True)


def test_keys_that_were_revoked_are_listed_behind_the_others_and_make_room_for_new_ones(desk):
    def listed():
        return [one["id"] for one in desk.ask("GET", "/api-keys?limit=3").json["data"]]

    made = []
    for _ in range(3):
        desk.clock.advance(ms=1)
        made.append(make(desk).json["id"])
    for each in made[:0:-1]:
        desk.clock.advance(ms=1)
        assert desk.ask("DELETE", f"/api-keys/{each}").status == 200
    assert listed()[0] == made[0]
    more = [ApiKey(f"k{n}", desk.alice.id, "", 0) for n in range(SENDING_RECORDS_MAX - 4)]
    desk.book.change(lambda writer: [writer.add(one) for one in more])
    assert make(desk).status == make(desk).status == 200
    there = desk.book.read(lambda b: [b.find(ApiKey, one, desk.alice.id) for one in made])
    assert [one is not None for one in there] == [True, False, False]
    reply = make(desk)
    assert (reply.status, reply.json["name"]) == (422, "validation_error")
    assert "revoke one" in reply.json["message"]


@pytest.mark.parametrize("action", ["add", "rotate", "revoke"])
def test_what_is_done_with_a_key_is_noted_first_or_not_done(desk, action):
    def note(event):
        noted.append(event.action)
        raise StorageFullError

    noted, there = [], desk.keys.list(desk.alice.id)
    key = there[0].key
    keys = dataclasses.replace(desk.keys, note=note)
    done = {
        "add": lambda: keys.add(key),
        "rotate": lambda: keys.rotate(key.id, key.account_id),
        "revoke": lambda: keys.revoke(key.id, key.account_id),
    }[action]
    with pytest.raises(StorageFullError):
        done()
    assert noted == [action]
    assert desk.keys.list(desk.alice.id) == there


# --- the description


def test_the_openapi_document_has_every_method_and_needs_no_key(desk):
    document = desk.ask("GET", "/openapi.json", key=None).json
    assert document["openapi"] == "3.1.0"
    served = {one["operationId"] for path in document["paths"].values() for one in path.values()}
    assert served == {method.id for method in REGISTRY}
    named = document["components"]["schemas"]["Error"]["properties"]["name"]["enum"]
    assert set(named) == {each.name for each in PROBLEMS}
