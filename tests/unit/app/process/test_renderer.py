"""Processes that render: bounded, replaced when one ends, and nobody else's mail is lost by it."""

import os
import signal
import threading

import pytest
from tests.templates import LAYOUTS, ORDER, PARTIALS, VARIABLES

from penfold.app.process.renderer import Bounds, ProcessRenderer
from penfold.ports.rendering import Job
from penfold.proto.templates.compile import compile_template
from penfold.proto.templates.model import (
    Compiled,
    Rendered,
    RenderError,
    TemplateError,
    TemplateSource,
)

GO_ON = threading.Event()
MIB = 1 << 20
GOOD = compile_template(ORDER, LAYOUTS, PARTIALS)


def forged(html):
    """Return what no compiler would let pass: HTML for which nothing else bounds a library."""
    return Compiled(
        subject="x", html=html, text=None, html_partials={}, text_partials={},
        schema={"type": "object"}, on_missing="error", inlines=True, warnings=(),
    )  # fmt: skip


#: Formatting that is open is opened anew in every paragraph: 250 times 9,000 elements. By far more
#: than a process may have memory for.
KILLER = forged(
    "<style>b{color:red}</style><p>" + "".join(f"<b id={n}>" for n in range(250)) + "<p>x" * 9_000
)


@pytest.fixture
def make():
    made = []

    def make_renderer(processes=1, **bounds):
        made.append(ProcessRenderer(processes, Bounds(**bounds)))
        return made[-1]

    yield make_renderer
    for each in made:
        each.close()


def good(number=7):
    return Job("good", GOOD, {**VARIABLES, "order": {"number": number, "items": []}})


def test_mails_are_made_in_order_by_one_process_that_gets_a_template_once(make):
    renderer = make()
    got = renderer.render_many([good(n) for n in range(150)], stopping=GO_ON)
    assert [each.subject for each in got] == [f"Order {n} of Kim <b>&" for n in range(150)]
    (pid,) = renderer.pids
    assert renderer.render_many([good()], stopping=GO_ON)[0].html == got[7].html
    assert renderer.pids == [pid]


def test_a_template_that_ends_its_process_harms_no_other(make):
    renderer = make(memory_bytes=400 * MIB)
    jobs = [good(1), Job("killer", KILLER, {}), good(2)]
    got = renderer.render_many(jobs, stopping=GO_ON)
    assert [type(each) for each in got] == [Rendered, RenderError, Rendered]
    assert got[1].finding.code in {"ended", "memory"}
    assert "smaller" in got[1].finding.message


def test_processor_time_is_bounded(make):
    renderer = make(cpu_s=1, memory_bytes=8_192 * MIB)
    got = renderer.render_many([Job("killer", KILLER, {}), good(2)], stopping=GO_ON)
    assert "takes too long" in got[0].finding.message
    assert isinstance(got[1], Rendered)


def test_a_process_that_somebody_ends_costs_no_mail(make):
    renderer = make()
    renderer.render_many([good()], stopping=GO_ON)
    os.kill(renderer.pids[0], signal.SIGKILL)
    got = renderer.render_many([good(n) for n in range(5)], stopping=GO_ON)
    assert [each.subject for each in got] == [f"Order {n} of Kim <b>&" for n in range(5)]


def test_a_process_that_does_not_answer_in_time_is_ended(make):
    renderer = make(wall_s=0.001)
    (got,) = renderer.render_many([good()], stopping=GO_ON)
    assert got.finding.message.startswith("takes too long")
    assert renderer.pids == []


def test_templates_unused_for_longest_make_room(make):
    renderer = make(kept=3)
    jobs = [Job(str(n), GOOD, VARIABLES) for n in (1, 2, 3, 4, 1, 5)]
    for each in jobs:
        assert isinstance(renderer.render_many([each], stopping=GO_ON)[0], Rendered)
    got = renderer.render_many(jobs, stopping=GO_ON)
    assert all(isinstance(each, Rendered) for each in got)


def test_a_process_is_replaced_after_a_number_of_mails(make):
    renderer = make(mails=2)
    renderer.render_many([good(), good()], stopping=GO_ON)
    assert renderer.pids == []
    assert isinstance(renderer.render_many([good()], stopping=GO_ON)[0], Rendered)


def test_several_threads_share_the_processes(make):
    renderer = make(2)
    done = []

    def work(start):
        got = renderer.render_many([good(start + n) for n in range(20)], stopping=GO_ON)
        done.append([each.subject for each in got] == [
            f"Order {start + n} of Kim <b>&" for n in range(20)
        ])  # fmt: skip

    threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert done == [True] * 4
    assert len(renderer.pids) <= 2


def test_nothing_is_left_behind(make):
    renderer = make(2)
    renderer.render_many([good()], stopping=GO_ON)
    (pid,) = renderer.pids
    renderer.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_template_that_cannot_be_sent_to_a_process_is_refused(make):
    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 10**30}}}
    source = TemplateSource(subject="x", text="{{ n }}", schema=schema)
    with pytest.raises(TemplateError, match="64 bits"):
        make().compile(source, {}, {}, stopping=GO_ON)
