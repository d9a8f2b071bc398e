"""users.history.list: a record per action and kind, labels right after each step."""

import pytest
from msgspec import UNSET
from tests.unit.world import mail

from penfold.base.limits import HISTORY_DAYS, HISTORY_SCAN_MAX
from penfold.ports.mailbox import Change, HistoryEntry
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import (
    BatchModifyMessagesRequest,
    Draft,
    Message,
    ModifyMessageRequest,
    ModifyThreadRequest,
)


def current(world):
    return world.read(lambda box: box.get_totals().history_id)


def tell(world, start):
    """Return history as (kind, [(message, labels right after, changed labels)])."""
    records = world.api("history_list", start_history_id=start).history or ()
    told = []
    for record in records:
        kinds = {
            "added": record.messages_added,
            "deleted": record.messages_deleted,
            "+": record.labels_added,
            "-": record.labels_removed,
        }
        [(kind, entries)] = [(k, v) for k, v in kinds.items() if v is not UNSET]
        assert {m.id for m in record.messages} == {entry.message.id for entry in entries}
        told.append((kind, [describe(entry) for entry in entries]))
    return told


def describe(entry):
    changed = " ".join(getattr(entry, "label_ids", ()))
    return entry.message.id, set(entry.message.label_ids or ()), changed


def insert(world, *labels, subject="x"):
    return world.api("messages_insert", body=Message(raw=mail(subject), label_ids=list(labels))).id


def modify(world, message, add=(), remove=()):
    body = ModifyMessageRequest(add_label_ids=list(add), remove_label_ids=list(remove))
    world.api("messages_modify", id=message, body=body)


def test_arrival_is_one_messages_added(world):
    start = current(world)
    [message] = world.receive(mail())
    assert tell(world, start) == [("added", [(message, {"INBOX", "UNREAD"}, "")])]


def test_two_labels_added_and_one_removed_are_three_records_with_the_steps_between(world):
    message = insert(world, "INBOX")
    start = current(world)
    modify(world, message, ["STARRED", "IMPORTANT"], ["INBOX"])
    assert tell(world, start) == [
        ("+", [(message, {"INBOX", "IMPORTANT"}, "IMPORTANT")]),
        ("+", [(message, {"INBOX", "IMPORTANT", "STARRED"}, "STARRED")]),
        ("-", [(message, {"IMPORTANT", "STARRED"}, "INBOX")]),
    ]


@pytest.mark.parametrize("label", ["TRASH", "SPAM"])
def test_trash_and_spam_also_log_the_inbox_leaving(world, label):
    message = insert(world, "INBOX")
    start = current(world)
    modify(world, message, [label])
    assert tell(world, start) == [
        ("+", [(message, {"INBOX", label}, label)]),
        ("-", [(message, {label}, "INBOX")]),
    ]


def test_trash_call_logs_what_modify_would_and_untrash_the_reverse_of_trash_only(world):
    message = insert(world, "INBOX")
    start = current(world)
    world.api("messages_trash", id=message)
    assert [kind for kind, _ in tell(world, start)] == ["+", "-"]
    start = current(world)
    world.api("messages_untrash", id=message)
    assert tell(world, start) == [("-", [(message, set(), "TRASH")])]


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda w, m: modify(w, m, ["INBOX"]), id="add-again"),
        pytest.param(lambda w, m: modify(w, m, remove=["STARRED"]), id="remove-absent"),
        pytest.param(lambda w, m: w.api("messages_untrash", id=m), id="untrash-untrashed"),
        pytest.param(
            lambda w, _: w.api(
                "messages_batch_modify",
                body=BatchModifyMessagesRequest(ids=["1a"], add_label_ids=["STARRED"]),
            ),
            id="unknown-only",
        ),
    ],
)
def test_what_changes_nothing_logs_nothing(world, act):
    message = insert(world, "INBOX")
    start = current(world)
    act(world, message)
    assert current(world) == start
    assert tell(world, start) == []


def test_thread_change_is_one_record_with_an_entry_per_message_it_changed(world):
    ids = [world.receive(mail("t", message_id="0@x.example"))[0]]
    for n in range(1, 5):
        world.clock.advance(s=1)
        ids += world.receive(mail("Re: t", message_id=f"{n}@x.example", References="<0@x.example>"))
    modify(world, ids[2], ["STARRED"])
    start = current(world)
    body = ModifyThreadRequest(add_label_ids=["STARRED"])
    world.api("threads_modify", id=ids[0], body=body)
    [(kind, entries)] = tell(world, start)
    assert kind == "+"
    assert [entry[0] for entry in entries] == [ids[0], ids[1], ids[3], ids[4]]


def test_steps_differ_from_message_to_message(world):
    first, second = insert(world, "INBOX"), insert(world, "STARRED")
    start = current(world)
    body = BatchModifyMessagesRequest(ids=[first, second], add_label_ids=["STARRED", "TRASH"])
    world.api("messages_batch_modify", body=body)
    assert tell(world, start) == [
        ("+", [(first, {"INBOX", "TRASH"}, "TRASH"), (second, {"STARRED", "TRASH"}, "TRASH")]),
        ("+", [(first, {"INBOX", "TRASH", "STARRED"}, "STARRED")]),
        ("-", [(first, {"TRASH", "STARRED"}, "INBOX")]),
    ]
    ids = [
        int(world.api("messages_get", id=m, format="minimal").history_id) for m in (first, second)
    ]
    assert ids == [current(world), current(world) - 2]


def test_deletion_is_messages_deleted_with_the_labels_it_had(world):
    message = insert(world, "INBOX")
    start = current(world)
    world.api("messages_delete", id=message)
    assert tell(world, start) == [("deleted", [(message, {"INBOX"}, "")])]


def test_thread_deletion_is_one_record_with_an_entry_per_message(world):
    [root] = world.receive(mail("t", message_id="0@x.example"))
    [reply] = world.receive(mail("Re: t", References="<0@x.example>"))
    start = current(world)
    world.api("threads_delete", id=root)
    [(kind, entries)] = tell(world, start)
    assert kind == "deleted"
    assert {entry[0] for entry in entries} == {root, reply}


def test_draft_update_adds_the_new_version_and_deletes_the_old(world):
    draft = world.api("drafts_create", body=Draft(message=Message(raw=mail())))
    start = current(world)
    new = world.api("drafts_update", id=draft.id, body=Draft(message=Message(raw=mail("y"))))
    assert tell(world, start) == [
        ("added", [(new.message.id, {"DRAFT"}, "")]),
        ("deleted", [(draft.message.id, {"DRAFT"}, "")]),
    ]


def test_mail_to_oneself_is_a_single_messages_added(world):
    start = current(world)
    sent = world.api("messages_send", body=Message(raw=mail()))
    assert tell(world, start) == [("added", [(sent.id, {"SENT", "INBOX", "UNREAD"}, "")])]


# --- filters, pages, errors --------------------------------------------------------------


@pytest.fixture
def busy(world):
    """A mailbox with one record of each kind; return its start and its two messages."""
    start = current(world)
    first = insert(world, "INBOX")
    second = insert(world)
    modify(world, second, ["STARRED"])
    modify(world, first, remove=["INBOX"])
    world.api("messages_delete", id=second)
    return start, first, second


@pytest.mark.parametrize(
    ("types", "kinds"),
    [
        pytest.param(("messageAdded",), ["messages_added"] * 2, id="added"),
        pytest.param(("messageDeleted",), ["messages_deleted"], id="deleted"),
        pytest.param(("labelAdded",), ["labels_added"], id="label-added"),
        pytest.param(("labelRemoved",), ["labels_removed"], id="label-removed"),
        pytest.param(
            ("labelAdded", "messageDeleted"), ["labels_added", "messages_deleted"], id="two"
        ),
    ],
)
def test_types_choose_records(world, busy, types, kinds):
    records = world.api("history_list", start_history_id=busy[0], history_types=types).history
    names = ("messages_added", "messages_deleted", "labels_added", "labels_removed")
    assert [n for r in records for n in names if getattr(r, n) is not UNSET] == kinds


def test_label_chooses_messages_that_carry_or_lost_it(world, busy):
    start, first, _ = busy
    records = world.api("history_list", start_history_id=start, label_id="INBOX").history
    assert [r.messages[0].id for r in records] == [first, first]
    assert records[1].labels_removed[0].label_ids == ["INBOX"]


def test_pages_join_up_and_each_says_the_current_history_id(world, busy):
    whole = world.api("history_list", start_history_id=busy[0]).history
    seen, token = [], ""
    while True:
        page = world.api("history_list", start_history_id=busy[0], max_results=2, page_token=token)
        assert page.history_id == str(current(world))
        seen += page.history
        if not page.next_page_token:
            break
        token = page.next_page_token
    assert seen == whole
    assert [int(r.id) for r in seen] == sorted(int(r.id) for r in seen)


def test_page_that_is_full_with_the_last_match_has_no_token(world, busy):
    page = world.api(
        "history_list", start_history_id=busy[0], max_results=1, history_types=("labelAdded",)
    )
    assert len(page.history) == 1
    assert page.next_page_token is UNSET


def test_long_stretch_without_a_match_ends_the_page_early(world):
    start = current(world)
    wanted = insert(world, "STARRED")

    def fill(box):
        for n in range(HISTORY_SCAN_MAX):
            box.add_history(Change.MESSAGE_ADDED, [HistoryEntry(n, n, (3,))], now_ms=0)

    world.change(fill)
    last = insert(world, "STARRED")
    page = world.api("history_list", start_history_id=start, label_id="STARRED")
    assert [r.messages[0].id for r in page.history] == [wanted]
    rest = world.api(
        "history_list", start_history_id=start, label_id="STARRED", page_token=page.next_page_token
    )
    assert [r.messages[0].id for r in rest.history] == [last]
    assert rest.next_page_token is UNSET


def refusal(world, **params):
    with pytest.raises(ProblemError) as caught:
        world.api("history_list", **params)
    return caught.value.text


def test_nothing_new_has_no_history_member(world):
    answer = world.api("history_list", start_history_id=current(world))
    assert (answer.history, answer.history_id) == (UNSET, str(current(world)))


def test_start_is_required_and_must_be_known(world):
    assert refusal(world) == "Missing startHistoryId"
    for start in (0, 1, current(world) + 1, 2**64 - 1):
        assert refusal(world, start_history_id=start) == "Requested entity was not found."


def test_expired_start_is_not_found_and_the_oldest_kept_one_works(world):
    start = current(world)
    insert(world)
    world.clock.advance(days=HISTORY_DAYS + 1)
    kept = current(world)
    insert(world)
    before_ms = world.clock.now_ms() - HISTORY_DAYS * 86_400_000
    world.change(lambda box: box.expire_history(before_ms=before_ms, limit=9))
    assert refusal(world, start_history_id=start) == "Requested entity was not found."
    assert len(world.api("history_list", start_history_id=kept).history) == 1


@pytest.mark.parametrize("label", ["nothing", "Label_900"])
def test_unknown_label_is_refused(world, label):
    assert refusal(world, start_history_id=1000, label_id=label)


@pytest.mark.parametrize("token", ["x", "1", "-1", "1" * 60, "0"])
def test_bad_page_token_is_refused(world, token):
    text = refusal(world, start_history_id=current(world), page_token=token)
    assert text == "Invalid pageToken"
