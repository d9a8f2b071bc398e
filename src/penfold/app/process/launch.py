"""What the supervisor tells a process it starts, and what that process tells it.

Both talk over one socket pair, a JSON document per line. Down goes the launch, once, when the
data directory is ready. Up come signs of life: `ready`, `alive`, or `failed` with the line to
show. Whichever side sees the end of the stream knows that the other is gone.
"""

import json
import os
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from penfold.app.exits import WRONG_USE
from penfold.base.networks import is_loopback
from penfold.spec.setting_values import Endpoint
from penfold.spec.settings import GOOGLE_HOSTS, Settings

#: Seconds between signs of life.
HEARTBEAT_S: Final = 2.0
_HTTPS_PORT: Final = 443


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """addresses: where clients on this machine reach each listener. sockets: descriptors."""

    role: str
    index: int
    settings: Settings
    addresses: Mapping[str, Endpoint]
    sockets: Mapping[str, int]

    @property
    def data(self) -> Path:
        return Path(self.settings.data)

    @property
    def base_url(self) -> str:
        """Where clients on this machine reach the http listener."""
        return f"http://{self.addresses['http']}"

    @property
    def public_url(self) -> str:
        """Where others reach it, as their files and links say."""
        return find_public_url(self.settings, self.addresses["http"])


def find_public_url(settings: Settings, http: Endpoint) -> str:
    """Return where others reach a server whose clients on this machine reach it at `http`.

    The issuer, unless that is Google's name; a server on the internet by its own name; else that.
    """
    issuer = settings.issuer
    if issuer and urlsplit(issuer).hostname not in GOOGLE_HOSTS:
        return issuer
    host = settings.http.host
    if not settings.is_production or host == "localhost" or is_loopback(host):
        return f"http://{http}"
    return f"https://{settings.hostname}" + (f":{http.port}" if http.port != _HTTPS_PORT else "")


def encode_launch(launch: Launch) -> bytes:
    return msgspec.json.encode(launch) + b"\n"


def decode_launch(line: bytes) -> Launch:
    return msgspec.json.decode(line, type=Launch)


class Channel:
    """The started process's end."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        os.set_inheritable(descriptor, False)

    def wait_for_launch(self) -> Launch:
        """Return the launch; ends the process when the supervisor has gone meanwhile."""
        with self._socket.makefile("rb") as file:
            line = file.readline()
        if not line:
            os._exit(0)
        return decode_launch(line)

    def end_with_supervisor(self) -> None:
        """From now on, end this process at once when the supervisor dies.

        A thread of its own, so that it works while the event loop is busy. What was not
        acknowledged is lost, what was is on disk: the same as any other kill.
        """
        threading.Thread(target=self._watch, name="supervisor-watch", daemon=True).start()

    def _watch(self) -> None:
        try:
            while self._socket.recv(4096):
                pass
        except OSError:
            pass
        os._exit(0)

    def say_ready(self, **facts: object) -> None:
        self._say("ready", **facts)

    def say_alive(self) -> None:
        self._say("alive")

    def say_failed(self, text: str, *, code: int = WRONG_USE) -> None:
        self._say("failed", text=text, code=code)

    def _say(self, state: str, **facts: object) -> None:
        # The supervisor always reads; a full buffer means that it hangs, and waiting is right.
        self._socket.sendall(json.dumps({"state": state, **facts}).encode() + b"\n")
