"""What watches a server: its page of metrics, and Prometheus with our rules."""

import json
import re
import subprocess
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.pebble import find_free_port
from tests.until import until

from penfold.app.command.commands import run_command
from penfold.app.command.watching import Watching
from penfold.domain.vitals import compare
from penfold.spec.metrics import ALL

DOCS = Path(__file__).parents[2] / "docs"
RULES = DOCS / "monitoring"


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def test_the_page_and_the_document_name_the_same_metrics(server):
    page = get(server.http + "/metrics")
    served = dict(re.findall(r"^# TYPE (\w+) (\w+)$", page, re.MULTILINE))
    told = re.findall(r"^\| `(\w+)` \| (\w+) \|", (DOCS / "metrics.md").read_text(), re.MULTILINE)
    assert served == dict(told)
    labels = {metric.name: {name: set(values) for name, values in metric.labels} for metric in ALL}
    for name, pairs in re.findall(r"^(\w+)\{(.*)\} ", page, re.MULTILINE):
        family = name if name in labels else name.rpartition("_")[0]
        for label, value in re.findall(r'(\w+)="([^"]*)"', pairs):
            assert label == "le" or value in labels[family][label], f"{family} {label} {value}"


def test_a_page_tells_of_the_machine_and_of_what_runs(server):
    page = get(server.http + "/metrics")
    for name in ("disk_free_bytes", "disk_size_bytes", "start_time_seconds"):
        assert float(re.search(rf"^penfold_{name} (\S+)$", page, re.MULTILINE)[1]) > 1_000_000
    for role in ("http", "mail"):
        for name in ("open_files", "max_files", "resident_bytes"):
            found = re.search(
                rf'^penfold_process_{name}{{role="{role}"}} (\S+)$', page, re.MULTILINE
            )
            assert float(found[1]) > 3
    assert 'penfold_build_info{version="' in page


def count_recipients(server):
    """Return how many recipients there were by what happened, of transactional mail."""
    name = r'^penfold_sending_recipients_total\{stream="transactional",event="(\w+)"\} (\d+)$'
    page = get(server.http + "/metrics")
    return {event: int(count) for event, count in re.findall(name, page, re.MULTILINE)}


def test_mail_of_the_sending_api_is_counted_by_stream_and_what_happened(server):
    before = count_recipients(server)
    scopes = ("--scope", "emails:send", "--scope", "templates:*")
    added = server.run("sending", "key", "add", "alice@penfold.test", "shop", *scopes)
    mail = {"from": "alice@penfold.test", "to": "bob@penfold.test", "template": {"alias": "x"}}
    headers = {"authorization": f"Bearer {added.split()[0]}"}
    with httpx.Client(base_url=server.http + "/v1", headers=headers) as api:
        for path, body in (
            ("/templates", {"name": "x", "alias": "x"}),
            ("/templates/x/versions", {"subject": "x", "html": "<p>x</p>"}),
            ("/templates/x/publish", {}),
            ("/emails", mail),
        ):
            api.post(path, json=body).raise_for_status()
    until(lambda: count_recipients(server)["delivered"] > before["delivered"])
    after = count_recipients(server)
    happened = {event for event, count in after.items() if count > before[event]}
    assert happened == {"accepted", "sent", "delivered"}
    page = get(server.http + "/metrics")
    assert 'penfold_sending_backlog_emails{stream="otp"} 0\n' in page
    assert "penfold_sending_oldest_seconds 0\n" in page
    assert "penfold_sending_render_seconds_count 0\n" not in page


@contextmanager
def prometheus(program, folder, target):
    """Run the real Prometheus with our configuration, pointed at a server."""
    text = (RULES / "prometheus.yml").read_text().replace("127.0.0.1:8025", target)
    text = text.replace("scrape_interval: 15s", "scrape_interval: 200ms")
    (folder / "prometheus.yml").write_text(
        text.replace("penfold.rules.yml", str(RULES / "penfold.rules.yml"))
    )
    port = find_free_port()
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def test_prometheus_scrapes_a_server_and_reads_our_rules(program, server, tmp_path):
    found = program("prometheus")

    def ask(path, **query):
        try:
            return json.loads(get(f"{base}{path}?{urllib.parse.urlencode(query)}"))["data"]
        except OSError:
            return None  # not up yet

    with prometheus(found, tmp_path, server.http.removeprefix("http://")) as base:
        question = {"query": 'penfold_http_requests_total{method="operations",status="200"}'}
        data = until(lambda: (ask("/api/v1/query", **question) or {}).get("result"))
        assert data[0]["metric"]["job"] == "penfold"
        assert float(data[0]["value"][1]) >= 1
        [group] = until(lambda: ask("/api/v1/rules"))["groups"]
        names = [rule["name"] for rule in group["rules"]]
        assert {"PenfoldDown", "PenfoldErrors", "PenfoldDiskFilling"} <= set(names)
        [target] = ask("/api/v1/targets")["activeTargets"]
        assert (target["health"], target["lastError"]) == ("up", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "penfold.rules.yml"),
        ("test", "rules", "penfold.rules.test.yml"),
        ("check", "config", "prometheus.yml"),
    ],
    ids=" ".join,
)
def test_promtool_finds_the_rules_right_and_they_call_when_they_should(program, arguments):
    done = subprocess.run(
        [program("promtool"), *arguments], cwd=RULES, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_the_page_s_format_right(program, server):
    done = subprocess.run(
        [program("promtool"), "check", "metrics"],
        input=get(server.http + "/metrics"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def find_discoveries(before, after, wanted):
    """Return what happened between two looks, once so many documents were asked for."""
    seen = compare(before, after)
    count = seen.methods["discovery"].per_s * seen.over_s if "discovery" in seen.methods else 0
    assert count < wanted + 0.5
    return seen if count > wanted - 0.5 else None


def test_top_shows_what_the_server_does_between_two_looks(server, capsys):
    watch = Watching(server.data)
    try:
        before = watch.take_sample()
        for _ in range(3):
            get(server.http + "/$discovery/rest?version=v1")
        # A request is counted after its answer went out.
        seen = until(lambda: find_discoveries(before, watch.take_sample(), 3))
    finally:
        watch.close()
    assert seen.methods["discovery"].p95_ms > 0
    assert {each.name for each in seen.processes} == {"http-0", "mail-0"}
    assert all(each.resident_bytes > 1_000_000 for each in seen.processes)
    assert run_command(["top", "--once", "--every", "0.1", "--data", str(server.data)]) == 0
    assert "Mail in" in capsys.readouterr().out


def test_top_says_so_when_no_server_runs(tmp_path, capsys):
    (tmp_path / "penfold.lock").touch()
    assert run_command(["top", "--data", str(tmp_path)]) == 2
    assert "no server runs on" in capsys.readouterr().err
