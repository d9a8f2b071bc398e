"""nginx and haproxy as the documentation sets them up, before a server, and a tap between the two.

Everything listens on sockets in a folder, so there are no ports to find. The proxies keep their
connections to the server and share them among clients, which is what smuggling preys on.
"""

import re
import socket
import socketserver
import subprocess
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.until import until

DOCS = Path(__file__).parents[1] / "docs" / "hardening.md"
#: What each proxy adds to every request it passes on: its own count of them.
MARK = b"x-marked: by-the-proxy\r\n"

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  upstream penfold {{ server unix:{folder}/tap; keepalive 1; }}
  proxy_set_header Connection "";
  proxy_ignore_client_abort on;
  server {{
    listen unix:{folder}/proxy;
{block}
  }}
}}
"""
HAPROXY = """
global
    nbthread 1  # each thread keeps connections of its own
defaults
    mode http
    timeout connect 10s
    timeout client 10s
    timeout server 10s
frontend web
    bind unix@{folder}/proxy
    http-request set-header X-Marked by-the-proxy
{frontend}
backend penfold
    http-reuse always
    server penfold unix@{folder}/tap
"""


def documented(language):
    """Return the configuration of a proxy in docs/hardening.md."""
    return re.search(rf"```{language}\n(.*?)```", DOCS.read_text(), re.DOTALL)[1]


def configure(name, folder):
    """Write the configuration; return how the proxy is run with it."""
    path = folder / "configuration"
    if name == "nginx":
        block = documented("nginx").replace("http://127.0.0.1:8025", "http://penfold")
        # A field set in a location takes away those set outside.
        own = 'proxy_set_header Connection "";\n    proxy_set_header X-Marked by-the-proxy;\n'
        block = block.replace("    proxy_set_header Host", own + "    proxy_set_header Host")
        path.write_text(NGINX.format(folder=folder, block=block))
        return ["nginx", "-p", str(folder), "-c", str(path)]
    lines = documented("haproxy").splitlines()
    inside = [line for line in lines if line.strip().startswith(("option", "http-", "default_"))]
    path.write_text(HAPROXY.format(folder=folder, frontend="\n".join(inside)))
    return ["haproxy", "-f", str(path), "-db"]


class Tap:
    """Passes octets on between proxy and server, and keeps them: of each connection, both ways."""

    def __init__(self, target):
        self.target = target
        self.connections = []

    def serve_one(self, proxy):
        asked, said = bytearray(), bytearray()
        self.connections.append((asked, said))
        with socket.create_connection(self.target) as server:
            back = threading.Thread(target=pass_on, args=(server, proxy, said))
            back.start()
            pass_on(proxy, server, asked)
            back.join()

    def count_requests(self):
        return sum(bytes(asked).lower().count(MARK) for asked, _ in self.connections)


def pass_on(source, target, kept):
    with suppress(OSError):
        while octets := source.recv(65_536):
            kept += octets
            target.sendall(octets)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@contextmanager
def tapped(path, target):
    tap = Tap(target)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            tap.serve_one(self.request)

    with Server(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield tap
        server.shutdown()
        thread.join()


class Proxy:
    def __init__(self, name, folder, tap):
        self.name = name
        self.tap = tap
        self._path = str(folder / "proxy")

    def talk(self, octets):
        """Send octets and nothing after them; return all that is said until the end."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(self._path)
            with suppress(OSError):  # who is refused early need not read on
                client.sendall(octets)
                client.shutdown(socket.SHUT_WR)
            said = b""
            with suppress(ConnectionError):
                while more := client.recv(65_536):
                    said += more
            return said


@contextmanager
def run_proxy(name, folder, target):
    """Run a proxy before the server at target, a pair of host and port."""
    with tapped(folder / "tap", target) as tap:
        with (folder / "output").open("w") as output:
            process = subprocess.Popen(configure(name, folder), stdout=output, stderr=output)
        try:
            until(lambda: listens(folder / "proxy", process), what=f"{name} listening")
            yield Proxy(name, folder, tap)
        finally:
            process.terminate()
            process.wait(20)


def listens(path, process):
    assert process.poll() is None, (path.parent / "output").read_text()
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
