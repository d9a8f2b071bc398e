"""The OpenAPI view says what the registry says, in valid OpenAPI."""

import json

from penfold.spec.openapi import make_openapi
from penfold.spec.registry import REGISTRY

DOCUMENT = make_openapi("http://x/")


def test_every_method_is_an_operation():
    operations = {
        operation["operationId"]: (verb.upper(), path)
        for path, verbs in DOCUMENT["paths"].items()
        for verb, operation in verbs.items()
    }
    assert operations == {method.id: (method.verb, f"/{method.path}") for method in REGISTRY}


def test_every_reference_leads_somewhere():
    def references(node):
        if isinstance(node, dict):
            if "$ref" in node:
                yield node["$ref"]
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    for reference in references(DOCUMENT):
        node = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            node = node[name]
    json.dumps(DOCUMENT)
