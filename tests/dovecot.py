"""A real Dovecot with IMAP over TLS on a free port, its users made by logging in."""

import contextlib
import getpass
import imaplib
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from tests.scripted import Trust

PASSWORD = 'p"\\ä!'
CONFIG = """
protocols = imap
listen = 127.0.0.1
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
ssl = required
ssl_cert = <{pem}
ssl_key = <{pem}
default_internal_user = {internal}
default_login_user = {login}
first_valid_uid = 1
auth_mechanisms = plain
auth_failure_delay = 0 secs
passdb {{
  driver = passwd-file
  args = scheme=plain {dir}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/mail/%n
}}
mail_location = maildir:~/Maildir
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Rommel {{
    auto = create
    special_use = \\Junk
  }}
  mailbox Bin {{
    auto = create
    special_use = \\Trash
  }}
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"""
START_S = 20


class Dovecot:
    """port: on this machine. context: verifies its certificate, which is for localhost."""

    def __init__(self, port, trust):
        self.host, self.port = "localhost", port
        self.authorities = trust.authorities
        self.context = ssl.create_default_context(cadata=trust.authorities)

    @contextlib.contextmanager
    def login(self, user):
        with imaplib.IMAP4_SSL(self.host, self.port, ssl_context=self.context) as imap:
            imap.authenticate("PLAIN", lambda _: f"\0{user}\0{PASSWORD}".encode())
            yield imap

    def put(self, user, folder, message_id):
        """Put a message into a folder, which is made if need be."""
        raw = f"From: a@b.example\r\nMessage-ID: <{message_id}>\r\nSubject: x\r\n\r\nx\r\n".encode()
        with self.login(user) as imap:
            imap.create(folder)
            status, said = imap.append(folder, None, None, raw)
            assert status == "OK", said


@contextlib.contextmanager
def run_dovecot(path, *users):
    """Yield it. path: of the program. It takes no root for its mail, and has to reach its files."""
    with tempfile.TemporaryDirectory() as name, socket.socket() as free:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "mail").mkdir()
        owner = getpass.getuser()
        if os.geteuid() == 0:
            owner = "dovecot"
            shutil.chown(folder / "mail", owner)
        user = pwd.getpwnam(owner)
        trust = Trust(folder, ["localhost"])
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        (folder / "users").write_text("".join(f"{each}:{{PLAIN}}{PASSWORD}\n" for each in users))
        (folder / "users").chmod(0o644)
        config = folder / "dovecot.conf"
        config.write_text(
            CONFIG.format(
                dir=folder, pem=trust.pem, port=port, uid=user.pw_uid, gid=user.pw_gid,
                internal=owner, login="dovenull" if os.geteuid() == 0 else owner,
            )
        )  # fmt: skip
        free.close()
        process = subprocess.Popen([path, "-F", "-c", str(config)])
        try:
            _wait_for(port, process, folder / "log")
            yield Dovecot(port, trust)
        finally:
            process.terminate()
            process.wait(10)


def _wait_for(port, process, log):
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    pytest.fail(f"dovecot did not start: {log.read_text()[-2_000:] if log.exists() else ''}")
