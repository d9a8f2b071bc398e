"""How room is divided between priorities."""

from hypothesis import given
from hypothesis import strategies as st

from penfold.base.priority import Priority, divide

COUNTS = st.fixed_dictionaries({each: st.integers(0, 50) for each in Priority})


@given(waiting=COUNTS, limit=st.integers(0, 100), share=st.integers(3, 9))
def test_all_room_is_used_by_priority_and_each_lower_one_has_its_share(waiting, limit, share):
    taken = divide(waiting, limit, share=share)
    assert sum(taken.values()) == min(limit, sum(waiting.values()))
    assert all(0 <= taken[each] <= waiting[each] for each in Priority)
    for each in (Priority.NORMAL, Priority.LOW):
        assert taken[each] >= min(waiting[each], limit // share)
        if taken[each] > limit // share:
            assert all(taken[above] == waiting[above] for above in Priority if above < each)
