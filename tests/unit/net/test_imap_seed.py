"""Looking into a mailbox by IMAP: at a real Dovecot, and at servers that are out of their minds."""

import base64
import socketserver
import ssl
import threading
from contextlib import contextmanager, suppress

import pytest
from tests.dovecot import PASSWORD, run_dovecot
from tests.scripted import Trust

from penfold.app.command.seeds import open_seeds
from penfold.app.monitor.logs import SystemClock
from penfold.net.imap_seed import ImapSeed
from penfold.ports.seeds import Place, SeedError, Where
from penfold.proto.smtp.client.sasl import Credentials
from penfold.spec.seeds import parse_seeds
from penfold.spec.settings import Settings


@pytest.fixture(scope="module")
def dovecot(program):
    with run_dovecot(program("dovecot"), "kim", "lee") as server:
        yield server


def look(server, message_id, *, user="kim", secret=PASSWORD, **more):
    context = more.get("context", server.context)
    login = Credentials(user, secret)
    seed = ImapSeed(
        *(server.host, server.port, lambda: login),
        context=context,
        timeout_s=10,
        look_s=more.get("look_s", 30),
    )
    return seed.find(message_id)


@pytest.mark.parametrize(
    ("folder", "place"),
    [
        pytest.param("INBOX", Place(Where.INBOX), id="inbox"),
        pytest.param("Rommel", Place(Where.SPAM), id="junk-by-its-use"),
        pytest.param("Bin", Place(Where.TRASH), id="trash"),
        pytest.param('"Entw&APw-rfe \\\\ \\"x"', Place(Where.FOLDER, 'Entwürfe \\ "x'), id="odd-name"),
    ],
)  # fmt: skip
def test_a_message_is_found_where_it_is(dovecot, folder, place):
    message_id = f"{place.where}@seed.example"
    assert look(dovecot, message_id) is None
    dovecot.put("kim", folder, message_id)
    assert look(dovecot, message_id) == place
    assert look(dovecot, message_id, user="lee") is None


def test_looking_marks_nothing_as_read(dovecot):
    dovecot.put("lee", "INBOX", "unread@seed.example")
    look(dovecot, "unread@seed.example", user="lee")
    with dovecot.login("lee") as imap:
        imap.select("INBOX")
        assert imap.search(None, "UNSEEN")[1] != [b""]


def test_what_the_sender_keeps_is_no_place_it_landed(dovecot):
    dovecot.put("kim", "Sent", "copy@seed.example")
    assert look(dovecot, "copy@seed.example") is None


def test_a_wrong_password_and_a_stranger_s_certificate_are_told(dovecot):
    with pytest.raises(SeedError, match=r"localhost: .*AUTH") as caught:
        look(dovecot, "x@y.example", secret="wrong-secret")
    assert "wrong-secret" not in str(caught.value)
    with pytest.raises(SeedError, match="certificate"):
        look(dovecot, "x@y.example", context=ssl.create_default_context())


class Odd:
    """A server that answers each command by a script: (its name, octets before it is done)."""

    def __init__(self, folder, **answers):
        trust = Trust(folder, ["localhost"])
        self.host, self.answers, self.said = "localhost", answers, []
        self.context = ssl.create_default_context(cadata=trust.authorities)
        self._server_context = trust.server

    @contextmanager
    def serve(self):
        odd = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                context = odd._server_context
                with (
                    suppress(OSError),  # the client left in the middle, as it should
                    context.wrap_socket(self.request, server_side=True) as tls,
                    tls.makefile("rb") as heard,
                ):
                    odd.talk(heard, tls)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        with Server(("127.0.0.1", 0), Handler) as server:
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    def talk(self, heard, tls):
        tls.sendall(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] odd\r\n")
        for line in heard:
            tag, _, command = line.strip().partition(b" ")
            name = command.partition(b" ")[0].decode().lower()
            self.said.append(command)
            if name == "authenticate":
                tls.sendall(b"+ \r\n")
                self.said.append(base64.b64decode(heard.readline()))
            if name == "capability":
                tls.sendall(b"* CAPABILITY IMAP4rev1\r\n")
            tls.sendall(b"".join(self.answers.get(name, [])) + tag + b" OK done\r\n")


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({"list": [b"* LIST () NIL {2000000}\r\n", b"x" * 2_000_000]}, id="long-literal"),
        pytest.param({"list": [(b"* LIST () NIL " + b"x" * 1_000 + b"\r\n") * 1_100]}, id="endless-list"),
        pytest.param({"list": [b"* LIST " + b"x" * 1_100_000 + b"\r\n"]}, id="endless-line"),
        pytest.param({"list": [b"* BYE tired\r\n"]}, id="bye"),
        pytest.param({"capability": [b"* \xff\xfe\0\r\n"]}, id="no-imap"),
    ],
)  # fmt: skip
def test_a_server_that_says_too_much_or_nonsense_is_told_and_left(tmp_path, answers):
    with Odd(tmp_path, **answers).serve() as odd, pytest.raises(SeedError, match=r"localhost: ."):
        look(odd, "x@y.example")


def test_a_look_has_an_end_though_the_server_says_something_now_and_then(tmp_path):
    class Slow(Odd):
        def talk(self, heard, tls):
            tls.sendall(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] odd\r\n")
            while not ended.wait(0.01):
                tls.sendall(b"x")

    ended = threading.Event()
    with Slow(tmp_path).serve() as odd:
        with pytest.raises(SeedError):
            look(odd, "x@y.example", look_s=0.2)
        ended.set()


def test_a_message_id_cannot_say_another_command(tmp_path):
    with Odd(tmp_path, list=[b'* LIST () "/" INBOX\r\n']).serve() as odd:
        assert look(odd, 'a"b\\c@y.example') is None
        assert rb'UID SEARCH HEADER Message-ID "<a\"b\\c@y.example>"' in odd.said
        with pytest.raises(SeedError):
            look(odd, "a\r\nb DELETE INBOX\r\n")
        assert not any(b"DELETE" in each for each in odd.said)


def test_an_access_token_is_shown_as_google_and_outlook_want_it(tmp_path):
    with Odd(tmp_path).serve() as odd:
        login = Credentials("kim@x.example", "ya29.x", is_token=True)
        seed = ImapSeed(odd.host, odd.port, lambda: login, context=odd.context)
        assert seed.find("x@y.example") is None
    assert b"AUTHENTICATE XOAUTH2" in odd.said
    assert b"user=kim@x.example\1auth=Bearer ya29.x\1\1" in odd.said


@pytest.mark.parametrize(
    ("can", "asked"),
    [
        pytest.param(b"SPECIAL-USE LIST-EXTENDED", b'LIST "" "*" RETURN (SPECIAL-USE)', id="can"),
        pytest.param(b"SPECIAL-USE", b'LIST "" "*"', id="cannot"),
    ],
)
def test_what_folders_are_for_is_asked_of_servers_that_tell_it_when_asked(tmp_path, can, asked):
    with Odd(tmp_path, capability=[b"* CAPABILITY IMAP4rev1 " + can + b"\r\n"]).serve() as odd:
        look(odd, "x@y.example")
        assert [one for one in odd.said if one.startswith(b"LIST")] == [asked]


def test_folders_that_cannot_be_opened_are_passed_over(tmp_path):
    listed = (
        b'* LIST (\\Noselect) "/" top\r\n* LIST () "/" {5}\r\nINBOX\r\n* LIST () "/" "M\xc3"\r\n'
    )
    with Odd(tmp_path, list=[listed], uid=[b"* SEARCH 7\r\n"]).serve() as odd:
        assert look(odd, "x@y.example") == Place(Where.INBOX)
        assert [one for one in odd.said if one.startswith(b"EXAMINE")] == [b'EXAMINE "INBOX"']


def test_a_seed_of_the_settings_is_looked_into_with_the_password_of_its_file(dovecot, tmp_path):
    (tmp_path / "password").touch(0o600)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    (tmp_path / "ca.pem").write_text(dovecot.authorities)
    table = {
        "address": "seed@x.example",
        "imap": dovecot.host,
        "port": dovecot.port,
        "user": "lee",
        "password_file": str(tmp_path / "password"),
        "authorities": str(tmp_path / "ca.pem"),
    }
    dovecot.put("lee", "Rommel", "seed@seed.example")
    [seed] = open_seeds(Settings(seed=parse_seeds([table])), SystemClock()).values()
    assert seed.find("seed@seed.example") == Place(Where.SPAM)
