"""users.settings.filters.*, as clients see them."""

import pytest

from penfold.spec.problems import (
    FILTER_EXISTS,
    INVALID_FILTER,
    INVALID_LABEL,
    NOT_FOUND,
    UNRECOGNIZED_FORWARDING,
)

FILTER = {"criteria": {"from": "shop@elsewhere.example"}, "action": {"addLabelIds": ["STARRED"]}}


@pytest.fixture
def starred(api):
    return api.ok("settings.filters.create", body=FILTER)


def test_a_filter_is_made(api, starred):
    assert starred == {"id": starred["id"], **FILTER}
    bad = {**FILTER, "action": {"addLabelIds": ["Dianne"]}}
    api.fails(FILTER_EXISTS, "settings.filters.create", body=FILTER)
    api.fails(INVALID_LABEL, "settings.filters.create", body=bad)
    api.fails(INVALID_FILTER, "settings.filters.create", body={"criteria": {"query": "x"}})
    forward = {**FILTER, "action": {"forward": "x@elsewhere.example"}}
    api.fails(UNRECOGNIZED_FORWARDING, "settings.filters.create", body=forward)


def test_filters_are_listed_under_filter(api):
    assert api.ok("settings.filters.list") == {}
    made = api.ok("settings.filters.create", body=FILTER)
    assert api.ok("settings.filters.list") == {"filter": [made]}


def test_a_filter_is_found_and_deleted(api, starred):
    assert api.ok("settings.filters.get", id=starred["id"]) == starred
    api.ok("settings.filters.delete", id=starred["id"])
    api.fails(NOT_FOUND, "settings.filters.get", id=starred["id"])
    api.fails(NOT_FOUND, "settings.filters.delete", id=starred["id"])
