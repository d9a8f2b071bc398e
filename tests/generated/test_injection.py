"""Words that would be SQL, FTS5 or a pattern, in every text of every method: they stay words.

Every statement that runs meanwhile is looked at: what was sent is bound to it and never part of it.
"""

import asyncio
import base64
import json
import re
import sqlite3
from urllib.parse import quote, urlencode

import apsw
import pytest
from tests.generated.serving import PEOPLE, serve_api
from tests.generated.test_generated_requests import Tokens
from tests.unit.front.http.conftest import ask_app

from penfold.spec.members import list_members
from penfold.spec.registry import REGISTRY

#: In every word that is sent, and in nothing of ours.
MARK = "zq7x"
WORDS = (
    f"' OR '{MARK}'='{MARK}", f'" OR "{MARK}"="{MARK}', f"{MARK}'; DROP TABLE label; --", f"{MARK}\\'",
    f"{MARK}%' UNION SELECT hash FROM password --", f"{MARK}') OR (1=1", f"{MARK}\x00' OR 1=1",
    f"1; ATTACH DATABASE '{MARK}.db' AS x", f"{MARK}*", f"^{MARK}", f"NEAR({MARK} {MARK}, 1)",
    f'subject : {MARK}" OR body:"a', f"{{subject body}} : {MARK}", f"({MARK} AND NOT", f"%{MARK}_",
    f"{MARK}\ud800", f"{MARK}${{x}}{{{{7*7}}}}",
)  # fmt: skip
MATCH = re.compile(r"MATCH \?(\d+)")
#: Of FTS5's language nothing but this may stand around quoted words.
FTS = re.compile(r"(?:[\s()*,0-9]|AND|OR|NOT|NEAR|(?:\"[^\"]*\"))*")
STAR = {"addLabelIds": ["STARRED"]}


class Traced:
    """The API with what it says to SQLite: `texts`, and marked values that are searched by (`fts`)."""

    def __init__(self, loop):
        self.loop = loop
        self.texts, self.fts = set(), set()

    def watch(self, connection):
        connection.exec_trace = self.note

    def note(self, _cursor, text, values):
        self.texts.add(text)
        marked = {value for value in values or () if isinstance(value, str) and MARK in value}
        self.fts |= {values[int(number) - 1] for number in MATCH.findall(text)} & marked
        return True

    def ask(self, verb, path, body=None, *, who=PEOPLE[0], **query):
        text = urlencode(query, doseq=True, errors="replace")
        octets = b"" if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"content-type": "application/json"}
        target = f"/{path}?{text}"
        call = ask_app(self.served.api, verb, target, token=who, body=octets, headers=headers)
        reply = self.loop.run(call)
        assert reply.status < 500, (verb, target, body, self.served.facts[-1].error)
        return reply

    def mine(self, verb, path, body=None, **query):
        return self.ask(verb, f"gmail/v1/users/me/{path}", body, **query)


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    with asyncio.Runner() as loop:
        traced = Traced(loop)
        apsw.connection_hooks.append(traced.watch)
        try:
            folder = tmp_path_factory.mktemp("words")
            with serve_api(folder, authenticator=Tokens) as traced.served:
                before = schemas_of(folder)
                yield traced
                assert schemas_of(folder) == before
                assert not list(folder.rglob(f"*{MARK}*"))
        finally:
            apsw.connection_hooks.remove(traced.watch)


@pytest.fixture(autouse=True)
def _nothing_sent_is_part_of_a_statement(traced):
    before = rows_of_bob(traced)
    yield
    assert not [text for text in traced.texts if MARK in text.lower()]
    assert not [value for value in traced.fts if not FTS.fullmatch(value)]
    assert rows_of_bob(traced) == before
    traced.texts.clear()


def schemas_of(folder):
    found = {}
    for path in sorted(folder.rglob("*.db")):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            found[path.name] = db.execute("SELECT name, sql FROM sqlite_schema").fetchall()
    return found


def rows_of_bob(traced):
    stores, bob = traced.served.stores, traced.served.accounts[1]
    with stores.mailboxes.open_reader(bob.id) as reader:
        return reader.get_version(), stores.directory.find_account(bob.address)


def texts_of(struct, depth=3):
    """Yield the way to each text a body may hold: names of members, the last one a text's."""
    for member in list_members(struct):
        kind = member.kind
        if kind.schema and depth:
            yield from ((member, *rest) for rest in texts_of(kind.schema, depth - 1))
        elif kind.json_type == "string" and not kind.values and kind.format is None:
            yield (member,)


def put(body, way, word):
    first, *rest = way
    inner = put({}, rest, word) if rest else word
    return body | {first.name: [inner] if first.kind.repeated else inner}


def message(subject="plain", name="X-Plain"):
    head = f"From: a@x.example\r\nTo: {PEOPLE[0]}\r\nSubject: {subject}\r\n{name}: {subject}\r\n"
    octets = f"{head}\r\nhello".encode("utf-8", "replace")
    return {"raw": base64.urlsafe_b64encode(octets).decode()}


@pytest.fixture(scope="module")
def ids(traced):
    """What there is to be named in a path, by the resource it belongs to."""
    sent = traced.mine("POST", "messages", message()).json
    label = traced.mine("POST", "labels", {"name": "one"}).json
    rule = {"criteria": {"from": "nobody"}, "action": STAR}
    return {
        "messages": sent["id"],
        "threads": sent["threadId"],
        "labels": label["id"],
        "drafts": traced.mine("POST", "drafts", {"message": message()}).json["id"],
        "filters": traced.mine("POST", "settings/filters", rule).json["id"],
    }


def requests_of(method, ids, word):
    """Yield requests with the word in one text each, and what is needed beside it."""
    given = next((found for kind, found in ids.items() if f".{kind}." in method.id), "1")
    for name in (*method.path_names, ""):
        path = method.path
        for other in method.path_names:
            plain = "me" if other == "userId" else given
            value = word.encode("utf-8", "replace").decode() if other == name else plain
            path = path.replace(f"{{{other}}}", quote(value, safe=""))
        yield path, {}, {}
    for member in list_members(method.params):
        if member.name not in method.path_names:
            yield path, {member.name: word}, {}
    for way in texts_of(method.request) if method.request else ():
        base = {"name": "two"} if ".labels." in method.id else {}
        base |= {"action": STAR} if ".filters." in method.id else {}
        yield path, {}, put(base, way, word)


@pytest.mark.parametrize("method", REGISTRY, ids=lambda method: method.id)
def test_no_text_of_a_request_is_part_of_a_statement(traced, ids, method):
    """Every third word goes into the first text, every third but one into the next, and so on."""
    for turn, word in enumerate(WORDS):
        for path, query, body in list(requests_of(method, ids, word))[turn % 3 :: 3]:
            has_body = method.request is not None
            traced.ask(method.verb, path, body if has_body else None, **query)


@pytest.mark.parametrize("word", WORDS)
def test_what_is_kept_comes_back_as_it_was(traced, word):
    kept = []
    label = traced.mine("POST", "labels", {"name": word})
    if label.status == 200:
        kept.append((traced.mine("GET", f"labels/{label.json['id']}").json["name"], word))
        traced.mine("DELETE", f"labels/{label.json['id']}")
    criteria = {
        "from": word,
        "to": word,
        "subject": word,
        "query": word,
        "negatedQuery": "x" + word,
    }
    rule = traced.mine("POST", "settings/filters", {"criteria": criteria, "action": STAR})
    if rule.status == 200:
        shown = traced.mine("GET", f"settings/filters/{rule.json['id']}").json["criteria"]
        kept.append((shown, criteria))
        traced.mine("DELETE", f"settings/filters/{rule.json['id']}")
    away = {"enableAutoReply": True, "responseSubject": word, "responseBodyPlainText": word}
    if traced.mine("PUT", "settings/vacation", away).status == 200:
        shown = traced.mine("GET", "settings/vacation").json
        kept.append((shown, away))
    own = f"settings/sendAs/{PEOPLE[0]}"
    if traced.mine("PATCH", own, {"displayName": word}).status == 200:
        kept.append((traced.mine("GET", own).json["displayName"], word))
    assert kept or "\x00" in word or "\ud800" in word
    assert all(shown == given for shown, given in kept), kept


@pytest.mark.parametrize("word", WORDS)
def test_a_search_finds_what_has_the_word_and_nothing_else(traced, word):
    plain = traced.mine("POST", "messages", message("other")).json["id"]
    marked = traced.mine("POST", "messages", message(f"see {MARK} here")).json["id"]
    for form in ("{}", "subject:({})", 'subject:"{}"', "label:{}", "rfc822msgid:{}"):
        q = form.format(word)
        for kind in ("messages", "threads", "drafts"):
            reply = traced.mine("GET", kind, q=q.encode("utf-8", "replace").decode())
            assert reply.status in (200, 400)
            found = {one["id"] for one in reply.json.get(kind, ())}
            assert plain not in found
    assert marked in {one["id"] for one in traced.mine("GET", "messages", q=MARK).json["messages"]}
    assert f'"{MARK}"' in traced.fts  # statements are seen, and what is bound to them


@pytest.mark.parametrize(
    "q",
    [
        '"abc', "*", "^", "-6", "nosuchcol: x", "{s b}: x", "NEAR(", "\x00", "AND", "OR", "NOT", "\U0001f600",
        "\U0002070e", "\u202eabc", "from:(a OR)", 'subject:"', '""*', "w*", "a NEAR/2 b", "+", "rowid:1",
        *("(" * n + "a" + ")" * n for n in (20, 100, 10_000)), *("NOT (" * n + "a" for n in (34, 2_000)),
        *(word.join(f"w{n}" for n in range(10_000)) for word in (" ", " OR ", " -")),
        '"' + "w " * 10_000 + '"',
    ],
    ids=lambda q: f"{q[:12]!a} {len(q)}",
)  # fmt: skip
def test_a_search_in_any_form_is_answered(traced, q):
    for kind in ("messages", "threads", "drafts"):
        assert traced.mine("GET", kind, q=q).status in (200, 400)
        assert traced.mine("GET", kind, q=f"{MARK} {q}").status in (200, 400)


def test_a_header_field_may_be_called_like_a_statement(traced):
    name = "X-'OR'1'='1'--zq7x"
    made = traced.mine("POST", "messages", message("'; DROP TABLE message; --", name)).json["id"]
    shown = traced.mine("GET", f"messages/{made}", format="metadata", metadataHeaders=[name])
    assert shown.json["payload"]["headers"] == [
        {"name": name, "value": "'; DROP TABLE message; --"}
    ]


@pytest.mark.parametrize("word", WORDS)
def test_who_comes_with_such_a_name_is_nobody(traced, word):
    directory = traced.served.stores.directory
    word = word.encode("utf-8", "replace").decode()
    assert directory.find_credential(word) is None
    for user in (word, f'"{word}"@penfold.test', f"{word}@penfold.test"):
        assert directory.find_account(user) is None
        assert directory.list_targets(user) == []
        assert directory.find_app_login(user, word) is None
