"""The last requests that took long, in a file for who watches."""

from penfold.app.monitor.slow import SlowRequests, load_slow
from penfold.base.clock import FixedClock
from penfold.base.limits import SLOW_KEPT

API = "gmail.users"


def test_what_was_noted_is_read_newest_first_over_all_processes(tmp_path):
    for number, name in enumerate(("http-0", "mail-0")):
        slow = SlowRequests(tmp_path, name, FixedClock(1_000 + number))
        slow.note(f"{API}.messages.list", 200, 0.75, f"id{number}", "m1")
        slow.save()
    second, first = load_slow(tmp_path)
    assert (first.at_ms, first.ms, first.id, first.account) == (1_000, 750.0, "id0", "m1")
    assert second.id == "id1"


def test_only_the_last_ones_are_kept(tmp_path):
    slow = SlowRequests(tmp_path, "http-0", FixedClock())
    for number in range(SLOW_KEPT + 5):
        slow.note("batch", 200, 1.0, str(number))
    slow.save()
    found = {each.id for each in load_slow(tmp_path)}
    assert found == {str(number) for number in range(5, SLOW_KEPT + 5)}


def test_nothing_new_writes_nothing(tmp_path):
    SlowRequests(tmp_path, "http-0", FixedClock()).save()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_list_is_passed_over(tmp_path):
    (tmp_path / "http-0.slow").write_bytes(b"{")
    assert load_slow(tmp_path) == ()
