"""Requests made from the registry: every method, with values that fit and values that do not.

All chance comes from one seed, so a run is repeated by naming it. Ids that answers showed are
asked for again, so that requests meet things that exist.
"""

import base64
import json
from collections import defaultdict
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from penfold.spec.members import list_members
from penfold.spec.registry import REGISTRY

MAIL = (
    "From: Bob <bob@penfold.test>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{n}@x>\r\n"
    "Content-Type: {kind}\r\n\r\nHello {n}\r\n"
)
TEXTS = (
    "", " ", "me", "0", "-1", "1", "x", "INBOX", "SPAM", "Label_1", "Label_999", "r1", "full",
    "true", "TRUE", "9" * 30, "7fffffffffffffff", "8000000000000000", "é\u2028\u202e", "\x00",
    "a" * 3_000, "%", "../..", "alice@penfold.test", "bob@penfold.test", "nobody@x.example",
    "<script>", "projects/p/topics/t", "from:bob OR subject:hi", '"', "{a b} -c", "1e3",
)  # fmt: skip
ODD = (None, True, False, 0, -1, 1, 2**31, 2**64, 1.5, 1e300, [], {}, [[]], {"x": 1}, ["x"], "x")
MASKS = (
    "*",
    "id",
    "messages(id,threadId)",
    "nextPageToken",
    "a(b",
    "x/y",
    "*/*",
    ",",
    "(",
    "i" * 900,
)
SYSTEM = {
    "prettyPrint": ("true", "false", "0", "x"),
    "alt": ("json", "JSON", "media", "proto", "zzz", ""),
    "$.xgafv": ("1", "2", "9"),
    "fields": MASKS,
    "quotaUser": ("a", "b" * 100),
    "callback": ("cb", "a b"),
    "key": ("k",),
    "nonsense": ("1",),
}


@dataclass
class Ask:
    method: object
    verb: str
    target: str
    headers: dict
    body: bytes

    def __str__(self):
        return f"{self.verb} {self.target} {self.headers} {self.body[:500]!r}"


@dataclass
class Asker:
    """Makes requests; `seen` holds values of answers by member name."""

    chance: object
    addresses: tuple
    seen: dict = field(default_factory=lambda: defaultdict(list))
    count: int = 0

    def make(self):
        self.count += 1
        method = self.chance.choice(REGISTRY)
        path = method.path
        for name in method.path_names:
            value = self._user() if name == "userId" else self._text(name)
            path = path.replace(f"{{{name}}}", quote(value, safe="") or "x")
        query = [
            pair for member in list_members(method.params) for pair in self._pairs(method, member)
        ]
        query += [
            (name, self.chance.choice(values)) for name, values in SYSTEM.items() if self._rarely()
        ]
        body, headers = b"", {}
        if method.request is not None or self._rarely():
            body = self._body(method)
            headers["content-type"] = self.chance.choice(["application/json"] * 9 + ["text/plain"])
        return Ask(method, method.verb, f"/{path}?{urlencode(query)}", headers, body)

    def learn(self, value, name="id"):
        """Keep what an answer shows."""
        if isinstance(value, dict):
            for key, inner in value.items():
                self.learn(inner, key)
        elif isinstance(value, list):
            for inner in value:
                self.learn(inner, name)
        elif isinstance(value, str) and len(value) < 300:
            known = self.seen[name]
            if len(known) > 200:
                known.pop(self.chance.randrange(200))
            known.append(value)

    def _rarely(self):
        return self.chance.random() < 0.06

    def _user(self):
        return self.chance.choice(("me",) * 12 + ("nobody@x.example", *self.addresses))

    def _text(self, name):
        draw = self.chance.random()
        same = self.seen.get(name) or self.seen.get("id")
        if same and draw < 0.7:
            return self.chance.choice(same)
        if self.seen and draw < 0.85:
            return self.chance.choice(self.seen[self.chance.choice(list(self.seen))] or TEXTS)
        return self.chance.choice(TEXTS)

    def _pairs(self, method, member):
        if member.name in method.path_names or self.chance.random() < 0.6:
            return
        name = member.name if not self._rarely() else member.attribute
        for _ in range(self.chance.randint(1, 3) if member.kind.repeated or self._rarely() else 1):
            yield name, self._parameter(member)

    def _parameter(self, member):
        if self.chance.random() < 0.2:
            return self.chance.choice(TEXTS)
        kind = member.kind
        if kind.values:
            return self.chance.choice(kind.values)
        if kind.json_type == "boolean":
            return self.chance.choice(("true", "false"))
        if kind.format:
            return str(self.chance.choice((0, 1, 2, 50, 500, 501, 1000, 2**31, 2**32)))
        return self._text(member.name)

    def _body(self, method):
        if self._rarely():
            return self.chance.choice((b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 200))
        request = method.request
        value = self._message(request, 4) if request else {"x": 1}
        return json.dumps(value).encode("utf-8", "surrogatepass")

    def _message(self, struct, depth):
        found = {}
        for member in list_members(struct):
            if self.chance.random() < 0.5:
                name = member.name if not self._rarely() else member.attribute
                found[name] = self._value(member, depth)
        if self._rarely():
            found["unknown"] = 1
        return found

    def _value(self, member, depth):
        if self._rarely():
            return self.chance.choice(ODD)
        if member.kind.repeated:
            return [self._one(member, depth) for _ in range(self.chance.randint(0, 3))]
        return self._one(member, depth)

    def _one(self, member, depth):
        kind = member.kind
        if kind.schema:
            return self._message(kind.schema, depth - 1) if depth else {}
        if kind.values:
            return self.chance.choice(kind.values)
        if kind.json_type == "boolean":
            return self.chance.random() < 0.5
        if kind.format == "byte":
            return self._octets(member)
        if kind.json_type == "integer" or kind.format in ("int64", "uint64"):
            number = self.chance.choice((0, 1, 25, 1000, 2000, 1_790_000_000_000, 2**40))
            return number if kind.json_type == "integer" or self._rarely() else str(number)
        return self._text(member.name)

    def _octets(self, member):
        if member.name != "raw" or self._rarely():
            return self.chance.choice(("AAAA", "A", "_-", "!!!", ""))
        text = MAIL.format(
            to=self.chance.choice((*self.addresses, "x@elsewhere.example", "", "broken")),
            subject=self.chance.choice(("Hi", "Re: Hi", "=?utf-8?q?=C3=A9?=", "")),
            kind=self.chance.choice(("text/plain", "text/html", "multipart/mixed; boundary=b")),
            n=self.chance.randint(1, 50),
        )
        return base64.urlsafe_b64encode(text.encode()).decode()
