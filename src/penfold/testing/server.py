"""A Penfold of one's own for a test: started in a folder, stopped at the end.

    with serve(tmp_path) as server:
        gmail = build("gmail", "v1", credentials=server.load_credentials("alice"), ...)

The server is a real one in processes of its own, on free ports of the loopback interface.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_COMMAND_S: Final = 60.0


def configure(data: Path, **settings: object) -> Path:
    """Give a data directory a penfold.toml of these settings, make it if need be, and return it.

    A list of mappings becomes [[NAME]] tables.
    """
    data.mkdir(parents=True, exist_ok=True)
    plain, tables = [], []
    for name, value in settings.items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            for table in value:
                tables += [f"[[{name}]]", *map(_print_entry, table, table.values())]
        else:
            plain.append(_print_entry(name, value))
    (data / "penfold.toml").write_text("\n".join([*plain, *tables, ""]))
    return data


def _print_entry(name: str, value: object) -> str:
    return f"{name} = {json.dumps(value)}"  # texts, numbers, truths and lists are alike in TOML


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Addresses as in the ready line: http is a URL, the others are HOST:PORT."""

    process: subprocess.Popen[str]
    data: Path
    http: str
    smtp: str
    submission: str
    submissions: str

    @property
    def discovery_url(self) -> str:
        """What `discoveryServiceUrl` of google-api-python-client wants."""
        return f"{self.http}/$discovery/rest?version=v1"

    def load_document(self, name: str) -> dict[str, Any]:
        """Return one of the files of `credentials/` by its stem: alice, bob, passwords, …"""
        text = (self.data / "credentials" / f"{name}.json").read_text()
        document: dict[str, Any] = json.loads(text)
        return document

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Run `penfold ARGUMENTS` on this server's data and return what it printed.

        Raises subprocess.CalledProcessError, with its words in `stderr`, unless it exits with 0.
        """
        done = subprocess.run(
            [sys.executable, "-m", "penfold.app.main", *arguments],
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            input=stdin,
            env={**os.environ, "PENFOLD_DATA": str(self.data)},
            check=True,
        )
        return done.stdout

    def stop(self, *, grace_s: float = 15.0) -> int:
        """Ask the server to finish and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(grace_s)


def start(
    data: Path,
    *,
    args: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    quota: str = "off",
    via: Sequence[str] = (),
) -> RunningServer:
    """Start a server on `data` and return when it answers; its log goes to `log`, if named.

    quota: "off", because tests ask more in a minute than Google lets anybody. via: the command
    that runs the server, as `ip netns exec NAME` does.
    """
    command = [*via, sys.executable, "-m", "penfold.app.main", "serve", "--data", str(data)]
    for listener in ("--http", "--smtp", "--submission", "--submissions"):
        command += [listener, "127.0.0.1:0"]
    command += ["--quota", quota]
    with (log or Path(os.devnull)).open("a") as stderr:
        process = subprocess.Popen(
            [*command, *args],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, **(env or {})},
        )
    stdout = process.stdout
    line = stdout.readline() if stdout else ""
    if stdout:
        stdout.close()
    if not line:
        raise RuntimeError(f"the server did not start: exit code {process.wait(15)}")
    ready = json.loads(line)
    return RunningServer(
        process=process,
        data=data,
        http=ready["http"],
        smtp=ready["smtp"],
        submission=ready["submission"],
        submissions=ready["submissions"],
    )


@contextmanager
def serve(
    data: Path,
    *,
    args: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    quota: str = "off",
    via: Sequence[str] = (),
) -> Iterator[RunningServer]:
    """Run a server for the length of a `with` block."""
    server = start(data, args=args, env=env, log=log, quota=quota, via=via)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
