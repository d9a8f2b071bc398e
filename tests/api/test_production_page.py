"""docs/production.md: its unit file, its commands, its ports and its links are real."""

import re
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest
import typer

from penfold.front.cli.tree import build_cli
from penfold.spec import metrics
from penfold.spec.sample import list_essentials

PAGE = (Path(__file__).parents[2] / "docs" / "production.md").read_text()
#: systemd.service(5), systemd.exec(5), systemd.kill(5), systemd.resource-control(5).
SERVICE_OPTIONS = set(
    "AmbientCapabilities CapabilityBoundingSet ExecStart Group KillMode LimitNOFILE"
    " LockPersonality MemoryDenyWriteExecute NoNewPrivileges PrivateDevices PrivateTmp ProcSubset"
    " ProtectClock ProtectControlGroups ProtectHome ProtectHostname ProtectKernelLogs"
    " ProtectKernelModules ProtectKernelTunables ProtectProc ProtectSystem RemoveIPC Restart"
    " RestartPreventExitStatus RestartSec RestrictAddressFamilies RestrictNamespaces"
    " RestrictRealtime RestrictSUIDSGID StateDirectory StateDirectoryMode SystemCallArchitectures"
    " SystemCallErrorNumber SystemCallFilter TimeoutStopSec UMask User".split()
)


def block(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


[UNIT] = block("ini")


def options(section):
    parser = RawConfigParser(strict=True)
    parser.optionxform = str
    parser.read_string(UNIT)
    return dict(parser[section])


def test_options_of_the_unit_are_known_and_each_is_there_once():
    assert set(options("Service")) <= SERVICE_OPTIONS
    assert set(options("Unit")) == {"Description", "Wants", "After"}
    assert options("Install") == {"WantedBy": "multi-user.target"}


def test_every_option_has_its_reason_in_the_table_and_no_other_has():
    table = PAGE.partition("| option | why |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", table, re.MULTILINE)
    explained = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert explained == set(options("Service")) - {"ExecStart"}


def test_the_service_is_not_root_and_may_only_listen_at_low_ports():
    service = options("Service")
    assert service["User"] == service["StateDirectory"] == "penfold"
    assert service["AmbientCapabilities"] == "CAP_NET_BIND_SERVICE"
    assert service["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert int(service["LimitNOFILE"]) >= 65_536
    assert f"--data /var/lib/{service['StateDirectory']}" in service["ExecStart"]


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path, program):
    program("systemd-analyze")
    unit = tmp_path / "penfold.service"
    # Whether the program is there is not what is asked.
    unit.write_text(
        re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", UNIT, flags=re.MULTILINE)
    )
    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    said = found.stdout + found.stderr
    assert "penfold.service" not in said, said


def list_commands(group, *path):
    for name, command in getattr(group, "commands", {}).items():
        yield " ".join((*path, name))
        yield from list_commands(command, *path, name)


def test_every_command_of_the_page_exists():
    known = set(list_commands(typer.main.get_command(build_cli(None))))
    said = [*block("sh"), *re.findall(r"`(penfold [^`\n]+)`", PAGE)]
    pattern = re.compile(r"^(?:/\S*/)?penfold ([a-z][a-z-]*(?: [a-z][a-z-]*)?)", re.MULTILINE)
    named = {tuple(words.split()) for words in pattern.findall("\n".join(said))}
    unknown = {words for words in named if not {" ".join(words), words[0]} & known}
    assert not unknown
    assert {"config sample", "domain check", "data backup", "trace"} <= {
        " ".join(words) for words in named
    } | {words[0] for words in named}


def test_ports_are_those_the_sample_sets():
    table = dict(re.findall(r"^\| ([0-9]+) \| `(\w+)` \|", PAGE, re.MULTILINE))
    listeners = {
        int(value.rpartition(":")[2]): name
        for name, value in list_essentials("example.org").items()
        if str(value).startswith("0.0.0.0:")
    }
    assert {int(port): name for port, name in table.items()} == listeners
    opened = re.search(r"tcp dport \{ ([0-9, ]+) \}", PAGE)[1]
    assert set(listeners) < set(map(int, opened.split(", ")))


def test_who_types_the_filter_line_by_line_is_not_shut_out_by_it():
    lines = [line for line in PAGE.splitlines() if line.startswith("nft add ")]
    assert [line for line in lines if "policy drop" in line] == lines[-1:]
    assert sum(line.endswith(" accept") for line in lines) == len(lines) - 3


def test_metrics_of_the_page_exist():
    named = set(re.findall(r"`(penfold_\w+)`", PAGE))
    assert named
    known = [each for each in vars(metrics).values() if isinstance(each, metrics.Metric)]
    assert named <= {metric.name for metric in known}


@pytest.mark.parametrize("page", sorted(set(re.findall(r"\]\(([a-z-]+\.md)\)", PAGE))))
def test_pages_it_links_to_exist(page):
    assert (Path(__file__).parents[2] / "docs" / page).exists()
