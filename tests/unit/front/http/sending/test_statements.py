"""The statement of a month: CSV that adds up, a page to print, nobody else's."""

import csv
import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.front.http.sending.desk import Desk, fields

from penfold.domain.sending.statement import Statement, print_csv, print_page
from penfold.ports.sending.metering import Charge, UsageDay


@pytest.fixture
def desk():
    made = Desk()
    charges = [
        Charge(made.alice.id, 1, at, 0, day, stream, 280)
        for at, (day, stream) in enumerate(
            [("2026-10-31", "otp"), ("2026-11-01", "otp"), ("2026-11-30", "otp"),
             ("2026-11-30", "transactional"), ("2026-12-01", "otp")]
        )
    ]  # fmt: skip
    charges.append(Charge(made.bob.id, 2, 0, 0, "2026-11-01", "otp", 280))
    made.book.change(lambda writer: writer.charge(charges))
    return made


def test_the_statement_has_the_days_of_its_month_and_their_sum(desk):
    reply = desk.ask("GET", "/statements/2026-11")
    assert reply.status == 200
    assert list(csv.reader(io.StringIO(reply.body.decode()))) == [
        ["day", "stream", "recipients", "cost", "currency"],
        ["2026-11-01", "otp", "1", "0.00028", "USD"],
        ["2026-11-30", "otp", "1", "0.00028", "USD"],
        ["2026-11-30", "transactional", "1", "0.00028", "USD"],
        ["total", "", "3", "0.00084", "USD"],
    ]


def test_the_page_names_whose_it_is_and_runs_nothing(desk):
    reply = desk.ask("GET", "/statements/2026-11?format=html")
    assert b"alice@penfold.test" in reply.body
    headers = dict(reply.headers)
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-security-policy"].startswith("default-src 'none'; frame-anc")


def test_amounts_on_the_page_have_the_same_number_of_decimals():
    days = [UsageDay("2026-11-01", "otp", n, micros) for n, micros in ((1, 280), (2, 16_058_000))]
    page = print_page(Statement("2026-11", "a@b.example", days, "USD"))
    amounts = re.findall(r"<t[dh] class=n>([0-9]+\.[0-9]+)", page)
    assert amounts == ["0.00028", "16.05800", "16.05828"]


def test_another_account_has_its_own_statement(desk):
    reply = desk.ask("GET", "/statements/2026-11", key=desk.make_key(owner=desk.bob))
    assert reply.body.decode().splitlines()[-1] == "total,,1,0.00028,USD"


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "2026", "x", "2026-11-01"])
def test_what_is_no_month_is_not_found(desk, month):
    assert desk.ask("GET", f"/statements/{month}").status == 404


def test_another_format_is_refused(desk):
    assert fields(desk.ask("GET", "/statements/2026-11?format=pdf")) == [("format", "invalid")]


@given(st.text(max_size=20))
def test_no_stream_is_a_formula_or_markup(name):
    made = Statement("2026-11", "a@b.example", [UsageDay("2026-11-01", name, 1, 1)], "USD")
    cell = list(csv.reader(io.StringIO(print_csv(made), newline="")))[1][1]
    assert not cell.startswith(("=", "+", "-", "@"))
    assert "<script" not in print_page(
        Statement("2026-11", f"<script>{name}", [UsageDay("x", "<script>", 1, 1)], "<script>")
    )


def test_the_description_says_what_the_answer_is(desk):
    described = json.loads(desk.ask("GET", "/openapi.json").body)
    answer = described["paths"]["/statements/{id}"]["get"]["responses"]["200"]
    assert sorted(answer["content"]) == ["text/csv", "text/html"]
