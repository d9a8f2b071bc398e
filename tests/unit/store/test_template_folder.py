"""Folders of templates on disk: nothing outside is read or written."""

import os

import pytest
from tests.templates import LAYOUTS, ORDER, PARTIALS

from penfold.base.errors import ParseError
from penfold.base.limits import TEMPLATE_PART_MAX_BYTES
from penfold.proto.templates.folder import Entry, Library, parse_folder, print_folder
from penfold.store.template_folder import load_template_folder, save_template_folder

SHOP = Library({"order": Entry(ORDER)}, LAYOUTS, PARTIALS)


@pytest.fixture
def folder(tmp_path):
    save_template_folder(tmp_path / "shop", print_folder(SHOP))
    return tmp_path / "shop"


def test_templates_are_the_same_after_a_way_over_the_disk(folder):
    assert parse_folder(load_template_folder(folder)) == SHOP


def test_what_is_gits_or_peoples_is_passed_over_and_stays(folder):
    (folder / ".git").mkdir()
    (folder / "README.md").write_text("read me")
    (folder / "order" / ".gitkeep").touch()
    before = load_template_folder(folder)
    save_template_folder(folder, print_folder(SHOP))
    assert load_template_folder(folder) == before == print_folder(SHOP)
    assert (folder / "README.md").exists()
    assert (folder / "order" / ".gitkeep").exists()


def test_a_part_that_is_gone_is_removed_and_other_folders_stay(folder):
    (folder / "order" / "body.html").write_text("old")
    (folder / "other").mkdir()
    (folder / "other" / "body.txt").write_text("kept")
    save_template_folder(folder, print_folder(SHOP))
    assert sorted(each.name for each in (folder / "order").iterdir()) == [
        "body.mjml",
        "schema.json",
        "template.toml",
    ]
    assert (folder / "other" / "body.txt").read_text() == "kept"


@pytest.mark.parametrize("place", ["order/body.txt", "linked", "order/deep"])
def test_a_link_is_not_followed(folder, tmp_path, place):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "template.toml").write_text("secret")
    (folder / place).symlink_to(outside)
    with pytest.raises(ParseError, match="link"):
        load_template_folder(folder)


def test_a_pipe_does_not_stop_the_reader(folder):
    os.mkfifo(folder / "order" / "body.txt")
    with pytest.raises(ParseError):
        load_template_folder(folder)


def test_a_large_file_is_read_to_just_beyond_its_limit(folder):
    (folder / "order" / "body.txt").write_bytes(b"x" * (TEMPLATE_PART_MAX_BYTES + 100))
    assert len(load_template_folder(folder)["order/body.txt"]) == TEMPLATE_PART_MAX_BYTES + 1


@pytest.mark.parametrize(
    "path", ["../x/body.txt", "/etc/body.txt", "a/../body.txt", "a/x", "_layouts/../x.html", ".git/config", "a"]
)  # fmt: skip
def test_no_other_file_is_written(tmp_path, path):
    with pytest.raises(ParseError):
        save_template_folder(tmp_path / "shop", {path: b"x"})
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_through_a_link(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (folder / "more").symlink_to(outside)
    with pytest.raises(OSError, match=r"more"):
        save_template_folder(folder, {"more/body.txt": b"x"})
    assert list(outside.iterdir()) == []
    (folder / "order" / ".body.txt.new").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match=r"body\.txt"):
        save_template_folder(folder, {"order/body.txt": b"x"})
    assert not (tmp_path / "target").exists()
