"""`penfold doctor`: examine a data directory, whether a server has it or not. Changes nothing."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from penfold.app.addresses import load_addresses
from penfold.app.checkup import certificate, databases, folder, listeners, machine, mail
from penfold.app.checkup.patient import Check, Patient
from penfold.app.config import ConfigError, check_served, load_settings
from penfold.app.datadir import enter_data_dir, is_served
from penfold.app.exits import StartError
from penfold.app.stores import list_new
from penfold.domain.health import Finding, error, fine, warning

CHECKS: Final[tuple[Check, ...]] = (
    folder.check_modes,
    folder.check_room,
    folder.check_file_system_kind,
    folder.check_release,
    databases.check_databases,
    databases.check_secrets,
    databases.check_backup,
    listeners.check_listeners,
    listeners.check_exposure,
    certificate.check_certificate,
    certificate.check_operators,
    certificate.check_renewal,
    mail.check_queue,
    mail.check_relays,
    mail.check_domains,
    machine.check_descriptors,
    machine.check_memory,
    machine.check_clock,
    machine.check_life,
)


def examine(data: Path, now_ms: int) -> Iterator[Finding]:
    """Yield what is found, area by area."""
    try:
        enter_data_dir(data)
    except StartError as trouble:
        mend = f"penfold doctor --data DIR, or penfold serve --data {data}"
        yield error("files", f"{trouble}.", why="Nothing else can be looked at.", mend=mend)
        return
    try:
        settings = load_settings({"data": str(data)}, os.environ).settings
        check_served(settings)
    except ConfigError as trouble:
        mend = "change what the line names; `penfold config sample` shows every setting"
        yield error(
            "settings", f"{trouble}.", why="The server does not start like this.", mend=mend
        )
        return
    mode = "production" if settings.is_production else "local"
    yield fine("settings", f"They can be used: {mode} mode.")
    patient = Patient(data, settings, now_ms, is_served(data), load_addresses(data))
    for check in CHECKS:
        if check is databases.check_databases and (new := _list_new(data)):
            yield warning(
                "databases",
                f"This release was not started here yet; it has new ones: {', '.join(new)}.",
                why="They and what stands on them can only be looked at after that.",
                mend="start the server once, then ask again",
            )
            return
        yield from _run(check, patient)


def _list_new(data: Path) -> Collection[str]:
    try:
        return list_new(data)
    except StartError:
        return ()  # of a newer release, as check_release says


def _run(check: Check, patient: Patient) -> Iterator[Finding]:
    try:
        yield from check(patient)
    except Exception as trouble:  # noqa: BLE001 - one broken thing must not hide the others
        name = check.__name__.removeprefix("check_").replace("_", " ")
        yield error(
            name,
            f"This could not be looked at: {type(trouble).__name__}: {trouble}.",
            why="Something is so wrong that the look itself failed.",
            mend="mend what is named above first; penfold data verify looks closer",
        )
