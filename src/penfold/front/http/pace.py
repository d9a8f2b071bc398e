"""How often the API may be called: the rate limits of spec/rates.py in Google's words.

These hold beside Gmail's own units (domain/quota.py), which may be off.
"""

from datetime import UTC, datetime

from penfold.base.clock import Clock
from penfold.domain.throttle import Throttle, TooManyError
from penfold.front.http.errors import RefusedError
from penfold.ports.identity import Credential
from penfold.spec import problems
from penfold.spec.rates import API_ACCOUNT, API_CLIENT, API_NETWORK


class Pace:
    """Counts calls; throttle None: nobody does."""

    def __init__(self, throttle: Throttle | None, clock: Clock) -> None:
        self._throttle = throttle
        self._clock = clock

    def note_call(self, credential: Credential) -> None:
        """Count a call of a known caller, or raise the 429."""
        if self._throttle is None:
            return
        try:
            self._throttle.take(API_ACCOUNT, credential.account.id)
            self._throttle.take(API_CLIENT, credential.client_id)
        except TooManyError as error:
            raise self._refuse(error) from None

    def note_refused(self, client: tuple[str, int] | None) -> None:
        """Count a call whose credential was refused, or raise the 429 in place of the 401."""
        if self._throttle is None or client is None:
            return
        try:
            self._throttle.take(API_NETWORK, client[0])
        except TooManyError as error:
            raise self._refuse(error) from None

    def _refuse(self, error: TooManyError) -> RefusedError:
        wait = (b"retry-after", b"%d" % error.wait_s)
        if error.limit is not API_ACCOUNT:
            return RefusedError(problems.RATE_LIMIT_EXCEEDED, headers=[wait])
        until_s = self._clock.now_ms() // 1000 + error.wait_s
        until = datetime.fromtimestamp(until_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return RefusedError(problems.USER_RATE_LIMIT_RETRY_AFTER, headers=[wait], until=until)
