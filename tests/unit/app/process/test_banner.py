"""The banner's lines must work when they are copied."""

import ast

from penfold.app.process.banner import make_banner

FACTS = {
    "http": "http://127.0.0.1:8025",
    "smtp": "127.0.0.1:2525",
    "submission": "127.0.0.1:2587",
    "submissions": "127.0.0.1:2465",
    "data": "/srv/penfold-data",
}


def test_python_in_the_banner_stands_at_the_margin_and_is_whole():
    banner = make_banner(FACTS, ())
    code = banner[banner.index("from google") : banner.index("\n\n  Ctrl-C")]
    kinds = [type(statement).__name__ for statement in ast.parse(code).body]
    assert kinds == ["ImportFrom", "ImportFrom", "Assign", "Assign", "Expr"]


def test_banner_names_every_address_and_where_the_data_is():
    banner = make_banner(FACTS, ())
    assert all(value in banner for value in FACTS.values())


def test_in_production_mode_the_banner_names_the_domains_and_no_ready_made_people():
    banner = make_banner(FACTS, ("example.com", "example.org"))
    assert "example.com, example.org" in banner
    assert "penfold user add kim@example.com " in banner
    assert "alice" not in banner
