"""The end of a process that does not know what is on disk."""

import json
import subprocess
import sys

from penfold.app.exits import OUTCOME_UNKNOWN

SCRIPT = """
from penfold.app.monitor.logs import LineLog, SystemClock
from penfold.app.process.process import end_process
from penfold.base.errors import OutcomeUnknownError
try:
    log = LineLog(2, form="json", process="mail-0", clock=SystemClock())
    end_process(log, OutcomeUnknownError("commit failed", mailbox="m1"))
finally:
    print("not reached")
"""


def test_an_unknown_outcome_is_logged_and_ends_the_process_on_the_spot():
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stdout) == (OUTCOME_UNKNOWN, "")
    line = json.loads(result.stderr)
    assert (line["event"], line["error"], line["detail"]) == (
        "fatal",
        "OutcomeUnknownError",
        "commit failed",
    )
