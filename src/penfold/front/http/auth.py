"""Who is calling, and whether the method lets them.

In Gmail's order: credential (401), scope (403), whose mailbox (403), what a metadata token may
not ask (403). Owns the bodies and WWW-Authenticate headers of these answers, prepared per method.
A token in the Authorization header goes before one in the query. Gmail (observed 2026-09): an API
key alone is no credential.
"""

from collections.abc import Callable
from typing import Final

from penfold.front.http.errors import RefusedError, error_info
from penfold.front.http.system import Pairs
from penfold.front.http.violations import PROTO_PACKAGE
from penfold.ports.directory import Account
from penfold.ports.identity import Authenticator, Credential
from penfold.spec import problems
from penfold.spec.method import Method, Params
from penfold.spec.problems import ProblemError
from penfold.spec.scopes import ADDON_METADATA, METADATA

#: (address, caller) to the account there, when it lets the caller act for it. Asked for another's
#: mailbox only.
FindDelegator = Callable[[str, Account], Account | None]

_REALM: Final = 'Bearer realm="https://accounts.google.com/"'
_SERVICE: Final = "gmail.googleapis.com"
_METADATA: Final = frozenset({METADATA.url, ADDON_METADATA.url})


def find_token(authorization: str, query: dict[str, str]) -> str | None:
    """Return the token of a request; None when it has none; "" when it is no bearer token."""
    if authorization:
        scheme, _, token = authorization.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""
    return query.get("access_token") or query.get("oauth_token")


class Gate:
    """The checks of one method's callers."""

    def __init__(self, method: Method) -> None:
        self._scopes = frozenset(scope.url for scope in method.scopes)
        self._limit = method.metadata_limit
        self._serves_delegates = method.serves_delegates
        self._service_only = method.service_account_only
        rpc = f"{PROTO_PACKAGE}.MailboxService.{method.rpc}"
        wanted = " ".join(sorted(self._scopes))
        self._no_credential = (
            [error_info("CREDENTIALS_MISSING", method=rpc, service=_SERVICE)],
            [challenge()],
        )
        self._wrong_scope = (
            [error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", service=_SERVICE, method=rpc)],
            [challenge(f', error="insufficient_scope", scope="{wanted}"')],
        )

    def get_credential(self, authenticator: Authenticator, token: str | None) -> Credential:
        """Return whose token it is, or raise one of the two 401s."""
        if token is None:
            details, headers = self._no_credential
            raise RefusedError(problems.LOGIN_REQUIRED, details=details, headers=headers)
        credential = authenticator.find_credential(token) if token else None
        if credential is None:
            # Gmail (observed 2026-09): this body has no details.
            header = challenge(', error="invalid_token"')
            raise RefusedError(problems.INVALID_CREDENTIALS, headers=[header])
        return credential

    def check(
        self, credential: Credential, params: Params, query: Pairs, find_delegator: FindDelegator
    ) -> Account:
        """Return the account addressed, or raise the 403. query: what was sent."""
        if self._scopes.isdisjoint(credential.scopes):
            details, headers = self._wrong_scope
            raise RefusedError(problems.INSUFFICIENT_SCOPE, details=details, headers=headers)
        if self._service_only and not credential.service:
            raise ProblemError(problems.SERVICE_ACCOUNT_ONLY)
        caller = account = credential.account
        if params.user_id != "me" and params.user_id.lower() != account.address.lower():
            found = find_delegator(params.user_id, caller) if self._serves_delegates else None
            if found is None:
                # Gmail (observed): the text names the caller, not the mailbox asked for.
                raise ProblemError(problems.DELEGATION_DENIED, address=caller.address)
            account = found
        if credential.itself:
            # Gmail (observed): a service account that acts for nobody is told so only here.
            raise ProblemError(problems.PRECONDITION_FAILED)
        if account.suspended or caller.suspended:
            raise ProblemError(problems.MAIL_NOT_ENABLED)
        if self._limit and not _METADATA.isdisjoint(credential.scopes):
            self._check_metadata(params, query)
        return account

    def _check_metadata(self, params: Params, query: Pairs) -> None:
        limit = self._limit
        if limit is None:
            return
        if not limit.allowed:
            if any(name == limit.parameter for name, _ in query):
                raise ProblemError(limit.problem)
            return
        value = str(getattr(params, limit.parameter))
        if value not in limit.allowed:
            raise ProblemError(limit.problem, **{limit.parameter: value.upper()})


def challenge(rest: str = "") -> tuple[bytes, bytes]:
    """Return the WWW-Authenticate header of a refused credential."""
    return b"www-authenticate", (_REALM + rest).encode()
