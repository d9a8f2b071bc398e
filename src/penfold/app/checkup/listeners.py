"""The listeners: each answers, or its address can be had."""

import re
import socket
from collections.abc import Iterator
from typing import Final

from penfold.app.checkup.patient import Patient
from penfold.app.exits import StartError
from penfold.app.process.listeners import LISTENERS, bind_listener, close_all
from penfold.base.limits import CHECKUP_ANSWER_S
from penfold.domain.health import Finding, error, fine, warning
from penfold.spec.setting_values import Endpoint

_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_IMPLICIT: Final = "submissions"
_QUESTION: Final = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
#: How SMTP greets when all is well, and how HTTP answers.
_WELL: Final = (re.compile(rb"220[ -]"), re.compile(rb"HTTP/1\.[01] 200 "))
_SHOWN_MAX: Final = 60


def check_listeners(patient: Patient) -> Iterator[Finding]:
    """Each listener of a running server answers; of one that is stopped, it could be opened."""
    bad = list(_ask_all(patient) if patient.running else _try_all(patient))
    yield from bad
    if not bad:
        how = "answers" if patient.running else "could be opened (no server runs)"
        yield fine("listeners", f"Each of {', '.join(LISTENERS)} {how}.")


def _ask_all(patient: Patient) -> Iterator[Finding]:
    for name in LISTENERS:
        address = patient.addresses.get(name) or getattr(patient.settings, name)
        if not address.port:
            continue  # a free one was taken, and by a release that did not note which
        trouble = _ask(name, address)
        if trouble:
            yield error(
                "listeners",
                f"{name} at {address} does not answer: {trouble}.",
                why="Nobody is served there.",
                mend="look at the log for why, then restart the server",
            )


def _ask(name: str, address: Endpoint) -> str:
    """Return what is wrong with a listener, "" for nothing."""
    try:
        with socket.create_connection(address, timeout=CHECKUP_ANSWER_S) as line:
            if name == _IMPLICIT:
                return ""  # it speaks TLS first; that it accepts is what can be seen cheaply
            if name == "http":
                line.sendall(_QUESTION)
            said = line.recv(512)
    except OSError as trouble:
        return str(trouble) or type(trouble).__name__
    return "" if _WELL[name == "http"].match(said) else repr(said[:_SHOWN_MAX])


def _try_all(patient: Patient) -> Iterator[Finding]:
    for name in LISTENERS:
        try:
            close_all([bind_listener(name, getattr(patient.settings, name))])
        except StartError as trouble:
            yield error(
                "listeners",
                f"{trouble}.",
                why="The server does not start like this.",
                mend="ss -ltnp tells who has the port; the setting takes another",
            )


def check_exposure(patient: Patient) -> Iterator[Finding]:
    """Local mode, which trusts this machine's programs, is not open to others."""
    if patient.settings.is_production:
        return
    opened = [name for name in LISTENERS if getattr(patient.settings, name).host not in _LOOPBACK]
    if opened:
        yield warning(
            "listeners",
            f"Local mode listens to other machines at {', '.join(opened)}.",
            why="In local mode topics need no token, and credentials lie ready.",
            mend='name your domains (domains = ["example.org"]), or listen on 127.0.0.1',
        )
