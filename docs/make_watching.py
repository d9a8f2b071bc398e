"""Make docs/metrics.md and docs/log.md: `python docs/make_watching.py`; `--check` only compares."""

import sys
from pathlib import Path

from penfold.spec.events import EVENTS
from penfold.spec.metrics import ALL
from penfold.spec.traces import SPAN_TYPES

DOCS = Path(__file__).parent
#: Values of one label that are named in the table; of longer sets, the first few.
SHOWN = 8


def make_metrics():
    head = (DOCS / "metrics.head.md").read_text()
    return head + "".join(_metric_row(metric) for metric in ALL)


def _metric_row(metric):
    labels = "; ".join(f"`{name}`: {_show(name, values)}" for name, values in metric.labels)
    kind, sentence, advice = metric.kind.value, metric.sentence, metric.advice
    return f"| `{metric.name}` | {kind} | {labels} | {sentence} | {advice} |\n"


def _show(name, values):
    if name in ("version", "python"):
        return "as installed"
    if name == "method" and len(values) > SHOWN:
        return "an id of the API's 79, or " + ", ".join(v for v in values if "." not in v)
    shown = ", ".join(values[:SHOWN])
    return shown if len(values) <= SHOWN else f"{shown}, … ({len(values)})"


def make_log():
    events = "".join(
        f"| `{e.name}` | {e.severity.name.lower()} | {e.sentence} | {_list(e.fields)} |\n"
        for e in EVENTS
    )
    spans = "".join(
        f"| {_code(s.name)} | {s.sentence} | {_list(s.attributes)} |\n" for s in SPAN_TYPES
    )
    head = (DOCS / "log.head.md").read_text()
    return head.replace("@events@\n", events).replace("@spans@\n", spans)


def _list(names):
    return ", ".join(f"`{name}`" for name in sorted(names))


def _code(name):
    return name if " " in name else f"`{name}`"


PAGES = {"metrics.md": make_metrics, "log.md": make_log}


def main():
    for name, make in PAGES.items():
        if "--check" not in sys.argv:
            (DOCS / name).write_text(make())
        elif (DOCS / name).read_text() != make():
            sys.exit(f"{name} is not up to date: run `make gen` and commit it")


if __name__ == "__main__":
    main()
