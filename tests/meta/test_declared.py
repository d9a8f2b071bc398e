"""What is declared once is used: events are emitted, metrics counted, hints have their error."""

from pathlib import Path

from penfold.app.command import commands
from penfold.spec import events, metrics

SRC = Path(__file__).parents[2] / "src" / "penfold"


def words_without(name):
    """Return all code but one file, named by its path below the package."""
    return "".join(path.read_text() for path in SRC.rglob("*.py") if path != SRC / name)


def test_every_event_is_emitted_somewhere():
    text = words_without("spec/events.py")
    declared = [name for name, value in vars(events).items() if isinstance(value, events.Event)]
    assert len(declared) > 30
    assert [name for name in declared if name not in text] == []


def test_every_metric_is_counted_somewhere():
    text = words_without("spec/metrics.py")
    declared = [name for name, value in vars(metrics).items() if isinstance(value, metrics.Metric)]
    assert len(declared) > 10
    assert [name for name in declared if name not in text] == []


def test_every_hint_belongs_to_an_error_that_is_raised():
    text = words_without("app/command/commands.py")
    assert [said for said in commands._HINTS if f'"{said}"' not in text] == []
