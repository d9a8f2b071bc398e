"""Break calls of the sending API: each makes emails, or a refusal that names what is wrong.

python tests/fuzz/fuzz_sending.py --seconds 10 [--seed N]
"""

import base64
import contextlib
import json
import re
import time

from looping import mutate_often, run

from penfold.domain.sending.caller import Caller
from penfold.domain.sending.checking import check_email
from penfold.domain.sending.checking_raw import check_raw
from penfold.domain.sending.content import unpack_content
from penfold.domain.sending.findings import Findings
from penfold.domain.sending.template_use import Shelf
from penfold.front.http.sending.reading import read_json
from penfold.ports.sending.records import ApiKey, Stream, Template, TemplateVersion
from penfold.spec.sending.problems import SendingError
from penfold.spec.sending.schemas import SendEmail, SendRaw
from penfold.testing.sending.book import MemorySending

BOOK = MemorySending()
SCHEMA = {
    "type": "object", "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 9},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
    },
}  # fmt: skip
BOOK.change(
    lambda writer: [
        writer.add(Template("t", "a", "bill", "Bill", 0, published=1, latest=1)),
        writer.add(TemplateVersion("t:1", "a", "t", 1, 0, schema=SCHEMA)),
    ]
)
NOW = 1_790_000_000_000
CALLER = Caller(
    ApiKey("k", "a", "fuzz", 0, domains=("penfold.test",)),
    lambda domain: domain == "penfold.test",
    lambda name: Stream("s", "a", name, 0) if name == "transactional" else None,
    Shelf(BOOK, "a"),
)
RAW = b"From: Shop <shop@penfold.test>\r\nTo: kim@x.example\r\nSubject: Hi\r\n\r\nHello\r\n"
SEEDS = [
    json.dumps(
        {
            "from": "Shop <shop@penfold.test>", "to": ["kim@x.example"], "cc": "lee@x.example",
            "reply_to": "Help <help@x.example>", "subject": "Hi", "html": "<b>x</b>", "text": "x",
            "headers": {"X-Order": "7"}, "tags": [{"name": "a", "value": "b"}],
            "metadata": {"order": "7"}, "scheduled_at": "in 10 min",
            "attachments": [{"filename": "a.txt", "content": "aGk=", "content_id": "logo"}],
        }
    ).encode(),
    json.dumps(
        {"from": "shop@penfold.test", "recipients": [{"email": "k@x.example"}], "subject": "x",
         "text": "y"}
    ).encode(),
    json.dumps(
        {"from": "shop@penfold.test", "to": "kim@x.example", "template": {"alias": "bill", "version": 1},
         "variables": {"name": "Kim", "lines": [{"n": 7}]}}
    ).encode(),
    json.dumps(
        {"from": "shop@penfold.test", "template": {"id": "t", "variables": {"name": "You"}},
         "recipients": [{"email": "k@x.example", "variables": {"name": "K"}}, {"email": "l@x.example"}]}
    ).encode(),
    json.dumps({"raw": base64.urlsafe_b64encode(RAW).decode()}).encode(),
]  # fmt: skip
PIECES = [
    b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\r\\n", b"\\u0000", b"\\ud800", b"\xff", b"null", b"1e999", b"9" * 30,
    b"[" * 60, b"<", b">", b"@", b"Bcc: x@y.example", b"a" * 2_000, b"..", b"/", b"=?utf-8?q?=0A?=", b"true",
]  # fmt: skip
#: What must be in nothing that becomes a header.
LINE_END = re.compile("[\r\n]")
SLOWEST_S = 0.5


def mutate(rng, data):
    at = rng.randrange(len(data) + 1)
    match rng.randrange(3):
        case 0:
            return data[:at] + rng.choice(PIECES) + data[at:]
        case 1:
            return data[:at] + data[at + rng.randrange(1, 10) :]
        case _:
            return data[:at] + rng.randbytes(1) + data[at + 1 :]


def make_case(rng):
    return mutate_often(rng, SEEDS, mutate)[:100_000]


def try_case(data):
    started = time.process_time()
    for kind, check in ((SendEmail, check_email), (SendRaw, check_raw)):
        findings = Findings()
        with contextlib.suppress(SendingError):
            drafts = check(read_json(data, kind), CALLER, findings, now_ms=NOW)
            assert bool(drafts) != bool(findings)
            for draft in drafts:
                look(draft)
    assert time.process_time() - started < SLOWEST_S, "too slow"


def look(draft):
    email, content = draft.new.email, unpack_content(draft.new.content)
    assert draft.domain == "penfold.test"
    assert 1 <= len(draft.new.addresses) <= 50
    written = [email.sender, email.subject, *email.to, *email.cc, *email.reply_to]
    written += [text for pair in content.headers.items() for text in pair]
    written += [
        text for one in content.files for text in (one.filename, one.content_type, one.content_id)
    ]
    assert not [text for text in written if LINE_END.search(text)]


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
