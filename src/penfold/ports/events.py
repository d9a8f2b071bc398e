"""Where facts about the running program go: a log of declared events."""

from typing import Protocol

from penfold.spec.events import Event


class EventLog(Protocol):
    def emit(self, event: Event, /, **fields: object) -> None:
        """Write one line. Only fields the event declares; None values are left out."""
        ...
