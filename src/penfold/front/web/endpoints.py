"""The endpoints programs call: token, revoke, tokeninfo, userinfo, certs and the configuration.

Answers are JSON indented as Google's, open to any origin (they carry no cookies), and never
stored, except for the public keys. A token's own secret value appears in no header and no log.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from penfold.base.errors import ParseError, UnavailableError
from penfold.base.limits import CERTS_MAX_AGE_S, DEVICE_CODE_S, DEVICE_POLL_S
from penfold.domain.access.consent import WHO
from penfold.domain.access.devices import DEVICE_GRANT
from penfold.domain.access.id_tokens import describe, describe_v2
from penfold.domain.access.identity import Identity
from penfold.domain.access.service_accounts import ASSERTION_GRANT
from penfold.domain.throttle import TooManyError
from penfold.front.web.browser import (
    TooLargeError,
    base_address,
    client_address,
    query_pairs,
    read_body,
    read_form,
)
from penfold.front.web.pace import paced
from penfold.front.web.visit import DEVICE
from penfold.ports.identity import Credential, ServiceAccount, ServiceKey
from penfold.proto.oauth import OAuthError, invalid_request, missing, read_parameters
from penfold.spec import problems
from penfold.spec.problems import Problem

Endpoint = Callable[[Request], Awaitable[Response]]

_NO_STORE: Final = {
    "Cache-Control": "no-cache, no-store, max-age=0, must-revalidate",
    "Pragma": "no-cache",
}
_COMMON: Final = {
    "Access-Control-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Origin, X-Origin, Referer",
}
_JSON: Final = "application/json; charset=utf-8"


def answer(
    value: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:  # fmt: skip
    """Return JSON, indented and not stored."""
    body = json.dumps(value, indent=2).encode()
    return Response(body, status, {**_COMMON, **(headers or _NO_STORE)}, _JSON)


def refusal(error: OAuthError) -> Response:
    """Return an OAuth refusal, RFC 6749 §5.2."""
    headers = dict(_NO_STORE)
    if error.error == "invalid_client":
        headers["WWW-Authenticate"] = 'Basic realm="oauth"'
    body = {"error": error.error, "error_description": error.description}
    return answer(body, status=error.status, headers=headers)


def too_many(error: TooManyError) -> Response:
    """Return the refusal of who comes too often. Google (observed): the name, for device codes."""
    body = {"error": "rate_limit_exceeded", "error_description": error.public}
    return answer(body, status=429, headers={**_NO_STORE, "Retry-After": str(error.wait_s)})


def refusing(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with everything it may raise turned into OAuth's words."""

    async def serve(request: Request) -> Response:
        if request.method == "OPTIONS":
            return _preflight(request)
        try:
            return await endpoint(request)
        except OAuthError as error:
            return refusal(error)
        except TooManyError as error:
            return too_many(error)
        except TooLargeError as error:
            return refusal(OAuthError("invalid_request", error.public, status=413))
        except ParseError:
            return refusal(invalid_request("Bad Request"))
        except UnavailableError as error:
            # Google's libraries try again on this name.
            return refusal(OAuthError("temporarily_unavailable", error.public, status=503))

    return serve


def _preflight(request: Request) -> Response:
    headers = {
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": request.headers.get(
            "access-control-request-headers", "Authorization, Content-Type"
        ),
        "Access-Control-Max-Age": "3600",
    }
    return Response(status_code=204, headers={**_COMMON, **headers})


async def _read_parameters(request: Request, *, query: bool) -> dict[str, str]:
    """Return the parameters of a form or JSON body; with `query` also those of the address."""
    pairs = query_pairs(request) if query else []
    if request.method == "POST":
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            pairs += _parse_json(await read_body(request))
        elif kind or not query:
            pairs += await read_form(request)
    return read_parameters(pairs)


def _parse_json(body: bytes) -> list[tuple[str, str]]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ParseError("not JSON") from error
    if not isinstance(value, dict):
        raise ParseError("not a JSON object")
    return [(name, one if isinstance(one, str) else "") for name, one in value.items()]


class Endpoints:
    """Serves what programs call."""

    def __init__(self, identity: Identity, *, issuer: str) -> None:
        self._identity = identity
        self._issuer = issuer

    async def token(self, request: Request) -> Response:
        base = base_address(request)
        given = await _read_parameters(request, query=False)
        with paced(self._identity.throttle, request, given):
            return await self._exchange(request, base, given)

    async def _exchange(self, request: Request, base: str, given: dict[str, str]) -> Response:
        result = await run_in_threadpool(
            self._identity.grants.exchange,
            given,
            authorization=request.headers.get("authorization"),
            base=base,
            issuer=self._issuer or base,
        )
        return answer(result)

    async def revoke(self, request: Request) -> Response:
        given = await _read_parameters(request, query=True)
        if "token" not in given:
            raise missing("token")
        await run_in_threadpool(self._identity.grants.revoke, given["token"])
        return answer({})

    async def tokeninfo(self, request: Request) -> Response:
        """Answer as version 3, and as the address without a version, do."""
        return answer(await self._describe(request))

    async def tokeninfo_v2(self, request: Request) -> Response:
        """Answer as versions 1 and 2 do: other names, real numbers and truths."""
        found = await self._describe(request)
        names = {
            "azp": "issued_to", "aud": "audience", "sub": "user_id", "scope": "scope",
            "expires_in": "expires_in", "email": "email", "email_verified": "verified_email",
            "access_type": "access_type",
        }  # fmt: skip
        result: dict[str, Any] = {new: found[old] for old, new in names.items() if old in found}
        if "expires_in" in result:
            result["expires_in"] = int(result["expires_in"])
        if "verified_email" in result:
            result["verified_email"] = result["verified_email"] in (True, "true")
        return answer(result)

    async def userinfo(self, request: Request) -> Response:
        """Answer as OpenID Connect Core §5.3 and Google's version 3."""
        credential = self._find_credential(request)
        if credential is None:
            # Gmail (documented): this endpoint has words of its own.
            challenge = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
            headers = {**_NO_STORE, "WWW-Authenticate": challenge}
            body = {"error": "invalid_request", "error_description": "Invalid Credentials"}
            return answer(body, status=401, headers=headers)
        if not credential.scopes & WHO:
            return _envelope(problems.INSUFFICIENT_SCOPE)
        return answer(describe(credential.account, credential.scopes))

    async def userinfo_v2(self, request: Request) -> Response:
        """Answer as versions 1 and 2 do."""
        credential = self._find_credential(request)
        if credential is None:
            return _envelope(problems.INVALID_CREDENTIALS)
        if not credential.scopes & WHO:
            return _envelope(problems.INSUFFICIENT_SCOPE)
        return answer(describe_v2(credential.account, credential.scopes))

    async def certificates(self, _request: Request) -> Response:
        keys = await run_in_threadpool(self._identity.id_tokens.list_certificates)
        return answer(keys, headers=_cached())

    async def jwks(self, _request: Request) -> Response:
        keys = await run_in_threadpool(self._identity.id_tokens.list_jwks)
        return answer({"keys": keys}, headers=_cached())

    async def service_certificates(self, request: Request) -> Response:
        """Answer the address that a service account's key file names."""
        book = self._identity.book
        account = book.find(ServiceAccount, request.path_params["email"])
        if account is None:
            return answer({"error": "not_found"}, status=404)
        keys = book.list_by(ServiceKey, client_id=account.client_id)
        return answer({key.kid: key.certificate for key in keys}, headers=_cached())

    async def configuration(self, request: Request) -> Response:
        base = base_address(request)
        return answer(configuration(base, self._issuer or base), headers=_cached())

    async def device_code(self, request: Request) -> Response:
        given = await _read_parameters(request, query=False)
        begun = await run_in_threadpool(
            self._identity.devices.begin,
            given,
            request.headers.get("authorization"),
            asked_from=client_address(request),
        )
        page = base_address(request) + DEVICE
        return answer({
            "device_code": begun.device_code,
            "user_code": begun.user_code,
            "expires_in": DEVICE_CODE_S,
            "interval": DEVICE_POLL_S,
            "verification_url": page,  # Google's name; the standard's is the next one
            "verification_uri": page,
        })  # fmt: skip

    def _find_credential(self, request: Request) -> Credential | None:
        token = _bearer(request) or dict(query_pairs(request)).get("access_token", "")
        return self._identity.book.find_credential(token) if token else None

    async def _describe(self, request: Request) -> dict[str, Any]:
        given = await _read_parameters(request, query=True)
        id_tokens = self._identity.id_tokens
        if "id_token" in given:
            claims = id_tokens.check(given["id_token"])
            return {name: _as_text(value) for name, value in claims.items()}
        # google-auth-library for Node asks with the token as its own credential.
        token = given.get("access_token") or _bearer(request)
        if token:
            return id_tokens.describe_token(token)
        raise OAuthError("invalid_token", "either access_token, id_token, or token_handle required")


def configuration(base: str, issuer: str) -> dict[str, Any]:
    """Return OpenID Connect Discovery §3 for a server reached at `base`."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{base}/o/oauth2/v2/auth",
        "device_authorization_endpoint": f"{base}/device/code",
        "token_endpoint": f"{base}/token",
        "userinfo_endpoint": f"{base}/v1/userinfo",
        "revocation_endpoint": f"{base}/revoke",
        "jwks_uri": f"{base}/oauth2/v3/certs",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": [
            "aud", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss",
            "name", "sub",
        ],
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            DEVICE_GRANT,
            ASSERTION_GRANT,
        ],
        "authorization_response_iss_parameter_supported": True,
    }  # fmt: skip


def _bearer(request: Request) -> str:
    """Return the token of the Authorization header, "" for none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _cached() -> dict[str, str]:
    return {"Cache-Control": f"public, max-age={CERTS_MAX_AGE_S}, must-revalidate"}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _envelope(problem: Problem) -> Response:
    """Return a refusal in the form Google's other APIs have."""
    error = {"code": problem.code, "message": problem.message, "status": problem.status}
    return answer({"error": error}, status=problem.code)
