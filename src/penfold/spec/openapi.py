"""The API as OpenAPI 3.1: the registry in the words that other tools read.

Derived from the registry like the discovery document. Every method answers its type, 204 when it
has none, or the error envelope, whatever the status. Custom verbs (`{keyPairId}:disable`) are
paths of their own.
"""

from typing import Any, Final

from penfold.spec.descriptions import PARAMETERS, SYSTEM, describe_member
from penfold.spec.discovery import REVISION, list_schemas
from penfold.spec.members import Kind, Member, default_text, list_members
from penfold.spec.method import Method
from penfold.spec.registry import REGISTRY
from penfold.spec.schemas import Wire
from penfold.spec.scopes import GMAIL_SCOPES

Document = dict[str, Any]

_FORMATS: Final = {"google-datetime": "date-time"}
#: Names of the system parameters that change what an answer looks like.
_SYSTEM: Final = ("alt", "fields", "prettyPrint", "quotaUser")
_ERROR: Final[Document] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "status"],
            "properties": {
                "code": {"type": "integer"},
                "message": {"type": "string"},
                "errors": {"type": "array", "items": {"type": "object"}},
                "status": {"type": "string"},
                "details": {"type": "array", "items": {"type": "object"}},
            },
            "additionalProperties": False,
        }
    },
    "additionalProperties": False,
}


def make_openapi(root: str = "/") -> Document:
    """Return the document for clients that reach us at `root`."""
    paths: Document = {}
    for method in REGISTRY:
        paths.setdefault(f"/{method.path}", {})[method.verb.lower()] = _operation(method)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Gmail API", "version": f"v1, revision {REVISION}"},
        "servers": [{"url": root.rstrip("/") or "/"}],
        "paths": paths,
        "components": {
            "schemas": {
                **{schema.__name__: _schema(schema) for schema in list_schemas()},
                "Error": _ERROR,
            },
            "parameters": {name: _system_parameter(name) for name in _SYSTEM},
            "securitySchemes": {"oauth2": _oauth2()},
        },
    }


def _oauth2() -> Document:
    scopes = {scope.url: scope.sentence for scope in GMAIL_SCOPES}
    flow = {"authorizationUrl": "/o/oauth2/v2/auth", "tokenUrl": "/token", "scopes": scopes}
    return {"type": "oauth2", "flows": {"authorizationCode": flow}}


def _system_parameter(name: str) -> Document:
    kind = "boolean" if name == "prettyPrint" else "string"
    schema: Document = {"type": kind}
    if name == "alt":
        schema["enum"] = ["json"]
    return {"name": name, "in": "query", "schema": schema, "description": SYSTEM[name]}


def _operation(method: Method) -> Document:
    own = [_parameter(m, in_path=m.name in method.path_names) for m in list_members(method.params)]
    system = [{"$ref": f"#/components/parameters/{name}"} for name in _SYSTEM]
    document: Document = {
        "operationId": method.id,
        "summary": method.summary,
        "parameters": [*own, *system],
        "security": [{"oauth2": [scope.url]} for scope in sorted(method.scopes)],
        "responses": {**_success(method), "default": _content("An error.", "Error")},
    }
    if method.request:
        document["requestBody"] = {
            "content": {"application/json": {"schema": _ref(method.request.__name__)}}
        }
    return document


def _success(method: Method) -> Document:
    if method.response is None:
        return {"204": {"description": "Done."}}
    return {"200": _content("Done.", method.response.__name__)}


def _content(description: str, schema: str) -> Document:
    content = {"application/json": {"schema": _ref(schema)}}
    return {"description": description, "content": content}


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _parameter(member: Member, *, in_path: bool) -> Document:
    schema = _kind(member.kind)
    default = default_text(member)
    if default is not None and member.kind.json_type == "string" and not member.kind.repeated:
        schema["default"] = default
    return {
        "name": member.name,
        "in": "path" if in_path else "query",
        "required": in_path,
        "description": PARAMETERS[member.name],
        "schema": schema,
    }


def _schema(schema: type[Wire]) -> Document:
    properties = {}
    for member in list_members(schema):
        described = {"description": describe_member(schema.__name__, member.name)}
        properties[member.name] = _kind(member.kind) | described
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _kind(kind: Kind) -> Document:
    item: Document = _ref(kind.schema.__name__) if kind.schema else {"type": kind.json_type}
    if kind.format:
        item["format"] = _FORMATS.get(kind.format, kind.format)
    if kind.values:
        item["enum"] = list(kind.values)
    return {"type": "array", "items": item} if kind.repeated else item
