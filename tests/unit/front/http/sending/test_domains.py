"""Sending domains over HTTP: records to publish, verifying, breakage, and who may send."""

import dataclasses
import functools

import pytest
from tests.unit.front.http.sending.desk import KEYS, Desk, fields

from penfold.base.errors import ConflictError, NotFoundError
from penfold.base.limits import SENDING_DOMAIN_GRACE_MS, SENDING_DOMAINS_MAX
from penfold.domain.outgoing.signing_keys import choose_signing
from penfold.domain.sending.domain_dns import list_dns_records
from penfold.domain.sending.domains import find_signing

SHOP = {"from": "shop@shop.example"}


@pytest.fixture
def desk():
    return Desk()


def add(desk, name="shop.example", **more):
    return desk.ask("POST", "/domains", {"name": name}, **more)


def verify(desk, *, but=(), name="shop.example", **changes):
    """Look at the DNS, where all is well but what is named."""
    domain = desk.domains.get(name, desk.alice.id)
    found = dict.fromkeys((one.what for one in list_dns_records(domain, "")), "verified")
    desk.dns[name] = found | dict.fromkeys(but, "missing") | changes
    return desk.ask("POST", f"/domains/{name}/verify", {})


def events(desk):
    return [one["type"] for one in desk.ask("GET", "/events").json["data"]]


def signing(desk):
    keys = find_signing(desk.book, "shop.example")
    return [key.selector for key in choose_signing(keys, desk.clock.now_ms())]


def test_a_new_domain_shows_what_to_publish_and_mail_leaves_once_that_is_seen(desk):
    made = add(desk).json
    assert (made["object"], made["name"], made["status"]) == ("domain", "shop.example", "pending")
    purposes = [(one["record"], one["type"], one["required"]) for one in made["records"]]
    assert purposes == [
        ("Ownership", "TXT", True), ("DKIM", "TXT", True), ("DKIM", "TXT", True),
        ("Return path", "CNAME", False), ("Tracking", "CNAME", False), ("DMARC", "TXT", False),
    ]  # fmt: skip
    assert {one["status"] for one in made["records"]} == {"pending"}
    assert made["records"][0]["value"].startswith("penfold-domain=")
    assert "private" not in str(made)
    assert "sealed" not in str(made)
    assert (desk.send(**SHOP).status, signing(desk)) == (422, [])
    seen = verify(desk, but=["return_path"]).json
    assert (seen["status"], seen["verified_at"] is not None) == ("verified", True)
    assert [one["status"] for one in seen["records"]][2:4] == ["verified", "missing"]
    assert (desk.send(**SHOP).status, len(signing(desk))) == (200, 2)
    assert events(desk) == ["email.queued", "domain.verified"]


@pytest.mark.parametrize("what", ["ownership", "s"])
def test_a_domain_without_ownership_or_a_key_stays_pending(desk, what):
    made = add(desk).json
    names = ["ownership", *(one["name"].partition(".")[0] for one in made["records"][1:3])]
    but = next(name for name in names if name.startswith(what))
    assert verify(desk, but=[but]).json["status"] == "pending"
    assert (desk.send(**SHOP).status, signing(desk), events(desk)) == (422, [], [])


def test_a_record_that_breaks_is_told_at_once_and_stops_mail_after_three_days(desk):
    add(desk)
    verify(desk)
    assert verify(desk, but=["ownership"]).json["failing_since"] is not None
    assert (desk.send(**SHOP).status, events(desk)[1]) == (200, "domain.dns_error")
    desk.clock.advance(ms=SENDING_DOMAIN_GRACE_MS - 1)
    assert verify(desk, but=["ownership"]).json["status"] == "verified"
    desk.clock.advance(ms=1)
    assert verify(desk, but=["ownership"]).json["status"] == "failed"
    assert desk.send(**SHOP).status == 422
    mended = verify(desk).json
    assert (mended["status"], mended["failing_since"]) == ("verified", None)
    assert events(desk)[0] == "domain.verified"
    assert [one.event for one in desk.told] == [
        "domain.verified", "domain.dns_error", "domain.dns_error", "domain.verified",
    ]  # fmt: skip


def test_a_dns_that_says_nothing_changes_nothing(desk):
    add(desk)
    verify(desk)
    seen = verify(desk, ownership="unanswered").json
    assert (seen["status"], seen["failing_since"], len(desk.told)) == ("verified", None, 1)


def test_new_keys_sign_once_they_are_seen_and_the_old_ones_retire(desk):
    add(desk)
    verify(desk)
    old = signing(desk)
    rotated = desk.ask("POST", "/domains/shop.example/rotate", {}).json
    assert [one["required"] for one in rotated["records"]][1:5] == [True, True, False, False]
    assert desk.ask("POST", "/domains/shop.example/rotate", {}).status == 409
    assert signing(desk) == old
    verify(desk)
    assert (len(signing(desk)), set(signing(desk)) & set(old)) == (2, set())
    retired = [key for key in find_signing(desk.book, "shop.example") if key.retired_ms]
    assert {key.sealed for key in retired} == {b""}


def rotate_while(desk, happening):
    """Rotate a domain's keys; something happens while the first of them is made."""
    happenings = [happening]

    def make_key(algorithm):
        while happenings:
            happenings.pop()()
        return KEYS[algorithm]

    slow = dataclasses.replace(desk.domains, make_key=make_key)
    return slow.rotate("shop.example", desk.alice.id)


def test_what_a_check_finds_while_new_keys_are_made_stays(desk):
    add(desk)
    verify(desk)
    verify(desk, but=["ownership"])
    desk.clock.advance(ms=SENDING_DOMAIN_GRACE_MS)
    assert verify(desk, but=["ownership"]).json["status"] == "failed"
    rotated = rotate_while(desk, lambda: verify(desk))
    assert (rotated.state, len(signing(desk)), len(rotated.keys)) == ("verified", 2, 4)
    assert desk.domains.get("shop.example", desk.alice.id) == rotated


def test_keys_made_twice_at_once_are_made_once_and_a_domain_that_is_gone_stays_so(desk):
    add(desk)
    verify(desk)
    ask_again = functools.partial(desk.ask, "POST", "/domains/shop.example/rotate", {})
    with pytest.raises(ConflictError):
        rotate_while(desk, ask_again)
    assert len(find_signing(desk.book, "shop.example")) == 4
    verify(desk)
    with pytest.raises(NotFoundError):
        rotate_while(desk, lambda: (desk.ask("DELETE", "/domains/shop.example"), add(desk)))


def test_a_domain_is_listed_had_by_name_or_id_and_removed_with_its_keys(desk):
    made = [add(desk, name).json["id"] for name in ("a.example", "b.example")]
    listed = desk.ask("GET", "/domains?limit=1").json
    assert (listed["has_more"], len(listed["data"])) == (True, 1)
    for name in (made[0], "A.example"):
        assert desk.ask("GET", f"/domains/{name}").json["id"] == made[0]
    assert desk.ask("DELETE", "/domains/a.example").json["deleted"]
    assert desk.ask("GET", f"/domains/{made[0]}").status == 404
    assert find_signing(desk.book, "a.example") == ()


def test_what_is_somebody_else_s_is_not_there_and_a_key_sees_its_own_domains(desk):
    add(desk)
    theirs = desk.make_key(owner=desk.bob)
    bound = desk.make_key(domains=("other.example",))
    for key in (theirs, bound):
        assert desk.ask("GET", "/domains", key=key).json["data"] == []
        assert desk.ask("GET", "/domains/shop.example", key=key).status == 404
        assert desk.ask("DELETE", "/domains/shop.example", key=key).status == 404
        assert desk.ask("POST", "/domains/shop.example/verify", {}, key=key).status == 404
    assert fields(add(desk, "x.example", key=bound)) == [("name", "not_allowed")]


def test_who_has_not_shown_that_a_domain_is_theirs_keeps_nobody_from_it(desk):
    theirs = desk.make_key(owner=desk.bob)
    first = add(desk, key=theirs).json
    mine = add(desk).json
    assert mine["records"][0]["value"] != first["records"][0]["value"]
    assert desk.ask("GET", "/domains/shop.example", key=theirs).status == 404
    verify(desk)
    assert add(desk, key=theirs).status == 409


@pytest.mark.parametrize(
    "name", ["", "no domain", "192.0.2.1", "[192.0.2.1]", "a@b.example", "x/y"]
)
def test_what_is_no_domain_is_refused(desk, name):
    assert fields(add(desk, name)) == [("name", "invalid")]


def test_domains_are_added_once_not_when_local_and_not_without_end(desk):
    assert [add(desk).status for _ in range(2)] == [200, 409]
    assert add(desk, "penfold.test").status == 409
    for n in range(SENDING_DOMAINS_MAX - 1):
        assert add(desk, f"{n}.example").status == 200
    assert add(desk, "more.example").status == 409
