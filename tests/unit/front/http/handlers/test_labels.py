"""users.labels.*: names, keys, colours, visibility, counters (Gmail: observed 2026-09/10)."""

from functools import partial

import pytest
from msgspec import UNSET, structs
from tests.unit.world import mail

from penfold.base.labels import SYSTEM_LABELS
from penfold.base.limits import LABEL_NAME_MAX, LABELS_MAX
from penfold.domain.mailbox.labels import _BLANK, PALETTE
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import Label, LabelColor, ModifyMessageRequest


def create(world, name, **members):
    return world.api("labels_create", body=Label(name=name, **members))


def refusal(world, call, *args, **params):
    with pytest.raises(ProblemError) as caught:
        world.api(call, *args, **params)
    return caught.value.text


def test_list_shows_system_labels_in_order_and_then_user_labels(world):
    create(world, "Zebra")
    create(world, "Apple")
    labels = world.api("labels_list").labels
    assert [label.name for label in labels] == [*SYSTEM_LABELS, "Zebra", "Apple"]
    assert {label.type for label in labels[:-2]} == {"system"}
    assert {label.type for label in labels[-2:]} == {"user"}
    assert {label.messages_total for label in labels} == {UNSET}


@pytest.mark.parametrize(
    ("label_id", "message_list", "label_list"),
    [
        pytest.param("INBOX", UNSET, UNSET, id="inbox"),
        pytest.param("SENT", UNSET, UNSET, id="sent"),
        pytest.param("SPAM", "hide", "labelHide", id="spam"),
        pytest.param("CATEGORY_SOCIAL", "hide", "labelHide", id="category"),
    ],
)
def test_system_labels_show_visibility_only_where_gmail_does(
    world, label_id, message_list, label_list
):
    label = world.api("labels_get", id=label_id)
    assert (label.id, label.name) == (label_id, label_id)
    assert (label.message_list_visibility, label.label_list_visibility) == (
        message_list,
        label_list,
    )


def test_create_answers_with_default_visibility_and_no_type(world):
    label = create(world, "Receipts")
    assert label.id.startswith("Label_")
    assert (label.message_list_visibility, label.label_list_visibility) == ("show", "labelShow")
    assert (label.type, label.color, label.messages_total) == (UNSET, UNSET, UNSET)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        pytest.param("P/A ", "P/A", id="trailing-blank"),
        pytest.param("P/\tA", "P/ A", id="tab-is-a-blank"),
        pytest.param("  a \t b  ", "a b", id="runs"),
        pytest.param("A/", "A/", id="empty-last-segment"),
        pytest.param("/A", "/A", id="empty-first-segment"),
        pytest.param("A//B", "A//B", id="empty-inner-segment"),
        pytest.param("Inbox/X", "Inbox/X", id="reserved-as-parent"),
        pytest.param("Social", "Social", id="not-reserved"),
        pytest.param("żółć 東京", "żółć 東京", id="other-scripts"),
        pytest.param("Cafe\u0301", "Caf\xe9", id="two-code-points-for-a-letter"),
        pytest.param(
            "\U0001d11e\U0001f9d1\u200d\U0001f680",
            "\U0001d11e\U0001f9d1\u200d\U0001f680",
            id="joined",
        ),
        pytest.param("\u202eabc", "\u202eabc", id="right-to-left"),
    ],
)
def test_name_is_stored_with_single_blanks(world, given, stored):
    assert create(world, given).name == stored


@pytest.mark.parametrize(
    ("first", "second", "conflicts"),
    [
        pytest.param("Amazon", "amazon", True, id="case"),
        pytest.param("Finance-Bill", "Finance/Bill", True, id="dash-slash"),
        pytest.param("Finance-Bill", "finance bill", True, id="dash-blank"),
        pytest.param("P / A", "P/A", False, id="count-of-separators"),
        pytest.param("Cafe\u0301", "CAF\xc9", True, id="other-code-points"),
        pytest.param("\uac01", "\u1100\u1161\u11a8", True, id="a-syllable-in-pieces"),
        pytest.param("\u212bngstr\xf6m", "a\u030angstro\u0308m", True, id="three-ways-to-write-it"),
        pytest.param("a\u200bb", "ab", False, id="nothing-to-see-is-something"),
        pytest.param("a_b", "a b", False, id="underscore-is-itself"),
        pytest.param("a.b", "a b", False, id="dot-is-itself"),
        pytest.param("a", "a/b", False, id="parent-and-child"),
    ],
)
def test_names_conflict_by_key(world, first, second, conflicts):
    create(world, first)
    if conflicts:
        text = refusal(world, "labels_create", body=Label(name=second))
        assert text == "Label name exists or conflicts"
    else:
        create(world, second)


@pytest.mark.parametrize(
    "name",
    [
        *("inbox", "Spam", "TRASH", "sent", "Drafts", "starred", "important", "unread", "chats"),
        *("", "   ", "a\x00b", "x" * (LABEL_NAME_MAX + 1), "\U0001f600" * (LABEL_NAME_MAX + 1)),
        *("x" * 10_000, "a" + "\u0301\u0316" * 500_000, "\u0958" * (LABEL_NAME_MAX - 1)),
    ],
)
def test_bad_name_is_refused(world, name):
    assert refusal(world, "labels_create", body=Label(name=name)) == "Invalid label name"


def test_missing_name_is_refused(world):
    assert refusal(world, "labels_create", body=Label()) == "Invalid label name"


def test_there_are_112_colors_in_the_palette():
    assert len(PALETTE) == 112  # f691b3 stands twice in Gmail's list of 113


@pytest.mark.parametrize(
    ("background", "text", "named"),
    [
        pytest.param("#41236D", "#ffffff", "#41236D", id="upper-case"),
        pytest.param("#123456", "#ffffff", "#123456", id="not-in-palette"),
        pytest.param("#ffffff", "white", "white", id="text-color-too"),
        pytest.param("#ffffff", UNSET, "", id="text-missing"),
        pytest.param(UNSET, "#ffffff", "", id="background-missing"),
    ],
)
def test_color_off_the_palette_is_refused(world, background, text, named):
    color = LabelColor(background_color=background, text_color=text)
    said = refusal(world, "labels_create", body=Label(name="A", color=color))
    assert said == f"Label color {named} is not on the allowed color palette"


def test_color_is_kept_by_patch_and_cleared_by_update(world):
    color = LabelColor(background_color="#41236d", text_color="#ffffff")
    label = create(world, "A", color=color)
    assert label.color == color
    patched = world.api("labels_patch", id=label.id, body=Label(name="B"))
    assert (patched.name, patched.color, patched.type) == ("B", color, "user")
    updated = world.api("labels_update", id=label.id, body=Label(name="C"))
    assert (updated.name, updated.color) == ("C", UNSET)
    assert world.api("labels_get", id=label.id).name == "C"


def test_color_is_cleared_by_empty_words_kept_by_an_empty_object(world):
    color = LabelColor(background_color="#41236d", text_color="#ffffff")
    label = create(world, "A", color=color)
    patch = partial(world.api, "labels_patch", id=label.id)
    assert patch(body=Label(color=LabelColor())).color == color
    half = patch(body=Label(color=LabelColor(text_color="#000000"))).color
    assert (half.background_color, half.text_color) == ("#41236d", "#000000")
    empty = LabelColor(background_color="", text_color="")
    assert patch(body=Label(color=empty)).color is UNSET
    assert world.api("labels_update", id=label.id, body=Label(name="A")).color is UNSET


def test_cleared_members_have_their_defaults_again(world):
    label = create(world, "A", label_list_visibility="labelHide", message_list_visibility="hide")
    cleared = Label(label_list_visibility="", message_list_visibility="", id="", type="")
    patched = world.api("labels_patch", id=label.id, body=cleared)
    assert (patched.label_list_visibility, patched.message_list_visibility) == ("labelShow", "show")
    assert refusal(world, "labels_patch", id=label.id, body=Label(name="")) == "Invalid label name"


def test_labels_end_at_the_limit_and_go_on_after_a_deletion(world):
    def fill(box):
        for n in range(LABELS_MAX - 1):
            box.add_label(structs.replace(_BLANK, name=f"l{n}"), key=f"l{n}")

    world.change(fill)
    last = create(world, "last")
    said = refusal(world, "labels_create", body=Label(name="one more"))
    assert said == f"Label limit of {LABELS_MAX} reached"
    world.api("labels_delete", id=last.id)
    create(world, "one more")


def test_update_puts_visibility_back_and_patch_keeps_it(world):
    label = create(world, "A", label_list_visibility="labelHide")
    patched = world.api("labels_patch", id=label.id, body=Label(message_list_visibility="hide"))
    assert (patched.message_list_visibility, patched.label_list_visibility) == ("hide", "labelHide")
    updated = world.api("labels_update", id=label.id, body=Label(name="A"))
    assert (updated.message_list_visibility, updated.label_list_visibility) == ("show", "labelShow")


def test_update_without_a_name_is_refused(world):
    label = create(world, "A")
    assert refusal(world, "labels_update", id=label.id, body=Label()) == "Invalid label name"


def test_rename_to_a_taken_name_conflicts_and_to_its_own_does_not(world):
    create(world, "Amazon")
    label = create(world, "Other")
    text = refusal(world, "labels_patch", id=label.id, body=Label(name="AMAZON"))
    assert text == "Label name exists or conflicts"
    assert world.api("labels_patch", id=label.id, body=Label(name="OTHER")).name == "OTHER"


def test_old_name_is_free_after_a_rename(world):
    label = create(world, "Old")
    world.api("labels_patch", id=label.id, body=Label(name="New"))
    assert create(world, "old").id != label.id


@pytest.mark.parametrize(
    ("label_id", "body"),
    [
        pytest.param("INBOX", Label(name="Mine"), id="system-name"),
        pytest.param("INBOX", Label(label_list_visibility="labelHide"), id="system-visibility"),
        pytest.param("Label_100", Label(id="Label_7"), id="other-id"),
        pytest.param("Label_100", Label(type="system"), id="other-type"),
    ],
)
def test_what_cannot_be_changed_is_refused(world, label_id, body):
    assert create(world, "A").id == "Label_100"
    assert refusal(world, "labels_patch", id=label_id, body=body) == "Invalid update request"


def test_saying_what_a_system_label_is_passes(world):
    label = world.api("labels_patch", id="INBOX", body=Label(id="INBOX", name="INBOX"))
    assert (label.id, label.type) == ("INBOX", "system")


@pytest.mark.parametrize("call", ["labels_get", "labels_delete", "labels_patch", "labels_update"])
@pytest.mark.parametrize("label_id", ["Label_999", "Label_8", "Receipts", "", "inbox"])
def test_unknown_label_is_not_found(world, call, label_id):
    assert refusal(world, call, id=label_id) == "Requested entity was not found."


def test_system_label_cannot_be_deleted(world):
    assert refusal(world, "labels_delete", id="INBOX") == "Invalid delete request"


def test_deleting_a_label_takes_it_off_with_one_record_per_thread(world):
    label = create(world, "A")
    for subject in ("one", "two"):
        world.receive(mail(subject, message_id=f"{subject}@x.example"))
        reply = mail(f"Re: {subject}", References=f"<{subject}@x.example>")
        world.receive(reply)
    for thread in world.api("threads_list").threads:
        world.api(
            "threads_modify", id=thread.id, body=ModifyMessageRequest(add_label_ids=[label.id])
        )
    start = world.read(lambda box: box.get_totals().history_id)
    world.api("labels_delete", id=label.id)
    records = world.api("history_list", start_history_id=start).history
    assert [len(record.labels_removed) for record in records] == [2, 2]
    entries = [entry for record in records for entry in record.labels_removed]
    assert {tuple(entry.label_ids) for entry in entries} == {(label.id,)}
    assert all(label.id not in entry.message.label_ids for entry in entries)
    assert refusal(world, "labels_get", id=label.id) == "Requested entity was not found."
    assert all(
        label.id not in world.api("messages_get", id=message, format="minimal").label_ids
        for message in world.list_ids()
    )


def test_a_label_made_again_has_a_new_id(world):
    first = create(world, "A")
    world.api("labels_delete", id=first.id)
    assert create(world, "A").id != first.id


def test_get_counts_messages_and_threads_even_when_there_are_none(world):
    label = world.api("labels_get", id="INBOX")
    assert (label.messages_total, label.messages_unread) == (0, 0)
    assert (label.threads_total, label.threads_unread) == (0, 0)
    world.receive(mail("one", message_id="one@x.example"))
    [read] = world.receive(mail("Re: one", References="<one@x.example>"))
    body = ModifyMessageRequest(remove_label_ids=["UNREAD"])
    world.api("messages_modify", id=read, body=body)
    label = world.api("labels_get", id="INBOX")
    assert (label.messages_total, label.messages_unread) == (2, 1)
    assert (label.threads_total, label.threads_unread) == (1, 1)
