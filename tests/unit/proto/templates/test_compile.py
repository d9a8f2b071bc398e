"""Templates that are compiled: put together, and every mistake named with its line."""

import contextlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.templates import BODY, HOSTILE, LAYOUTS, ORDER, PARTIALS, SCHEMA, VARIABLES

from penfold.base.limits import (
    TEMPLATE_FINDINGS_MAX,
    TEMPLATE_PART_MAX_BYTES,
    TEMPLATE_SUBJECT_MAX_CHARS,
    TEMPLATE_TAGS_MAX,
)
from penfold.proto.templates.compile import compile_template
from penfold.proto.templates.model import Compiled, Layout, Partial, TemplateError, TemplateSource


def compiled(source=ORDER, layouts=LAYOUTS, partials=PARTIALS, **changes):
    return compile_template(msgspec.structs.replace(source, **changes), layouts, partials)


def findings(source=ORDER, layouts=LAYOUTS, partials=PARTIALS, **changes):
    with pytest.raises(TemplateError) as caught:
        compiled(source, layouts, partials, **changes)
    return [(each.where, each.line, each.message) for each in caught.value.findings]


def page(html, **more):
    return TemplateSource(subject="x", html=html, **more)


def test_a_template_becomes_html_with_its_layout_around_it_and_its_tags_in_place():
    got = compiled()
    assert "<html" in got.html
    assert "mj-" not in got.html.replace(".mj-", "").replace(" mj-", "").replace('"mj-', "")
    assert "{% for item in order.items %}" in got.html
    assert 'href="https://shop.example/orders/{{ order.number }}"' in got.html
    assert got.html_partials == {"thanks": PARTIALS["thanks"].html}
    assert got.inlines
    assert got.warnings == ()


def test_what_was_compiled_is_plain_data():
    got = compiled()
    assert msgspec.json.decode(msgspec.json.encode(got), type=Compiled) == got


def test_no_address_is_in_it_that_the_author_did_not_write():
    assert "fonts.googleapis" not in compiled().html


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param("\n\n{{ nmae }}", (3, "`nmae` is not declared"), id="misspelt"),
        pytest.param(
            "\n{% for i in order.items %}\n{{ i.prise }}{% endfor %}",
            (3, "`i.prise` is not declared"),
            id="in-a-loop",
        ),
        pytest.param(
            "{% assign o = order %}\n{{ o.nubmer }}", (2, "`o.nubmer` is not"), id="assigned"
        ),
        pytest.param(
            "{% assign o = order.items | sort: 'price' %}\n{{ o[0].nubmer }}",
            (2, "`o[0].nubmer` is not"),
            id="sorted",
        ),
        pytest.param(
            "{% assign o = order.items.first %}\n{{ o.nubmer }}", (2, "`o.nubmer`"), id="first"
        ),
        pytest.param("{{ name.x }}", (1, "`name.x`"), id="below-a-text"),
        pytest.param("\n{{ x | nonsense }}", (2, "no filter `nonsense`"), id="filter"),
        pytest.param("\n{{ name | safe }}", (2, "no filter `safe`"), id="safe"),
        pytest.param("\n{% include 'x' %}", (2, "no tag `include`; use render"), id="include"),
        pytest.param("\n{% raw %}", (2, "no tag `raw`"), id="raw"),
        pytest.param("\n{{ name ", (2, "is not closed by `}}`"), id="open"),
        pytest.param("{{ name }}\n{{ }}", (2, "nothing in the tag"), id="empty"),
        pytest.param("\n{% render 'x' %}", (2, "no partial `x`"), id="partial"),
        pytest.param("\n{% render name %}", (2, "no partial `name`"), id="partial-by-variable"),
        pytest.param("\n{% if name %}", (0, "endif"), id="no-endif"),
        pytest.param("\n{% endif %}", (2, "endif"), id="no-if"),
        pytest.param("{% for %}", (1, ""), id="for"),
        pytest.param("\n<a href={{ name }}>", (2, 'write name="{{ name }}"'), id="unquoted"),
        pytest.param("<a href=x/{{ name }}>", (1, "within quotes"), id="partly"),
        pytest.param("<a title='b' {{ name }}>", (1, "within quotes"), id="an-attribute"),
        pytest.param("<{{ name }}>", (1, "within quotes"), id="an-element"),
        pytest.param("{{ name" + " " * 200 + "}}", (1, "100 blanks"), id="blanks"),
        pytest.param("{{ now }}", (1, "`now` is not declared"), id="no-clock"),
        pytest.param(
            "{% if " + "name or " * 100 + "x %}", (1, "more than 50 commas"), id="long-condition"
        ),
        pytest.param("{% if name %}" * 30 + "{% endif %}" * 30, (1, "nesting"), id="deep"),
        pytest.param("{{ name }}" * (TEMPLATE_TAGS_MAX + 1), (0, "tags"), id="many"),
        pytest.param("x" * TEMPLATE_PART_MAX_BYTES + "x", (0, "larger than"), id="large"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(body, said):
    (where, line, message), *_ = findings(page(body, schema=SCHEMA), partials={})
    assert (where, line) == ("html", said[0])
    assert said[1] in message


def test_mistakes_in_layouts_and_partials_are_told_with_theirs():
    layouts = {"base": Layout(mjml="<mjml><mj-body>\n{{ x }}{{ content }}</mj-body></mjml>")}
    assert findings(layouts=layouts)[0][:2] == ("mjml of layout base", 2)
    partials = {"thanks": Partial(html="\n\n{{ whom }}", text="")}
    assert findings(partials=partials)[0][:2] == ("partial thanks (mjml)", 3)
    partials = {"thanks": Partial(html="\n{% if %}", text="")}
    assert findings(partials=partials)[0][:2] == ("partial thanks.html", 2)


def test_all_mistakes_are_told_at_once_up_to_a_number():
    found = findings(subject="{{ a }}", mjml="<mj-text>{{ b }}</mj-text>", text="{{ c }}")
    assert [where for where, _, _ in found] == ["mjml", "text", "subject"]
    many = "".join(f"{{{{ x{n} }}}}\n" for n in range(200))
    assert len(findings(mjml=f"<mj-text>{many}</mj-text>")) == TEMPLATE_FINDINGS_MAX


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param("\n<mj-section {{ name }}/>", (2, "within quotes"), id="lost"),
        pytest.param('\n<mj-image width="{{ name }}px"/>', (2, "cannot stand"), id="in-a-number"),
        pytest.param('\n<mj-include path="/etc/passwd"/>', (2, "mj-include"), id="include"),
        pytest.param("<mj-wrapper>" * 400, (0, "nests more than"), id="deep"),
        pytest.param("<mj-section a=b></mj-section>", (0, "quoted as in XML"), id="unquoted"),
    ],
)
def test_a_mistake_in_mjml_is_told(body, said):
    (where, line, message), *_ = findings(mjml=body)
    assert (where, line) == ("mjml", said[0])
    assert said[1] in message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"html": "x"}, "HTML and MJML", id="both"),
        pytest.param({"mjml": None}, "no body", id="neither"),
        pytest.param({"layout": "none"}, "names a layout there is not: `none`", id="layout"),
        pytest.param({"layout": "page"}, "layout `page` without mjml", id="layout-is-html"),
        pytest.param({"mjml": None, "html": "x"}, "layout `base` in MJML", id="layout-is-mjml"),
        pytest.param({"subject": " "}, "needs a subject", id="no-subject"),
        pytest.param(
            {"subject": "x" * (TEMPLATE_SUBJECT_MAX_CHARS + 1)}, "needs a subject", id="subject"
        ),
        pytest.param({"sample": {"name": "x"}}, "order is missing", id="sample"),
        pytest.param({"schema": {"type": "x"}}, "must be one of", id="schema"),
    ],
)
def test_what_does_not_fit_together_is_told(changes, said):
    assert any(said in message for _, _, message in findings(**changes))


@pytest.mark.parametrize("slots", ["", "{{ content }}{{ content }}"])
def test_a_layout_has_one_place_for_the_body(slots):
    layouts = {"base": Layout(mjml=f"<mjml><mj-body>{slots}</mj-body></mjml>")}
    assert "exactly once" in findings(layouts=layouts)[0][2]


def test_partials_that_render_themselves_are_refused():
    partials = {
        "a": Partial(html="{% render 'b' %}"),
        "b": Partial(html="{% render 'a' %}"),
    }
    assert "renders itself" in findings(page("{% render 'a' %}"), partials=partials)[0][2]
    tree = {
        f"p{n}": Partial(html=("{% render 'p" + str(n + 1) + "' %}") * 3 if n < 15 else "x")
        for n in range(16)
    }
    assert "too often" in findings(page("{% render 'p0' %}"), partials=tree)[0][2]


def test_what_is_declared_and_not_used_is_a_warning():
    got = compiled(mjml="<mj-text>{{ order.number }}</mj-text>")
    assert [each.message.split("`")[1] for each in got.warnings] == [
        "note",
        "order.at",
        "order.items",
    ]


def test_a_template_without_a_schema_declares_what_it_uses():
    got = compiled(page("{{ a }}{% for x in b.c %}{{ x.d }}{% endfor %}{% assign e = 1 %}{{ e }}"))
    assert got.schema["required"] == ["a", "b"]
    assert not got.schema["additionalProperties"]


@pytest.mark.parametrize("more", [{}, {"schema": {"type": "object", "properties": {}}}])
def test_where_to_unsubscribe_may_be_used_by_all_and_is_required_of_nobody(more):
    got = compiled(page("{% if unsubscribe_url %}{{ unsubscribe_url }}{% endif %}", **more))
    assert got.schema.get("required", []) == []
    assert findings(page("{{ unsubscribe_uri }}", schema={"type": "object", "properties": {}}))


def test_what_mail_clients_drop_is_a_warning():
    html = "<style>div{display: flex} @import url(x);</style><script>1</script><form></form>"
    codes = [each.code for each in compiled(page(html)).warnings]
    assert codes == ["css", "css", "dropped", "dropped"]


def test_a_template_may_be_plain_text_only():
    got = compiled(TemplateSource(subject="x", text="Hello {{ name }}", schema=SCHEMA))
    assert got.html is None
    assert got.text == "Hello {{ name }}"


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_template_is_compiled_or_refused(name):
    with contextlib.suppress(TemplateError):
        compiled(page(HOSTILE[name], text=HOSTILE[name]))


PIECES = st.sampled_from(
    ["{{", "}}", "{%", "%}", "{{ name }}", "{% if name %}", "{% endif %}", "{% for i in order.items %}",
     "{% endfor %}", "{% else %}", "{{ i.title | upcase }}", "{% assign a = name | split: ',' %}",
     "{% capture b %}", "{% endcapture %}", "{% render 'thanks', who: name %}", "{% comment %}",
     "{% endcomment %}", "{% case name %}", "{% when 'a', b %}", "{% endcase %}", "{% cycle 1, 2 %}",
     "<mj-text>", "</mj-text>", "<mj-raw>", "</mj-raw>", '<a href="', '">', "<style>", "</style>",
     "<!--", "-->", " ", "\n", "x", "'", '"', "|", "-", "(1..3)", "order.number", "\0", "é", "slot0z"]
)  # fmt: skip


@settings(max_examples=40)
@given(st.lists(PIECES, max_size=25).map("".join), st.sampled_from(["html", "mjml", "text"]))
def test_any_source_is_compiled_or_refused(source, part):
    changes = {"mjml": None, "layout": None, part: source}
    if part == "mjml":
        changes["layout"] = "base"
    with contextlib.suppress(TemplateError):
        compiled(**changes)


def test_the_samples_of_these_tests_are_good():
    assert compiled(sample=VARIABLES, mjml=BODY).schema == SCHEMA
