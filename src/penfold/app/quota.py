"""From settings to the limits in force, and where a running server notes them for commands."""

import json
import sys
from pathlib import Path
from typing import Final

from penfold.app.datadir import enter_data_dir
from penfold.app.exits import StartError
from penfold.app.monitor.metrics import Counters
from penfold.base.clock import Clock
from penfold.domain.outgoing.sending_limits import SendingLimits
from penfold.domain.quota import Quota, QuotaLimits
from penfold.front.cli.doors import QuotaView
from penfold.ports.usage import UsageBook
from penfold.spec.metrics import QUOTA_REFUSALS, QUOTA_UNITS
from penfold.spec.settings import Settings
from penfold.store.durable import write_file
from penfold.store.usage import load_usage

_NAME: Final = "quota.json"


def find_quota_limits(settings: Settings) -> QuotaLimits | None:
    """Return what calls are held to, None while quotas are off."""
    table = settings.find_quota()
    if table is None:
        return None
    return QuotaLimits(
        table=table,
        user_units=settings.quota_user_units or table.user_units,
        project_units=settings.quota_project_units or table.project_units,
        in_flight=settings.quota_in_flight or sys.maxsize,
    )


def find_sending_limits(settings: Settings) -> SendingLimits | None:
    """Return what sending is held to, None while quotas are off."""
    if settings.find_quota() is None:
        return None
    return SendingLimits(
        messages=settings.send_messages_per_day or sys.maxsize,
        recipients=settings.send_recipients_per_day or sys.maxsize,
    )


def make_quota(limits: QuotaLimits, book: UsageBook, clock: Clock, counters: Counters) -> Quota:
    return Quota(
        limits,
        book,
        clock,
        spent=lambda units: counters.add(QUOTA_UNITS, units),
        refused=lambda kind: counters.add(QUOTA_REFUSALS, 1, kind),
    )


def save_quota(run: Path, settings: Settings) -> None:
    """Note the limits of a server that starts; commands cannot know its flags."""
    limits = dict.fromkeys(("table", *_NUMBERS))
    calls, sending = find_quota_limits(settings), find_sending_limits(settings)
    if calls and sending:
        numbers = (calls.user_units, calls.project_units, calls.in_flight,
                   sending.messages, sending.recipients)  # fmt: skip
        limits = {"table": calls.table.name, **dict(zip(_NUMBERS, numbers, strict=True))}
    write_file(run / _NAME, json.dumps(limits).encode() + b"\n")


_NUMBERS: Final = ("user_units", "project_units", "in_flight", "messages", "recipients")


def load_quota(data: Path) -> QuotaView:
    """Return the limits of the running server, or of the last one, and what it has counted."""
    enter_data_dir(data)
    try:
        limits = json.loads((data / "run" / _NAME).read_bytes())
    except OSError:
        raise StartError(f"no server has run on {data} yet; start `penfold serve`") from None
    numbers = {name: None if limits[name] == sys.maxsize else limits[name] for name in _NUMBERS}
    return QuotaView(
        table=limits["table"],
        used=lambda key, minute: load_usage(data / "run", key, minute),
        **numbers,
    )
