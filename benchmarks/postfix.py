"""A Postfix of one's own: Debian's programs, a private folder, mail to a Maildir."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.penfold.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
virtual_mailbox_domains = penfold.test
virtual_mailbox_maps = static:alice/
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_relay_restrictions = permit_mynetworks, reject
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
"""


def is_installed() -> bool:
    return shutil.which("postfix") is not None and os.geteuid() == 0


@contextmanager
def run(
    folder: Path,
    *,
    settings: Mapping[str, str] | None = None,
    listen: str = "",
    via: Sequence[str] = (),
) -> Iterator[tuple[str, Path]]:
    """Run Postfix; yield its address and the Maildir it fills.

    settings: of main.cf, beside those above. listen: HOST:PORT, by default a free port of this
    machine. via: the command that runs it, as `ip netns exec NAME` does.
    """
    owner = Path("/var/lib/postfix").stat()
    before = os.umask(0o022)  # its parts run as several users
    try:
        config = _prepare(folder, owner, settings or {})
        listen = listen or f"127.0.0.1:{find_free_port()}"
        (config / "master.cf").write_text(_master(listen))
        _postfix(folder, "start", via)
    finally:
        os.umask(before)
    try:
        yield listen, folder / "mail" / "alice"
    finally:
        _postfix(folder, "stop", via)


def _prepare(folder: Path, owner: os.stat_result, settings: Mapping[str, str]) -> Path:
    """Make the folders and main.cf, and return the folder of the configuration."""
    for name in ("config", "queue", "data", "mail"):
        (folder / name).mkdir(parents=True)
    for name in ("data", "mail"):
        os.chown(folder / name, owner.st_uid, owner.st_gid)
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    config = folder / "config"
    text = MAIN.format(folder=folder, uid=owner.st_uid, gid=owner.st_gid)
    pairs = (line.partition("=") for line in text.strip().splitlines())
    main = {name.strip(): value.strip() for name, _, value in pairs}
    lines = [f"{name} = {value}\n" for name, value in {**main, **settings}.items()]
    (config / "main.cf").write_text("".join(lines))
    return config


def _master(listen: str) -> str:
    """Return Debian's own master.cf with our address in place of 25 and no chroot."""
    lines = []
    for line in Path("/etc/postfix/master.cf.proto").read_text().splitlines():
        fields = line.split(None, 7)
        if line[:1].isspace() or line.startswith("#") or len(fields) < 8:
            continue
        if fields[:2] == ["smtp", "inet"]:
            fields[0] = listen
        fields[4] = "n"
        lines.append(" ".join(fields))
    return "\n".join(lines) + "\n"


def _postfix(folder: Path, action: str, via: Sequence[str]) -> None:
    command = [*via, "postfix", "-c", str(folder / "config"), action]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        log = folder / "log"
        said = log.read_text() if log.exists() else ""
        raise RuntimeError(f"postfix {action} failed: {done.stdout}{done.stderr}{said}")


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
