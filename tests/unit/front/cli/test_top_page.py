"""The page of `penfold top` fits the terminal, whatever there is to show."""

import io

import pytest
from rich.console import Console

from penfold.domain.vitals import Load, Pace, Slow, Vitals
from penfold.front.cli.top_page import draw, show_size, show_span

API = "gmail.users"
METHODS = {f"{API}.settings.cse.keypairs.obliterate{n}": Pace(9.5, 1.0, 250.0) for n in range(30)}


def vitals(**changed):
    facts = {
        "at_ms": 1_790_000_000_000,
        "over_s": 2.0,
        "up_s": 90_000.0,
        "version": "0.1.0",
        "api": Pace(1234.5, 0.4, 12_000.0),
        "methods": METHODS,
        "errors_per_s": 0.5,
        "refusals_per_s": 1234.0,
        "http_connections": 65_000.0,
        "smtp": Pace(120.2, 4.5, 1_000.0),
        "smtp_outcomes": {"deferred": 3.0, "refused": 30.0, "accepted": 90.0},
        "smtp_bytes_per_s": 123_456_789.0,
        "smtp_connections": 900.0,
        "delivery": Pace(11.0, 300.0, 20_000.0),
        "delivered_per_s": 10.0,
        "put_off_per_s": 1.0,
        "failed_per_s": 0.1,
        "queue": {"queued": 120_000.0, "captured": 4.0},
        "queue_oldest_s": 400_000.0,
        "commits": Pace(80.0, 2.0, 9.0),
        "sign_ins_refused_per_s": 0.2,
        "quota_refused_per_s": 0.0,
        "turned_away_per_s": 99.0,
        "disk_free_bytes": 5e9,
        "disk_size_bytes": 1e12,
        "certificate_s": 864_000.0,
        "troubles": {"request_failed": 3.0, "library_trouble": 12.0, "certificate_ending": 1.0},
        "processes": tuple(Load(f"http-{n}", 7e7, 0.5, 40.0) for n in range(16)),
        "slow": tuple(
            Slow(1_790_000_000_000, f"{API}.messages.list", 200, 900.0, "abc-1") for _ in range(80)
        ),
    }
    return Vitals(**(facts | changed))


def page(seen, width, height):
    out = io.StringIO()
    Console(file=out, width=width, height=height, force_terminal=False).print(
        draw(seen, "/var/lib/penfold", width, height)
    )
    return out.getvalue().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (160, 50), (60, 20)])
def test_a_busy_server_s_page_fits_and_shows_every_part(width, height):
    lines = page(vitals(), width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for word in ("API", "Mail in", "Mail out", "Commits", "Refused", "http-0", "slow request"):
        assert word in text
    assert " messages.list " in text


def test_a_tall_terminal_shows_more():
    assert len(page(vitals(), 160, 50)) > 45


def test_eighty_columns_hold_what_calls_for_action():
    text = "\n".join(page(vitals(), 80, 24))
    assert "5xx 0.50  refused 1234  open 65000" in text
    assert "deferred 3.0" in text
    assert "wait 120000 (4 d 15 h)" in text
    assert "3 request_failed" in text


def test_an_idle_server_s_page_has_no_figures_that_are_not_known():
    idle = Pace(0.0)
    seen = vitals(
        api=idle, smtp=idle, delivery=idle, commits=idle, methods={}, slow=(), troubles={}
    )
    lines = page(seen, 80, 24)
    assert lines[2].split() == [
        "API",
        "0",
        "-",
        "-",
        "5xx",
        "0.50",
        "refused",
        "1234",
        "open",
        "65000",
    ]
    assert "troubles none" in "\n".join(lines)


@pytest.mark.parametrize(
    ("octets", "shown"),
    [(0, "0 B"), (999, "999 B"), (4_200, "4.2 kB"), (123_456, "123 kB"), (5e13, "50.0 TB")],
)
def test_sizes_have_three_figures(octets, shown):
    assert show_size(octets) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "0 s"), (59, "59 s"), (61, "1 min"), (7_260, "2 h 1 min"), (90_000, "1 d 1 h")],
)
def test_spans_have_their_largest_units(seconds, shown):
    assert show_span(seconds) == shown
