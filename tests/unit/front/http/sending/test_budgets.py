"""Limits of an account: which refuse, which are only told, and how often."""

import pytest
from tests.unit.front.http.sending.desk import Desk

from penfold.domain.sending.balances import add_credit, set_budget

#: What a recipient costs here, in millionths.
PRICE = 280


@pytest.fixture
def desk():
    return Desk()


def limit(desk, **limits):
    desk.book.change(lambda writer: set_budget(writer, desk.alice.id, **limits))


def told(desk):
    """Return what was told of limits, the first first, and who is to get a mail."""
    listed = desk.ask("GET", "/events?type=budget.soft_limit,balance.low").json["data"]
    notices = desk.book.read(lambda book: book.list_notices(limit=9))
    assert [one.id for one in notices] == [one["id"] for one in reversed(listed)]
    return [(one["type"], one["data"]) for one in reversed(listed)]


def test_a_soft_limit_is_told_once_when_it_is_passed_and_refuses_nothing(desk):
    limit(desk, soft=2 * PRICE)
    desk.sent(to=["a@x.example", "b@x.example"])
    assert told(desk) == []
    for _ in range(3):
        desk.sent()
    data = {"month": "2026-09", "spent": "0.00084", "limit": "0.00056", "currency": "USD"}
    assert told(desk) == [("budget.soft_limit", data)]


def test_a_raised_limit_and_the_next_month_are_told_anew(desk):
    limit(desk, soft=PRICE // 2)
    desk.sent()
    limit(desk, soft=PRICE + PRICE // 2)
    desk.sent()
    desk.clock.advance(days=30)
    limit(desk, soft=PRICE // 2)
    desk.sent()
    found = [(data["month"], data["limit"]) for _, data in told(desk)]
    assert found == [("2026-09", "0.00014"), ("2026-09", "0.00042"), ("2026-10", "0.00014")]


def test_what_is_left_of_a_balance_is_told_once_until_more_is_paid(desk):
    desk.book.change(lambda writer: add_credit(writer, desk.alice.id, 3 * PRICE))
    limit(desk, low=2 * PRICE)
    desk.sent()
    assert told(desk) == []
    desk.sent()
    desk.sent()
    data = {"left": "0.00028", "limit": "0.00056", "currency": "USD"}
    assert told(desk) == [("balance.low", data)]
    assert desk.send().status == 402
    desk.book.change(lambda writer: add_credit(writer, desk.alice.id, 3 * PRICE))
    desk.sent(to=["a@x.example", "b@x.example"])
    assert [kind for kind, _ in told(desk)] == ["balance.low"] * 2


def test_what_was_refused_or_is_a_test_crosses_no_limit(desk):
    limit(desk, soft=PRICE // 2, hard=PRICE // 2)
    assert desk.send().status == 402
    desk.sent(key=desk.make_key(test=True))
    assert told(desk) == []


def test_a_webhook_can_ask_for_it(desk):
    hook = {"endpoint": "https://shop.example/hook", "events": ["budget.soft_limit"]}
    made = desk.ask("POST", "/webhooks", hook)
    limit(desk, soft=PRICE // 2)
    desk.sent()
    [one] = desk.ask("GET", f"/webhooks/{made.json['id']}/attempts").json["data"]
    assert one["type"] == "budget.soft_limit"
