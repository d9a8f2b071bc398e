"""users.threads.*, and which conversation a message joins."""

import pytest
from msgspec import UNSET
from tests.unit.world import mail

from penfold.base.limits import READ_INLINE_MAX_MESSAGES, THREAD_MAX
from penfold.front.http.call import TooSlowInline
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import Message, ModifyMessageRequest, ModifyThreadRequest, Thread


def refusal(world, call, **params):
    with pytest.raises(ProblemError) as caught:
        world.api(call, **params)
    return caught.value.text


def thread_of(world, message):
    return world.api("messages_get", id=message, format="minimal").thread_id


def receive(world, raw):
    return world.receive(raw)[0]


def put(call):
    def add(world, raw):
        return world.api(call, body=Message(raw=raw)).id

    return add


ROUTES = {
    "smtp": receive,
    "import": put("messages_import"),
    "insert": put("messages_insert"),
    "submission": lambda world, raw: world.submit(raw, "kim@elsewhere.example")[0],
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("subject", "headers", "joins"),
    [
        pytest.param("Re: Plan", {"References": "<a@x.example>"}, True, id="references"),
        pytest.param("Re: Plan", {"In_Reply_To": "<a@x.example>"}, True, id="in-reply-to"),
        pytest.param("FWD: re:  PLAN", {"References": "<a@x.example>"}, True, id="prefixes"),
        pytest.param("Aw: Plan", {"References": "<u@x.example> <a@x.example>"}, True, id="last-of-two"),
        pytest.param("Other", {"References": "<a@x.example>"}, False, id="other-subject"),
        pytest.param("Re: Plan", {"References": "<u@x.example>"}, False, id="unknown-reference"),
        pytest.param("Plan", {}, None, id="same-subject-alone"),
        pytest.param("Other", {}, False, id="nothing-in-common"),
    ],
)  # fmt: skip
def test_joining(world, route, subject, headers, joins):
    first = receive(world, mail("Plan", message_id="a@x.example"))
    world.clock.advance(s=1)
    if joins is None:
        joins = route == "import"
    second = ROUTES[route](world, mail(subject, sender="alice@penfold.test", **headers))
    assert thread_of(world, second) == (first if joins else second)


@pytest.mark.parametrize("label", ["SPAM", "TRASH"])
@pytest.mark.parametrize("route", ["smtp", "import"])
def test_mail_in_spam_or_trash_leads_nowhere(world, route, label):
    first = receive(world, mail("Plan", message_id="a@x.example"))
    body = ModifyMessageRequest(add_label_ids=[label])
    world.api("messages_modify", id=first, body=body)
    world.clock.advance(s=1)
    reply = ROUTES[route](world, mail("Re: Plan", References="<a@x.example>"))
    assert thread_of(world, reply) == reply
    world.clock.advance(s=1)
    again = ROUTES[route](world, mail("Plan"))
    assert thread_of(world, again) == (again if route == "smtp" else reply)


def test_import_without_a_subject_joins_nothing(world):
    first = put("messages_import")(world, mail(""))
    second = put("messages_import")(world, mail("Re: "))
    assert thread_of(world, first) == first
    assert thread_of(world, second) == second


def test_conversation_splits_when_it_is_full_and_later_replies_join_its_second_part(world):
    first = receive(world, mail("Plan", message_id="0@x.example"))
    references = "<0@x.example>"
    for n in range(1, THREAD_MAX + 2):
        world.clock.advance(s=1)
        last = receive(world, mail("Re: Plan", message_id=f"{n}@x.example", References=references))
        references = f"<0@x.example> <{n}@x.example>"
    assert len(world.api("threads_get", id=first, format="minimal").messages) == THREAD_MAX
    second = thread_of(world, last)
    assert second not in (first, last)
    assert len(world.api("threads_get", id=second, format="minimal").messages) == 2


def test_send_into_a_full_conversation_starts_another(world):
    first = receive(world, mail("Plan", message_id="0@x.example"))
    for n in range(1, THREAD_MAX):
        raw = mail("Re: Plan", message_id=f"{n}@x.example", References="<0@x.example>")
        receive(world, raw)
    raw = mail("Re: Plan", References="<0@x.example>")
    sent = world.api("messages_send", body=Message(raw=raw, thread_id=first))
    assert sent.thread_id == sent.id


def test_reply_to_an_archived_thread_lands_in_the_inbox(world):
    first = receive(world, mail("Plan", message_id="a@x.example"))
    body = ModifyMessageRequest(remove_label_ids=["INBOX", "UNREAD"])
    world.api("messages_modify", id=first, body=body)
    world.clock.advance(s=1)
    receive(world, mail("Re: Plan", References="<a@x.example>"))
    labels = [m.label_ids for m in world.api("threads_get", id=first, format="minimal").messages]
    assert labels == [UNSET, ["UNREAD", "INBOX"]]


# --- sending into a thread ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "headers", "named", "joins"),
    [
        pytest.param("Re: Plan", {"References": "<a@x.example>"}, True, True, id="all-three"),
        pytest.param("Re: Plan", {"References": "<a@x.example>"}, False, False, id="no-thread-id"),
        pytest.param("Re: Plan", {}, True, False, id="no-references"),
        pytest.param("Other", {"References": "<a@x.example>"}, True, False, id="other-subject"),
        pytest.param("Re: Plan", {"References": "<u@x.example>"}, True, False, id="other-reference"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", ["messages_send", "drafts_create", "messages_insert"])
def test_request_joins_a_thread_by_id_reference_and_subject_together(
    world, call, subject, headers, named, joins
):
    first = receive(world, mail("Plan", message_id="a@x.example"))
    world.clock.advance(s=1)
    raw = mail(subject, to="kim@elsewhere.example", **headers)
    message = Message(raw=raw, thread_id=first if named else UNSET)
    if call == "drafts_create":
        answer = world.api(call, body=type("Body", (), {"message": message})).message
    else:
        answer = world.api(call, body=message)
    if call == "messages_insert" and not named:
        joins = True  # as incoming mail does
    assert answer.thread_id == (first if joins else answer.id)


@pytest.mark.parametrize(
    ("thread_id", "text"),
    [
        pytest.param("not hex", "Invalid thread_id value", id="malformed"),
        pytest.param("8000000000000000", "Invalid thread_id value", id="64-bits"),
        pytest.param("1a", "Requested entity was not found.", id="unknown"),
    ],
)
def test_bad_thread_id_is_refused_and_nothing_is_sent(world, thread_id, text):
    body = Message(raw=mail(to="kim@elsewhere.example"), thread_id=thread_id)
    assert refusal(world, "messages_send", body=body) == text
    assert world.list_ids() == []
    assert world.queue.list_rows() == []


def test_sends_with_the_same_subject_start_two_threads(world):
    first, second = (world.api("messages_send", body=Message(raw=mail("Same"))) for _ in range(2))
    assert first.thread_id != second.thread_id


# --- reading and changing ----------------------------------------------------------------


@pytest.fixture
def plan(world):
    """A thread of two messages; the second is unread."""
    first = receive(world, mail("Plan", body="one & <two>", message_id="a@x.example"))
    world.clock.advance(s=1)
    second = receive(world, mail("Re: Plan", body='"it\'s"', References="<a@x.example>"))
    return first, second


def test_get_shows_members_oldest_first_and_no_snippet(world, plan):
    thread = world.api("threads_get", id=plan[0])
    assert (thread.id, thread.snippet) == (plan[0], UNSET)
    assert [message.id for message in thread.messages] == list(plan)
    assert all(message.payload.body.data for message in thread.messages)
    assert thread.history_id == thread.messages[1].history_id


def test_id_of_a_reply_names_no_thread(world, plan):
    assert refusal(world, "threads_get", id=plan[1]) == "Requested entity was not found."


def test_members_in_spam_and_trash_are_shown(world, plan):
    world.api("messages_trash", id=plan[1])
    thread = world.api("threads_get", id=plan[0])
    assert "TRASH" in thread.messages[1].label_ids
    assert thread.messages[1].payload.body.data


def test_deleting_the_root_does_not_rename_the_thread(world, plan):
    world.api("messages_delete", id=plan[0])
    thread = world.api("threads_get", id=plan[0])
    assert [message.id for message in thread.messages] == [plan[1]]


def test_list_entry_has_the_newest_snippet_escaped_and_no_messages(world, plan):
    answer = world.api("threads_list")
    [thread] = answer.threads
    assert thread == Thread(
        id=plan[0], snippet="&quot;it&#39;s&quot;", history_id=thread.history_id
    )
    assert answer.result_size_estimate == 1


def test_list_finds_a_thread_when_one_message_satisfies_all_of_q(world, plan):
    assert world.api("threads_list", q="one two").threads[0].id == plan[0]
    assert world.api("threads_list", q="one it").threads is UNSET


def test_thread_whose_only_match_is_in_trash_is_not_listed(world, plan):
    world.api("messages_trash", id=plan[0])
    assert world.api("threads_list", q="one").threads is UNSET
    assert world.api("threads_list", q="one", include_spam_trash=True).threads[0].id == plan[0]


def test_pages_of_threads_join_up(world):
    ids = []
    for n in range(5):
        world.clock.advance(s=1)
        ids.append(receive(world, mail(f"t{n}", message_id=f"{n}@x.example")))
    world.clock.advance(s=1)
    receive(world, mail("Re: t0", References="<0@x.example>"))
    seen, token = [], ""
    while True:
        page = world.api("threads_list", max_results=2, page_token=token)
        seen += [thread.id for thread in page.threads]
        if not page.next_page_token:
            break
        token = page.next_page_token
    assert seen == [ids[0], *ids[:0:-1]]


@pytest.mark.parametrize("q", ["", "hello"], ids=["all", "search"])
@pytest.mark.parametrize("start", ["", "0"], ids=["first page", "page zero"])
def test_a_reply_between_pages_hides_no_thread(world, q, start):
    ids = []
    for n in range(5):
        world.clock.advance(s=1)
        ids.append(receive(world, mail(f"t{n}", message_id=f"{n}@x.example")))
    if start:
        start = world.api("threads_list", page_token=start, q=q).next_page_token
    page = world.api("threads_list", max_results=2, page_token=start, q=q)
    seen = [thread.id for thread in page.threads]
    for n in (0, 4):  # one that is still to come, and one that was shown
        world.clock.advance(s=1)
        receive(world, mail(f"Re: t{n}", References=f"<{n}@x.example>"))
    while page.next_page_token:
        page = world.api("threads_list", max_results=2, page_token=page.next_page_token, q=q)
        seen += [thread.id for thread in page.threads]
    assert seen == ids[::-1]


def test_modify_answers_ids_and_labels_of_each_message(world, plan):
    body = ModifyThreadRequest(add_label_ids=["STARRED"], remove_label_ids=["UNREAD"])
    thread = world.api("threads_modify", id=plan[0], body=body)
    assert [(m.id, m.thread_id) for m in thread.messages] == [(m, plan[0]) for m in plan]
    assert all(set(m.label_ids) == {"INBOX", "STARRED"} for m in thread.messages)


def test_trash_untrash_and_delete_take_the_whole_thread(world, plan):
    trashed = world.api("threads_trash", id=plan[0])
    assert all("TRASH" in m.label_ids for m in trashed.messages)
    assert world.api("threads_list").threads is UNSET
    back = world.api("threads_untrash", id=plan[0])
    assert all(m.label_ids == ["UNREAD"] for m in back.messages)
    world.api("threads_delete", id=plan[0])
    assert refusal(world, "threads_get", id=plan[0]) == "Requested entity was not found."
    assert refusal(world, "threads_delete", id=plan[0]) == "Requested entity was not found."


def test_long_thread_is_read_in_a_worker_thread(world):
    first = receive(world, mail("Plan", message_id="0@x.example"))
    for n in range(READ_INLINE_MAX_MESSAGES):
        receive(
            world, mail("Re: Plan", message_id=f"{n + 1}@x.example", References="<0@x.example>")
        )
    with pytest.raises(TooSlowInline):
        world.api("threads_get", id=first, inline=True)
    world.api("threads_get", id=first, format="minimal", inline=True)
