"""Templates as files: read, written, read again; every mistake with its file and line."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.templates import LAYOUTS, ORDER, PARTIALS, VARIABLES

from penfold.base.limits import FOLDER_ENTRIES_MAX, TEMPLATE_PART_MAX_BYTES
from penfold.proto.templates.folder import Entry, Library, parse_folder, print_folder
from penfold.proto.templates.model import Layout, Partial, TemplateError, TemplateSource

SHOP = Library(
    templates={
        "order": Entry(ORDER, alias="order-placed", streams=("transactional",)),
        "plain": Entry(TemplateSource(subject='A "b" \\ é', text="Hi\r\n", on_missing="blank")),
        "all": Entry(TemplateSource(subject="x", html="", text="", sample=VARIABLES, schema={})),
    },
    layouts=LAYOUTS,
    partials=PARTIALS,
)
HEAD = {"a/template.toml": b'subject = "x"\n', "a/body.txt": b"x"}


def findings(changes):
    with pytest.raises(TemplateError) as caught:
        parse_folder({**HEAD, **changes})
    return [(each.where, each.line, each.message) for each in caught.value.findings]


def test_what_is_printed_is_read_again_as_it_was():
    files = print_folder(SHOP)
    assert parse_folder(files) == SHOP
    assert print_folder(parse_folder(files)) == files
    assert files["order/template.toml"].decode() == (
        'subject = "Order {{ order.number }} of {{ name }}"\nalias = "order-placed"\n'
        'layout = "base"\nstreams = ["transactional"]\n'
    )
    assert files["_layouts/base.mjml"].decode() == LAYOUTS["base"].mjml
    assert files["plain/body.txt"] == b"Hi\r\n"


@pytest.mark.parametrize(
    ("changes", "where", "line", "said"),
    [
        pytest.param({"a/template.toml": b"a = 1\nb ="}, "a/template.toml", 2, "no TOML", id="toml"),
        pytest.param({"a/template.toml": b""}, "a/template.toml", 0, "subject", id="no-subject"),
        pytest.param(
            {"a/template.toml": b'subject="x"\nx=1'}, "a/template.toml", 0, "`x`", id="unknown-key"
        ),
        pytest.param(
            {"a/template.toml": b'subject="x"\nlayout="../x"'}, "a/template.toml", 0, "letters", id="layout"
        ),
        pytest.param(
            {"a/template.toml": b'subject="x"\non_missing="no"'}, "a/template.toml", 0, "on_missing", id="missing"
        ),
        pytest.param({"a/schema.json": b"{\n\n!"}, "a/schema.json", 3, "no JSON", id="json"),
        pytest.param({"a/sample.json": b"[]"}, "a/sample.json", 0, "in braces", id="no-object"),
        pytest.param({"a/sample.json": b"[" * 100_000}, "a/sample.json", 0, "too deep", id="deep"),
        pytest.param({"a/sample.json": b"1" * 5_000}, "a/sample.json", 0, "too large", id="number"),
        pytest.param({"a/sample.json": b'{"n": "\\ud800"}'}, "a/sample.json", 0, "half a", id="half"),
        pytest.param({"a/body.txt": b"x\n\xff"}, "a/body.txt", 2, "not UTF-8", id="utf-8"),
        pytest.param({"a/body.htm": b""}, "a/body.htm", 0, "is none of", id="unknown-file"),
        pytest.param({"b/body.txt": b""}, "b/template.toml", 0, "is missing", id="no-head"),
        pytest.param({"A b/template.toml": b""}, "A b", 0, "small letters", id="name"),
        pytest.param({"../template.toml": b""}, "..", 0, "small letters", id="up"),
        pytest.param({"_partials/x.mjml": b""}, "_partials/x.mjml", 0, "none of", id="partial"),
        pytest.param({"_layouts/X.html": b""}, "_layouts/X.html", 0, "letters", id="layout-name"),
        pytest.param({"loose": b""}, "loose", 0, "belongs into", id="loose"),
        pytest.param({"a/b/c": b""}, "a/b/c", 0, "belongs into", id="nested"),
        pytest.param(
            {"a/body.txt": b"x" * (TEMPLATE_PART_MAX_BYTES + 1)}, "a/body.txt", 0, "larger", id="large"
        ),
        pytest.param(
            {f"t{n}/template.toml": b"" for n in range(FOLDER_ENTRIES_MAX + 1)}, "", 0, "more than", id="many"
        ),
    ],
)  # fmt: skip
def test_a_mistake_names_file_and_line(changes, where, line, said):
    found = findings(changes)
    assert found[0][:2] == (where, line)
    assert said in found[0][2]


TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True)
LINES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DOCUMENTS = st.none() | st.dictionaries(
    LINES, st.booleans() | st.integers(-9, 9) | LINES, max_size=3
)
ENTRIES = st.builds(
    Entry,
    st.builds(
        TemplateSource, subject=LINES, html=TEXTS, mjml=TEXTS, text=TEXTS, layout=st.none() | NAMES,
        schema=DOCUMENTS, sample=DOCUMENTS, on_missing=st.sampled_from(["error", "blank"]),
    ),
    alias=st.none() | NAMES,
    streams=st.lists(LINES, max_size=2).map(tuple),
)  # fmt: skip
LIBRARIES = st.builds(
    Library,
    templates=st.dictionaries(NAMES, ENTRIES, max_size=2),
    layouts=st.dictionaries(
        NAMES, st.builds(Layout, html=LINES, mjml=TEXTS, text=TEXTS), max_size=2
    ),
    partials=st.dictionaries(NAMES, st.builds(Partial, html=LINES, text=TEXTS), max_size=2),
)


@settings(max_examples=50)
@given(LIBRARIES)
def test_any_templates_are_the_same_after_writing_and_reading(library):
    assert parse_folder(print_folder(library)) == library


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from([*HEAD, "a/schema.json", "_layouts/x.html", "_partials/x.txt", "x", "a/"]),
        st.binary(max_size=30) | st.sampled_from([b'subject = "x"', b"{}", b'{"a": 1e999}']),
    )
)
def test_any_files_are_templates_or_mistakes(files):
    with contextlib.suppress(TemplateError):
        parse_folder(files)
