"""`penfold serve`: own the data directory and the ports, and keep the processes alive.

A small process that never touches mail: it locks the data directory, binds every listener,
starts `prepare` (first-start set-up and checks), the HTTP workers and the mail process, and
replaces what dies or falls silent. All are started at once so that they import their code in
parallel; the serving ones wait for `prepare` to finish before they open anything.

Every process may be killed at any moment, this one too: the others notice and end at once.
"""

import json
import os
import resource
import selectors
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from penfold.app.config import check_served
from penfold.app.datadir import open_data_dir
from penfold.app.exits import DONE, FAILED, StartError
from penfold.app.process.banner import make_banner
from penfold.app.process.child import Child
from penfold.app.process.launch import Launch
from penfold.app.process.listeners import addresses_of, bind_listeners, close_all
from penfold.ports.events import EventLog
from penfold.spec.events import (
    PROCESS_DIED,
    PROCESS_SILENT,
    PROCESS_STARTED,
    READY,
    STOPPED,
    STOPPING,
)
from penfold.spec.setting_values import Endpoint
from penfold.spec.settings import Settings

#: Seconds for what is in hand after SIGTERM (interface); then what is left is killed.
GRACE_S: Final = 10.0
#: Seconds without a sign of life before a process counts as hung. Its loop may be busy for a
#: while with one big message; nothing bounded takes this long.
SILENCE_S: Final = 60.0
#: Deaths in a row before the first ready line that end the attempt to start.
_STARTS_MAX: Final = 4
_TICK_S: Final = 1.0
#: Files of the processes before, in run/.
_COUNTED: Final = ("*.metrics", "*.usage", "*.slow")
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def serve(settings: Settings, log: EventLog) -> int:
    """Run the server until it is asked to stop, and return the exit code."""
    check_served(settings)
    os.umask(0o077)
    # A dump of memory holds mail and secrets, and would lie where nobody looks after it.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _raise_file_limit()
    lock = open_data_dir(Path(settings.data))
    sockets = bind_listeners(settings)
    for pattern in _COUNTED:
        for path in (Path(settings.data) / "run").glob(pattern):
            path.unlink()
    supervisor = Supervisor(settings, sockets, lock=lock, log=log)
    try:
        return supervisor.run()
    finally:
        supervisor.close()
        os.close(lock)


class Supervisor:
    """The loop: signals, signs of life, deaths, restarts."""

    def __init__(
        self,
        settings: Settings,
        sockets: Mapping[str, socket.socket],
        *,
        lock: int,
        log: EventLog,
    ) -> None:
        self._settings = settings
        self._sockets = dict(sockets)
        self._addresses: Mapping[str, Endpoint] = addresses_of(sockets)
        self._log = log
        self._began = time.monotonic()
        self._selector = selectors.DefaultSelector()
        self._signals: list[int] = []
        http, *mail = (sock.fileno() for sock in sockets.values())
        self._prepare = Child("prepare", 0, [lock])
        self._serving = [Child("http", n, [lock, http]) for n in range(settings.workers)]
        self._serving.append(Child("mail", 0, [lock, *mail]))
        self._prepared = False
        self._announced = False
        self._stop_at: float | None = None
        self._stopping_since = 0.0
        self._wakeup = self._catch_signals()

    def run(self) -> int:
        for child in (self._prepare, *self._serving):
            self._start(child)
        while self._stop_at is None or any(child.process for child in self._children()):
            for key, _ in self._selector.select(self._patience()):
                if isinstance(key.data, Child):
                    self._hear(key.data)
                else:
                    self._wakeup.recv(512)
            self._obey()
            self._bury()
            self._look_after()
        self._log.emit(STOPPED, ms=round((time.monotonic() - self._stopping_since) * 1000))
        return DONE

    def close(self) -> None:
        """Leave nobody behind, whatever happened."""
        for child in self._children():
            child.kill()
            if child.process:
                child.process.wait()
            child.forget()
        close_all(self._sockets.values())
        signal.set_wakeup_fd(-1)
        self._wakeup.close()
        self._selector.close()

    # --- children ----------------------------------------------------------------------

    def _children(self) -> list[Child]:
        return [self._prepare, *self._serving]

    def _start(self, child: Child) -> None:
        child.start()
        if child.channel and child.process:
            self._selector.register(child.channel, selectors.EVENT_READ, child)
            self._log.emit(
                PROCESS_STARTED, role=child.role, index=child.index, child=child.process.pid
            )
        if self._prepared or child is self._prepare:
            child.send_launch(self._launch(child))

    def _launch(self, child: Child) -> Launch:
        mine = {
            "http": ("http",),
            "mail": ("smtp", "submission", "submissions"),
        }.get(child.role, ())
        return Launch(
            role=child.role,
            index=child.index,
            settings=self._settings,
            addresses=self._addresses,
            sockets={name: self._sockets[name].fileno() for name in mine},
        )

    def _hear(self, child: Child) -> None:
        for sign in child.read_signs():
            match sign["state"]:
                case "ready" if child is self._prepare:
                    self._prepared = True
                    for waiting in self._serving:
                        waiting.send_launch(self._launch(waiting))
                case "ready":
                    child.ready = True
                    self._announce()
                case "failed" if not self._announced:
                    raise StartError(str(sign["text"]), code=int(sign["code"]))
                case _:
                    pass
        if child.fell_silent:
            # Its end may take a while (a core dump, a stuck disk); until then the channel is
            # always readable and would wake this loop without pause.
            self._stop_listening(child)

    def _stop_listening(self, child: Child) -> None:
        if child.channel and child.channel in self._selector.get_map():
            self._selector.unregister(child.channel)

    def _bury(self) -> None:
        for child in self._children():
            status = child.find_exit()
            if status is None:
                continue
            self._hear(child)
            self._stop_listening(child)
            pid = child.process.pid if child.process else 0
            child.forget()
            if self._stop_at is None and not (child is self._prepare and self._prepared):
                self._replace(child, pid, status)

    def _replace(self, child: Child, pid: int, status: int) -> None:
        hopeless = not self._announced and child.deaths + 1 >= _STARTS_MAX
        if child is self._prepare or hopeless:
            raise StartError(
                f"the {child.role} process ended with status {status}; the lines above say why",
                code=FAILED,
            )
        self._log.emit(
            PROCESS_DIED,
            role=child.role,
            index=child.index,
            child=pid,
            status=status,
            restart_in_s=child.plan_restart(),
        )

    def _look_after(self) -> None:
        now = time.monotonic()
        for child in self._serving:
            if child.restart_at is not None and now >= child.restart_at:
                self._start(child)
            silent = now - child.last_sign
            if child.ready and silent > SILENCE_S:
                self._log.emit(
                    PROCESS_SILENT,
                    role=child.role,
                    index=child.index,
                    child=child.process.pid if child.process else None,
                    silent_s=round(silent),
                )
                child.ready = False
                child.kill()
        if self._stop_at is not None and now >= self._stop_at:
            for child in self._children():
                child.kill()

    def _patience(self) -> float:
        """Return how long the loop may sleep: a second, or until the next thing is due."""
        due = [child.restart_at for child in self._serving if child.restart_at is not None]
        if self._stop_at is not None:
            due.append(self._stop_at)
        return max(0.0, min([_TICK_S, *(at - time.monotonic() for at in due)]))

    # --- signals -----------------------------------------------------------------------

    def _catch_signals(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        # Python writes a byte here for every signal, which wakes the loop.
        signal.set_wakeup_fd(theirs.detach(), warn_on_full_buffer=False)
        for number in _STOP_SIGNALS:
            signal.signal(number, lambda number, _: self._signals.append(number))
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self._selector.register(ours, selectors.EVENT_READ)
        return ours

    def _obey(self) -> None:
        while self._signals:
            number = self._signals.pop(0)
            if self._stop_at is not None:
                # Asked twice: do not wait for what is in hand.
                self._stop_at = time.monotonic()
                continue
            self._log.emit(STOPPING, signal=signal.Signals(number).name)
            self._stopping_since = time.monotonic()
            self._stop_at = self._stopping_since + GRACE_S
            close_all(self._sockets.values())
            for child in self._children():
                child.restart_at = None
                if child.ready:
                    child.stop()
                else:
                    child.kill()

    # --- ready -------------------------------------------------------------------------

    def _announce(self) -> None:
        if self._announced or not all(child.ready for child in self._serving):
            return
        self._announced = True
        facts: dict[str, Any] = {
            "http": f"http://{self._addresses['http']}",
            "smtp": str(self._addresses["smtp"]),
            "submission": str(self._addresses["submission"]),
            "submissions": str(self._addresses["submissions"]),
            "data": str(Path(self._settings.data).resolve()),
            "pid": os.getpid(),
        }
        text = (
            make_banner(facts, self._settings.domains)
            if sys.stdout.isatty()
            else json.dumps({"event": "ready", **facts}, separators=(",", ":"))
        )
        with suppress(OSError):  # nobody listens: serving goes on
            print(text, flush=True)  # noqa: T201 - the ready line is the interface
        self._log.emit(READY, **facts, ms=round((time.monotonic() - self._began) * 1000))


def _raise_file_limit() -> None:
    """Use as many descriptors as we may: each open mailbox needs three, each client one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
