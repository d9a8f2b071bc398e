"""The registry is linted method by method. Exception lists may only shrink."""

import inspect
import re
import sys

import pytest
from msgspec import NODEFAULT, UNSET

from penfold.front.http.handlers import HANDLERS
from penfold.front.http.registration import coverage, find_handlers
from penfold.spec import problems
from penfold.spec.members import list_members
from penfold.spec.method import snake_case
from penfold.spec.problems import Problem
from penfold.spec.registry import BY_ID, REGISTRY, Access
from penfold.spec.scopes import GMAIL_SCOPES

#: Methods without a {userId} (none of Google's 79; perhaps some of ours).
KNOWN_WITHOUT_USER: set[str] = set()
#: Changes that are made with GET, reads that are not.
#: What watch and stop change is not in the mailbox.
KNOWN_ODD_VERBS = {"gmail.users.watch", "gmail.users.stop"}
#: Paged methods that name their page size otherwise.
KNOWN_ODD_PAGING = {
    "gmail.users.settings.cse.identities.list",
    "gmail.users.settings.cse.keypairs.list",
}
each_method = pytest.mark.parametrize("method", REGISTRY, ids=lambda m: m.id)


def test_there_are_79_methods_with_different_ids_and_handlers():
    assert len(REGISTRY) == len(BY_ID) == 79
    assert len({method.handler for method in REGISTRY}) == 79
    assert len({method.rpc for method in REGISTRY}) == 79


@each_method
def test_method_has_a_scope_and_a_price(method):
    assert method.scopes
    assert method.scopes <= set(GMAIL_SCOPES)
    assert method.cost.since_2026 > 0
    assert method.cost.before_2026 > 0


@each_method
def test_method_belongs_to_a_user(method):
    assert ("{userId}" in method.path) != (method.id in KNOWN_WITHOUT_USER)


@each_method
def test_parameters_of_the_path_are_fields_without_default(method):
    members = {member.name: member for member in list_members(method.params)}
    assert set(method.path_names) <= set(members)
    for name in method.path_names:
        if name != "userId":
            assert members[name].default is NODEFAULT
    for name in members.keys() - set(method.path_names):
        assert members[name].default is not NODEFAULT, f"{name} cannot be left out"


@each_method
def test_parameters_are_named_after_the_method(method):
    *_, resource, name = method.id.split(".")
    assert method.params.__name__ == f"{resource[0].upper()}{resource[1:]}{name[0].upper()}{name[1:]}Params"  # fmt: skip


@each_method
def test_paging_is_in_parameters_and_answer_or_in_neither(method):
    answer = [m.name for m in list_members(method.response)] if method.response else []
    assert method.pages == ("nextPageToken" in answer)
    size = "pageSize" if method.id in KNOWN_ODD_PAGING else "maxResults"
    names = [member.name for member in list_members(method.params)]
    assert method.pages == (size in names)


@each_method
def test_verb_and_access_agree(method):
    reads = method.access is not Access.WRITE
    assert (reads == (method.verb == "GET")) != (method.id in KNOWN_ODD_VERBS)
    assert not (reads and method.request) or method.id in KNOWN_ODD_VERBS


@each_method
def test_problems_come_from_the_catalogue(method):
    catalogue = {value for value in vars(problems).values() if isinstance(value, Problem)}
    assert method.errors <= catalogue


@each_method
def test_only_a_method_with_a_message_takes_media(method):
    takes_message = method.request is not None and method.request.__name__ in ("Message", "Draft")
    assert bool(method.media) == takes_message
    assert method.sends == method.id.endswith(".send")


@each_method
def test_required_members_are_members_of_the_request(method):
    names = {member.name for member in list_members(method.request)} if method.request else set()
    assert set(method.requires) <= names


@each_method
def test_metadata_limit_names_a_parameter(method):
    limit = method.metadata_limit
    if limit:
        assert snake_case(limit.parameter) in method.params.__struct_fields__


@each_method
def test_summary_is_one_sentence(method):
    assert re.fullmatch(r"[A-Z][^.]*\.", method.summary)


@each_method
def test_every_member_of_bodies_can_be_left_out(method):
    for body in (method.request, method.response):
        for member in list_members(body) if body else ():
            assert member.default is UNSET


def test_exceptions_are_still_needed():
    assert {m.id for m in REGISTRY if "{userId}" not in m.path} >= KNOWN_WITHOUT_USER
    odd = {m.id for m in REGISTRY if (m.access is not Access.WRITE) != (m.verb == "GET")}
    assert odd >= KNOWN_ODD_VERBS
    sizes = {m.id for m in REGISTRY if "page_size" in m.params.__struct_fields__}
    assert sizes >= KNOWN_ODD_PAGING


# --- handlers ---------------------------------------------------------------------------------


def test_every_handler_serves_a_method():
    assert len(find_handlers()) == len(HANDLERS)


def test_no_handler_is_forgotten():
    modules = {sys.modules[handler.__module__] for handler in HANDLERS}
    written = {
        value
        for module in modules
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and list(inspect.signature(value).parameters) == ["call", "box"]
        and not name.startswith("_")
    }
    assert written == set(HANDLERS)


@each_method
def test_method_says_since_when_exactly_if_it_is_served(method):
    assert (method.id in find_handlers()) == (method.since is not None)


def test_coverage_lists_all_methods():
    rows = coverage()
    assert [row.method_id for row in rows] == [method.id for method in REGISTRY]
    assert sum(row.served for row in rows) == len(find_handlers()) >= 32
