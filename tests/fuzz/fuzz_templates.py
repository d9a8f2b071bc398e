"""Mutate templates and variables: compiled or refused, a mail or an error, within counted work.

python tests/fuzz/fuzz_templates.py --seconds 10 [--seed N]
"""

import contextlib
import sys
import time
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[2]))
from looping import make_text_mutation, mutate_often, run
from tests.templates import (
    BODY,
    HOSTILE,
    HOSTILE_VARIABLES,
    LAYOUTS,
    ORDER,
    PARTIALS,
    SCHEMA,
    VARIABLES,
)

from penfold.proto.templates.compile import compile_template
from penfold.proto.templates.folder import parse_folder, print_folder
from penfold.proto.templates.model import RenderError, TemplateError
from penfold.proto.templates.render import prepare, render
from penfold.proto.templates.schema import parse_schema
from penfold.proto.templates.variables import check_variables

SECONDS_MAX = 10.0
STEPS = 5_000
SEEDS = [BODY, *(each[:2_000] for each in HOSTILE.values())]
PIECES = [
    "{{", "}}", "{%", "%}", "{%-", "-%}", "{{ name }}", "{% if name %}", "{% else %}", "{% endif %}", "{% for i in list %}",
    "{% endfor %}", "{% assign a = text | append: text %}", "{% capture c %}", "{% endcapture %}", "{% render 'thanks' %}",
    "{% comment %}", "{% endcomment %}", "{% raw %}", "{% case 1 %}{% when 1 %}{% endcase %}", " | times: 9", "(1..9)", "[0]",
    ".size", "<mj-text>", "</mj-text>", "<mj-raw>", "</mj-raw>", "<style>", "</style>", "a{b:c}", "<!--", "-->", "<a href='",
    "<table>", "<td>", "<svg>", "<![CDATA[", "&#0;", "\0", "\ud800", "'", '"', "=", "<script>", "{ {", "slot1z",
]  # fmt: skip
mutate = make_text_mutation(PIECES)


def make_value(chance, depth=0):
    kind = chance.randrange(9 if depth < 4 else 6)
    match kind:
        case 0:
            return chance.choice([None, True, False])
        case 1:
            return chance.choice([0, -1, 2**70, 1.5, 1e300, float("inf"), float("nan")])
        case 2 | 3 | 4:
            return "".join(
                chance.choice([*PIECES, "x", "é", "\n"]) for _ in range(chance.randrange(5))
            )
        case 5:
            return chance.choice(["2026-11-28T10:00:00Z", "kim@example.org", "javascript:x", "%d"])
        case 6 | 7:
            return [make_value(chance, depth + 1) for _ in range(chance.randrange(4))]
        case _:
            return {
                chance.choice("abxy"): make_value(chance, depth + 1)
                for _ in range(chance.randrange(4))
            }


def make_case(chance):
    """Return a source, variables and a schema."""
    body = mutate_often(chance, SEEDS, mutate)
    part = chance.choice(["html", "mjml", "text", "mjml"])
    source = msgspec.structs.replace(ORDER, **{"mjml": None, "layout": None, part: body})
    if part == "mjml":
        source = msgspec.structs.replace(source, layout="base")
    if chance.random() < 0.7:
        source = msgspec.structs.replace(
            source, schema={"type": "object", "additionalProperties": True}
        )
    subject = chance.choice([ORDER.subject, mutate(chance, ORDER.subject), body[:200]])
    names = [*VARIABLES, *HOSTILE_VARIABLES]
    variables = {
        **HOSTILE_VARIABLES,
        **{name: make_value(chance) for name in chance.sample(names, 3)},
    }
    schema = {
        **SCHEMA,
        chance.choice(["type", "required", "properties", "enum"]): make_value(chance),
    }
    return msgspec.structs.replace(source, subject=subject), variables, schema


def try_case(case):
    source, variables, schema = case
    began = time.process_time()
    with contextlib.suppress(TemplateError):
        check_variables(parse_schema(schema), variables)
    with contextlib.suppress(TemplateError, RenderError):
        compiled = compile_template(source, LAYOUTS, PARTIALS)
        check_variables(parse_schema(compiled.schema), variables)
        got = render(prepare(compiled), variables, steps=STEPS)
        assert not set(got.subject) & set("\r\n\0"), "a subject of several lines"
        (got.subject + got.text + (got.html or "")).encode()
    with contextlib.suppress(TemplateError):
        head = b'subject = "x"\n' + source.subject.encode("utf-8", "replace")[:20]
        files = {"a/template.toml": head, "a/body.txt": b"x"}
        assert parse_folder(print_folder(parse_folder(files))) == parse_folder(files)
    assert time.process_time() - began < SECONDS_MAX, "slow"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
