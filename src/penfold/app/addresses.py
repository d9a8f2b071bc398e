"""Where the listeners are, noted at each start for commands that want to reach them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from penfold.spec.setting_values import Endpoint
from penfold.store.durable import write_file

#: In run/.
_NAME: Final = "addresses.json"


def save_addresses(data: Path, addresses: Mapping[str, Endpoint]) -> None:
    octets = json.dumps({name: list(address) for name, address in addresses.items()}).encode()
    write_file(data / "run" / _NAME, octets + b"\n")


def load_addresses(data: Path) -> dict[str, Endpoint]:
    """Return the address of each listener as of the last start; {} if that is not known."""
    try:
        found = json.loads((data / "run" / _NAME).read_text())
        return {name: Endpoint(*address) for name, address in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
