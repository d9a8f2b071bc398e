"""Messages for tests of a store: made by hand, or read by the MIME scanner from octets."""

from penfold.ports.mailbox import NewMessage
from penfold.proto.mime.model import Address, Part, Summary
from penfold.proto.mime.summary import read_message

MAILBOX = "m0123456789abcdef0123"
NOW_MS = 1_790_000_000_000


def make_message(
    number,
    *,
    thread=None,
    labels=(),
    raw=None,
    subject="Quarter report",
    body="some words to find",
    message_id=None,
    has_attachment=False,
    snippet=None,
):
    """Return a NewMessage with this id; its thread is its own unless one is named."""
    name = f"{number}@sender.example" if message_id is None else message_id
    text = (
        raw
        if raw is not None
        else f"Message-ID: <{name}>\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()
    )
    head = text.find(b"\r\n\r\n") + 4
    return NewMessage(
        id=number,
        thread_id=number if thread is None else thread,
        internal_ms=NOW_MS + number,
        labels=frozenset(labels),
        raw=text,
        root=Part(
            mime_type="text/plain",
            filename="",
            headers=(("Message-ID", f"<{name}>"), ("Subject", subject)),
            start=head,
            end=len(text),
            encoding="",
            charset="utf-8",
            size=len(text) - head,
            attachment=False,
            nested=False,
            parts=(),
        ),
        summary=Summary(
            date_ms=NOW_MS,
            message_id=name,
            references=(),
            subject=subject,
            subject_key=subject.casefold(),
            sender=(Address("Ann Example", "ann@sender.example"),),
            to=(Address("", "alice@penfold.test"),),
            cc=(),
            bcc=(),
            snippet=body[:200] if snippet is None else snippet,
            body=body,
            filenames=("report.pdf",) if has_attachment else (),
            has_attachment=has_attachment,
            list_id="",
            delivered_to=(),
        ),
    )


def read_new_message(number, raw, *, labels=(), thread=None):
    """Return a NewMessage as the product would make it of these octets."""
    root, summary = read_message(raw)
    thread_id = number if thread is None else thread
    return NewMessage(number, thread_id, NOW_MS + number, frozenset(labels), raw, root, summary)
