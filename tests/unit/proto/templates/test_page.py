"""docs/templates.md: its example works as printed, its lists are those of the code."""

import re
from pathlib import Path

from penfold.base.limits import (
    HTML_DEPTH_MAX,
    HTML_ELEMENTS_MAX,
    RENDER_STEPS_MAX,
    RENDER_VALUE_MAX_CHARS,
    RENDERED_PART_MAX_CHARS,
    TEMPLATE_TAG_JOINTS_MAX,
)
from penfold.proto.templates.compile import compile_template
from penfold.proto.templates.filters import FILTER_NAMES
from penfold.proto.templates.folder import parse_folder
from penfold.proto.templates.render import prepare, render
from penfold.proto.templates.scan import TAG_NAMES
from penfold.proto.templates.schema import _KEYWORDS, find_secrets, parse_schema

PAGE = (Path(__file__).parents[4] / "docs" / "templates.md").read_text()


def names_after(word):
    return re.findall(r"`([^`]+)`", PAGE.partition(word)[2].partition("\n\n")[0])


def test_the_lists_of_tags_filters_and_keywords_are_those_there_are():
    assert names_after("\nTags:" if "\nTags:" in PAGE else "Tags:\n") == TAG_NAMES
    assert tuple(names_after("Filters:\n")) == FILTER_NAMES
    said = set(names_after("with these keywords"))
    assert said >= _KEYWORDS


def test_the_example_is_a_mail():
    files = {
        ("order-placed/" if not name.startswith("_") else "") + name: code.encode()
        for name, code in re.findall(r"`([\w./]+)`:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    }
    assert len(files) == 6
    library = parse_folder(files)
    source = library.templates["order-placed"].source
    compiled = compile_template(source, library.layouts, library.partials)
    got = render(prepare(compiled), source.sample)
    assert (compiled.warnings, got.warnings) == ((), ())
    assert got.subject == "Order 7"
    assert "Kettle 19.90" in got.text
    assert list(find_secrets(parse_schema(compiled.schema))) == []


def test_the_limits_are_those_of_the_code():
    for number in (
        RENDER_STEPS_MAX, RENDER_VALUE_MAX_CHARS, RENDERED_PART_MAX_CHARS, HTML_ELEMENTS_MAX,
        HTML_DEPTH_MAX, TEMPLATE_TAG_JOINTS_MAX,
    ):  # fmt: skip
        assert f"{number:,}" in PAGE
