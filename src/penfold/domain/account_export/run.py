"""Write everything that is kept of an account to a folder; the manifest comes last.

Each file is of its own moment: the server goes on meanwhile. What is left out, and why, is in
`docs/data-protection.md`; `EXPORTED` and `LEFT_OUT` name each kind of record.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from penfold.domain.access.identity import Identity
from penfold.domain.account_export.access import Access
from penfold.domain.account_export.audited import iter_audited
from penfold.domain.account_export.sending import (
    iter_emails,
    iter_events,
    iter_suppressions,
    make_sending,
)
from penfold.domain.account_export.sent import iter_complaints, iter_entries, iter_queued
from penfold.domain.account_export.settings import make_account, make_labels
from penfold.domain.mailbox.exporting import Exported, Exporter
from penfold.ports import identity, settings
from penfold.ports.audit import Event
from penfold.ports.directory import Account
from penfold.ports.mailbox import Mailboxes
from penfold.ports.moving import Folder
from penfold.ports.pubsub import PubsubBook, format_time
from penfold.ports.queue import Queue
from penfold.ports.reports import ReportBook
from penfold.ports.sending.book import SendingBook
from penfold.spec import schemas
from penfold.spec.account_export import (
    ACCESS_NAME,
    ACCOUNT_NAME,
    AUDIT_NAME,
    COMPLAINTS_NAME,
    EMAILS_NAME,
    EVENTS_NAME,
    FORMAT,
    LABELS_NAME,
    MAIL_NAME,
    MANIFEST_NAME,
    QUEUE_MAIL_NAME,
    QUEUE_NAME,
    SENDING_NAME,
    SUPPRESSIONS_NAME,
    FileEntry,
    Manifest,
)

#: Kinds of record an account has that are in the files, as far as they are no secret.
EXPORTED: Final[frozenset[type[Struct]]] = frozenset(
    {
        identity.Alias, identity.AppPassword, identity.Grant, identity.Passkey, identity.Password,
        identity.ProviderLogin, identity.RecoveryCode, identity.Role, identity.Session,
        identity.Totp,
        schemas.AutoForwarding, schemas.CseIdentity, schemas.Filter, schemas.ForwardingAddress,
        schemas.ImapSettings, schemas.LanguageSettings, schemas.PopSettings,
        schemas.VacationSettings, settings.Confirmation, settings.DelegateRecord,
        settings.DelegatorNote, settings.KeyPairRecord, settings.SenderRecord,
        settings.SmimeRecord, settings.VacationAnswer,
    }
)  # fmt: skip
#: Kinds of record that are not, and why.
LEFT_OUT: Final[dict[type[Struct], str]] = {
    identity.AccessToken: "an hour's key of a grant, which is exported",
    identity.Code: "a minute's key of a grant to come",
    identity.HalfSignIn: "a sign-in of the last ten minutes that was not finished",
    settings.ConfirmationsSent: "a counter for a limit, of a day",
    settings.ImportMark: "where an import goes on that was cut off",
}

_encode: Final = msgspec.json.Encoder().encode
T = TypeVar("T")


class Unfinished(Exception):  # noqa: N818 - not an error: somebody asked to stop
    """The export was asked to end before its end."""


@dataclass(frozen=True, slots=True)
class AccountExporter:
    """Writes one account to one folder."""

    identity: Identity
    mailboxes: Mailboxes
    queue: Queue
    pubsub: PubsubBook
    reports: ReportBook
    sending: SendingBook
    exporter: Exporter
    now_ms: Callable[[], int]

    def run(
        self,
        account: Account,
        folder: Folder,
        *,
        tell: Callable[[Exported], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Manifest | None:
        """Write all files and return the manifest; None when `stop` said to end before."""
        started = format_time(self.now_ms())
        event = Event("export", "account", account_id=account.id)
        self.identity.book.change(lambda writer: writer.note(event))
        counts: dict[str, dict[str, int]] = {}
        counts[ACCOUNT_NAME] = self._write_account(account, folder)
        counts[LABELS_NAME] = self._write_labels(account, folder)
        counts[ACCESS_NAME] = self._write_access(account, folder)
        entries = iter_audited(self.identity.book, account)
        counts[AUDIT_NAME] = _write_list(folder, AUDIT_NAME, "entries", entries)
        complaints = iter_complaints(self.reports, account)
        counts[COMPLAINTS_NAME] = _write_list(folder, COMPLAINTS_NAME, "complaints", complaints)
        counts |= self._write_sending(account, folder)
        damaged: list[str] = []
        try:
            counts |= self._write_queue(account, folder, damaged, stop)
            exported = self._write_mail(account, folder, tell, stop)
        except Unfinished:
            return None
        counts[MAIL_NAME] = {"messages": exported.messages, "drafts": exported.drafts}
        manifest = Manifest(
            format=FORMAT,
            address=account.address,
            started=started,
            finished=format_time(self.now_ms()),
            files=[
                FileEntry(
                    name=each.name, size=each.size, sha256=each.sha256, counts=counts[each.name]
                )
                for each in folder.list_written()
            ],
            damaged=[*exported.damaged, *damaged],
        )
        _write(folder, MANIFEST_NAME, manifest)
        return manifest

    def _write_account(self, account: Account, folder: Folder) -> dict[str, int]:
        document = make_account(account, self.identity.book, self.mailboxes)
        _write(folder, ACCOUNT_NAME, document)
        return _count_lists(document)

    def _write_labels(self, account: Account, folder: Folder) -> dict[str, int]:
        with self.mailboxes.open_reader(account.id) as box:
            document = make_labels(box)
        _write(folder, LABELS_NAME, document)
        return _count_lists(document)

    def _write_access(self, account: Account, folder: Folder) -> dict[str, int]:
        document = Access(self.identity, self.pubsub).make(account)
        _write(folder, ACCESS_NAME, document)
        return _count_lists(document)

    def _write_sending(self, account: Account, folder: Folder) -> dict[str, dict[str, int]]:
        document = make_sending(self.sending, account)
        _write(folder, SENDING_NAME, document)
        lists: dict[str, tuple[str, Iterator[Struct]]] = {
            EMAILS_NAME: ("emails", iter_emails(self.sending, account)),
            EVENTS_NAME: ("events", iter_events(self.sending, account)),
            SUPPRESSIONS_NAME: ("suppressions", iter_suppressions(self.sending, account)),
        }
        counts = {name: _write_list(folder, name, *values) for name, values in lists.items()}
        return {SENDING_NAME: _count_lists(document)} | counts

    def _write_queue(
        self, account: Account, folder: Folder, damaged: list[str], stop: Callable[[], bool]
    ) -> dict[str, dict[str, int]]:
        rows = _until(iter_queued(self.queue, account), stop)
        counted = _write_list(folder, QUEUE_NAME, "messages", rows)
        count = 0
        with closing(folder.open(QUEUE_MAIL_NAME)) as sink:
            for entry in _until(iter_entries(self.queue, account, damaged), stop):
                sink.write(entry)
                count += 1
            sink.finish()
        return {QUEUE_NAME: counted, QUEUE_MAIL_NAME: {"messages": count}}

    def _write_mail(
        self,
        account: Account,
        folder: Folder,
        tell: Callable[[Exported], None],
        stop: Callable[[], bool],
    ) -> Exported:
        with closing(folder.open(MAIL_NAME)) as sink:
            exported = self.exporter.run(
                account, sink, include_spam_trash=True, tell=tell, stop=stop
            )
            if not exported.finished:
                raise Unfinished
            sink.finish()
        return exported


def _until(values: Iterable[T], stop: Callable[[], bool]) -> Iterator[T]:
    for value in values:
        if stop():
            raise Unfinished
        yield value


def _write(folder: Folder, name: str, document: Struct) -> None:
    with closing(folder.open(name)) as sink:
        sink.write(msgspec.json.format(_encode(document), indent=2) + b"\n")
        sink.finish()


def _write_list(folder: Folder, name: str, member: str, values: Iterable[Struct]) -> dict[str, int]:
    """Write `{"member": […]}` value by value, as there may be many; return how many there are."""
    count = 0
    with closing(folder.open(name)) as sink:
        sink.write(b'{"%b": [' % member.encode())
        for value in values:
            sink.write((b",\n" if count else b"\n") + _encode(value))
            count += 1
        sink.write(b"\n]}\n")
        sink.finish()
    return {member: count}


def _count_lists(document: Struct) -> dict[str, int]:
    """Return how many elements each list of a document has, by its name in the file."""
    names = zip(document.__struct_fields__, document.__struct_encode_fields__, strict=True)
    values = {wire: getattr(document, name) for name, wire in names}
    return {wire: len(value) for wire, value in values.items() if isinstance(value, list)}
