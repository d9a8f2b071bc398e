"""users.drafts.*: the life of a draft (Gmail: observed 2026-09/10)."""

import pytest
from msgspec import UNSET
from tests.unit.world import mail

from penfold.base.ids import format_draft_id
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import Draft, Message


def refusal(world, call, **params):
    with pytest.raises(ProblemError) as caught:
        world.api(call, **params)
    return caught.value.text


def create(world, raw=None, **members):
    message = Message(raw=raw or mail(to="kim@elsewhere.example"), **members)
    return world.api("drafts_create", body=Draft(message=message))


def update(world, draft, raw, **members):
    return world.api("drafts_update", id=draft.id, body=Draft(message=Message(raw=raw, **members)))


def test_create_answers_id_thread_and_draft_label(world):
    draft = create(world, label_ids=["STARRED"])
    assert draft.id.startswith("r")
    assert draft.message == Message(
        id=draft.message.id, thread_id=draft.message.id, label_ids=["DRAFT"]
    )


def test_draft_needs_no_recipients_until_it_is_sent(world):
    draft = create(world, b"Subject: notes\r\n\r\ntext\r\n")
    assert refusal(world, "drafts_send", body=Draft(id=draft.id)) == "Recipient address required"
    assert world.api("drafts_get", id=draft.id).message.id == draft.message.id


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(Draft(), "Missing draft message", id="no-message"),
        pytest.param(Draft(message=Message()), "'raw' RFC822 payload message string or uploading message via /upload/* URL required", id="no-raw"),
    ],
)  # fmt: skip
def test_draft_without_a_message_is_refused(world, body, text):
    assert refusal(world, "drafts_create", body=body) == text


def test_list_and_get(world):
    assert world.api("drafts_list").drafts is UNSET
    drafts = []
    for n in range(3):
        world.clock.advance(s=1)
        drafts.append(create(world, mail(f"d{n}")))
    world.receive(mail("not a draft"))
    page = world.api("drafts_list")
    assert [draft.id for draft in page.drafts] == [draft.id for draft in drafts[::-1]]
    assert page.drafts[0].message.label_ids is UNSET
    assert page.result_size_estimate == 3
    [found] = world.api("drafts_list", q="subject:d1").drafts
    assert found.id == drafts[1].id
    got = world.api("drafts_get", id=drafts[1].id, format="metadata")
    assert (got.id, got.message.id) == (drafts[1].id, drafts[1].message.id)
    assert got.message.payload.headers


def test_pages_of_drafts_join_up(world):
    ids = [create(world, mail(str(n))).id for n in range(5)]
    first = world.api("drafts_list", max_results=3)
    second = world.api("drafts_list", max_results=3, page_token=first.next_page_token)
    assert {draft.id for page in (first, second) for draft in page.drafts} == set(ids)
    assert second.next_page_token is UNSET


def test_drafts_are_among_messages_and_threads(world):
    draft = create(world)
    assert world.list_ids() == [draft.message.id]
    assert world.api("threads_list").threads[0].id == draft.message.thread_id


def test_update_keeps_the_id_and_gives_a_lone_draft_a_new_message_and_thread(world):
    draft = create(world)
    new = update(world, draft, mail("other"), thread_id=draft.message.thread_id)
    assert new.id == draft.id
    assert new.message.id != draft.message.id
    assert new.message.thread_id == new.message.id
    text = refusal(world, "messages_get", id=draft.message.id)
    assert text == "Requested entity was not found."
    assert len(world.api("drafts_list").drafts) == 1


def test_update_of_a_reply_stays_in_its_thread(world):
    [first] = world.receive(mail("Plan", message_id="a@x.example"))
    reply = mail("Re: Plan", References="<a@x.example>")
    draft = create(world, reply, thread_id=first)
    assert draft.message.thread_id == first
    assert update(world, draft, reply).message.thread_id == first


def test_delete_is_permanent(world):
    draft = create(world)
    world.api("drafts_delete", id=draft.id)
    assert world.list_ids(include_spam_trash=True) == []
    for call in ("drafts_get", "drafts_delete"):
        assert refusal(world, call, id=draft.id) == "Requested entity was not found."


def test_deleting_the_message_of_a_draft_deletes_the_draft(world):
    draft = create(world)
    world.api("messages_delete", id=draft.message.id)
    assert refusal(world, "drafts_get", id=draft.id) == "Requested entity was not found."
    assert world.api("drafts_list").drafts is UNSET


def test_trashed_draft_is_listed_only_with_spam_and_trash(world):
    draft = create(world)
    world.api("messages_trash", id=draft.message.id)
    assert world.api("drafts_list").drafts is UNSET
    assert world.api("drafts_list", include_spam_trash=True).drafts[0].id == draft.id


def test_send_turns_the_draft_into_a_sent_message_of_its_thread(world):
    draft = create(world)
    draft = update(world, draft, mail("final", to="kim@elsewhere.example"))
    sent = world.api("drafts_send", body=Draft(id=draft.id))
    assert sent.label_ids == ["SENT"]
    assert sent.id != draft.message.id
    assert sent.thread_id == draft.message.thread_id
    for call, gone in (("messages_get", draft.message.id), ("drafts_get", draft.id)):
        assert refusal(world, call, id=gone) == "Requested entity was not found."
    assert world.list_ids() == [sent.id]
    [row] = world.queue.list_rows()
    assert (row.recipient, row.subject) == ("kim@elsewhere.example", "final")


def test_send_takes_the_message_given_with_it(world):
    draft = create(world)
    message = Message(raw=mail("given", to="kim@elsewhere.example"))
    world.api("drafts_send", body=Draft(id=draft.id, message=message))
    assert [row.subject for row in world.queue.list_rows()] == ["given"]


def test_sending_the_octets_of_a_draft_leaves_the_draft(world):
    draft = create(world)
    world.api("messages_send", body=Message(raw=mail(to="kim@elsewhere.example")))
    assert world.api("drafts_get", id=draft.id).id == draft.id


@pytest.mark.parametrize(
    ("draft_id", "text"),
    [
        pytest.param(UNSET, "Invalid draft", id="missing"),
        pytest.param("x", "Invalid draft", id="malformed"),
        pytest.param(format_draft_id(-5), "Requested entity was not found.", id="unknown"),
    ],
)
def test_sending_no_draft_is_refused(world, draft_id, text):
    assert refusal(world, "drafts_send", body=Draft(id=draft_id)) == text


@pytest.mark.parametrize("call", ["drafts_get", "drafts_delete", "drafts_update"])
def test_malformed_draft_id_is_refused(world, call):
    assert refusal(world, call, id="17") == "Invalid id value"


def test_draft_ids_are_signed(world):
    signs = {create(world).id.startswith("r-") for _ in range(20)}
    assert signs == {True, False}
