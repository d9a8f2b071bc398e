"""penfold template, as it is typed: a folder, a process that renders, and what is printed."""

import json

import pytest
from tests.templates import LAYOUTS, ORDER, PARTIALS, VARIABLES

from penfold.app.command.commands import run_command
from penfold.proto.templates.folder import Entry, Library, print_folder
from penfold.store.template_folder import save_template_folder

SHOP = Library({"order": Entry(ORDER)}, LAYOUTS, PARTIALS)


@pytest.fixture
def folder(tmp_path):
    save_template_folder(tmp_path / "shop", print_folder(SHOP))
    (tmp_path / "shop" / "order" / "sample.json").write_text(json.dumps(VARIABLES))
    return tmp_path / "shop"


def test_a_preview_needs_no_server(folder, tmp_path, capsys):
    out = tmp_path / "order.html"
    assert run_command(["template", "preview", str(folder), "order", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Subject: Order 7 of Kim <b>&\n\nThanks, Kim <b>&!")
    assert "warning: schema" not in printed
    assert "Thing &lt;4&gt;" in out.read_text()


def test_other_variables_are_taken_from_a_file(folder, tmp_path, capsys):
    data = tmp_path / "data.json"
    data.write_text(json.dumps({"name": "Lee", "order": {"number": 1, "items": []}}))
    command = ["template", "preview", str(folder), "order", "--data", str(data), "--json"]
    assert run_command(command) == 0
    assert json.loads(capsys.readouterr().out)["subject"] == "Order 1 of Lee"
    data.write_text(json.dumps({"nmae": "Lee"}))
    assert run_command(command) == 1
    assert "nmae is not declared; did you mean name?" in capsys.readouterr().err
    data.write_text("{")
    assert run_command(command) == 2
    assert "is no JSON" in capsys.readouterr().err


def test_a_designers_change_is_seen_without_a_change_of_code(folder, capsys):
    body = folder / "order" / "body.mjml"
    body.write_text(body.read_text().replace("See it", "Look at it"))
    assert run_command(["template", "preview", str(folder), "order"]) == 0
    assert "Look at it (https://shop.example/orders/7)" in capsys.readouterr().out


def test_all_mistakes_of_a_folder_are_told_with_their_lines(folder, capsys):
    assert run_command(["template", "check", str(folder)]) == 0
    assert capsys.readouterr().out == "1 templates, 0 mistakes\n"
    body = folder / "order" / "body.mjml"
    body.write_text(body.read_text().replace("item.title", "item.titel"))
    assert run_command(["template", "check", str(folder)]) == 1
    said = capsys.readouterr().err
    assert "order: mjml line 5: `item.titel` is not declared" in said
    assert run_command(["template", "preview", str(folder), "order"]) == 1
    (folder / "order" / "template.toml").write_text("subject")
    assert run_command(["template", "check", str(folder)]) == 1
    assert "order/template.toml line 1: is no TOML" in capsys.readouterr().err


def test_a_name_that_is_not_there_is_told_with_those_that_are(folder, capsys):
    assert run_command(["template", "preview", str(folder), "odrer"]) == 2
    assert "there is order" in capsys.readouterr().err
