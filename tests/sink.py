"""A mail server that takes everything and remembers when, for tests that count."""

import re
import socketserver
import threading
import time
from contextlib import contextmanager, suppress


class Taken:
    def __init__(self, data=b""):
        self.at = time.monotonic()
        self.heard = False
        self.data = data


class Sink:
    """taken: for each mark that stood in a Subject, the moments its message was accepted, and as
    `heard` whether its client went on after that: then it has heard the reply.

    answer: what the final dot of a mark gets, by a function; 250 by default. admit: what RCPT for an
    address gets. keeps: octets are remembered as well.
    """

    def __init__(
        self,
        answer=lambda mark: "250 2.0.0 ok",
        *,
        admit=lambda address: "250 2.1.5 ok",
        keeps=False,
    ):
        self.answer = answer
        self.admit = admit
        self.keeps = keeps
        self.taken = {}
        self._lock = threading.Lock()
        self.port = 0

    def take(self, data):
        """Return the reply to a message, and how it was noted if it is accepted."""
        found = re.search(rb"^Subject: (\S+)", data, re.MULTILINE)
        mark = found[1].decode() if found else ""
        reply, noted = self.answer(mark), Taken(data if self.keeps else b"")
        if reply.startswith("250"):
            with self._lock:
                self.taken.setdefault(mark, []).append(noted)
        return reply, noted

    def count(self):
        """Return how many messages were accepted so far."""
        with self._lock:
            return sum(map(len, self.taken.values()))

    @contextmanager
    def serve(self, host="127.0.0.1"):
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with suppress(OSError):  # the client was killed
                    _talk(self.rfile, self.wfile, sink)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 100

        with Server((host, 0), Handler) as server:
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


def _talk(heard, said, sink):
    def say(line):
        said.write(line.encode() + b"\r\n")

    say("220 sink.example ESMTP")
    last, admitted = Taken(), 0
    while line := heard.readline():
        last.heard = True
        verb = line.split(b" ", 1)[0].strip().upper()
        if verb == b"DATA" and admitted:
            say("354 go ahead")
            data = b""
            while (line := heard.readline()) not in (b".\r\n", b""):
                data += line.removeprefix(b".") if line.startswith(b"..") else line
            if line:
                reply, last = sink.take(data)
                say(reply)
        elif verb == b"DATA":
            say("554 5.5.1 no valid recipients")
        elif verb == b"RCPT":
            reply = sink.admit(re.search(rb"<(.*)>", line)[1].decode())
            admitted += reply.startswith("2")
            say(reply)
        elif verb == b"QUIT":
            say("221 bye")
            return
        else:
            if verb in (b"MAIL", b"RSET"):
                admitted = 0
            say("250 8BITMIME" if verb == b"EHLO" else "250 2.1.0 ok")
