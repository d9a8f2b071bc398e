"""Read the mailbox and the searches of this folder (mailbox.toml and queries.toml say how they are
written), and make real messages and a real mailbox of them.
"""

import tomllib
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from msgspec import Struct

from penfold.base.ids import make_message_id
from penfold.base.labels import SPAM, TRASH, find_label_number
from penfold.ports.mailbox import LabelRow, NewMessage
from penfold.proto.mime.summary import read_message
from penfold.proto.search.tree import label_key

HERE = Path(__file__).parent
MAILBOX = "m0123456789abcdef0123"
#: When the messages begin that say no time.
FIRST = datetime(2019, 1, 1, 12, tzinfo=UTC)


class Mail(Struct, frozen=True):
    """A message of the table. row: what the table says of it. number: the how-manieth it is."""

    name: str
    group: str
    number: int
    at: datetime
    row: dict
    raw: bytes

    @property
    def ms(self):
        return int(self.at.timestamp() * 1_000)

    @property
    def id(self):
        return make_message_id(self.ms, self.number)

    @property
    def label_names(self):
        return self.row.get("labels", [])


class Rule(Struct, frozen=True):
    """What it says, and by each query that shows it the names found, newest first."""

    says: str
    asks: dict[str, list[str]]


class Table(Struct, frozen=True):
    """mail: by name, oldest first."""

    now_ms: int
    me: tuple[str, ...]
    mail: dict[str, Mail]
    rules: list[Rule]

    def thread_of(self, name):
        return self.mail[self.mail[name].row.get("thread", name)].id

    def labels_of(self, name, numbers):
        """Return label numbers; numbers: those of the user's labels, by label_key."""
        return frozenset(
            find_label_number(label) or numbers[label_key(label)]
            for label in self.mail[name].label_names
        )

    @property
    def user_labels(self):
        names = {label for mail in self.mail.values() for label in mail.label_names}
        return sorted(name for name in names if not find_label_number(name))


def load_table(*names):
    """Return the table of these files: mailboxes and queries, in any order."""
    files = [tomllib.loads((HERE / name).read_text(encoding="utf-8")) for name in names]
    mail = {}
    for file in files:
        for each in _list_mail(file, len(mail)):
            assert each.name not in mail, f"two are called {each.name}"
            mail[each.name] = each
    times = [each.at for each in mail.values()]
    assert len(set(times)) == len(times), "two messages have one time, so no order"
    rules = [rule for file in files for rule in file.get("rule", [])]
    queries = [q for rule in rules for q, _ in rule["asks"]]
    assert len(set(queries)) == len(queries), "a query stands twice"
    return Table(
        now_ms=int(files[0]["now"].timestamp() * 1_000),
        me=tuple(files[0]["me"]),
        mail=dict(sorted(mail.items(), key=lambda pair: pair[1].at)),
        rules=[
            Rule(rule["says"], {q: _resolve(finds, mail) for q, finds in rule["asks"]})
            for rule in rules
        ],
    )


def _list_mail(file, start):
    at = FIRST + timedelta(days=start)
    number = start
    for group, rows in file.get("group", {}).items():
        for row in rows:
            at = at + timedelta(days=1)
            number += 1
            yield _make_mail(row, group, number, row.get("at", at))
    for group, facts in file.get("family", {}).items():
        for n in range(1, facts["count"] + 1):
            number += 1
            step = timedelta(hours=facts["step_h"])
            row = {key: _fill(value, n) for key, value in facts.items()}
            yield _make_mail(
                {"h": f"{group}-{n}", **row}, group, number, facts["at"] + (n - 1) * step
            )


def _fill(value, n):
    if isinstance(value, list):
        return [_fill(each, n) for each in value]
    return value.replace("{n}", str(n)) if isinstance(value, str) else value


def _make_mail(row, group, number, at):
    return Mail(row["h"], group, number, at, row, make_raw(row, at))


def make_raw(row, at):
    """Return the octets of a message."""
    message = EmailMessage(policy=SMTP)
    for name, key, usual in (
        ("Delivered-To", "delivered", []),
        ("From", "from", "someone@else.example"),
        ("To", "to", "me@penfold.test"),
        ("Cc", "cc", ""),
        ("Bcc", "bcc", ""),
        ("Subject", "subject", ""),
        ("List-Id", "list", ""),
    ):
        value = row.get(key, usual)
        for each in value if isinstance(value, list) else [value] if value else []:
            message[name] = each
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{row.get('id', row['h'] + '@table.example')}>"
    if "body" in row or "html" not in row:
        message.set_content(row.get("body", ""), charset=row.get("charset", "utf-8"))
        if "html" in row:
            message.add_alternative(row["html"], subtype="html")
    else:
        message.set_content(row["html"], subtype="html", charset=row.get("charset", "utf-8"))
    for name in row.get("files", ()):
        message.add_attachment(b"\0", maintype="application", subtype="octet-stream", filename=name)
    return _fill_up(message.as_bytes(), row.get("size", 0))


def _fill_up(raw, size):
    """Return the message with lines of dots, which are no words, up to its size."""
    missing = max(0, size - len(raw))
    lines, rest = divmod(missing, 78)
    return raw + (b"." * 76 + b"\r\n") * lines + b"." * rest


def _resolve(finds, mail):
    """Return the names that a row's second member means, newest first."""
    found = set()
    for word in finds.split():
        names = _resolve_word(word.removeprefix("-"), mail)
        assert names, f"nothing is called {word}"
        assert not word.startswith("-") or names & found, f"{word} takes nothing away"
        found = found - names if word.startswith("-") else found | names
    return sorted(found, key=lambda name: mail[name].at, reverse=True)


def _resolve_word(word, mail):
    if word == "@shown":
        return {name for name, each in mail.items() if not {"SPAM", "TRASH"} & {*each.label_names}}
    if word.startswith("@"):
        return {name for name, each in mail.items() if each.group == word[1:]}
    return {word} & mail.keys()


def fill_mailbox(box, table):
    """Put the table's labels and messages into an empty mailbox; return label numbers by key."""
    numbers = {}
    for name in table.user_labels:
        row = LabelRow(0, name, "show", "labelShow", "", "", 0, 0, 0, 0)
        key = label_key(name)
        numbers[key] = box.add_label(row, key=key).number
    for name, mail in table.mail.items():
        labels = table.labels_of(name, numbers)
        root, summary = read_message(mail.raw)
        box.add_message(
            NewMessage(mail.id, table.thread_of(name), mail.ms, labels, mail.raw, root, summary)
        )
        if "DRAFT" in mail.label_names:
            box.put_draft(mail.number, mail.id)
    return numbers


def is_hidden(labels):
    return bool(labels & {SPAM, TRASH})
