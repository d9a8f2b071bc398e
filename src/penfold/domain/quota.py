"""Units a caller may spend per minute, and calls in flight at a time.

A minute is a minute of the clock, so processes agree on it without talking; Google does not say
where its minutes begin. What a minute has left at its end is gone. A call that would go over the
limit is refused and costs nothing. Processes count each for itself and add up when they
look, so calls at the very same moment in several processes may overrun the limit by as much.

Gmail (documented): a user is one of a project's; `quotaUser` names another one to charge.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from msgspec import Struct

from penfold.base.clock import Clock
from penfold.ports.identity import Credential
from penfold.ports.usage import UsageBook, usage_key
from penfold.spec.method import Method
from penfold.spec.problems import CONCURRENT_REQUESTS_EXCEEDED, QUOTA_EXCEEDED, ProblemError
from penfold.spec.quotas import QuotaTable
from penfold.spec.registry import REGISTRY

MINUTE_MS: Final = 60_000


class QuotaLimits(Struct, frozen=True, gc=False):
    """The numbers in force. in_flight: calls of one user at a time, in one process."""

    table: QuotaTable
    user_units: int
    project_units: int
    in_flight: int


def user_of(credential: Credential, quota_user: str) -> int:
    """Return the key of the user whose units a call takes."""
    return usage_key("user", credential.project, quota_user or credential.account.id)


def project_of(project: str) -> int:
    return usage_key("project", project)


class Quota:
    """Charges calls. spent, refused: told of units and of refusals by kind."""

    def __init__(
        self,
        limits: QuotaLimits,
        book: UsageBook,
        clock: Clock,
        *,
        spent: Callable[[int], None],
        refused: Callable[[str], None],
    ) -> None:
        self.limits = limits
        self._book = book
        self._clock = clock
        self._spent = spent
        self._refused = refused
        self._costs = {method.id: limits.table.cost(method) for method in REGISTRY}
        self._in_flight: dict[str, int] = {}

    def charge(self, method: Method, credential: Credential, quota_user: str = "") -> None:
        """Take the method's units from user and project, or refuse."""
        minute = self._clock.now_ms() // MINUTE_MS
        units = self._costs[method.id]
        user, project = user_of(credential, quota_user), project_of(credential.project)
        limits = self.limits
        if self._book.total(user, minute) + units > limits.user_units:
            raise self._refuse("user", f"{limits.table.unit} per minute per user", credential)
        if self._book.total(project, minute) + units > limits.project_units:
            raise self._refuse("project", f"{limits.table.unit} per minute", credential)
        self._book.add(user, minute, units)
        self._book.add(project, minute, units)
        self._spent(units)

    def _refuse(self, kind: str, limit: str, credential: Credential) -> ProblemError:
        self._refused(kind)
        return ProblemError(
            QUOTA_EXCEEDED,
            metric=self.limits.table.metric,
            limit=limit,
            project=credential.project,
        )

    @contextmanager
    def hold(self, account_id: str) -> Iterator[None]:
        """Count a call as in flight, or refuse it."""
        running = self._in_flight.get(account_id, 0)
        if running >= self.limits.in_flight:
            self._refused("in_flight")
            raise ProblemError(CONCURRENT_REQUESTS_EXCEEDED)
        self._in_flight[account_id] = running + 1
        try:
            yield
        finally:
            left = self._in_flight[account_id] - 1
            if left:
                self._in_flight[account_id] = left
            else:
                del self._in_flight[account_id]
