"""The package has floors; an import may only go down, and pure floors touch nothing."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
FLOORS = [["base"], ["proto", "spec"], ["ports"], ["domain", "store", "net"], ["front"], ["app"]]
FLOOR_OF = {name: n for n, names in enumerate(FLOORS) for name in names}
NEVER = {("front", "store"), ("front", "net")}
PURE = {"base", "proto", "spec"}
IO_MODULES = {"asyncio", "os", "socket", "sqlite3", "ssl", "subprocess", "threading", "time"}
#: What makes outgoing requests; net/http_out.py keeps those that others ask for from this
#: machine's neighbours.
HTTP_CLIENTS = {"http.client", "urllib.request", "httpx", "requests", "aiohttp", "urllib3"}
MODULES = sorted((SRC / "penfold").rglob("*.py"))


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "<relative>"
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SRC)))
def test_imports_only_go_down(path):
    here = path.relative_to(SRC / "penfold").parts[0]
    for line, target in imports_of(path):
        top, *rest = target.split(".")
        if top == "<relative>":
            pytest.fail(f"{path}:{line}: write the full name, relative imports hide the floor")
        if top == "penfold" and rest and rest[0] != here and rest[0] != "__version__":
            ceiling = FLOOR_OF.get(here, FLOOR_OF["ports"] + 1)  # testing stands on ports
            goes_down = (
                FLOOR_OF.get(rest[0], len(FLOORS)) < ceiling and (here, rest[0]) not in NEVER
            )
            assert goes_down, f"{path}:{line}: {here} may not import {rest[0]}"
        if here in PURE:
            assert top not in IO_MODULES, f"{path}:{line}: {here} is pure and may not import {top}"


def test_there_is_one_client_for_http_beside_the_one_of_acme():
    users = {
        str(path.relative_to(SRC / "penfold"))
        for path in MODULES
        for _, target in imports_of(path)
        if any(target == name or target.startswith(f"{name}.") for name in HTTP_CLIENTS)
    }
    # net/acme.py talks to the one server the operator named, which may be a neighbour.
    # net/api_client.py is a command's: it asks the server that whoever typed it named.
    assert users == {"net/acme.py", "net/api_client.py", "net/http_out.py"}
