"""Looks for secrets in clear in what servers left behind: data files, logs, shared memory files.

Known secrets are those a server of local mode writes to `credentials/`, its master key, and the
keys of its certificates; each is where it belongs and nowhere else.
"""

import base64
import json
import re

#: Where a secret stands in clear by design, below a data directory.
HOMES = ("credentials", "tls", "master.key")
#: Members of documents that are secrets.
MEMBERS = frozenset({"password", "app_password", "token", "refresh_token", "client_secret"})
_PEM = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+(.*?)\s+-----END", re.DOTALL)


def find_leaks(folder):
    """Return a line for each secret of a data directory below folder that a file shows."""
    found = []
    for credentials in sorted(folder.rglob("credentials")):
        data = credentials.parent
        if (data / "directory.db").exists():
            found += _look(data)
    return found


def _look(data):
    secrets = dict(_iter_secrets(data))
    if not secrets:
        return []
    pattern = re.compile(b"|".join(map(re.escape, secrets)))
    files = [path for path in data.rglob("*") if _is_open_place(path.relative_to(data))]
    logs = [path for path in data.parent.iterdir() if path.name in ("log", f"{data.name}.log")]
    found = []
    for path in [*files, *logs]:
        if path.is_file():
            seen = {match.group() for match in pattern.finditer(path.read_bytes())}
            found += [f"{path}: {secrets[each]}" for each in sorted(seen)]
    return found


def _is_open_place(path):
    return path.parts[0] not in HOMES


def _iter_secrets(data):
    """Yield what must not be seen, in the forms it could have, and what it is."""
    for document in sorted((data / "credentials").glob("*.json")):
        for member, value in _walk(json.loads(document.read_bytes())):
            yield value.encode(), f"{member} of {document.name}"
    for path in sorted((data / "tls").glob("*.key")):
        yield from _iter_key_lines(path.read_bytes(), f"tls/{path.name}")
    if (data / "master.key").is_file():
        key = (data / "master.key").read_bytes()
        for form in (key, key.hex().encode(), base64.b64encode(key)):
            yield form, "the master key"


def _walk(document):
    if isinstance(document, dict):
        for name, value in document.items():
            if name in MEMBERS and isinstance(value, str) and value:
                yield name, value
            elif name == "private_key":
                for line, what in _iter_key_lines(value.encode(), name):
                    yield what, line.decode()
            else:
                yield from _walk(value)


def _iter_key_lines(pem, name):
    """Yield a line from the middle of each key: enough to know it by, however it is wrapped."""
    for match in _PEM.finditer(pem):
        lines = match.group(1).split()
        yield lines[len(lines) // 2], f"a line of the private key {name}"
