"""Filters judge what arrives: which mail they mean, and what becomes of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.world import World, mail

from penfold.base.labels import INBOX, SPAM, TRASH, UNREAD, format_label_id
from penfold.domain.mailbox.arrival import Arrival
from penfold.domain.mailbox.filtering import apply_filters, make_tree
from penfold.domain.mailbox.messages import read_letter
from penfold.proto.search.parse import parse_query
from penfold.spec.schemas import Filter, FilterAction, FilterCriteria, Label

WITH_FILE = (
    b"From: Ann <ann@elsewhere.example>\r\nTo: alice@penfold.test\r\nSubject: Report\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nSee there.\r\n"
    b"--b\r\nContent-Type: application/pdf; name=r.pdf\r\n"
    b"Content-Disposition: attachment; filename=r.pdf\r\n\r\nX\r\n--b--\r\n"
)
STAR = FilterAction(add_label_ids=["STARRED"])


def add_filter(world, action=STAR, account=None, **criteria):
    body = Filter(criteria=FilterCriteria(**criteria), action=action)
    return world.api("filters_create", account=account, body=body)


def labels_of(world, message, account=None):
    row = world.read(lambda box: box.find_message(int(message, 16)), account)
    return {format_label_id(number) for number in row.labels}


@pytest.mark.parametrize(
    ("criteria", "hit"),
    [
        ({"from_": "ann"}, True),
        ({"from_": "bob OR ann@elsewhere.example"}, True),
        ({"from_": "alice@penfold.test"}, False),
        ({"to": "me"}, True),
        ({"to": "alice@penfold.test"}, True),
        ({"to": "ann"}, False),
        ({"subject": "report"}, True),
        ({"subject": "there"}, False),
        ({"query": "has:attachment subject:report"}, True),
        ({"query": "newer_than:1d -older_than:1d"}, True),
        ({"query": "in:inbox"}, False),
        ({"query": "label:bills"}, False),
        ({"negated_query": "invoice"}, True),
        ({"negated_query": "report"}, False),
        ({"has_attachment": True}, True),
        ({"exclude_chats": True}, True),
        ({"size": 100, "size_comparison": "larger"}, True),
        ({"size": 100, "size_comparison": "smaller"}, False),
        ({"from_": "ann", "subject": "report", "has_attachment": True}, True),
        ({"from_": "ann", "subject": "invoice"}, False),
        ({"from_": "nobody) ann"}, False),
        # % and _ stand for themselves and not for others, as SQL's LIKE would have it.
        ({"from_": "a%"}, False),
        ({"from_": "_nn"}, False),
        ({"from_": "_nn@elsewhere.example"}, False),
        ({"to": "alice@penfold.%"}, False),
        ({"subject": "rep_rt"}, False),
        ({"query": "subject:rep%"}, False),
    ],
)
def test_all_criteria_have_to_hold(world, criteria, hit):
    add_filter(world, **criteria)
    [message] = world.receive(WITH_FILE)
    assert ("STARRED" in labels_of(world, message)) == hit


def test_every_filter_that_matches_acts(world):
    label = world.api("labels_create", body=Label(name="Bills")).id
    add_filter(world, FilterAction(add_label_ids=[label], remove_label_ids=["INBOX"]), from_="ann")
    add_filter(world, FilterAction(add_label_ids=["IMPORTANT"]), subject="report")
    add_filter(world, FilterAction(remove_label_ids=["UNREAD", "IMPORTANT"]), to="alice")
    add_filter(world, FilterAction(add_label_ids=["TRASH"]), from_="somebody else")
    [message] = world.receive(WITH_FILE)
    # One that adds a label wins over one that takes it off.
    assert labels_of(world, message) == {label, "IMPORTANT"}
    # They act before the message is stored: history never saw it in INBOX.
    [added] = world.api("history_list", start_history_id=1000).history
    assert set(added.messages_added[0].message.label_ids) == {label, "IMPORTANT"}


def test_trash_leaves_the_inbox(world):
    add_filter(world, FilterAction(add_label_ids=["TRASH"]), from_="ann")
    [message] = world.receive(WITH_FILE)
    assert labels_of(world, message) == {"TRASH", "UNREAD"}


def test_label_that_is_gone_does_not_hold_mail_up(world):
    label = world.api("labels_create", body=Label(name="Bills")).id
    add_filter(world, FilterAction(add_label_ids=[label, "STARRED"]), from_="ann")
    world.api("labels_delete", id=label)
    [message] = world.receive(WITH_FILE)
    assert labels_of(world, message) == {"INBOX", "UNREAD", "STARRED"}


def test_mail_between_accounts_and_to_oneself_is_filtered_sent_mail_is_not(world):
    add_filter(world, account=world.bob, subject="hello")
    add_filter(world, FilterAction(remove_label_ids=["INBOX"]), subject="note")
    [sent] = world.submit(mail("Hello", to="bob@penfold.test"), "bob@penfold.test")
    [got] = world.list_ids(world.bob)
    assert labels_of(world, got, world.bob) == {"INBOX", "UNREAD", "STARRED"}
    assert labels_of(world, sent) == {"SENT"}
    [note] = world.submit(mail("Note"), "alice@penfold.test")
    assert labels_of(world, note) == {"SENT", "UNREAD"}


def test_filter_without_action_does_nothing(world):
    record = Filter(id="old", criteria=FilterCriteria(from_="ann"))
    world.change(lambda box: box.put_setting(record, "old"))
    [message] = world.receive(WITH_FILE)
    assert labels_of(world, message) == {"INBOX", "UNREAD"}


def judge(world, action, labels):
    found = [Filter(criteria=FilterCriteria(from_="ann"), action=action)]
    arrival = Arrival(
        letter=read_letter(WITH_FILE), sender="", labels=frozenset(labels),
        own=("alice@penfold.test",), name="", now_ms=0,
    )  # fmt: skip
    return world.read(lambda box: apply_filters(box, found, arrival)).labels


def test_never_spam_sends_spam_where_it_would_have_gone(world):
    never = FilterAction(remove_label_ids=["SPAM"])
    assert judge(world, never, {SPAM, UNREAD}) == {INBOX, UNREAD}
    assert judge(world, never, {INBOX, UNREAD}) == {INBOX, UNREAD}
    archived = FilterAction(remove_label_ids=["SPAM", "INBOX"])
    assert judge(world, archived, {SPAM, UNREAD}) == {UNREAD}
    trashed = FilterAction(remove_label_ids=["SPAM"], add_label_ids=["TRASH"])
    assert judge(world, trashed, {SPAM, UNREAD}) == {TRASH, UNREAD}
    assert judge(world, STAR, {SPAM, UNREAD}) >= {SPAM, UNREAD}


TERMS = ["ann", "report", "there", "pdf", "invoice", "elsewhere.example", '"see there"',
         "from:ann", "to:me", "-report", "-from:ann", "has:attachment", "OR", "{ann invoice}",
         "larger:100", "filename:pdf", "newer_than:1d"]  # fmt: skip
queries = st.lists(st.sampled_from(TERMS), min_size=1, max_size=4).map(" ".join)


@settings(max_examples=60)
@given(
    from_=st.sampled_from(["", "ann", "bob", "ann OR bob", "-ann"]),
    subject=st.sampled_from(["", "report", "invoice", "{report invoice}"]),
    query=queries,
    negated=queries,
)
def test_filter_means_what_a_search_for_its_words_finds(from_, subject, query, negated):
    with_world = World(runs_twice=False)
    [message] = with_world.receive(WITH_FILE)
    q = f"from:({from_}) subject:({subject}) ({query}) -({negated})"
    criteria = FilterCriteria(from_=from_, subject=subject, query=query, negated_query=negated)
    found = [Filter(criteria=criteria, action=STAR)]
    raw = with_world.read(lambda box: box.get_raw(int(message, 16)))
    arrival = Arrival(
        letter=read_letter(raw), sender="", labels=frozenset({UNREAD}),
        own=("alice@penfold.test",), name="", now_ms=with_world.clock.now_ms(),
    )  # fmt: skip
    starred = len(with_world.read(lambda box: apply_filters(box, found, arrival)).labels) > 1
    assert starred == bool(with_world.list_ids(q=q))
    with_world.close()


@given(st.text(alphabet="ab -OR:{|\u00e9", max_size=20))
def test_text_of_a_field_is_read_as_the_search_in_brackets(text):
    text = text.replace("{", "")
    inner = parse_query(text, now_ms=0, field="from")
    assert inner == parse_query(f"from:({text})", now_ms=0)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_criteria_have_a_tree(one, other):
    criteria = FilterCriteria(from_=one, query=other, negated_query=one, subject=other)
    assert make_tree(criteria, now_ms=0) == make_tree(criteria, now_ms=5)
