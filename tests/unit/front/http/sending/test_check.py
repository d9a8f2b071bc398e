"""A look at an email before it is sent."""

import pytest
from tests.unit.front.http.sending.desk import EMAIL, Desk, fields

from penfold.base.limits import PREFLIGHTS_MAX
from penfold.domain.sending.preflight.remarks import Reception


@pytest.fixture
def desk():
    return Desk()


def check(desk, **changes):
    return desk.ask("POST", "/emails/check", EMAIL | changes)


def codes(desk, **changes):
    return [one["code"] for one in check(desk, **changes).json["findings"]]


def test_an_email_with_nothing_against_it_is_only_told_what_was_not_asked(desk):
    said = check(desk, html="<p>Hi</p>", text="Hi", cc="lee@x.example").json
    assert (said["ok"], said["recipients"], said["authentication"]) == (True, 2, None)
    assert [(one["code"], one["severity"]) for one in said["findings"]] == [("not-asked", "note")]


def test_a_missing_text_part_is_told(desk):
    assert "no-text" in codes(desk)


def test_mail_to_many_wants_a_link_to_unsubscribe_and_one_click(desk):
    assert "no-unsubscribe" in codes(desk, text="Hi", stream="broadcast")
    text = "Hi. Unsubscribe: {{ unsubscribe_url }}"
    said = check(desk, text=text, html="Hi. {{ unsubscribe_url }}", stream="broadcast").json
    assert [one["code"] for one in said["findings"]] == ["not-asked"]
    assert said["links"][0].startswith("https://penfold.test/mail/unsubscribe/")
    own = {"List-Unsubscribe": "<mailto:off@penfold.test>"}
    assert "no-one-click" in codes(desk, text=text, stream="broadcast", headers=own)
    assert {"no-unsubscribe", "no-one-click"}.isdisjoint(codes(desk, text="Hi"))


def test_links_are_listed_once_and_doubtful_ones_told(desk):
    html = '<a href="http://x.example/a">a</a> <a href="https://x.example/b">y.com</a>'
    said = check(
        desk, html=html, text="https://x.example/b, https://10.1.2.3/ https://bit.ly/x"
    ).json
    assert said["links"] == [
        "http://x.example/a", "https://x.example/b", "https://10.1.2.3/", "https://bit.ly/x",
    ]  # fmt: skip
    found = {(one["code"], one["field"]) for one in said["findings"] if one["severity"] != "note"}
    assert found == {
        ("http-link", "html"), ("other-host", "html"), ("ip-link", "text"), ("short-link", "text"),
    }  # fmt: skip
    many = " ".join(f"https://x.example/{n}" for n in range(51))
    assert "many-links" in codes(desk, text=many)


def test_links_that_are_tracked_are_looked_at_as_written_and_as_they_leave(desk):
    html = '<a href="https://bit.ly/x">a</a> <a href="https://shop.com/b">shop.com</a>'
    said = check(desk, html=html, text="Hi", tracking={"clicks": True}).json
    assert said["links"] == ["https://bit.ly/x", "https://shop.com/b"]
    found = [one["code"] for one in said["findings"] if one["severity"] != "note"]
    assert found == ["short-link", "other-host"]
    found = check(desk, html=html, text="Hi", tracking={"clicks": False}).json["findings"]
    assert "other-host" not in [one["code"] for one in found]


def test_a_file_too_large_for_gmail_is_an_error(desk):
    files = [{"filename": "a.bin", "content": "A" * 24_400_000}]
    said = check(desk, text="Hi", attachments=files).json
    assert [one["code"] for one in said["findings"] if one["severity"] == "error"] == ["too-large"]
    assert said["size"] > 25_000_000


def test_a_template_is_looked_at_as_the_mail_it_makes(desk):
    source = {"subject": "For {{ name }}", "html": '<img src="https://x.example/a.png">{{ name }}'}
    desk.ask("POST", "/templates", {"name": "Order", "alias": "order"})
    desk.ask("POST", "/templates/order/versions", source)
    desk.ask("POST", "/templates/order/publish", {})
    body = {"from": EMAIL["from"], "to": EMAIL["to"], "template": {"alias": "order"}}
    said = desk.ask("POST", "/emails/check", body | {"variables": {"name": "Kim"}}).json
    assert said["size"] > 300
    assert "no-alt" in [one["code"] for one in said["findings"]]


def test_only_a_few_are_looked_at_at_a_time(desk):
    """Each holds a thread for as long as the DNS takes."""
    seen = []

    def receive(_):
        seen.append(0)
        if len(seen) < PREFLIGHTS_MAX + 1:
            seen.append(check(desk).status)
        return Reception()

    desk.receive = receive
    assert check(desk).status == 200
    assert seen.count(503) == 1
    assert check(desk).status == 200


def test_what_would_be_refused_is_refused_in_the_same_words(desk):
    changes = {"from": "x@elsewhere.example", "to": "nobody"}
    assert fields(check(desk, **changes)) == fields(desk.send(**changes))


def test_nothing_is_stored_and_nothing_charged(desk):
    check(desk)
    assert desk.book.read(lambda b: b.list_emails(desk.alice.id, limit=9)) == []
    assert desk.book.read(lambda b: b.get_balance(desk.alice.id)).spent_micros == 0
