"""Look, in production mode, whether the records of keys that wait are in the DNS by now.

A key signs from then on. Without keys that wait nothing is asked.
"""

import threading
from collections import defaultdict

from penfold.app.mail.resolving import wait_for_look
from penfold.app.process.process import Core
from penfold.app.wiring import Product
from penfold.base.clock import Clock
from penfold.base.limits import DKIM_WATCH_FIRST_S, DKIM_WATCH_S
from penfold.domain.outgoing.signing_keys import KeyState, activate_keys, find_published, state_of
from penfold.front.worker.tasks import Report, Task
from penfold.ports.events import EventLog
from penfold.ports.identity import DkimKey, IdentityBook
from penfold.spec.events import SIGNING_BEGUN
from penfold.spec.settings import Settings


def make_key_watch(core: Core, product: Product) -> list[Task]:
    """Return the task for the mail process."""
    watch = KeyWatch(product.stores.directory, core.launch.settings, core.clock, core.log)
    return [Task("signing-keys", watch.run, first_s=DKIM_WATCH_FIRST_S, every_s=DKIM_WATCH_S)]


class KeyWatch:
    def __init__(self, book: IdentityBook, settings: Settings, clock: Clock, log: EventLog) -> None:
        self._book = book
        self._settings = settings
        self._clock = clock
        self._log = log

    def run(self, stopping: threading.Event) -> Report:
        """Activate what is published by now; blocks."""
        waiting: defaultdict[str, list[DkimKey]] = defaultdict(list)
        for key in self._book.list_by(DkimKey):
            if state_of(key) is KeyState.WAITING:
                waiting[key.domain_id].append(key)
        begun = 0
        for domain, keys in waiting.items():
            if stopping.is_set():
                break
            seen = wait_for_look(find_published(keys), self._settings, self._clock, stopping)
            if seen:
                begun += self._begin(domain, seen)
        return Report(changed=begun)

    def _begin(self, domain: str, seen: tuple[str, ...]) -> int:
        keys = activate_keys(self._book, domain, seen, now_ms=self._clock.now_ms())
        for key in keys:
            self._log.emit(SIGNING_BEGUN, domain=domain, selector=key.selector)
        return len(keys)
