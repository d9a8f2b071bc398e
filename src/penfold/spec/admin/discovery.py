"""The administration API in Google's description format v1, for client libraries to read."""

from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from penfold.spec.admin import schemas
from penfold.spec.admin.method import AdminMethod
from penfold.spec.admin.registry import REGISTRY
from penfold.spec.members import Kind, list_members
from penfold.spec.schemas import Wire
from penfold.spec.scopes import ADMIN, ADMIN_READONLY

Document = dict[str, Any]
#: Parameters every method inherits from spec.method.Params and none here takes.
NOT_OURS: Final = "userId"
_SYSTEM: Final = MappingProxyType({"alt": "string", "fields": "string", "prettyPrint": "boolean"})


def make_admin_document(root: str) -> Document:
    """Return the document for clients that reach us at `root`, an origin with a final slash."""
    resources: Document = {}
    for method in REGISTRY:
        node = resources.setdefault(method.resource[0], {"methods": {}})
        node["methods"][method.name] = _method(method)
    scopes = {scope.url: {"description": scope.sentence} for scope in (ADMIN, ADMIN_READONLY)}
    return {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": "admin:v1",
        "name": "admin",
        "version": "v1",
        "title": "Penfold administration API",
        "description": "Accounts, domains, applications, keys and the audit log.",
        "protocol": "rest",
        "rootUrl": root,
        "servicePath": "",
        "baseUrl": root,
        "parameters": {name: {"type": kind, "location": "query"} for name, kind in _SYSTEM.items()},
        "auth": {"oauth2": {"scopes": scopes}},
        "schemas": {schema.__name__: _schema(schema) for schema in _list_schemas()},
        "resources": resources,
    }


def _list_schemas() -> list[type[Wire]]:
    found = [one for one in vars(schemas).values() if isinstance(one, type)]
    return [one for one in found if issubclass(one, Wire) and one is not Wire]


def _method(method: AdminMethod) -> Document:
    document: Document = {
        "id": method.id,
        "path": method.path,
        "httpMethod": method.verb,
        "description": method.summary,
        "parameters": {
            member.name: _kind(member.kind) | _place(member.name in method.path_names)
            for member in list_members(method.params)
            if member.name != NOT_OURS
        },
        "parameterOrder": list(method.path_names),
        "scopes": [scope.url for scope in method.wanted],
    }
    for name, body in (("request", method.request), ("response", method.response)):
        if body:
            document[name] = {"$ref": body.__name__}
    return document


def _place(in_path: bool) -> Document:  # noqa: FBT001 - of one member
    return {"location": "path", "required": True} if in_path else {"location": "query"}


def _schema(schema: type[Struct]) -> Document:
    properties = {member.name: _kind(member.kind) for member in list_members(schema)}
    return {"id": schema.__name__, "type": "object", "properties": properties}


def _kind(kind: Kind) -> Document:
    item: Document = {"$ref": kind.schema.__name__} if kind.schema else {"type": kind.json_type}
    if kind.format:
        item["format"] = kind.format
    return {"type": "array", "items": item} if kind.repeated else item
