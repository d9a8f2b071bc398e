"""Read a table of messages and searches (tests/corpus/search.toml says how it is written)."""

import tomllib
from datetime import datetime
from email.utils import getaddresses
from pathlib import Path
from typing import Any

from msgspec import Struct

from penfold.base.ids import make_message_id
from penfold.base.labels import FIRST_USER_LABEL, find_label_number
from penfold.proto.mime.model import Address, Summary
from penfold.proto.search.document import Document, make_document
from penfold.proto.search.tree import label_key
from penfold.testing.queries import Mail

_USUAL: dict[str, Any] = {
    "from": "someone@else.example",
    "to": "me@penfold.test",
    "subject": "",
    "body": "",
    "size": 2_000,
    "id": "",
}


class SearchTable(Struct, frozen=True):
    """queries: (q, numbers of the messages it finds). mail: by number."""

    now_ms: int
    me: tuple[str, ...]
    user_labels: dict[str, int]
    mail: dict[int, Mail]
    queries: list[tuple[str, list[int]]]


def load_search_table(path: Path) -> SearchTable:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    labels: dict[str, int] = {}
    mail = {row["n"]: _make_mail({**_USUAL, **row}, labels) for row in table["message"]}
    everything = [n for n in sorted(mail, reverse=True) if mail[n].labels.isdisjoint({5, 7})]
    return SearchTable(
        now_ms=_epoch_ms(table["now"]),
        me=tuple(table["me"]),
        user_labels=labels,
        mail=mail,
        queries=[
            (row["q"], everything if row["finds"] == "everything" else row["finds"])
            for row in table["query"]
        ],
    )


def make_mail_document(mail: Mail) -> Document:
    return make_document(mail.summary, labels=mail.labels, indexed_ms=mail.id >> 20, size=mail.size)


def _make_mail(row: dict[str, Any], labels: dict[str, int]) -> Mail:
    message_id = make_message_id(_epoch_ms(row["at"]), row["n"])
    return Mail(
        id=message_id,
        thread_id=message_id,
        summary=_make_summary(row),
        labels=frozenset(_number(name, labels) for name in row.get("labels", [])),
        size=row["size"],
    )


def _make_summary(row: dict[str, Any]) -> Summary:
    files = tuple(row.get("files", ()))
    return Summary(
        date_ms=None,
        message_id=row["id"],
        references=(),
        subject=row["subject"],
        subject_key="",
        sender=_addresses(row["from"]),
        to=_addresses(row["to"]),
        cc=_addresses(row.get("cc", "")),
        bcc=_addresses(row.get("bcc", "")),
        snippet="",
        body=row["body"],
        filenames=files,
        has_attachment=row.get("attachment", bool(files)),
        list_id=row.get("list", ""),
        delivered_to=tuple(row.get("delivered", ())),
    )


def _addresses(text: str) -> tuple[Address, ...]:
    return tuple(Address(name, address) for name, address in getaddresses([text]) if address)


def _number(name: str, labels: dict[str, int]) -> int:
    if number := find_label_number(name):
        return number
    return labels.setdefault(label_key(name), FIRST_USER_LABEL + len(labels))


def _epoch_ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)
