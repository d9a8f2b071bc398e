"""The discovery document: the registry as Google's description format v1.

Derived from the registry, the schemas and the scopes; nothing is stated here twice. In structure
it equals Google's document of REVISION except for what spec.differences lists. Root addresses
are an argument, because clients follow the document's to reach us.
"""

from typing import Any, Final

from penfold.spec import schemas
from penfold.spec.descriptions import (
    PARAMETERS,
    SCHEMAS,
    SYSTEM,
    describe_member,
)
from penfold.spec.members import Kind, Member, default_text, list_members
from penfold.spec.method import Media, Method
from penfold.spec.registry import REGISTRY
from penfold.spec.schemas import Wire
from penfold.spec.scopes import GMAIL_SCOPES

#: Revision of Google's document that this registry equals.
REVISION: Final = "20261005"

Document = dict[str, Any]

_SYSTEM: Final[dict[str, Document]] = {
    "$.xgafv": {"type": "string", "enum": ["1", "2"]},
    "access_token": {"type": "string"},
    "alt": {"type": "string", "enum": ["json", "media", "proto"], "default": "json"},
    "callback": {"type": "string"},
    "fields": {"type": "string"},
    "key": {"type": "string"},
    "oauth_token": {"type": "string"},
    "prettyPrint": {"type": "boolean", "default": "true"},
    "quotaUser": {"type": "string"},
    "uploadType": {"type": "string"},
    "upload_protocol": {"type": "string"},
}


def make_document(root: str) -> Document:
    """Return the document for clients that reach us at `root`, an origin with a final slash."""
    return {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": "gmail:v1",
        "name": "gmail",
        "canonicalName": "Gmail",
        "version": "v1",
        "revision": REVISION,
        "title": "Gmail API",
        "description": "Read, write, send and organise the mail of an account.",
        "protocol": "rest",
        "rootUrl": root,
        "servicePath": "",
        "basePath": "",
        "baseUrl": root,
        "batchPath": "batch",
        "parameters": system_parameters(),
        "auth": {
            "oauth2": {
                "scopes": {scope.url: {"description": scope.sentence} for scope in GMAIL_SCOPES}
            }
        },
        "schemas": {schema.__name__: _schema(schema) for schema in list_schemas()},
        "resources": _resources(),
    }


def list_schemas() -> list[type[Wire]]:
    """Return every schema of the API by name."""
    found = [
        value
        for value in vars(schemas).values()
        if isinstance(value, type) and issubclass(value, Wire) and value is not Wire
    ]
    return sorted(found, key=lambda schema: schema.__name__)


def system_parameters() -> Document:
    """Return the parameters that every method takes."""
    return {
        name: {**parameter, "location": "query", "description": SYSTEM[name]}
        for name, parameter in _SYSTEM.items()
    }


def _resources() -> Document:
    tree: Document = {}
    for method in REGISTRY:
        node: Document = {"resources": tree}
        for name in method.resource:
            node = node.setdefault("resources", {}).setdefault(name, {})
        node.setdefault("methods", {})[method.name] = _method(method)
    return tree


def _method(method: Method) -> Document:
    document: Document = {
        "id": method.id,
        "path": method.path,
        "flatPath": method.path,
        "httpMethod": method.verb,
        "description": method.summary,
        "parameters": {
            member.name: _parameter(member, in_path=member.name in method.path_names)
            for member in list_members(method.params)
        },
        "parameterOrder": list(method.path_names),
        "scopes": [scope.url for scope in sorted(method.scopes)],
    }
    if method.request:
        document["request"] = {"$ref": method.request.__name__}
    if method.response:
        document["response"] = {"$ref": method.response.__name__}
    if method.media:
        document["supportsMediaUpload"] = True
        document["mediaUpload"] = _media(method, method.media)
    return document


def _media(method: Method, media: Media) -> Document:
    return {
        "accept": list(media.accept),
        "maxSize": str(media.max_bytes),
        "protocols": {
            "simple": {"multipart": True, "path": f"/{method.upload_path}"},
            "resumable": {"multipart": True, "path": f"/{method.resumable_path}"},
        },
    }


def _parameter(member: Member, *, in_path: bool) -> Document:
    kind = member.kind
    document: Document = {
        "type": kind.json_type,
        "location": "path" if in_path else "query",
        "description": PARAMETERS[member.name],
    }
    if in_path:
        document["required"] = True
    default = default_text(member)
    if default is not None:
        document["default"] = default
    if kind.format:
        document["format"] = kind.format
    if kind.values:
        document["enum"] = list(kind.values)
    if kind.repeated:
        document["repeated"] = True
    return document


def _schema(schema: type[Wire]) -> Document:
    name = schema.__name__
    properties = {member.name: _property(schema, member) for member in list_members(schema)}
    return {
        "id": name,
        "type": "object",
        "description": SCHEMAS[name],
        "properties": properties,
    }


def _property(schema: type[Wire], member: Member) -> Document:
    kind = member.kind
    item = _type(kind)
    document: Document = {"type": "array", "items": item} if kind.repeated else item
    document["description"] = describe_member(schema.__name__, member.name)
    if kind.values:
        document["enum"] = list(kind.values)
    if kind.read_only:
        document["readOnly"] = True
    if kind.deprecated:
        document["deprecated"] = True
    needed_by = [
        method.id
        for method in REGISTRY
        if member.name in method.requires and method.request is schema
    ]
    if needed_by:
        document["annotations"] = {"required": needed_by}
    return document


def _type(kind: Kind) -> Document:
    if kind.schema:
        return {"$ref": kind.schema.__name__}
    return {"type": kind.json_type, **({"format": kind.format} if kind.format else {})}
