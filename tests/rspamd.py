"""A real rspamd that knows nothing but its own patterns: no rules, no DNS."""

import contextlib
import socket
import subprocess
import time

import pytest

#: The text every spam filter takes for spam.
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
#: Its own patterns only: no rules, no DNS, and a short list of top levels, which it compiles first.
CONFIG = """
options {{
  pidfile = "{dir}/rspamd.pid"; tempdir = "{dir}"; url_tld = "{dir}/tld.dat"; filters = "";
  disable_hyperscan = true;
  dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 0; }}
}}
logging {{ type = "console"; level = "info"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; task_timeout = 5s; }}
actions {{ reject = 15; add_header = 6; }}
gtube_patterns = "reject";
"""
START_S = 20


@contextlib.contextmanager
def run_rspamd(path, folder):
    """Yield its address. path: of the program; folder: its files."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "rspamd.conf"
    config.write_text(CONFIG.format(dir=folder, port=port))
    (folder / "tld.dat").write_text("com\nexample\n")
    with (folder / "out").open("w") as out:
        process = subprocess.Popen(
            [path, "-f", "-i", "-c", str(config)], stdout=out, stderr=subprocess.STDOUT
        )
    try:
        _wait_for(port, process, folder / "out")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port, process, out):
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    pytest.fail(f"rspamd did not start: {out.read_text()[-2_000:]}")
