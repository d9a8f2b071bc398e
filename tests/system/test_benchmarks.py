"""Benchmarks run on whatever machine there is."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_searches_are_measured_without_a_peer_and_the_mail_is_kept_for_the_next_run(tmp_path):
    settings = {"ALONE": "1", "FOLDER": str(tmp_path), "MESSAGES": "2000", "SECONDS": "0"}
    own = {f"PENFOLD_BENCH_{name}": value for name, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "search"],
        cwd=ROOT,
        env={**os.environ, **own, "COLUMNS": "250"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for kind in ("rare word", "label:large, medium word", "-word", "threads: two common words"):
        [line] = [each for each in done.stdout.splitlines() if f"│ search: {kind} " in each]
        assert " ms " in line
    assert "notmuch is not installed or not wanted" in done.stdout
    [data] = tmp_path.iterdir()
    assert float((data / "whole").read_text()) > 0
