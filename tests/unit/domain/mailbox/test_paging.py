"""Page tokens and page sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.world import mail

from penfold.base.ids import MAX_ID
from penfold.base.limits import ESTIMATE_MAX
from penfold.domain.mailbox.paging import Place, check_max_results, make_token, parse_token
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import Message

SECRET = b"s" * 32


POSITIONS = st.integers(0, MAX_ID)


@given(st.builds(Place, POSITIONS, st.integers(0, ESTIMATE_MAX), POSITIONS))
def test_token_gives_its_place_back(place):
    token = make_token(SECRET, "messages", place)
    assert token.isdecimal()
    assert parse_token(SECRET, "messages", token) == place


@given(st.text(max_size=50) | st.integers(0, 2**180).map(str))
def test_what_was_not_made_here_is_refused(token):
    with pytest.raises(ProblemError, match="Invalid pageToken"):
        parse_token(SECRET, "messages", token)


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        pytest.param(b"t" * 32, "messages", id="another-mailbox"),
        pytest.param(SECRET, "threads", id="another-list"),
    ],
)
def test_token_is_for_one_mailbox_and_one_kind_of_list(secret, kind):
    token = make_token(SECRET, "messages", Place(12345, 7))
    with pytest.raises(ProblemError, match="Invalid pageToken"):
        parse_token(secret, kind, token)


def test_sizes():
    assert [check_max_results(n) for n in (1, 100, 500, 501, 2**31 - 1)] == [1, 100, 500, 500, 500]


@pytest.fixture
def five(world):
    ids = []
    for n in range(5):
        world.clock.advance(s=1)
        ids.append(world.api("messages_insert", body=Message(raw=mail(f"m{n}"))).id)
    return ids[::-1]


@pytest.mark.parametrize("token", ["x", "12", "-1", "1" * 50, "1.0", " ", "１"])
@pytest.mark.parametrize("call", ["messages_list", "threads_list", "drafts_list"])
def test_garbage_is_refused_by_every_list(world, call, token):
    with pytest.raises(ProblemError, match="Invalid pageToken"):
        world.api(call, page_token=token)


def test_token_is_good_for_another_query_and_after_a_while(world, five):
    token = world.api("messages_list", max_results=2).next_page_token
    world.clock.advance(days=1)
    assert world.list_ids(page_token=token, q="subject:m0") == [five[4]]


def test_later_pages_repeat_the_estimate_of_the_first(world, five):
    page = world.api("messages_list", max_results=2)
    assert page.result_size_estimate == 5
    again = world.api("messages_list", max_results=2, page_token=page.next_page_token)
    assert again.result_size_estimate == 5


def test_page_zero_is_empty_and_leads_to_the_first(world, five):
    page = world.api("messages_list", page_token="0")
    assert not page.messages
    assert world.list_ids(page_token=page.next_page_token) == five


def test_last_page_that_is_exactly_full_has_no_token(world, five):
    page = world.api("messages_list", max_results=5)
    assert len(page.messages) == 5
    assert not page.next_page_token
