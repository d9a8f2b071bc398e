"""Suppressions over HTTP."""

import pytest
from tests.unit.front.http.sending.desk import Desk, fields

from penfold.ports.sending.suppressions import Reason, Scope, Suppression


@pytest.fixture
def desk():
    return Desk()


def add(desk, email="kim@x.example", **more):
    return desk.ask("POST", "/suppressions", {"email": email} | more)


def test_a_suppressed_address_is_found_by_id_and_address_and_lifted_by_either(desk):
    made = add(desk, "KIM@x.example", note="asked us").json
    assert (made["email"], made["origin"], made["scope"]) == ("kim@x.example", "manual", "account")
    for name in (made["id"], "Kim@X.example", "kim%40x.example"):
        assert desk.ask("GET", f"/suppressions/{name}").json["id"] == made["id"]
    assert add(desk).json["id"] == made["id"]
    gone = desk.ask("DELETE", "/suppressions/kim@x.example").json
    assert gone == {"object": "suppression", "id": made["id"], "deleted": True}
    assert desk.ask("GET", f"/suppressions/{made['id']}").status == 404
    assert desk.ask("DELETE", f"/suppressions/{made['id']}").status == 404


def test_a_complaint_is_lifted_by_its_id_alone(desk):
    one = Suppression("c1", desk.alice.id, "kim@x.example", Scope.ACCOUNT, "", Reason.COMPLAINT, 0)
    desk.book.change(lambda writer: writer.put_suppression(one))
    assert desk.ask("DELETE", "/suppressions/kim@x.example").status == 404
    assert desk.ask("DELETE", "/suppressions/c1").status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "kim"}, "email"),
        ({"scope": "world"}, "scope"),
        ({"scope": "account", "value": "x"}, "value"),
        ({"scope": "domain", "value": "no domain"}, "value"),
        ({"scope": "stream"}, "value"),
        ({"reason": "dislike"}, "reason"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"note": "a\r\nb"}, "note"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_suppression_is_refused(desk, body, field):
    reply = add(desk, **({"email": "kim@x.example"} | body))
    assert (reply.status, fields(reply)[0][0]) == (422, field)


def test_suppressions_are_listed_filtered_and_paged(desk):
    made = [add(desk, f"{n}@x.example").json["id"] for n in range(3)][::-1]
    add(desk, "b@x.example", reason="bounce")

    def ids(query):
        reply = desk.ask("GET", f"/suppressions?{query}").json
        return [one["id"] for one in reply["data"]], reply["has_more"]

    assert ids("origin=manual&limit=2") == (made[:2], True)
    assert ids(f"origin=manual&limit=2&after={made[1]}") == (made[2:], False)
    assert ids("email=1%40x.example") == ([made[1]], False)
    assert desk.ask("GET", "/suppressions?origin=x").status == 422


def test_an_import_is_all_or_nothing_and_an_export_has_it(desk):
    people = [{"email": f"{n}@x.example", "reason": "unsubscribe"} for n in range(3)]
    wrong = desk.ask("POST", "/suppressions/import", {"data": [*people, {"email": "x"}]})
    assert (wrong.status, fields(wrong)) == (422, [("data[3].email", "invalid")])
    assert desk.ask("GET", "/suppressions/export").json["data"] == []
    done = desk.ask("POST", "/suppressions/import", {"data": people})
    assert done.json == {"object": "import", "imported": 3}
    exported = desk.ask("GET", "/suppressions/export").json
    assert {one["email"] for one in exported["data"]} == {one["email"] for one in people}


def test_what_is_somebody_else_s_is_not_there(desk):
    made = add(desk).json
    theirs = desk.make_key(owner=desk.bob)
    for name in (made["id"], "kim@x.example"):
        assert desk.ask("GET", f"/suppressions/{name}", key=theirs).status == 404
        assert desk.ask("DELETE", f"/suppressions/{name}", key=theirs).status == 404
    assert desk.ask("GET", "/suppressions/export", key=theirs).json["data"] == []
    assert desk.send(key=theirs, to="kim@x.example").status == 200
