"""The owner gets one mail for each limit that was passed."""

from base64 import urlsafe_b64decode

import pytest
from tests.unit.domain.sending.hooks import Desk
from tests.unit.fragile import Crash, Fragile, Step

from penfold.domain.sending.budget_notice import BudgetNotices
from penfold.ports.sending.events import NOBODY, NewEvent, OtherKind

DATA = {
    OtherKind.BUDGET_SOFT_LIMIT: {"month": "2026-09", "spent": "40.01", "limit": "40.00"},
    OtherKind.BALANCE_LOW: {"left": "1.99", "limit": "2.00"},
}


@pytest.fixture
def desk():
    return Desk()


def note(desk, kind, account_id=""):
    account_id = account_id or desk.account.id
    data = DATA[kind] | {"currency": "USD"}
    new = NewEvent(kind, account_id, 0, NOBODY, kind.value, desk.clock.now_ms(), kind, data)
    desk.book.change(lambda writer: writer.add_event(new, notice=True))


def make_notices(desk, **changed):
    kept = desk.notices
    ports = {name: getattr(kept, name) for name in kept.__dataclass_fields__}
    return BudgetNotices(**ports | changed)


def letters(desk):
    found = [desk.world.api("messages_get", id=one, format="full") for one in desk.world.list_ids()]
    return [urlsafe_b64decode(one.payload.body.data).decode() for one in found]


@pytest.mark.parametrize("kind", DATA)
def test_owner_is_told_once_in_words_with_the_amounts(desk, kind):
    note(desk, kind)
    assert make_notices(desk).sweep() == 1
    assert make_notices(desk).sweep() == 0
    [letter] = letters(desk)
    for amount in DATA[kind].values():
        assert amount in letter
    assert "alice@penfold.test" in letter


def test_crash_between_mailbox_and_mark_tells_nobody_twice(desk):
    note(desk, OtherKind.BALANCE_LOW)
    broken = Fragile(desk.book, Step(1, after=False), {"change"})
    with pytest.raises(Crash):
        make_notices(desk, book=broken).sweep()
    assert make_notices(desk).sweep() == 1
    assert len(letters(desk)) == 1


def test_nobody_is_told_of_an_account_that_is_gone(desk):
    note(desk, OtherKind.BALANCE_LOW, "gone")
    assert make_notices(desk).sweep() == 1
    assert letters(desk) == []
