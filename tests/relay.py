"""A small mail server that takes one login: what smtpMsa names, in tests."""

import base64
import socketserver
import ssl
import threading
import time
from contextlib import ExitStack, contextmanager, suppress

from penfold.net.certificates import LOCAL_NAMES, make_authority, make_server_certificate

LOGIN = ("al", "right")


class Relay:
    """mechanisms: what AUTH offers. tls: "", ssl or starttls. said: the commands that came."""

    def __init__(self, folder, *, mechanisms="PLAIN LOGIN", tls="starttls", greeting="220 relay"):
        self.mechanisms, self.tls, self.greeting = mechanisms, tls, greeting
        self.said = []
        now_ms = time.time_ns() // 1_000_000
        authority = make_authority(now_ms=now_ms)
        pair = make_server_certificate(authority, LOCAL_NAMES, now_ms=now_ms)
        self.authority = folder / "authority.pem"
        self.authority.write_bytes(authority.certificate)
        (folder / "server.pem").write_bytes(pair.certificate + pair.key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "server.pem")
        self.port = 0

    def make_client_context(self):
        return ssl.create_default_context(cafile=self.authority)

    @contextmanager
    def serve(self):
        relay = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                # Errors: the client left, or speaks something else.
                with suppress(OSError, ValueError), ExitStack() as stack:
                    relay.talk(self.request, stack)

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield self
            server.shutdown()
            thread.join()

    def talk(self, connection, stack):
        secure = self.tls == "ssl"
        if secure:
            connection = stack.enter_context(self._wrap(connection))
        file = stack.enter_context(connection.makefile("rwb"))
        say(file, self.greeting)
        while line := file.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            self.said.append(verb)
            if verb == "ehlo":
                offers = [f"AUTH {self.mechanisms}"] if self.mechanisms else []
                offers += ["STARTTLS"] if self.tls == "starttls" and not secure else []
                lines = ["relay", *offers]
                for each in lines[:-1]:
                    say(file, f"250-{each}")
                say(file, f"250 {lines[-1]}")
            elif verb == "STARTTLS":
                say(file, "220 go")
                connection = stack.enter_context(self._wrap(connection))
                file, secure = stack.enter_context(connection.makefile("rwb")), True
            elif verb == "AUTH":
                say(file, "235 ok" if self._read_login(file, rest) == LOGIN else "535 no")
            else:
                say(file, "221 bye")
                return

    def _wrap(self, connection):
        return self.context.wrap_socket(connection, server_side=True)

    def _read_login(self, file, rest):
        mechanism, _, first = rest.partition(" ")
        if mechanism == "PLAIN":
            return tuple(base64.b64decode(first).decode().split("\0")[1:])
        if first:
            name = base64.b64decode(first).decode()
        say(file, "334 UGFzc3dvcmQ6")
        return name, base64.b64decode(file.readline()).decode()


def say(file, text):
    file.write(text.encode() + b"\r\n")
    file.flush()
