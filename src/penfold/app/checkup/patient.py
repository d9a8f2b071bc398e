"""Who is examined: a data directory, its settings, and whether a server has it just now."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from penfold.domain.health import Finding
from penfold.spec.setting_values import Endpoint
from penfold.spec.settings import Settings


@dataclass(frozen=True, slots=True)
class Patient:
    """addresses: where each listener of the running server, or of the last one, is; may be {}."""

    data: Path
    settings: Settings
    now_ms: int
    running: bool
    addresses: dict[str, Endpoint]


#: A check yields what it found, at least one finding. What it raises becomes one.
Check = Callable[[Patient], Iterator[Finding]]
