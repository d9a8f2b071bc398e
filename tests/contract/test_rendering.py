"""What renders templates: the same in the process that asks and in processes of its own."""

import threading

import pytest
from tests.templates import LAYOUTS, ORDER, PARTIALS

from penfold.app.process.renderer import ProcessRenderer
from penfold.base.errors import UnavailableError
from penfold.ports.rendering import Job
from penfold.proto.templates.compile import compile_template
from penfold.proto.templates.model import Rendered, RenderError, TemplateError
from penfold.testing.rendering import MemoryRenderer

GO_ON = threading.Event()
GOOD = compile_template(ORDER, LAYOUTS, PARTIALS)


@pytest.fixture(
    scope="module", params=[MemoryRenderer, lambda: ProcessRenderer(1)], ids=["memory", "process"]
)
def renderer(request):
    made = request.param()
    yield made
    made.close()


def job(number, name="Kim"):
    order = {"number": number, "items": [{"title": "Kettle", "price": 1}]}
    return Job("order", GOOD, {"name": name, "order": order}, warn=True)


def test_outcomes_are_in_order_and_an_error_is_one_of_them(renderer):
    got = renderer.render_many([job(1), job(2, "x" * 600), job(3)], stopping=GO_ON)
    assert [type(each) for each in got] == [Rendered, RenderError, Rendered]
    assert (got[0].subject, got[2].subject) == ("Order 1 of Kim", "Order 3 of Kim")
    assert got[1].finding.code == "too-large"
    assert "Kettle 1.00" in got[0].text


def test_a_template_is_compiled_or_its_mistakes_are_told(renderer):
    assert renderer.compile(ORDER, LAYOUTS, PARTIALS, stopping=GO_ON) == GOOD
    with pytest.raises(TemplateError) as caught:
        renderer.compile(ORDER, LAYOUTS, {}, stopping=GO_ON)
    assert caught.value.findings[0].code == "partial"


def test_nobody_waits_once_the_server_stops(renderer):
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(UnavailableError):
        renderer.render_many([job(1)], stopping=stopping)
    with pytest.raises(UnavailableError):
        renderer.compile(ORDER, LAYOUTS, PARTIALS, stopping=stopping)


def test_no_jobs_are_no_outcomes(renderer):
    assert renderer.render_many([], stopping=GO_ON) == []
