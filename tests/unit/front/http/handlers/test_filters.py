"""users.settings.filters.*: what is kept, and what is refused in which words."""

import re

import pytest
from msgspec import to_builtins

from penfold.base.limits import FILTER_TEXT_MAX, FILTERS_MAX
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import Filter, FilterAction, FilterCriteria, ForwardingAddress, Label

TO_TRASH = FilterAction(add_label_ids=["TRASH"])
FROM_ANN = FilterCriteria(from_="ann@elsewhere.example")


def create(world, criteria=FROM_ANN, action=TO_TRASH, **members):
    return world.api("filters_create", body=Filter(criteria=criteria, action=action, **members))


def listed(world):
    return world.api("filters_list")


def test_filter_is_kept_without_what_says_nothing(world):
    criteria = FilterCriteria(
        from_="ann@elsewhere.example", to="", size=0, size_comparison="unspecified",
        has_attachment=False,
    )  # fmt: skip
    action = FilterAction(add_label_ids=["TRASH"], remove_label_ids=[], forward="")
    made = create(world, criteria, action, id="mine")
    assert re.fullmatch(r"ANe1Bm[A-Za-z0-9_-]{32}", made.id)
    assert to_builtins(made) == {
        "id": made.id,
        "criteria": {"from": "ann@elsewhere.example"},
        "action": {"addLabelIds": ["TRASH"]},
    }
    assert world.api("filters_get", id=made.id) == made
    assert to_builtins(listed(world)) == {"filter": [to_builtins(made)]}


def test_list_has_no_member_when_there_are_none(world):
    assert to_builtins(listed(world)) == {}


def test_filter_is_deleted_once(world):
    made = create(world)
    assert world.api("filters_delete", id=made.id) is None
    for name in ("filters_delete", "filters_get"):
        with pytest.raises(ProblemError, match="Requested entity was not found"):
            world.api(name, id=made.id)


def test_every_kind_of_label_a_filter_may_name(world):
    label = world.api("labels_create", body=Label(name="Bills"))
    action = FilterAction(
        add_label_ids=[label.id, "STARRED", "IMPORTANT", "TRASH", "CATEGORY_SOCIAL"],
        remove_label_ids=["INBOX", "UNREAD", "SPAM", "IMPORTANT"],
    )
    assert create(world, action=action).action == action


@pytest.mark.parametrize(
    ("criteria", "action", "text"),
    [
        (FilterCriteria(), TO_TRASH, "Invalid filter: criteria are empty"),
        (FilterCriteria(query="--- ()"), TO_TRASH, "Invalid filter: criteria are empty"),
        (FilterCriteria(has_attachment=False), TO_TRASH, "Invalid filter: criteria are empty"),
        (FROM_ANN, FilterAction(), "Invalid filter: action is empty"),
        (FROM_ANN, FilterAction(forward=""), "Invalid filter: action is empty"),
        (FilterCriteria(size=5), TO_TRASH, "size and sizeComparison go together"),
        (FilterCriteria(size_comparison="larger"), TO_TRASH, "size and sizeComparison go together"),
        (FilterCriteria(size=-5, size_comparison="larger"), TO_TRASH, "size is negative"),
        (FilterCriteria(query="x" * (FILTER_TEXT_MAX + 1)), TO_TRASH, "more than 1500 characters"),
        (FROM_ANN, FilterAction(add_label_ids=["Dianne"]), "Invalid label: Dianne"),
        (FROM_ANN, FilterAction(add_label_ids=["Label_99"]), "Invalid label: Label_99"),
        (FROM_ANN, FilterAction(add_label_ids=["Label_101"]), "Invalid label: Label_101"),
        (FROM_ANN, FilterAction(add_label_ids=["INBOX"]), "Invalid label: INBOX"),
        (FROM_ANN, FilterAction(add_label_ids=["SPAM"]), "Invalid label: SPAM"),
        (FROM_ANN, FilterAction(remove_label_ids=["STARRED"]), "Invalid label: STARRED"),
        (FROM_ANN, FilterAction(remove_label_ids=["Label_101"]), "Invalid label: Label_101"),
        (FROM_ANN, FilterAction(forward="x@y.example"), "Unrecognized forwarding address"),
    ],
)  # fmt: skip
def test_what_could_not_work_is_refused(world, criteria, action, text):
    with pytest.raises(ProblemError, match=re.escape(text)) as caught:
        create(world, criteria, action)
    assert caught.value.problem.code == 400
    assert listed(world) == world.api("filters_list").__class__()


def test_two_user_labels_are_one_too_many(world):
    ids = [world.api("labels_create", body=Label(name=name)).id for name in ("A", "B")]
    with pytest.raises(ProblemError, match="more than one user label"):
        create(world, action=FilterAction(add_label_ids=ids))


def test_forward_needs_the_consent_of_the_address(world):
    action = FilterAction(forward="Friend@elsewhere.example")
    pending = ForwardingAddress(
        forwarding_email="friend@elsewhere.example", verification_status="pending"
    )
    world.change(lambda box: box.put_setting(pending, "friend@elsewhere.example"))
    with pytest.raises(ProblemError, match="Unrecognized forwarding address"):
        create(world, action=action)
    world.accept_forwarding("friend@elsewhere.example")
    assert create(world, action=action).action.forward == "friend@elsewhere.example"


def test_same_filter_again_is_refused(world):
    create(world)
    with pytest.raises(ProblemError, match="Filter already exists"):
        create(world)
    create(world, action=FilterAction(add_label_ids=["STARRED"]))


def test_filters_end_at_the_limit_and_go_on_after_a_deletion(world):
    made = create(world)

    def fill(box):
        for number in range(FILTERS_MAX - 1):
            record = Filter(id=f"f{number}", criteria=FilterCriteria(query=f"w{number}"))
            box.put_setting(record, f"f{number}")

    world.change(fill)
    with pytest.raises(ProblemError, match="Filter limit of 1000 reached"):
        create(world, FilterCriteria(query="more"))
    world.api("filters_delete", id=made.id)
    create(world, FilterCriteria(query="more"))
