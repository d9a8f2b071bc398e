"""The list of APIs served here, and the discovery document of the small one beside Gmail.

OAuth2 v2 has three addresses, userinfo twice and tokeninfo; some client libraries look them up
before anything else. Structure as Google's document of revision 20200213, without the parameters
tokeninfo repeats from the system's. The addresses themselves are served by front/web.
"""

from typing import Any, Final

from penfold.spec.discovery import REVISION, Document, system_parameters
from penfold.spec.scopes import EMAIL, OPENID, PROFILE

OAUTH2_REVISION: Final = "20200213"

_IDENTITY: Final = (OPENID, EMAIL, PROFILE)
_SYSTEM: Final = ("alt", "fields", "key", "oauth_token", "prettyPrint", "quotaUser")
_TEXT: Final = {"type": "string"}
_FLAG: Final = {"type": "boolean"}

_TOKENINFO: Final = {
    "id": "Tokeninfo",
    "type": "object",
    "properties": {
        "audience": _TEXT,
        "email": _TEXT,
        "expires_in": {"type": "integer", "format": "int32"},
        "issued_to": _TEXT,
        "scope": _TEXT,
        "user_id": _TEXT,
        "verified_email": _FLAG,
    },
}
_USERINFO: Final = {
    "id": "Userinfo",
    "type": "object",
    "properties": {
        "email": _TEXT,
        "family_name": _TEXT,
        "gender": _TEXT,
        "given_name": _TEXT,
        "hd": _TEXT,
        "id": _TEXT,
        "link": _TEXT,
        "locale": _TEXT,
        "name": _TEXT,
        "picture": _TEXT,
        "verified_email": {"type": "boolean", "default": "true"},
    },
}


def _userinfo(method_id: str, path: str) -> Document:
    return {
        "id": method_id,
        "path": path,
        "httpMethod": "GET",
        "response": {"$ref": "Userinfo"},
        "scopes": [scope.url for scope in _IDENTITY],
    }


def make_oauth2_document(root: str) -> Document:
    """Return the document of oauth2 v2 for clients that reach us at `root`."""
    tokeninfo = {
        "id": "oauth2.tokeninfo",
        "path": "oauth2/v2/tokeninfo",
        "httpMethod": "POST",
        "parameters": {
            name: {"type": "string", "location": "query"} for name in ("access_token", "id_token")
        },
        "response": {"$ref": "Tokeninfo"},
    }
    v2 = _userinfo("oauth2.userinfo.v2.me.get", "userinfo/v2/me")
    return {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": "oauth2:v2",
        "name": "oauth2",
        "version": "v2",
        "revision": OAUTH2_REVISION,
        "title": "Google OAuth2 API",
        "description": "Who a token belongs to.",
        "protocol": "rest",
        "rootUrl": root,
        "servicePath": "",
        "basePath": "/",
        "baseUrl": root,
        "batchPath": "batch/oauth2/v2",
        "parameters": {name: system_parameters()[name] for name in _SYSTEM},
        "auth": {"oauth2": {"scopes": {s.url: {"description": s.sentence} for s in _IDENTITY}}},
        "schemas": {"Tokeninfo": _TOKENINFO, "Userinfo": _USERINFO},
        "methods": {"tokeninfo": tokeninfo},
        "resources": {
            "userinfo": {
                "methods": {"get": _userinfo("oauth2.userinfo.get", "oauth2/v2/userinfo")},
                "resources": {"v2": {"resources": {"me": {"methods": {"get": v2}}}}},
            }
        },
    }


def make_directory(root: str) -> Document:
    """Return the list of APIs, as `/discovery/v1/apis` shows it."""
    return {
        "kind": "discovery#directoryList",
        "discoveryVersion": "v1",
        "items": [
            _item(root, "gmail", "v1", REVISION, "Gmail API"),
            _item(root, "oauth2", "v2", OAUTH2_REVISION, "Google OAuth2 API"),
        ],
    }


def _item(root: str, name: str, version: str, revision: str, title: str) -> dict[str, Any]:
    return {
        "kind": "discovery#directoryItem",
        "id": f"{name}:{version}",
        "name": name,
        "version": version,
        "revision": revision,
        "title": title,
        "discoveryRestUrl": f"{root}discovery/v1/apis/{name}/{version}/rest",
        "preferred": True,
    }
