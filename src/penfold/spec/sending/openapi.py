"""The sending API as OpenAPI 3.1, derived from its registry; schemas are JSON Schema as msgspec
derives it from the types that calls are checked by.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from penfold.base.limits import IDEMPOTENCY_KEY_MAX
from penfold.spec.sending.method import ROOT, SendingMethod
from penfold.spec.sending.problems import PROBLEMS, SendingProblem
from penfold.spec.sending.registry import REGISTRY

Document = dict[str, Any]
_TEMPLATE: Final = "#/components/schemas/{name}"
_KEY: Final[Document] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key with the same request within 24 hours has the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_MAX},
}
_BATCH: Final[Document] = {
    "name": "x-batch-validation",
    "in": "header",
    "schema": {"type": "string", "enum": ["strict", "permissive"], "default": "strict"},
}
_ERROR: Final[Document] = {
    "type": "object",
    "required": ["statusCode", "name", "message", "request_id"],
    "properties": {
        "statusCode": {"type": "integer"},
        "name": {"type": "string", "enum": sorted({each.name for each in PROBLEMS})},
        "message": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {name: {"type": "string"} for name in ("field", "code", "message")},
            },
        },
        "request_id": {"type": "string"},
    },
}


def make_sending_openapi(root: str = "/") -> Document:
    """Return the document for clients that reach us at `root`."""
    bodies = [each for method in REGISTRY for each in (method.body, method.answer) if each]
    _, schemas = msgspec.json.schema_components(bodies, ref_template=_TEMPLATE)
    paths: Document = {}
    for method in REGISTRY:
        path = method.path.removeprefix(ROOT)
        paths.setdefault(path, {})[method.verb.lower()] = _operation(method)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Penfold sending API", "version": ROOT},
        "servers": [{"url": f"{root.rstrip('/')}/{ROOT}"}],
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Error": _ERROR},
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(method: SendingMethod) -> Document:
    parameters = [_path_parameter(name) for name in method.path_names]
    parameters += _query_parameters(method)
    parameters += [_KEY] if method.keyed else []
    parameters += [_BATCH] if method.name == "batch" else []
    document: Document = {
        "operationId": method.id,
        "summary": method.summary,
        "description": f"Needs the scope `{method.scope}`.",
        "parameters": parameters,
        "responses": {
            "200": _texts(method.kinds) if method.kinds else _content("Done.", method.answer),
            **{str(status): _error(status) for status in sorted({p.status for p in PROBLEMS})},
        },
    }
    if method.body:
        document["requestBody"] = {"required": True, "content": _json(method.body)}
    return document


def _path_parameter(name: str) -> Document:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameters(method: SendingMethod) -> list[Document]:
    _, found = msgspec.json.schema_components([method.query])
    schema = found[method.query.__name__]
    return [
        {"name": name, "in": "query", "schema": kind}
        for name, kind in schema.get("properties", {}).items()
    ]


def _error(status: int) -> Document:
    names = [each.name for each in PROBLEMS if each.status == status]
    content = {"application/json": {"schema": {"$ref": _TEMPLATE.format(name="Error")}}}
    return {"description": f"{' or '.join(names)}: {_first(status).message}", "content": content}


def _first(status: int) -> SendingProblem:
    return next(each for each in PROBLEMS if each.status == status)


def _content(description: str, kind: Any) -> Document:
    return {"description": description, "content": _json(kind)}


def _texts(kinds: Iterable[str]) -> Document:
    content = {kind: {"schema": {"type": "string"}} for kind in kinds}
    return {"description": "Done.", "content": content}


def _json(kind: Any) -> Document:
    [schema], _ = msgspec.json.schema_components([kind], ref_template=_TEMPLATE)
    return {"application/json": {"schema": schema}}
