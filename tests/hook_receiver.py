"""A receiver of webhooks for tests: a real HTTP server that verifies what it gets as its makers do."""

import http.server
import json
import threading
from contextlib import contextmanager

import standardwebhooks


class HookReceiver:
    """status: what it answers. secret: of the webhook; without one nothing is verified.

    wait: set to let go whoever waits for an answer.
    """

    def __init__(self):
        self.status = 200
        self.location = ""
        self.secret = ""
        self.wait = None
        self.got = []
        self.ids = []
        self.url = ""
        self._came = threading.Condition()

    def note(self, headers, body):
        if self.secret:
            standardwebhooks.Webhook(self.secret).verify(body, dict(headers))
        with self._came:
            self.got.append(json.loads(body))
            self.ids.append(headers["webhook-id"])
            self._came.notify_all()

    def await_types(self, *types, timeout_s=30):
        """Return once each of these types came."""
        with self._came:
            assert self._came.wait_for(
                lambda: set(types) <= {one["type"] for one in self.got}, timeout_s
            ), self.got

    def await_count(self, count, timeout_s=30):
        with self._came:
            assert self._came.wait_for(lambda: len(self.got) >= count, timeout_s), len(self.got)


@contextmanager
def receive_hooks():
    receiver = HookReceiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.status
            try:
                receiver.note(self.headers, body)
            except standardwebhooks.WebhookVerificationError:
                status = 401
            if receiver.wait:
                receiver.wait.wait(30)
            self.send_response(status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
