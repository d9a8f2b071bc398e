"""The declaration of one method of the administration API.

It is a spec.method.Method, so that routing and the checks of parameters and bodies are the same
code; what is ours is who may call it.
"""

from dataclasses import dataclass
from typing import Final

from penfold.spec.method import Access, Cost, Method, Params, UInt32Param
from penfold.spec.problems import Problem
from penfold.spec.scopes import ADMIN, ADMIN_READONLY, Scope

ROOT: Final = "admin/v1"
_FREE: Final = Cost(0, 0)


class PageParams(Params, frozen=True, kw_only=True, gc=False):
    """maxResults 0: as many as usual."""

    max_results: UInt32Param = 0
    page_token: str = ""


class UserParams(Params, frozen=True, kw_only=True, gc=False):
    """user_key: an address or an id."""

    user_key: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdminMethod(Method):
    """A method that changes something needs the role admin and the wide scope; one that reads,
    admin or auditor and either scope.
    """

    cost: Cost = _FREE
    access: Access = Access.READ_SLOW
    params: type[Params] = Params
    scopes: frozenset[Scope] = frozenset()

    @property
    def changes(self) -> bool:
        return self.verb != "GET"

    @property
    def wanted(self) -> tuple[Scope, ...]:
        return (ADMIN,) if self.changes else (ADMIN, ADMIN_READONLY)


def _problem(code: int, status: str, reason: str, message: str) -> Problem:
    return Problem(code=code, status=status, reason=reason, message=message)


#: Google (documented): the Directory API's texts.
NOT_AUTHORIZED: Final = _problem(
    403, "PERMISSION_DENIED", "forbidden", "Not Authorized to access this resource/api"
)
RESOURCE_NOT_FOUND: Final = _problem(404, "NOT_FOUND", "notFound", "Resource Not Found: {what}")
DUPLICATE: Final = _problem(409, "ALREADY_EXISTS", "duplicate", "Entity already exists.")
INVALID_INPUT: Final = _problem(400, "INVALID_ARGUMENT", "invalid", "Invalid Input: {what}")
NO_SUCH_METHOD: Final = _problem(404, "NOT_FOUND", "notFound", "Method not found.")
#: Ours: an installation keeps its last administrator.
NOT_TO_YOURSELF: Final = _problem(
    400,
    "FAILED_PRECONDITION",
    "conditionNotMet",
    "Administrators cannot suspend, delete or demote themselves; another one can.",
)
CONFLICT: Final = _problem(400, "FAILED_PRECONDITION", "conditionNotMet", "{what}")
