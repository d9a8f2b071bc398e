"""A secret from where a setting says the operator keeps it: a file, a variable, a program.

Read, never written. An error names the setting, the place and what to do, and holds nothing of what
was read.
"""

import os
import stat
import subprocess
from pathlib import Path

from penfold.base.errors import UnavailableError
from penfold.base.limits import SECRET_COMMAND_S
from penfold.spec.key_source import COMMAND, ENVIRONMENT, KeySource


def load_secret(source: KeySource, data: Path, *, setting: str, most: int) -> bytes:
    """Return the first `most` octets of the secret; UnavailableError says why there is none.

    data: where the path of a file begins if it is not absolute.
    """
    if source.kind == COMMAND:
        return _run(source, setting)[:most]
    if source.kind == ENVIRONMENT:
        octets = os.environ.get(source.place, "").encode()
        if not octets:
            raise UnavailableError(f"{setting}: the environment has no {source.place}")
        return octets[:most]
    return _read(data / source.place, setting, most)


def show_source(source: KeySource) -> str:
    """Return what may be printed: arguments of a command may hold a token of the key store."""
    return source.words[0] if source.kind == COMMAND else source.place


def _read(path: Path, setting: str, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            octets = file.read(most)
    except OSError as error:
        raise UnavailableError(f"{setting}: {path}: {error.strerror}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UnavailableError(f"{setting}: {path} is open to others; `chmod 600` it")
    return octets


def _run(source: KeySource, setting: str) -> bytes:
    """Return what the command prints; its standard error is the operator's to see."""
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command, split into words, no shell
            source.words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=SECRET_COMMAND_S,
            check=False,
        )
    except OSError as error:
        raise UnavailableError(f"{setting}: {show_source(source)}: {error.strerror}") from error
    except subprocess.TimeoutExpired:
        raise UnavailableError(
            f"{setting}: {show_source(source)} took longer than {SECRET_COMMAND_S} s"
        ) from None
    if done.returncode:
        raise UnavailableError(
            f"{setting}: {show_source(source)} ended with exit code {done.returncode}"
        )
    return done.stdout
