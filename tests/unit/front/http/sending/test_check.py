"""A look at an email before it is sent."""

import pytest
from tests.unit.front.http.sending.desk import EMAIL, Desk, fields


@pytest.fixture
def desk():
    return Desk()


def check(desk, **changes):
    return desk.ask("POST", "/emails/check", EMAIL | changes)


def codes(desk, **changes):
    return [one["code"] for one in check(desk, **changes).json["warnings"]]


def test_an_email_with_nothing_against_it_has_no_warnings(desk):
    said = check(desk, html="<p>Hi</p>", text="Hi", cc="lee@x.example").json
    assert (said["size"], said["recipients"], said["warnings"]) == (11, 2, [])


def test_a_missing_text_part_is_told(desk):
    assert "no-text" in codes(desk)


def test_mail_to_many_wants_a_link_to_unsubscribe_by(desk):
    assert "no-unsubscribe" in codes(desk, text="Hi", stream="broadcast")
    assert "no-unsubscribe" not in codes(desk, text="Hi")


def test_links_are_listed_once_and_those_without_tls_told(desk):
    html = '<a href="http://x.example/a">a</a> <a href="https://x.example/b">b</a>'
    said = check(desk, html=html, text="https://x.example/b").json
    assert said["links"] == ["http://x.example/a", "https://x.example/b"]
    assert [one["code"] for one in said["warnings"]] == ["http-link"]
    many = " ".join(f"https://x.example/{n}" for n in range(51))
    assert "many-links" in codes(desk, text=many)


def test_what_would_be_refused_is_refused_in_the_same_words(desk):
    changes = {"from": "x@elsewhere.example", "to": "nobody"}
    assert fields(check(desk, **changes)) == fields(desk.send(**changes))


def test_nothing_is_stored_and_nothing_charged(desk):
    check(desk)
    assert desk.book.read(lambda b: b.list_emails(desk.alice.id, limit=9)) == []
    assert desk.book.read(lambda b: b.get_balance(desk.alice.id)).spent_micros == 0
