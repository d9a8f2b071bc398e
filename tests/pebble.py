"""Let's Encrypt's own test server, pebble, run for a test: strict, and picky about nonces."""

import json
import os
import socket
import ssl
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.until import answers, until

from penfold.net.certificates import LOCAL_NAMES, make_authority, make_server_certificate
from penfold.testing.dns import DnsServer

PATIENCE_S = 20


@dataclass(frozen=True)
class Pebble:
    """directory: its ACME address. authorities: PEM that verifies pebble's own HTTPS. log: its words.

    port: where it checks http-01 and tls-alpn-01 alike.
    """

    directory: str
    authorities: Path
    management: str
    port: int
    log: Path

    def load_root(self):
        """Return the root of the certificates it gives, PEM."""
        context = ssl.create_default_context(cafile=self.authorities)
        with urllib.request.urlopen(f"{self.management}/roots/0", context=context) as answer:
            return answer.read().decode()


def find_free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@contextmanager
def run_pebble(program, folder, names):
    """Run pebble, for which every one of the names is at 127.0.0.1."""
    authority = make_authority(now_ms=time.time_ns() // 1_000_000)
    pair = make_server_certificate(authority, LOCAL_NAMES, now_ms=time.time_ns() // 1_000_000)
    (folder / "authority.pem").write_bytes(authority.certificate)
    (folder / "pebble.pem").write_bytes(pair.certificate)
    (folder / "pebble.key").write_bytes(pair.key)
    acme, management, port = find_free_port(), find_free_port(), find_free_port()
    config = {
        "listenAddress": f"127.0.0.1:{acme}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(folder / "pebble.pem"),
        "privateKey": str(folder / "pebble.key"),
        "httpPort": port,
        "tlsPort": port,
        "externalAccountBindingRequired": False,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    # Valid authorizations are not used again, so that each order is checked.
    env = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "30", "PEBBLE_AUTHZREUSE": "0"}
    with DnsServer({name: {"A": ["127.0.0.1"]} for name in names}) as dns:
        command = [program, "-config", str(folder / "pebble.json"), "-strict"]
        command += ["-dnsserver", f"{dns.host}:{dns.port}"]
        log = folder / "pebble.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **env}
            )
        try:
            wait_for_port(acme, process)
            yield Pebble(
                directory=f"https://localhost:{acme}/dir",
                authorities=folder / "authority.pem",
                management=f"https://localhost:{management}",
                port=port,
                log=log,
            )
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def wait_for_port(port, process):
    until(lambda: answers(port) or process.poll() is not None, what="pebble")
    if process.poll() is not None:
        raise RuntimeError(f"pebble ended: exit code {process.poll()}")
