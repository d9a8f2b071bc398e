"""Make docs/metrics.md: `python docs/make_metrics.py` writes, `--check` only compares."""

import sys
from pathlib import Path

from penfold.spec.metrics import ALL

DOCS = Path(__file__).parent
PAGE = DOCS / "metrics.md"
#: Values of one label that are named in the table; of longer sets, the first few.
SHOWN = 8


def make_page():
    return (DOCS / "metrics.head.md").read_text() + "".join(_row(metric) for metric in ALL)


def _row(metric):
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


def main():
    page = make_page()
    if "--check" in sys.argv:
        if PAGE.read_text() != page:
            sys.exit(f"{PAGE.name} is not up to date: run `make gen` and commit it")
    else:
        PAGE.write_text(page)


if __name__ == "__main__":
    main()
