"""Counters equal a count over the events, whatever happened in whatever order."""

from collections import Counter
from itertools import count as numbers

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.sending_contract import NOW, event, new
from tests.contract.sending_contract import count as counted

from penfold.ports.sending.counts import day_of, find_time, name_bucket
from penfold.ports.sending.events import EventKind
from penfold.store.sqlite.sending.book import SqliteSending
from penfold.testing.sending.book import MemorySending

DAY_MS = 86_400_000
EVER = {"first": "2026-01-01", "last": "2099-12-31"}
PEOPLE = (("kim@x.example", "to"), ("lee@Y.example", "cc"))
EMAILS = st.lists(
    st.fixed_dictionaries(
        {
            "stream": st.sampled_from(["otp", "transactional"]),
            "template_id": st.sampled_from(["", "t1"]),
            "domain": st.sampled_from(["shop.example", "news.example"]),
            "tags": st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"), max_size=2),
            "created_ms": st.integers(NOW, NOW + DAY_MS),
            "scheduled_ms": st.sampled_from([0, NOW + DAY_MS]),
            "test": st.booleans(),
        }
    ),
    min_size=1,
    max_size=4,
)
HAPPENED = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 1),
        st.sampled_from([*EventKind]),
        st.integers(NOW, NOW + 5 * DAY_MS),
        st.booleans(),
    ),
    max_size=30,
)
GROUPS = [(), ("day", "stream", "template", "domain"), ("tag", "day"), ("provider", "stream")]


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def make_book(request, tmp_path_factory):
    """Return what makes an empty book."""
    if request.param == "memory":
        return lambda: MemorySending(runs_twice=True)
    folder, names = tmp_path_factory.mktemp("books"), numbers()
    return lambda: SqliteSending(folder / f"{next(names)}.db", create=True)


@settings(max_examples=40)  # a commit each
@given(st.data(), EMAILS, HAPPENED)
def test_counters_equal_a_count_over_the_events(make_book, data, emails, happened):
    def change(writer):
        made.clear()
        for n, values in enumerate(emails):
            email = new(n, addresses=PEOPLE, **values)
            made[writer.add_email(email)] = email.email
        for n, (which, position, kind, at_ms, machine) in enumerate(happened):
            number = [*made][which % len(made)]
            more = {"machine": True} if machine and kind in ("opened", "clicked") else {}
            values = {"position": position, "cause": str(n), "at_ms": at_ms}
            writer.add_event(event(number, kind.value, **values, **more))

    book, made = make_book(), {}
    book.change(change)
    events = book.read(lambda b: b.list_events("a", limit=999))[::-1]
    by = data.draw(st.sampled_from(GROUPS))
    for test in (False, True):
        assert counted(book, by=by, test=test, **EVER) == count_events(made, events, by, test=test)
    book.close()


def count_events(emails, events, by, *, test):
    """Count recipients by what happened to them, from the events alone."""
    happened = {}
    for one in events:
        kinds = happened.setdefault((one.email, one.position, one.address), set())
        if not one.data.get("machine"):
            kinds |= {"accepted"} if one is first(events, one) else set()
            kinds.add(one.kind)
        if one.kind == "delivered" and one.final:
            email = emails[one.email]
            kinds.add(name_bucket(one.at_ms - max(email.created_ms, email.scheduled_ms)))
    found = Counter()
    for (number, _, address), kinds in happened.items():
        email = emails[number]
        if email.test is test:
            for key in keys_of(email, address, by):
                found.update((key, kind) for kind in kinds)
    return found


def first(events, one):
    return next(e for e in events if (e.email, e.position) == (one.email, one.position))


def keys_of(email, address, by):
    tags = [f"{name}={value}" for name, value in email.tags.items()] if "tag" in by else [""]
    for tag in tags:
        values = {
            "day": day_of(email.created_ms), "stream": email.stream, "domain": email.domain,
            "template": email.template_id, "tag": tag,
            "provider": address.rpartition("@")[2].lower(),
        }  # fmt: skip
        yield tuple(values[name] for name in by)


@given(st.integers(1, 10**9))
def test_a_bucket_of_times_is_within_a_tenth_of_every_time_in_it(ms):
    assert abs(find_time(name_bucket(ms)) / ms - 1) <= 0.1


@pytest.mark.parametrize("kind", ["delivered", "accepted"])
def test_a_kind_that_is_no_bucket_has_no_time(kind):
    assert find_time(kind) is None
