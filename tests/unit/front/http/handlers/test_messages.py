"""users.messages.*: labels and what they shut out, ids, insert and import, lists, deletion."""

import re

import pytest
from msgspec import UNSET
from tests.unit.world import World, mail

from penfold.base.errors import UnavailableError
from penfold.base.ids import message_id_ms
from penfold.base.labels import INBOX, SPAM, TRASH, UNREAD
from penfold.base.limits import BATCH_MODIFY_MAX, MODIFY_LABELS_MAX, SEND_MAX_BYTES
from penfold.domain.mailbox.changes import settle_labels
from penfold.front.http.call import TooSlowInline
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import (
    BatchDeleteMessagesRequest,
    BatchModifyMessagesRequest,
    Label,
    Message,
    ModifyMessageRequest,
)

OLD = "Tue, 03 Mar 2015 10:20:30 +0000"
OLD_MS = 1_425_378_030_000


def refusal(world, call, **params):
    with pytest.raises(ProblemError) as caught:
        world.api(call, **params)
    return caught.value.text


def modify(world, message, add=(), remove=()):
    body = ModifyMessageRequest(add_label_ids=list(add), remove_label_ids=list(remove))
    return world.api("messages_modify", id=message, body=body)


def insert(world, raw=None, call="messages_insert", **params):
    members = {key: params.pop(key) for key in ("label_ids", "thread_id") if key in params}
    return world.api(call, body=Message(raw=raw or mail(), **members), **params)


def labels_of(world, message):
    return set(world.api("messages_get", id=message, format="minimal").label_ids or ())


# --- modify ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "add", "remove", "after"),
    [
        pytest.param({"INBOX", "UNREAD"}, [], ["UNREAD"], {"INBOX"}, id="read"),
        pytest.param({"INBOX"}, ["STARRED"], ["INBOX"], {"STARRED"}, id="both-lists"),
        pytest.param({"INBOX", "UNREAD"}, ["TRASH"], [], {"TRASH", "UNREAD"}, id="trash-drops-inbox"),
        pytest.param({"INBOX", "SENT"}, ["SPAM"], [], {"SPAM", "SENT"}, id="spam-drops-inbox"),
        pytest.param({"SPAM"}, ["TRASH"], [], {"TRASH"}, id="trash-drops-spam"),
        pytest.param({"TRASH"}, ["SPAM"], [], {"SPAM"}, id="spam-drops-trash"),
        pytest.param({"TRASH"}, ["INBOX"], [], {"INBOX"}, id="inbox-drops-trash"),
        pytest.param({"SPAM"}, ["INBOX"], [], {"INBOX"}, id="inbox-drops-spam"),
        pytest.param({"TRASH"}, ["STARRED"], [], {"TRASH", "STARRED"}, id="trashed-mail-is-labelled"),
        pytest.param({"INBOX"}, ["TRASH", "SPAM"], [], {"TRASH"}, id="trash-wins"),
        pytest.param({"INBOX"}, ["IMPORTANT", "CATEGORY_SOCIAL"], [],
                     {"INBOX", "IMPORTANT", "CATEGORY_SOCIAL"}, id="categories"),
        pytest.param({"INBOX"}, ["STARRED"], ["STARRED"], {"INBOX", "STARRED"}, id="add-wins"),
    ],
)  # fmt: skip
def test_modify_leaves_these_labels(world, before, add, remove, after):
    message = insert(world, label_ids=sorted(before)).id
    answer = modify(world, message, add, remove)
    assert set(answer.label_ids) == after == labels_of(world, message)
    assert (answer.id, answer.thread_id) == (message, message)
    assert (answer.snippet, answer.history_id) == (UNSET, UNSET)


@pytest.mark.parametrize(
    ("label", "text"),
    [
        pytest.param("Dianne", "Invalid label: Dianne", id="name"),
        pytest.param("inbox", "Invalid label: inbox", id="lower-case"),
        pytest.param("{x}", "Invalid label: {x}", id="braces"),
        pytest.param("Label_8", "labelId not found", id="small-number"),
        pytest.param("Label_8665618256210763520", "labelId not found", id="large-number"),
        pytest.param("SENT", "Invalid label: SENT", id="sent"),
        pytest.param("DRAFT", "Invalid label: DRAFT", id="draft"),
        pytest.param("CHAT", "Invalid label: CHAT", id="chat"),
    ],
)
@pytest.mark.parametrize("place", ["add", "remove"])
def test_label_that_cannot_be_moved_is_refused_and_changes_nothing(world, label, text, place):
    message = insert(world, label_ids=["INBOX"]).id
    lists = {"add": ["STARRED"], "remove": ["INBOX"]}
    lists[place].append(label)
    with pytest.raises(ProblemError, match=re.escape(text)):
        modify(world, message, **lists)
    assert labels_of(world, message) == {"INBOX"}


def test_modify_with_nothing_to_do_is_refused(world):
    message = insert(world).id
    assert refusal(world, "messages_modify", id=message) == "No label add or removes specified"


def test_modify_with_too_many_labels_is_refused(world):
    message = insert(world).id
    body = ModifyMessageRequest(add_label_ids=["STARRED"] * (MODIFY_LABELS_MAX + 1))
    assert "Too many label ids: 101" in refusal(world, "messages_modify", id=message, body=body)


def test_trash_and_untrash_do_not_bring_the_inbox_back(world):
    message = insert(world, label_ids=["INBOX", "UNREAD"]).id
    assert set(world.api("messages_trash", id=message).label_ids) == {"TRASH", "UNREAD"}
    assert set(world.api("messages_untrash", id=message).label_ids) == {"UNREAD"}


def test_history_id_of_a_message_is_that_of_its_last_change(world):
    message = insert(world, label_ids=["INBOX"]).id
    modify(world, message, ["STARRED", "IMPORTANT"], ["INBOX"])
    row = world.api("messages_get", id=message, format="minimal")
    assert row.history_id == str(world.read(lambda box: box.get_totals().history_id))


def test_one_of_inbox_spam_and_trash_stays_when_one_is_added():
    places = {INBOX, SPAM, TRASH}
    for labels in (frozenset({INBOX}), frozenset({SPAM, UNREAD}), frozenset(places)):
        for place in places:
            settled = settle_labels(labels, add=frozenset({place}))
            assert settled == (labels - places) | {place}


# --- ids ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call", ["messages_get", "messages_trash", "messages_delete", "threads_get"]
)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("xyz", "Invalid id value", id="not-hex"),
        pytest.param("8000000000000000", "Invalid id value", id="64-bits"),
        pytest.param("7fffffffffffffff", "Requested entity was not found.", id="largest"),
        pytest.param("1a", "Requested entity was not found.", id="unknown"),
    ],
)
def test_bad_and_unknown_ids(world, call, text, said):
    assert refusal(world, call, id=text) == said


def test_id_is_read_as_a_number_and_answered_in_its_own_spelling(world):
    message = insert(world).id
    assert re.fullmatch("[0-9a-f]{16}", message)
    assert world.api("messages_get", id=f"00{message.upper()}").id == message


# --- insert and import -------------------------------------------------------------------


@pytest.mark.parametrize("call", ["messages_insert", "messages_import"])
def test_default_labels_are_none(world, call):
    answer = insert(world, call=call)
    assert answer.label_ids is UNSET
    assert answer.thread_id == answer.id


@pytest.mark.parametrize(
    ("call", "source", "dated"),
    [
        pytest.param("messages_insert", None, False, id="insert-default-is-received"),
        pytest.param("messages_insert", "dateHeader", True, id="insert-dated"),
        pytest.param("messages_import", None, True, id="import-default-is-dated"),
        pytest.param("messages_import", "receivedTime", False, id="import-received"),
    ],
)
def test_internal_date_and_id_follow_the_source(world, call, source, dated):
    params = {"internal_date_source": source} if source else {}
    message = insert(world, mail(Date=OLD), call, **params).id
    row = world.api("messages_get", id=message, format="minimal")
    expected = OLD_MS if dated else world.clock.now_ms()
    assert row.internal_date == str(expected)
    assert message_id_ms(int(message, 16)) == expected


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 03 Mar 1955 10:20:30 +0000"])
def test_unusable_date_counts_as_the_receive_time(world, date):
    message = insert(world, mail(Date=date), "messages_import").id
    row = world.api("messages_get", id=message, format="minimal")
    assert row.internal_date == str(world.clock.now_ms())


def test_messages_of_one_second_get_ids_of_their_own(world):
    ids = {insert(world, mail(str(n), Date=OLD), "messages_import").id for n in range(50)}
    assert len(ids) == 50


class Bits:
    """Chance that gives these values and then the last one for ever."""

    def __init__(self, *values):
        self._values = list(values)

    def getrandbits(self, _):
        return self._values.pop(0) if len(self._values) > 1 else self._values[0]


def test_taken_id_is_passed_over_and_a_full_millisecond_says_try_again():
    world = World(runs_twice=False)
    world.chance = Bits(7, 7, 8)
    first, second = insert(world).id, insert(world).id
    assert int(second, 16) == int(first, 16) + 1
    with pytest.raises(UnavailableError):
        insert(world)
    assert world.list_ids() == [second, first]


def test_import_refuses_a_thread_id_and_insert_refuses_a_bad_one(world):
    first = insert(world).id
    body = Message(raw=mail(), thread_id=first)
    assert refusal(world, "messages_import", body=body) == "threadId not allowed"
    body.thread_id = "zzz"
    assert refusal(world, "messages_insert", body=body) == "Invalid thread_id value"
    body.thread_id = "1a"
    assert refusal(world, "messages_insert", body=body) == "Requested entity was not found."


@pytest.mark.parametrize("call", ["messages_insert", "messages_import", "messages_send"])
@pytest.mark.parametrize("raw", [UNSET, b""])
def test_missing_message_is_refused(world, call, raw):
    assert refusal(world, call, body=Message(raw=raw)) == (
        "'raw' RFC822 payload message string or uploading message via /upload/* URL required"
    )


def test_message_over_the_limit_is_refused(world):
    raw = mail(body="x" * SEND_MAX_BYTES)
    text = refusal(world, "messages_send", body=Message(raw=raw))
    assert text == f"Message exceeds the limit of {SEND_MAX_BYTES} bytes"


@pytest.mark.parametrize("call", ["messages_insert", "messages_import"])
def test_octets_are_kept_exactly(world, call):
    raw = b"Subject: x\nNo-Colon\n\n\0\xff lone \r and \n.\r\n"
    message = insert(world, raw, call).id
    row = world.api("messages_get", id=message, format="raw")
    assert row.size_estimate == len(raw)
    assert world.read(lambda box: box.get_raw(int(message, 16))) == raw


@pytest.mark.parametrize("call", ["messages_insert", "messages_import"])
def test_the_same_message_twice_is_two_messages(world, call):
    raw = mail(message_id="same@x.example")
    assert insert(world, raw, call).id != insert(world, raw, call).id


def test_inserted_labels_follow_the_same_rules(world):
    assert set(insert(world, label_ids=["SENT", "UNREAD"]).label_ids) == {"SENT", "UNREAD"}
    assert set(insert(world, label_ids=["INBOX", "SPAM"]).label_ids) == {"SPAM"}
    for label, text in [("CHAT", "Invalid label: CHAT"), ("Label_900", "labelId not found")]:
        body = Message(raw=mail(), label_ids=[label])
        assert refusal(world, "messages_insert", body=body) == text


def test_message_inserted_with_draft_is_a_draft(world):
    message = insert(world, label_ids=["DRAFT"]).id
    [draft] = world.api("drafts_list").drafts
    assert draft.message.id == message


# --- lists -------------------------------------------------------------------------------


def test_empty_list_has_no_messages_member(world):
    answer = world.api("messages_list")
    assert (answer.messages, answer.next_page_token) == (UNSET, UNSET)
    assert answer.result_size_estimate == 0


def test_list_is_newest_first_with_ids_only(world):
    ids = []
    for n in range(3):
        world.clock.advance(s=1)
        ids.append(insert(world, mail(str(n))).id)
    answer = world.api("messages_list")
    assert [message.id for message in answer.messages] == ids[::-1]
    assert answer.messages[0] == Message(id=ids[2], thread_id=ids[2])
    assert answer.result_size_estimate == 3


@pytest.mark.parametrize(
    ("params", "seen"),
    [
        pytest.param({}, {"inbox", "archive"}, id="default"),
        pytest.param({"include_spam_trash": True}, {"inbox", "archive", "spam", "trash"}, id="include"),
        pytest.param({"label_ids": ("SPAM",)}, {"spam"}, id="label-spam"),
        pytest.param({"label_ids": ("TRASH",)}, {"trash"}, id="label-trash"),
        pytest.param({"q": "in:trash"}, {"trash"}, id="q-trash"),
        pytest.param({"q": "in:anywhere"}, {"inbox", "archive", "spam", "trash"}, id="q-anywhere"),
        pytest.param({"q": "subject:spam"}, set(), id="q-without-place"),
        pytest.param({"label_ids": ("INBOX",), "q": "subject:archive"}, set(), id="labels-and-q"),
        pytest.param({"label_ids": ("INBOX", "UNREAD")}, {"inbox"}, id="all-labels"),
        pytest.param({"label_ids": ("INBOX", "STARRED")}, set(), id="not-any-label"),
        pytest.param({"q": "from:me"}, set(), id="from-me"),
        pytest.param({"q": "to:me"}, {"inbox", "archive"}, id="to-me"),
        pytest.param({"q": "  "}, {"inbox", "archive"}, id="blank-q"),
    ],
)  # fmt: skip
def test_spam_and_trash_show_only_when_asked_for(world, params, seen):
    for name, labels in [
        ("inbox", ["INBOX", "UNREAD"]), ("archive", []), ("spam", ["SPAM"]), ("trash", ["TRASH"]),
    ]:  # fmt: skip
        insert(world, mail(name), label_ids=labels)
    found = world.api("messages_list", **params).messages or ()
    subjects = {
        world.api("messages_get", id=m.id, format="metadata", metadata_headers=("Subject",))
        .payload.headers[0].value
        for m in found
    }  # fmt: skip
    assert subjects == seen


@pytest.mark.parametrize(
    ("label", "text"),
    [("nothing", "Invalid label: nothing"), ("Label_900", "labelId not found")],
)
def test_unknown_label_in_a_list_is_refused(world, label, text):
    assert refusal(world, "messages_list", label_ids=(label,)) == text


@pytest.mark.parametrize("call", ["messages_list", "threads_list", "drafts_list", "history_list"])
@pytest.mark.parametrize("value", [0, 2**31, 2**32 - 1])
def test_page_size_out_of_range_is_refused(world, call, value):
    start = {"start_history_id": 1000} if call == "history_list" else {}
    assert refusal(world, call, max_results=value, **start) == "Invalid maxResults"


def test_page_size_above_500_is_500(world):
    for n in range(502):
        insert(world, mail(str(n)))
    page = world.api("messages_list", max_results=1000)
    assert len(page.messages) == 500
    rest = world.api("messages_list", max_results=1000, page_token=page.next_page_token)
    assert len(rest.messages) == 2
    assert rest.next_page_token is UNSET
    assert page.result_size_estimate == rest.result_size_estimate == 201


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
def test_pages_join_up_while_mail_arrives_and_goes(world, size):
    ids = []
    for n in range(6):
        world.clock.advance(s=1)
        ids.append(insert(world, mail(str(n))).id)
    seen, token = [], ""
    while True:
        page = world.api("messages_list", max_results=size, page_token=token)
        seen += [message.id for message in page.messages]
        world.clock.advance(s=1)
        insert(world, mail("newer"))
        if not page.next_page_token:
            break
        token = page.next_page_token
        assert token.isdecimal()
    assert seen == ids[::-1]


# --- get ---------------------------------------------------------------------------------


def test_large_message_is_read_in_a_thread_but_not_for_its_labels(world):
    message = insert(world, mail(body="x" * 300_000)).id
    for wanted in ("full", "raw"):
        with pytest.raises(TooSlowInline):
            world.api("messages_get", id=message, format=wanted, inline=True)
    for wanted in ("minimal", "metadata"):
        world.api("messages_get", id=message, format=wanted, inline=True)
    assert world.api("messages_get", id=message).payload.body.size == 300_000


# --- batches and deletion ----------------------------------------------------------------


def test_batch_modify_changes_each_once_and_passes_over_unknown_ids(world):
    first, second = (insert(world, label_ids=["INBOX"]).id for _ in range(2))
    start = world.read(lambda box: box.get_totals().history_id)
    body = BatchModifyMessagesRequest(
        ids=[first, "1a", second, first.upper()], add_label_ids=["STARRED"]
    )
    assert world.api("messages_batch_modify", body=body) is None
    [record] = world.api("history_list", start_history_id=start).history
    assert [entry.message.id for entry in record.labels_added] == [first, second]


def test_batch_delete_removes_what_is_there(world):
    first, second, kept = (insert(world).id for _ in range(3))
    world.api("messages_batch_delete", body=BatchDeleteMessagesRequest(ids=[first, "1a", second]))
    assert world.list_ids() == [kept]
    before = world.read(lambda box: box.get_totals())
    world.api("messages_batch_delete", body=BatchDeleteMessagesRequest(ids=[first]))
    assert world.read(lambda box: box.get_totals()) == before


@pytest.mark.parametrize("call", ["messages_batch_modify", "messages_batch_delete"])
@pytest.mark.parametrize(
    ("ids", "text"),
    [
        pytest.param(UNSET, "No message ids specified", id="missing"),
        pytest.param([], "No message ids specified", id="empty"),
        pytest.param(["1a"] * (BATCH_MODIFY_MAX + 1), "Too many message ids: 1001, limit 1000", id="too-many"),
        pytest.param(["xyz"], "Invalid id value", id="malformed"),
    ],
)  # fmt: skip
def test_bad_batches_are_refused(world, call, ids, text):
    kinds = {"messages_batch_modify": BatchModifyMessagesRequest}
    body = kinds.get(call, BatchDeleteMessagesRequest)(ids=ids)
    if call == "messages_batch_modify":
        body.add_label_ids = ["STARRED"]
    assert refusal(world, call, body=body) == text


def test_deleted_message_is_gone_for_good(world):
    message = insert(world, label_ids=["INBOX"]).id
    world.api("messages_delete", id=message)
    assert refusal(world, "messages_get", id=message) == "Requested entity was not found."
    assert refusal(world, "messages_delete", id=message) == "Requested entity was not found."
    assert world.api("users_get_profile").messages_total == 0


def test_profile_names_the_account_and_counts_everything(world):
    for labels in ([], ["SPAM"], ["TRASH"]):
        insert(world, mail(str(labels)), label_ids=labels)
    profile = world.api("users_get_profile")
    assert profile.email_address == "alice@penfold.test"
    assert (profile.messages_total, profile.threads_total) == (3, 3)
    assert profile.history_id == str(world.read(lambda box: box.get_totals().history_id))


def test_new_mail_in_a_labelled_thread_does_not_inherit_the_label(world):
    label = world.api("labels_create", body=Label(name="Kept")).id
    [first] = world.receive(mail("Hi", message_id="a@x.example"))
    modify(world, first, [label], ["INBOX"])
    [reply] = world.receive(mail("Re: Hi", References="<a@x.example>"))
    assert world.api("messages_get", id=reply).thread_id == first
    assert labels_of(world, reply) == {"INBOX", "UNREAD"}
    assert labels_of(world, first) == {label, "UNREAD"}
