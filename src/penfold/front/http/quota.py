"""What a refusal for want of quota says to programs, beside its text."""

from penfold.domain.quota import Quota
from penfold.front.http.errors import RefusedError, error_info
from penfold.front.http.system import System
from penfold.ports.identity import Credential
from penfold.spec.method import Method
from penfold.spec.problems import ProblemError

#: Characters of `quotaUser` that count. Gmail: documented.
_QUOTA_USER_MAX = 40


def charge(quota: Quota, method: Method, credential: Credential, system: System) -> None:
    """Charge a call, or raise the 403 with its details."""
    quota_user = system.values.get("quotaUser", "")[:_QUOTA_USER_MAX]
    try:
        quota.charge(method, credential, quota_user)
    except ProblemError as error:
        raise _explain(error, quota) from None


def _explain(error: ProblemError, quota: Quota) -> RefusedError:
    """Return the refusal as Google's quota service words it (assumed from its other APIs)."""
    per_user = str(error.facts["limit"]).endswith("per user")
    limits = quota.limits
    info = error_info(
        "RATE_LIMIT_EXCEEDED",
        service="gmail.googleapis.com",
        consumer=f"projects/{error.facts['project']}",
        quota_metric="gmail.googleapis.com/default",
        quota_limit="defaultPerMinutePerUser" if per_user else "defaultPerMinutePerProject",
        quota_limit_value=str(limits.user_units if per_user else limits.project_units),
        quota_unit="1/min/{project}/{user}" if per_user else "1/min/{project}",
        quota_location="global",
    )
    return RefusedError(error.problem, text=error.text, details=[info])
