"""The way of mail out: what waits, relays, and the DNS of the domains."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from penfold.app.checkup.patient import Patient
from penfold.app.command.domain_check import look_once
from penfold.app.exits import stop_at_once
from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import QUEUE_NAME, make_domains, open_stores
from penfold.base.limits import (
    CHECKUP_ANSWER_S,
    CHECKUP_DOMAINS_MAX,
    OAUTH_FILE_MAX_BYTES,
    QUEUE_STUCK_MS,
)
from penfold.domain.health import Finding, error, fine, warning
from penfold.ports.queue import QueueState
from penfold.store.secret_file import SecretFile
from penfold.store.sqlite.queue import SqliteQueue

_HOUR_MS: Final = 3_600_000
_SHOWN_MAX: Final = 3


def check_queue(patient: Patient) -> Iterator[Finding]:
    """What is due is being delivered, and nothing waits for long."""
    with contextlib.closing(SqliteQueue(patient.data / QUEUE_NAME, create=False)) as queue:
        counts = queue.count_by_state()
        oldest = queue.find_oldest(QueueState.QUEUED)
        due_ms = patient.now_ms - QUEUE_STUCK_MS
        late = queue.list_rows(state=QueueState.QUEUED, due_ms=due_ms, limit=1)
        held = [each for each in queue.list_destinations() if each.held_ms > patient.now_ms]
    shown = ", ".join(f"{each.domain} ({each.why})" for each in held[:_SHOWN_MAX])
    if late and patient.running and not held:
        yield error(
            "queue",
            f"Mail has been due for {QUEUE_STUCK_MS // 60_000} minutes, and nobody takes it.",
            why="Delivering stands still.",
            mend="look for delivery_trouble in the log, then restart the server",
        )
    if held:
        yield warning(
            "queue",
            f"Mail for {len(held)} domains is held: {shown}.",
            why="Their servers, or a relay, refused us in a way that concerns all mail.",
            mend="penfold queue destinations; when it is mended: penfold queue release DOMAIN",
        )
    if oldest and patient.now_ms - oldest.created_ms > 24 * _HOUR_MS:
        hours = (patient.now_ms - oldest.created_ms) // _HOUR_MS
        yield warning(
            "queue",
            f"Row {oldest.id} has waited for {hours} hours.",
            why="Its sender was told of a delay, and of failure after some days.",
            mend=f"penfold queue show {oldest.id}",
        )
    states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    yield fine("queue", f"{states or 'Nothing'} in the queue.".capitalize())


def check_relays(patient: Patient) -> Iterator[Finding]:
    """Each relay of the settings answers, and its secret is there for us alone."""
    for relay in patient.settings.relay:
        file = SecretFile(Path(relay.secret_file), most=OAUTH_FILE_MAX_BYTES)
        try:
            if relay.secret_file:
                file.load()
                if file.is_open_to_others():
                    yield warning(
                        "relays",
                        f"Others on this machine may read {relay.secret_file}.",
                        why="Whoever has it sends mail in your name.",
                        mend=f"chmod 600 {relay.secret_file}",
                    )
            with socket.create_connection((relay.host, relay.port), CHECKUP_ANSWER_S):
                pass
        except OSError as trouble:
            yield error(
                "relays",
                f"{relay.name}: {trouble}.",
                why="Mail that goes by it waits.",
                mend="look at its host, port and file in penfold.toml, and at the firewall",
            )
        else:
            yield fine("relays", f"{relay.name} accepts connections.")


def check_domains(patient: Patient) -> Iterator[Finding]:
    """The DNS of each domain says what mail needs."""
    if not patient.settings.is_production:
        yield fine("dns", "Local mode: nothing is looked up.")
        return
    clock = SystemClock()
    stores = open_stores(patient.data, clock=clock, fatal=stop_at_once)
    try:
        domains = make_domains(stores)
        for domain in domains.list_domains()[:CHECKUP_DOMAINS_MAX]:
            rows = asyncio.run(look_once(patient.settings, domains, domain, clock))
            bad = [row.what for row in rows if row.is_bad]
            if not bad:
                yield fine("dns", f"{domain.name} has the records that mail needs.")
                continue
            yield error(
                "dns",
                f"{domain.name}: {', '.join(dict.fromkeys(bad))} wrong, missing or unknown.",
                why="Mail to the domain does not come, or mail from it is refused.",
                mend=f"penfold domain check {domain.name}",
            )
    finally:
        stores.close()
