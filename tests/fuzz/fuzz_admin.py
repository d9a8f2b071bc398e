"""Mutate what the administration API is sent: served or refused in words, never a failure.

python tests/fuzz/fuzz_admin.py --seconds 10 [--seed N]
"""

import sys
from pathlib import Path
from urllib.parse import quote

from looping import make_mutation, mutate_often, run

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.unit.front.http.admin.world import AdminWorld

from penfold.spec.admin.registry import REGISTRY

BODIES = [
    b'{"primaryEmail":"ann@penfold.test","password":"long enough 1","name":{"fullName":"Ann"}}',
    b'{"suspended":true,"role":"auditor","isAdmin":false}',
    b'{"alias":"sales@penfold.test","name":"printer"}',
    b'{"domainName":"new.example","displayText":"Site","kind":"web","public":true}',
    b'{"redirectUris":["https://app.example/callback","http://localhost:1/"],"kind":"web"}',
    b'{"domain":"penfold.test","scopes":["https://mail.google.com/","openid"]}',
]
TEXTS = [b"kim@penfold.test", b"17", b"9" * 18, b"penfold.test", b"\xc3\xa9", b"app-1"]
NAMES = ["pageToken", "maxResults", "userKey", "fields", "alt", "prettyPrint"]
PIECES = [b"{", b"}", b"[", b'"', b",", b":", b"\\ud800", b"\0", b"\xff", b"%", b"9", b"@", b"."]
MUTATE = make_mutation(PIECES)


def make_case(rng):
    body = mutate_often(rng, BODIES, MUTATE) if rng.random() < 0.8 else rng.choice(BODIES)
    texts = [mutate_often(rng, TEXTS, MUTATE)[:4_000] for _ in range(3)]
    return rng.randrange(len(REGISTRY)), body, texts, rng.choice(NAMES)


def try_case(case):
    """A new world each time: what one case changed is no matter for the next."""
    number, body, texts, name = case
    method, world = REGISTRY[number], AdminWorld()
    path = "/" + method.path
    for text in texts:
        key = path.partition("{")[2].partition("}")[0]
        path = path.replace(f"{{{key}}}", quote(text, safe="") or "x") if key else path
    status, answer = world.ask(method.verb, path, body, query={name: texts[-1]})
    assert 200 <= status < 500, status
    assert status < 400 or answer["error"]["code"] == status
    assert world.book.check_audit()[0] == ""


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
