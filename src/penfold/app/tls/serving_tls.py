"""TLS of a serving process: the certificate in use, whichever that is from second to second."""

import asyncio
import ssl

from penfold.app.process.process import Core
from penfold.app.tls.tls_files import find_serving
from penfold.base.limits import TLS_LOOK_S
from penfold.net.tls import LiveTls
from penfold.spec.events import CERTIFICATE_REFUSED, CERTIFICATE_RELOADED


class ServingTls:
    """One context for all its listeners, which follows the file in use."""

    def __init__(self, core: Core, *, http: bool = False) -> None:
        self._live = LiveTls(*find_serving(core.launch.settings), http=http)
        self._log = core.log
        self._looking: asyncio.TimerHandle | None = None

    @property
    def context(self) -> ssl.SSLContext:
        return self._live.context

    def start(self) -> None:
        """Look from time to time; on the event loop."""
        self._look()

    def stop(self) -> None:
        if self._looking:
            self._looking.cancel()

    def _look(self) -> None:
        try:
            if self._live.refresh():
                self._log.emit(CERTIFICATE_RELOADED)
        except OSError as error:
            self._log.emit(CERTIFICATE_REFUSED, source="copy", problem=str(error))
        self._looking = asyncio.get_running_loop().call_later(TLS_LOOK_S, self._look)
