"""What the sending API keeps of an account: who may call, what was sent, who gets no mail."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from penfold.base.limits import EXPORT_STEP, SENDING_RECORDS_MAX
from penfold.domain.sending.content import unpack_content
from penfold.domain.sending.keys import Shown
from penfold.domain.sending.showing import show_email, show_event, show_key, show_suppression
from penfold.domain.sending.webhook_showing import show_webhook
from penfold.ports.directory import Account
from penfold.ports.sending import records
from penfold.ports.sending.book import SendingBook, SendingReader
from penfold.ports.sending.emails import Email
from penfold.ports.sending.events import Event
from penfold.ports.sending.suppressions import Suppression
from penfold.spec.account_export import SendingDocument, SentEmail
from penfold.spec.sending import schemas

#: Kinds of record of the sending API that are in the files, as far as they are no secret.
SENDING_EXPORTED: Final[frozenset[type[Struct]]] = frozenset({records.ApiKey, records.Webhook})
#: Kinds of record that are not, and why.
SENDING_LEFT_OUT: Final[dict[type[Struct], str]] = {
    records.ApiSecret: "secret; its last four characters and its use are shown with its key",
    records.SendingDomain: "the API answers it, and the DNS shows it",
    records.Stream: "a rule for mail of a kind; the emails name theirs",
    records.Template: "text of an application that the API answers; what was made of it is there",
    records.TemplateBody: "as its template",
    records.TemplatePart: "as its template",
    records.TemplateVersion: "as its template",
}

_encode: Final = msgspec.json.Encoder().encode
N = TypeVar("N", Email, Event, Suppression)


def make_sending(book: SendingBook, account: Account) -> SendingDocument:
    """Return keys and webhooks as the API answers them, without secrets."""

    def look(reader: SendingReader) -> SendingDocument:
        most = SENDING_RECORDS_MAX
        secrets = reader.list_records(records.ApiSecret, account.id, limit=most)
        return SendingDocument(
            keys=[
                show_key(Shown(key, tuple(one for one in secrets if one.key_id == key.id)))
                for key in reader.list_records(records.ApiKey, account.id, limit=most)
            ],
            webhooks=[
                show_webhook(each)
                for each in reader.list_records(records.Webhook, account.id, limit=most)
            ],
        )

    return book.read(look)


def iter_emails(book: SendingBook, account: Account) -> Iterator[SentEmail]:
    """Yield the emails, the newest first, with recipients and what they hold while it is kept."""

    def page(reader: SendingReader, older: int | None) -> list[Email]:
        return reader.list_emails(account.id, older=older, limit=EXPORT_STEP)

    return (book.read(_shower(email)) for email in _walk(book, page))


def _shower(email: Email) -> Callable[[SendingReader], SentEmail]:
    def show(reader: SendingReader) -> SentEmail:
        packed = reader.find_content(email.number)
        content = unpack_content(packed) if packed is not None else None
        rest = replace(content, html=None, text=None) if content else None
        recipients = reader.list_recipients(email.number)
        return SentEmail(
            email=show_email(email, content=content, recipients=recipients),
            content=Raw(_encode(rest)) if rest else None,
        )

    return show


def iter_events(book: SendingBook, account: Account) -> Iterator[schemas.Event]:
    """Yield what happened to them, the newest first."""

    def page(reader: SendingReader, older: int | None) -> list[Event]:
        return reader.list_events(account.id, older=older, limit=EXPORT_STEP)

    return map(show_event, _walk(book, page))


def iter_suppressions(book: SendingBook, account: Account) -> Iterator[schemas.Suppression]:
    """Yield the addresses that get no mail of the account, the newest first."""

    def page(reader: SendingReader, older: int | None) -> list[Suppression]:
        return reader.list_suppressions(account.id, older=older, limit=EXPORT_STEP)

    return map(show_suppression, _walk(book, page))


def _walk(book: SendingBook, page: Callable[[SendingReader, int | None], list[N]]) -> Iterator[N]:
    """Yield what pages hold, each page of a moment of its own."""
    found = book.read(lambda reader: page(reader, None))
    while found:
        yield from found
        found = book.read(_behind(page, found[-1].number))


def _behind(
    page: Callable[[SendingReader, int | None], list[N]], number: int
) -> Callable[[SendingReader], list[N]]:
    return lambda reader: page(reader, number)
