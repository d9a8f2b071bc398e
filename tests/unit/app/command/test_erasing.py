"""Erasing an account: its words are in no file of the data directory, those of others still are."""

import contextlib
import os
import random
from functools import partial

import pytest
import zstandard

from penfold.app.command.erasing import erase_account, erase_removed, find_erasure
from penfold.app.datadir import open_data_dir
from penfold.app.mail.reports import REPORTS_NAME
from penfold.app.master_key import bind_master_key
from penfold.app.stores import known_schema, make_identity, open_stores
from penfold.base.clock import FixedClock
from penfold.base.errors import NotFoundError
from penfold.base.labels import INBOX, SENT
from penfold.base.limits import ERASE_AFTER_MS, INLINE_RAW_MAX_BYTES
from penfold.domain.mailbox.changes import delete_messages
from penfold.domain.mailbox.messages import add_letter, read_letter
from penfold.ports.identity import Alias, Removed
from penfold.ports.pubsub import Subscription, Topic, Watch
from penfold.ports.queue import Attempt, NewQueueRow, QueueState
from penfold.ports.reports import Report, ReportKind
from penfold.ports.settings import VacationAnswer
from penfold.ports.uploads import Upload
from penfold.spec.key_source import DEFAULT_SOURCE
from penfold.store.data import verify_data
from penfold.store.sqlite.reports import SqliteReports

KIM, LEE = "kimcanary@penfold.test", "leefriend@penfold.test"
#: Words of the account that is erased, one for each place; nothing else may have them.
WORDS = ("qzsubject", "qzbody", "qzattachment", "qzlarge", "qzdeleted", "qzsent", "qzqueued",
         "qztranscript", "qzupload", "qzvacation", "qzcomplaint", "kimcanary")  # fmt: skip
TOPIC, SUBSCRIPTION = "projects/p/topics/t", "projects/p/subscriptions/s"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def mail(subject, body, *, sender="news@elsewhere.test", filler=b""):
    return f"From: {sender}\r\nSubject: {subject}\r\n\r\n{body} hello\r\n".encode() + filler


def attached(word):
    return (
        f"Subject: with a file\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n"
        f"--b\r\nContent-Disposition: attachment; filename={word}.txt\r\n\r\n{word}\r\n--b--\r\n"
    ).encode()


def large(word):
    noise = random.Random(word).randbytes(INLINE_RAW_MAX_BYTES).hex()
    return mail(word, word, filler=(noise + "\r\n").encode())


class Home:
    """A data directory with two accounts that have something everywhere."""

    def __init__(self, data):
        self.data = data
        self.lines = []
        self.clock = FixedClock()
        self.chance = random.Random(3)
        os.close(open_data_dir(data))
        self.stores = self.open()
        bind_master_key(DEFAULT_SOURCE, data, self.stores.directory)
        accounts = make_identity(self.stores).accounts
        accounts.add_domain("penfold.test")
        self.kim, self.lee = accounts.add(KIM, name="Kimcanary"), accounts.add(LEE)
        alias = Alias("a", "kimcanary-too@penfold.test", "penfold.test", self.kim.id, 0)
        self.stores.directory.change(lambda writer: writer.add(alias))
        self._fill_mailboxes()
        self._fill_queue()
        self._fill_others()
        self.stores.close()

    def open(self):
        create = () if (self.data / "directory.db").exists() else known_schema()
        return open_stores(self.data, clock=self.clock, fatal=pytest.fail, create=create)

    def add(self, account, raw, *labels):
        def change(box):
            return add_letter(
                box,
                read_letter(raw),
                labels=frozenset(labels),
                thread_id=None,
                internal_ms=self.clock.now_ms(),
                now_ms=self.clock.now_ms(),
                chance=self.chance,
            )

        return self.stores.mailboxes.change(account.id, change)

    def _fill_mailboxes(self):
        for raw in (
            mail("qzsubject", "qzbody"), attached("qzattachment"), large("qzlarge"),
            large("shared"),
        ):  # fmt: skip
            self.add(self.kim, raw, INBOX)
        self.add(self.kim, mail("qzsent", "x", sender=KIM), SENT)
        gone = self.add(self.kim, mail("qzdeleted", "qzdeleted"), INBOX)
        delete = partial(delete_messages, rows=[gone], now_ms=self.clock.now_ms())
        self.stores.mailboxes.change(self.kim.id, delete)
        answer = VacationAnswer("qzvacation@elsewhere.test", 0)
        self.stores.mailboxes.change(
            self.kim.id, lambda box: box.put_setting(answer, answer.sender)
        )
        self.add(self.lee, large("shared"), INBOX)
        self.add(self.lee, mail("yours", "leesown"), INBOX)

    def _fill_queue(self):
        queue = self.stores.queue
        for number in range(40):  # enough to have pages split and rows moved
            for account, word in ((self.kim, "qzqueued"), (self.lee, "leequeued")):
                new = NewQueueRow(
                    account.id, number, account.address, f"x{number}@elsewhere.test", word,
                    mail(word, word, sender=account.address), self.clock.now_ms(),
                )  # fmt: skip
                [row] = queue.add([new], state=QueueState.QUEUED)
                said = word.replace("queued", "transcript")
                state = QueueState.SENT if number % 2 else QueueState.QUEUED
                queue.add_attempt(row, Attempt(0, "451 later", f"S: {said} " * 30), state=state)

    def _fill_others(self):
        pubsub = self.stores.pubsub
        pubsub.add_topic(Topic(TOPIC))
        pubsub.add_subscription(Subscription(SUBSCRIPTION, TOPIC))
        for account in (self.kim, self.lee):
            watch = Watch(account.id, "p", account.address, TOPIC, (), False, 1, 0, 9**12)
            data = f'{{"emailAddress":"{account.address}","historyId":1}}'.encode()
            pubsub.put_watch(watch, data, now_ms=0)
            upload = Upload("x", ("me",), (), b"{}", 7, 1_000, account.id, account.id, "a", "1", False)  # fmt: skip
            spool = self.stores.uploads.open(self.stores.uploads.start(upload))
            spool.write(b"qzupload" if account is self.kim else b"leeupload")
            spool.close()
        reports = SqliteReports(self.data / REPORTS_NAME)
        for address, word in (
            (f"Kimcanary+qztag@{KIM.partition('@')[2]}", "qzcomplaint"), (LEE, "leecomplaint"),
        ):  # fmt: skip
            about = (("From", f"<{address}>"), ("Subject", word))
            report = Report(
                kind=ReportKind.COMPLAINT, reporter="r", domain="d", report_id=word, about=about
            )
            reports.add(report, sender="elsewhere.test", now_ms=self.clock.now_ms())
        reports.close()

    def erase(self, address=KIM):
        return erase_account(self.data, address, self.lines.append)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "data")


def readable(path):
    """Return what can be read in a file, packed or not, wherever in it that begins."""
    octets = path.read_bytes()
    found = [octets]
    at = octets.find(ZSTD_MAGIC)
    while at >= 0:
        try:
            unpacker = zstandard.ZstdDecompressor().decompressobj()
            found.append(unpacker.decompress(octets[at:]))
        except zstandard.ZstdError:
            pass
        at = octets.find(ZSTD_MAGIC, at + 1)
    return b"\n".join(found).lower()


def places_of(data, words):
    """Return which of the words can be read where, in names of files too."""
    found = set()
    for path in data.rglob("*"):
        name = path.relative_to(data).as_posix()
        text = (readable(path) if path.is_file() else b"") + name.lower().encode()
        found |= {(word, name) for word in words if word.encode() in text}
    return found


def test_nothing_of_an_erased_account_is_readable_in_any_file(home):
    before = places_of(home.data, WORDS)
    assert {word for word, _ in before} == set(WORDS), "the test would see each of them"
    assert len({name for _, name in before}) >= 6
    home.erase()
    assert places_of(home.data, WORDS) == set()


def test_the_report_says_what_went_and_names_the_account_by_its_id_alone(home):
    erasure = home.erase()
    assert (erasure.messages, erasure.queue, erasure.notices) == (5, 40, 3)
    assert (erasure.blobs, erasure.kept) == (1, 1)
    assert erasure.files >= 3
    assert find_erasure(home.data, home.kim.id) == erasure
    assert home.lines == []


def test_what_others_have_stays(home):
    words = ("leesown", "leequeued", "leetranscript", "leeupload", "leecomplaint", "leefriend")
    assert {word for word, _ in places_of(home.data, words)} == set(words)
    home.erase()
    assert {word for word, _ in places_of(home.data, words)} == set(words)
    assert verify_data(home.data, home.lines.append), home.lines
    stores = home.open()
    try:
        assert stores.queue.count_by_state()[QueueState.QUEUED] == 20
        assert stores.queue.count_waiting() == {"elsewhere.test": 20}
        assert [watch.mailbox for watch in stores.pubsub.list_watches()] == [home.lee.id]
        assert stores.directory.find_account(KIM) is None
        assert stores.directory.list_by(Removed) == []
    finally:
        stores.close()


def test_a_complaint_about_an_address_that_ends_or_begins_alike_stays(home):
    others = (f"a{KIM}", f"{KIM}.example", f"a.{KIM}", KIM.replace("@", "-2@"))
    with contextlib.closing(SqliteReports(home.data / REPORTS_NAME)) as reports:
        for other in others:
            report = Report(
                kind=ReportKind.COMPLAINT, reporter="r", domain="d", report_id=other,
                about=(("From", f"Somebody <{other}>"),),
            )  # fmt: skip
            reports.add(report, sender="elsewhere.test", now_ms=home.clock.now_ms())
    home.erase()
    with contextlib.closing(SqliteReports(home.data / REPORTS_NAME)) as reports:
        left = {each.report.report_id for each in reports.list_reports()}
    assert left == {*others, "leecomplaint"}


def test_an_account_that_was_removed_before_can_still_be_erased(home):
    stores = home.open()
    make_identity(stores).accounts.remove(KIM)
    stores.close()
    assert home.erase().messages == 5
    assert places_of(home.data, WORDS) == set()
    with pytest.raises(NotFoundError):
        home.erase()


def test_cut_off_after_the_files_went_the_next_round_ends_it(home):
    stores = home.open()
    accounts = make_identity(stores).accounts
    accounts.remove(KIM)
    [gone] = stores.directory.list_by(Removed)
    stores.directory.change(lambda writer: writer.replace(Removed(gone.former, "", 0)))
    erase_removed(home.data, stores.directory, gone, now_ms=ERASE_AFTER_MS)
    assert stores.directory.list_by(Removed) == []
    again = erase_removed(home.data, stores.directory, gone, now_ms=ERASE_AFTER_MS)
    stores.close()
    assert again.erased_ms == ERASE_AFTER_MS
    assert "qzbody" not in {word for word, _ in places_of(home.data, WORDS)}


def test_beside_a_server_a_large_message_stored_a_moment_ago_stays_for_the_sweep(home):
    lock = open_data_dir(home.data)
    stores = home.open()
    try:
        make_identity(stores).accounts.remove(KIM)
        [gone] = stores.directory.list_by(Removed)
        erasure = erase_removed(home.data, stores.directory, gone, now_ms=home.clock.now_ms())
        assert (erasure.blobs, erasure.kept) == (0, 2)
    finally:
        stores.close()
        os.close(lock)


def test_a_mailbox_that_cannot_be_read_keeps_every_large_message(home):
    [path] = home.data.glob(f"mailboxes/*/*/{home.lee.id}.db")
    path.write_bytes(b"not a database" * 1_000)
    assert home.erase().kept == 2
    assert len(list(home.data.glob("blobs/*/*.zst"))) == 2
