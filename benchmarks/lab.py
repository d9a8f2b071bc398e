"""A network of one's own: hosts as network namespaces on a bridge, with addresses and a DNS.

Every host has port 25 to itself, as on the internet. Wants root and the right to make namespaces.
"""

import os
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

from penfold.testing.dns import DnsServer


def is_possible():
    """Return whether namespaces can be made here."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return probe.returncode == 0


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Host:
    """via: the command that runs a program there. Its resolver is the network's DNS."""

    def __init__(self, name, address):
        self.name, self.address = name, address
        self.via = ("ip", "netns", "exec", name)


class Network:
    """A bridge that is host 1, where the test itself and the DNS are."""

    def __init__(self, zones):
        self._stack = ExitStack()
        self._zones = zones
        self._tag = f"pf{os.getpid()}"
        self._prefix = f"10.{200 + os.getpid() % 50}.{os.getpid() // 50 % 250}"
        self._count = 1

    def __enter__(self):
        with self._stack as stack:
            bridge = f"{self._tag}b"
            _ip("link", "add", bridge, "type", "bridge")
            stack.callback(_ip, "link", "del", bridge)
            _ip("addr", "add", f"{self._prefix}.1/24", "dev", bridge)
            _ip("link", "set", bridge, "up")
            self.dns = stack.enter_context(
                DnsServer(self._zones, host=f"{self._prefix}.1", port=53)
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def add_host(self):
        """Return a new host with an address of its own."""
        self._count += 1
        name, address = f"{self._tag}-{self._count}", f"{self._prefix}.{self._count}"
        ours, theirs = f"{self._tag}v{self._count}", f"{self._tag}w{self._count}"
        folder = Path("/etc/netns") / name
        folder.mkdir(parents=True)
        self._stack.callback(shutil.rmtree, folder)
        (folder / "resolv.conf").write_text(f"nameserver {self.dns.host}\n")
        (folder / "resolv.conf").chmod(0o644)  # whatever the umask: others than root read it too
        _ip("netns", "add", name)
        self._stack.callback(_ip, "netns", "del", name)
        _ip("link", "add", ours, "type", "veth", "peer", "name", theirs)
        _ip("link", "set", ours, "master", f"{self._tag}b", "up")
        _ip("link", "set", theirs, "netns", name)
        for command in (
            ("addr", "add", f"{address}/24", "dev", theirs),
            ("link", "set", theirs, "up"),
            ("link", "set", "lo", "up"),
            ("route", "add", "default", "via", f"{self._prefix}.1"),
        ):
            _ip("-n", name, *command)
        host = Host(name, address)
        # As on a whole machine; with the 10 of a new namespace Postfix's log waits for itself.
        queue = [*host.via, "sysctl", "-q", "-w", "net.unix.max_dgram_qlen=512"]
        subprocess.run(queue, check=True, capture_output=True)
        return host
