"""Mails that are made of templates: escaped, on one line, bounded, and without fetching anything."""

import contextlib
import os
import resource
import socket
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.templates import (
    HOSTILE,
    HOSTILE_VARIABLES,
    LAYOUTS,
    ORDER,
    PARTIALS,
    SCHEMA,
    VARIABLES,
)

from penfold.base.limits import (
    RENDER_STEPS_MAX,
    RENDERED_PART_MAX_CHARS,
    RENDERED_SUBJECT_MAX_CHARS,
    TEMPLATE_SUBJECT_MAX_CHARS,
)
from penfold.proto.templates.budget import Budget, SpentError
from penfold.proto.templates.compile import compile_template
from penfold.proto.templates.lint import list_warnings
from penfold.proto.templates.model import RenderError, TemplateError, TemplateSource
from penfold.proto.templates.render import inline_styles, prepare, render

#: Renderings of hostile templates; 10,000 is what a release is measured by.
RENDERS = int(os.environ.get("PENFOLD_RENDERS", "0"))
#: Each once, with a tenth of the work they may take, when no number is given.
STEPS = RENDER_STEPS_MAX if RENDERS else RENDER_STEPS_MAX // 10
ANYTHING = {"type": "object", "additionalProperties": True}


def page(html, **more):
    return TemplateSource(subject="x", html=html, schema=ANYTHING, **more)


def make(source, variables=VARIABLES, **changes):
    source = msgspec.structs.replace(source, **changes)
    return render(prepare(compile_template(source, LAYOUTS, PARTIALS)), variables)


def html_of(html, **variables):
    return make(page(html), variables).html


def test_a_mail_has_a_subject_html_and_a_text_made_of_it():
    got = make(ORDER)
    assert got.subject == "Order 7 of Kim <b>&"
    assert "Thanks, Kim &lt;b&gt;&amp;!" in got.html
    assert "Thing &lt;4&gt;" in got.html
    assert (
        'class="lead" style="color: #336699"' in got.html.replace("'", '"') or "#336699" in got.html
    )
    assert "@media (max-width:400px)" in got.html.replace(": 400", ":400")
    assert "{%" not in got.html
    assert got.text.startswith(
        "Thanks, Kim <b>&! Order 7 of 28 November 2026\n\n1 Thing <0> 0.50\n"
    )
    assert "See it (https://shop.example/orders/7)" in got.text
    assert got.size == len(got.html.encode()) + len(got.text.encode())
    assert got.warnings == ()


def test_the_authors_text_part_is_used_and_not_escaped():
    got = make(ORDER, text="{% render 'thanks', who: name %}")
    assert got.text == "Thanks, Kim <b>&!\n--\nThe shop\n"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a\r\nBcc: x@y.example", id="crlf"),
        pytest.param("a\nBcc: x@y.example", id="lf"),
        pytest.param("a\rBcc: x@y.example", id="cr"),
        pytest.param("a\u2028Bcc: x@y.example", id="line-separator"),
        pytest.param("a\x85Bcc: x@y.example", id="next-line"),
        pytest.param("a\x0b\x0cBcc: x@y.example", id="vertical-tab"),
        pytest.param("a\0Bcc: x@y.example", id="nul"),
    ],
)
def test_a_variable_cannot_begin_a_line_in_the_subject(name):
    got = make(ORDER, {**VARIABLES, "name": name})
    assert got.subject == "Order 7 of a Bcc: x@y.example"
    assert got.subject.isprintable()


def test_a_subject_has_a_length():
    with pytest.raises(RenderError) as caught:
        make(ORDER, {**VARIABLES, "name": "x" * RENDERED_SUBJECT_MAX_CHARS})
    assert (caught.value.finding.code, caught.value.finding.where) == ("too-large", "subject")


@pytest.mark.parametrize(
    "template",
    [
        "{{ a }}",
        "{{ a | upcase | downcase }}",
        "{{ '' | append: a }}",
        "{{ a | prepend: '<p>' }}",
        "{{ '<p>x</p>' | replace: 'x', a }}",
        "{{ a | split: 'q' | join: '<br>' }}",
        "{% capture b %}{{ a }}{% endcapture %}{{ b }}",
        "{% assign b = a %}{{ b | default: 'x' }}",
        "{{ nothing | default: a }}",
        "{{ a | newline_to_br }}",
        "{{ list }}",
        "{{ list | first }}",
        "{{ list | join }}",
        "{{ a | truncate: 30 }}",
        "{{ a | slice: 0, 30 }}",
        "{{ a | url_encode | url_decode }}",
        "{{ '2026-01-01' | date: a }}",
        "{% cycle a, 'x' %}",
        "{% render 'thanks', who: a %}",
        "{% for x in list %}{{ x }}{% endfor %}",
        "{{ a | escape }}",
    ],
)
def test_no_variable_becomes_markup_by_whatever_way(template):
    hostile = "<script>\"'&"
    got = html_of(template, a=hostile, list=[hostile])
    assert "<script" not in got
    assert "&lt;script&gt;" in got


@pytest.mark.parametrize(
    ("template", "printed"),
    [
        ("{{ 3 | divided_by: 2 }} {{ 3.0 | divided_by: 2 }}", "1 1.5"),
        ("{{ 19.9 | fixed: 2 }} {{ 3 | fixed }}", "19.90 3.00"),
        ("{{ 2.5 | ceil }} {{ 2.5 | floor }} {{ 2.567 | round: 1 }} {{ '4' | plus: '1' }}", "3 2 2.6 5"),
        ("{{ 'a,b' | split: ',' | reverse | join: '+' }}", "b+a"),
        ("{{ 'abc' | slice: -2, 2 }} {{ 'abc' | slice: 1 }}", "bc b"),
        ("{{ 'one two three' | truncatewords: 2 }} {{ 'abcdef' | truncate: 5 }}", "one two... ab..."),
        ("{{ rows | map: 'n' | join }} {{ rows | sum: 'n' }}", "2 1 3"),
        ("{{ rows | sort: 'n' | map: 'n' | first }} {{ rows | where: 'n', 2 | size }}", "1 1"),
        ("{{ mixed | where: 'n' | map: 'n' | join }}", "0 1 x"),
        ("{{ '2026-11-08T09:05:00+01:00' | date: '%-d.%m.%y %H:%M %z %A %b %q %%' }}", "8.11.26 09:05 +0100 Sunday Nov %q %"),
        ("{{ 0 | date: '%F %T' }} {{ 'soon' | date: '%F' }}", "1970-01-01 00:00:00 soon"),
        ("{{ 'a' | capitalize }}{{ ' b ' | strip }}{{ 'a b' | squish }}", "Aba b"),
        ("{{ true }} {{ nothing }} {{ 1.0 }} {{ rows.size }} {{ missing.x.y }}", "true  1.0 2 "),
        ("{% if missing %}x{% else %}y{% endif %}{% unless 1 == 1 %}z{% endunless %}", "y"),
        ("{% for r in rows reversed %}{{ forloop.index }}{{ r.n }} {% endfor %}", "11 22 "),
        ("{% for r in rows limit: 1 %}{{ r.n }}{% endfor %}{% for r in missing %}{% else %}none{% endfor %}", "2none"),
        ("{% increment a %}{% increment a %}{% decrement b %}", "01-1"),
        ("{% comment %}{{ x }}{% endcomment %}{% # note %}{% case 2 %}{% when 1, 2 %}two{% endcase %}", "two"),
    ],
)  # fmt: skip
def test_liquid_means_what_it_means_elsewhere(template, printed):
    source = TemplateSource(subject="x", text=template, schema=ANYTHING)
    mixed = [{"n": each} for each in (0, [1], None, False, "x")]
    got = make(source, {"rows": [{"n": 2}, {"n": 1}], "mixed": mixed, "nothing": None})
    assert got.text == printed


def test_a_blank_variable_prints_nothing_when_the_template_says_so():
    source = TemplateSource(subject="x", text="[{{ a }}]", on_missing="blank")
    assert make(source, {}).text == "[]"


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "vbscript:x",
        "data:text/html,x",
        "file:///etc/passwd",
    ],
)
def test_a_link_that_runs_something_is_refused(link):
    for html in ('<a href="{{ link }}">x</a>', "<style>a{color:red}</style><a href='{{ link }}'>"):
        with pytest.raises(RenderError) as caught:
            html_of(html, link=link)
        assert caught.value.finding.code == "refused-link"
    assert html_of('<a href="{{ link }}">x</a>', link="https://x.example/?javascript:")


def test_what_mail_clients_make_of_it_is_told():
    html = '<img src="data:image/png;base64,x"><img alt="" src="x" width="900"><a href="http://x.example/">x</a>'
    codes = [each.code for each in make(page(html + "x" * 110_000)).warnings]
    assert codes == ["clipped", "no-alt", "data-image", "http-link", "too-wide"]
    assert [each.code for each in make(page("<img alt='' src=x>")).warnings] == ["no-text"]


def test_an_error_at_rendering_names_the_line():
    with pytest.raises(RenderError) as caught:
        make(page("\n{% if a < 3 %}{% endif %}"), {"a": "x"})
    assert (caught.value.finding.where, caught.value.finding.line) == ("html", 2)
    with pytest.raises(RenderError, match=r"name one of its members"):
        make(page("{{ a }}"), {"a": {"b": 1}})


def test_nothing_is_fetched_and_no_file_is_read(tmp_path):
    canary = tmp_path / "canary.css"
    canary.write_text("b { color: #123456 }")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        near = f"http://127.0.0.1:{listener.getsockname()[1]}/x.css"
        links = "".join(
            f'<link rel="stylesheet" href="{each}">'
            for each in (near, canary.as_uri(), str(canary), os.path.relpath(canary), "{{ near }}")
        )
        html = (
            f"<html><head>{links}<style>@import url({near}); b {{ background: url({near}) }}</style>"
            f'</head><body><b>x</b><img src="{near}" alt=""></body></html>'
        )
        mjml = html.replace("<html>", "<mjml><mj-body><mj-raw>").replace(
            "</html>", "</mj-raw></mj-body></mjml>"
        )
        for changes in (
            {"html": html},
            {"html": None, "mjml": mjml.replace('alt="">', 'alt=""/>')},
        ):
            with contextlib.suppress(TemplateError):
                got = make(page(""), {"near": near}, **changes)
                assert "#123456" not in got.html
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_rendering_has_no_clock():
    assert html_of("[{{ now }}{{ today }}{{ 'now' | date: '%Y' }}]") == "[now]"


def test_mail_to_many_has_a_link_to_unsubscribe_by():
    said = [each.code for each in list_warnings("<p>x</p>", "x", unsubscribe=True)]
    assert said == ["no-unsubscribe"]
    link = "<a href='https://x.example/unsubscribe'>x</a>"
    assert list_warnings(link, "x", unsubscribe=True) == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{% if true %}{% endif %}" * 99, id="nodes"),
        pytest.param("{% for i in (1..99) %}{% endfor %}", id="turns"),
        pytest.param("{% if a == a and a == a %}{% endif %}" * 25, id="variables"),
        pytest.param("{{ 'x' | upcase | upcase | upcase }}" * 10, id="filters"),
        pytest.param("x" * 256 * 99, id="characters-written"),
        pytest.param("{{ text | size }}", id="characters-read"),
        pytest.param("{% for i in (1..30) %}{% render 'thanks' %}{% endfor %}", id="partials"),
    ],
)
def test_everything_costs_steps(body):
    ready = prepare(compile_template(page(body), LAYOUTS, PARTIALS))
    variables = {"text": "x" * 256 * 99}
    assert render(ready, variables, steps=1_000)
    with pytest.raises(RenderError, match="too much work"):
        render(ready, variables, steps=60)


def test_a_rendering_is_paid_for_by_steps():
    budget = Budget(3)
    for _ in range(3):
        budget.step()
    with pytest.raises(SpentError, match="too much work"):
        budget.step()
    rows = "{% for i in (1..9) %}{{ i }}{% endfor %}"
    assert html_of(rows) == "123456789"


def test_hostile_templates_end_in_mails_or_errors_inside_memory_thousands_of_times():
    ready = []
    for each in HOSTILE.values():
        for part in ("html", "text"):
            with contextlib.suppress(TemplateError):
                source = TemplateSource(subject="x", schema=ANYTHING, **{part: each})
                ready.append(prepare(compile_template(source)))
    assert len(ready) > 40
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    count = max(RENDERS, len(ready))
    for number in range(count):
        with contextlib.suppress(RenderError):
            got = render(ready[number % len(ready)], HOSTILE_VARIABLES, steps=STEPS)
            assert len(got.text) <= RENDERED_PART_MAX_CHARS
    spent = time.process_time() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{count} renderings: {spent / count * 1e3:.1f} ms each, {grown:.0f} MiB more")
    assert grown < 200


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(HOSTILE)) | st.just(None),
    st.dictionaries(
        st.sampled_from(["text", "angles", "list", "nested", "deep", "nothing", "name", "order"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=6,
        ),
    ),
)  # fmt: skip
def test_any_variables_give_a_mail_or_an_error(name, variables):
    source = ORDER if name is None else None
    with contextlib.suppress(TemplateError, RenderError):
        if source is None:
            small = HOSTILE[name][:300]
            source = TemplateSource(subject="{{ text }}", text=small, html=small, schema=ANYTHING)
        ready = prepare(compile_template(source, LAYOUTS, PARTIALS))
        got = render(ready, variables, steps=2_000)
        assert "\n" not in got.subject
        (got.subject + got.text + (got.html or "")).encode()


FILTERED = [
    "append: text", "replace: text, angles", "split: text", "join: text", "times: text", "slice: text, list",
    "truncate: list", "date: text", "round: text", "concat: list", "map: text", "where: text, list", "sort: text",
    "sum: text", "uniq", "default: list", "at_most: text", "fixed: text", "divided_by: text", "first", "url_encode",
    "newline_to_br", "truncatewords: text, text", "upcase", "capitalize", "squish", "compact", "url_decode",
]  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(FILTERED), max_size=4),
    st.fixed_dictionaries(
        {
            "text": SCALARS,
            "angles": SCALARS | st.lists(SCALARS, max_size=3),
            "list": st.lists(SCALARS | st.dictionaries(st.text(max_size=2), SCALARS), max_size=4),
        }
    ),
    st.sampled_from(["text", "list", "angles"]),
)
def test_any_filters_on_any_values_give_a_mail_or_an_error(filters, variables, first):
    body = "{{ " + " | ".join([first, *filters]) + " }}"
    with contextlib.suppress(RenderError):
        make(TemplateSource(subject="x", text=body, html=body, schema=ANYTHING), variables)


def test_style_sheets_are_put_into_elements_only_within_bounds():
    assert "red" in inline_styles("<style>b{color:red}</style><b>x</b>")
    for html in ("<div>" * 300, "<b></b>" * 30_000):
        with pytest.raises(RenderError):
            inline_styles(html)


def test_the_bounds_leave_room_for_large_orders():
    many = [{"title": f"Thing {n}", "price": n} for n in range(1_000)]
    got = make(ORDER, {"name": "x", "order": {"number": 1, "items": many}})
    assert got.text.count("Thing") == 1_000
    assert RENDER_STEPS_MAX > 50_000
    assert TEMPLATE_SUBJECT_MAX_CHARS > RENDERED_SUBJECT_MAX_CHARS
    assert SCHEMA["required"] == ["name", "order"]
