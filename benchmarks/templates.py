"""What a mail of a template costs, step by step, beside bare Liquid; and mails per second of two
processes.

CPU time of one thread for an order with 5 lines in MJML (5 kB of HTML), median of several rounds.
`bare Liquid` is the library with its own filters and no bounds on the same HTML.
"""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import liquid
import msgspec
from tests.templates import LAYOUTS, ORDER, PARTIALS, VARIABLES

from penfold.app.process.renderer import ProcessRenderer
from penfold.ports.rendering import Job
from penfold.proto.mime.html import split_markup
from penfold.proto.templates.budget import Budget
from penfold.proto.templates.compile import compile_template
from penfold.proto.templates.lint import find_dangerous, list_warnings
from penfold.proto.templates.liquid import render_part
from penfold.proto.templates.model import Compiled
from penfold.proto.templates.plain import make_text
from penfold.proto.templates.render import inline_styles, prepare, render
from penfold.proto.templates.schema import parse_schema
from penfold.proto.templates.variables import check_variables

ROUNDS = 9
MAILS = 1_000
PROCESSES = 2


def measure() -> Iterator[tuple[str, str, str, str]]:
    compiled = compile_template(ORDER, LAYOUTS, PARTIALS)
    ready, schema = prepare(compiled), parse_schema(compiled.schema)
    assert ready.html, "the order has HTML"
    html = render_part(ready.html, VARIABLES, Budget())
    inlined = inline_styles(html)
    pieces = split_markup(inlined)
    bare = _make_bare(compiled)
    rows: list[tuple[str, Callable[[], Any], Callable[[], Any] | None]] = [
        ("compile, with MJML", lambda: compile_template(ORDER, LAYOUTS, PARTIALS), None),
        (
            "prepare: parse what was compiled",
            lambda: prepare(compiled),
            lambda: _make_bare(compiled),
        ),
        ("check variables", lambda: check_variables(schema, VARIABLES), None),
        (
            "Liquid of the HTML",
            lambda: render_part(ready.html, VARIABLES, Budget()),
            lambda: bare.render(**VARIABLES),
        ),
        ("style sheets into elements", lambda: inline_styles(html), None),
        ("refuse dangerous links", lambda: find_dangerous(split_markup(inlined)), None),
        ("text part of the HTML", lambda: make_text(pieces), None),
        ("warnings, when asked for", lambda: list_warnings(inlined, "x"), None),
        ("render: subject, HTML, text", lambda: render(ready, VARIABLES, warn=False), None),
    ]
    for name, step, beside in rows:
        ours = time_step(step)
        theirs = time_step(beside) if beside else None
        yield (
            f"template, {name}",
            f"{ours:,.0f} us",
            f"{theirs:,.0f} us, bare Liquid" if theirs else "",
            f"{ours / theirs:.1f}" if theirs else "",
        )
    yield (
        "template, kept compiled",
        f"{len(msgspec.msgpack.encode(compiled)):,} octets",
        "",
        "",
    )
    yield (f"mails from {PROCESSES} processes", f"{_mails_per_second(compiled):,.0f}/s", "", "")


def time_step(step: Callable[[], object]) -> float:
    """Return microseconds of CPU per call."""
    step()
    began = time.process_time()
    step()
    repeats = max(int(0.02 / max(time.process_time() - began, 1e-6)), 1)
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(repeats):
            step()
        rounds.append((time.process_time() - began) / repeats * 1e6)
    return statistics.median(rounds)


def _make_bare(compiled: Compiled) -> liquid.BoundTemplate:
    loader = liquid.DictLoader(compiled.html_partials)
    # The one filter that is ours.
    environment = liquid.Environment(loader=loader, autoescape=True)
    environment.add_filter("fixed", lambda value, digits: f"{value:.{digits}f}")
    return environment.from_string(compiled.html or "")


def _mails_per_second(compiled: Compiled) -> float:
    renderer, go_on = ProcessRenderer(PROCESSES), threading.Event()
    jobs = [Job("order", compiled, VARIABLES)] * (MAILS // PROCESSES)
    try:
        _run(renderer, jobs[:1], go_on)
        began = time.perf_counter()
        _run(renderer, jobs, go_on)
        return MAILS / (time.perf_counter() - began)
    finally:
        renderer.close()


def _run(renderer: ProcessRenderer, jobs: list[Job], go_on: threading.Event) -> None:
    """Have every process do these, each asked by a thread."""
    threads = [
        threading.Thread(target=renderer.render_many, args=(jobs,), kwargs={"stopping": go_on})
        for _ in range(PROCESSES)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
