"""The envelope: members, their order, and which errors become which."""

import json

import pytest

from penfold.base.errors import (
    MailboxBusyError,
    NewerDataError,
    NotFoundError,
    ParseError,
    StorageFullError,
    TooCostlyError,
)
from penfold.front.http.errors import RefusedError, bad_request, envelope, problem_of
from penfold.front.http.violations import invalid_value, refuse, shorten
from penfold.spec import problems
from penfold.spec.problems import Problem, ProblemError

CATALOGUE = {name: v for name, v in vars(problems).items() if isinstance(v, Problem)}


def inner(error, **kwargs):
    return json.loads(envelope(error, **kwargs))["error"]


@pytest.mark.parametrize("problem", CATALOGUE.values(), ids=CATALOGUE)
def test_every_problem_of_the_catalogue_has_an_envelope(problem):
    error = inner(RefusedError(problem, text="Text"))
    assert list(error) == ["code", "message", "errors", "status"]
    assert (error["code"], error["status"]) == (problem.code, problem.status)
    assert 400 <= problem.code < 600
    assert error["errors"][0]["reason"] == problem.reason


def test_type_error_has_no_domain():
    error = inner(refuse([invalid_value("max_results", "TYPE_UINT32", "x")]))
    assert error["errors"] == [
        {"message": "Invalid value at 'max_results' (TYPE_UINT32), \"x\"", "reason": "invalid"}
    ]


def test_details_come_last_and_entries_can_be_left_out():
    error = RefusedError(problems.INVALID_FIELDS, details=[bad_request([{"description": "x"}])])
    assert list(inner(error)) == ["code", "message", "errors", "status", "details"]
    assert list(inner(error, entries=False)) == ["code", "message", "status", "details"]


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (ProblemError(problems.INVALID_ID), problems.INVALID_ID),
        (StorageFullError(), problems.STORAGE_FULL),
        (MailboxBusyError(), problems.UNAVAILABLE),
        (TooCostlyError(), problems.QUERY_TOO_COSTLY),
        (NotFoundError(), problems.NOT_FOUND),
        (NewerDataError(), problems.INTERNAL),
        (ParseError(), problems.INTERNAL),
        (MemoryError(), problems.INTERNAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_error_becomes_a_problem(error, problem):
    assert problem_of(error).problem is problem


def test_values_fill_the_text_and_only_once():
    error = ProblemError(problems.INVALID_LABEL, label="{limit}")
    assert error.text == "Invalid label: {limit}"


def test_long_values_are_shortened():
    assert len(shorten("x" * 1000)) < 300
    assert shorten("short") == "short"
