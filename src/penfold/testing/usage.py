"""Units counted in a dict."""


class MemoryUsage:
    """penfold.ports.usage.UsageBook for one process."""

    def __init__(self) -> None:
        self._units: dict[tuple[int, int], int] = {}

    def add(self, key: int, window: int, units: int) -> None:
        self._units[key, window] = self.total(key, window) + units

    def total(self, key: int, window: int) -> int:
        return self._units.get((key, window), 0)
