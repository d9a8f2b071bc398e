"""docs/metrics.md, docs/log.md, the dashboard and the alert rules name metrics that exist."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from penfold.spec.metrics import ALL, Kind

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "monitoring"
FILES = ("dashboard.json", "penfold.rules.yml", "penfold.rules.test.yml")
NAMES = {
    metric.name + ending: metric
    for metric in ALL
    for ending in (("_bucket", "_count", "_sum") if metric.kind is Kind.HISTOGRAM else ("",))
}
#: Labels that Prometheus and its histograms add.
ADDED = {"instance", "job", "le"}


def named_in(file):
    """Return each metric a file names, and what it asks of its labels."""
    text = (FOLDER / file).read_text().replace('\\\\"', '"').replace('\\"', '"')
    for name, asked in re.findall(r"\b(penfold_[a-z_]+)\b(?:\{([^}]*)\})?", text):
        yield name, re.findall(r'(\w+)(=~|=)"([^"]*)"', asked)


def test_the_pages_of_metrics_and_of_the_log_are_up_to_date():
    command = [sys.executable, str(DOCS / "make_watching.py"), "--check"]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr


@pytest.mark.parametrize("file", FILES)
def test_every_metric_a_file_names_exists_with_its_labels_and_values(file):
    named = list(named_in(file))
    assert len(named) >= 10
    for name, asked in named:
        assert name in NAMES, f"{file} names {name}"
        labels = dict(NAMES[name].labels)
        for label, operator, pattern in asked:
            if label in ADDED:
                continue
            assert label in labels, f"{file}: {name} has no label {label}"
            wanted = pattern.split("|") if operator == "=~" else [pattern]
            for each in wanted:
                exact = re.escape(each) if operator == "=" else each
                found = [value for value in labels[label] if re.fullmatch(exact, value)]
                assert found, f"{file}: {label} of {name} is never {each}"


def test_every_advice_that_names_a_bound_is_an_alert():
    ruled = {name for name, _ in named_in("penfold.rules.yml")}
    advised = {
        m.name for m in ALL if m.advice and not m.advice.startswith(("None", "Near", "Above what"))
    }
    missing = {name for name in advised if not ruled & {name, name + "_bucket"}}
    assert missing == set()


def test_panels_of_the_dashboard_do_not_overlap():
    taken = set()
    for panel in json.loads((FOLDER / "dashboard.json").read_text())["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
