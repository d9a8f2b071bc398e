"""A small OpenTelemetry collector for tests: takes OTLP over HTTP, as JSON, and keeps the spans."""

import http.server
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Collector:
    """spans: as they came. octets: bodies, to be searched. status: what it answers."""

    endpoint: str = ""
    status: int = 200
    spans: list = field(default_factory=list)
    octets: bytes = b""
    resources: list = field(default_factory=list)

    def named(self, name, **wanted):
        """Return the spans of a name whose attributes have these values, __ for a dot."""
        asked = {key.replace("__", "."): value for key, value in wanted.items()}
        return [
            span
            for span in list(self.spans)
            if span["name"] == name and asked.items() <= attributes_of(span).items()
        ]


def attributes_of(item):
    """Return attributes as plain values."""
    found = {}
    for each in item["attributes"]:
        [(kind, value)] = each["value"].items()
        found[each["key"]] = int(value) if kind == "intValue" else value
    return found


@contextmanager
def collect():
    collector = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            assert self.headers["Content-Type"] == "application/json"
            collector.octets += body
            if collector.status == 200:
                for batch in json.loads(body)["resourceSpans"]:
                    collector.resources.append(attributes_of(batch["resource"]))
                    for scope in batch["scopeSpans"]:
                        collector.spans += scope["spans"]
            self.send_response(collector.status)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
