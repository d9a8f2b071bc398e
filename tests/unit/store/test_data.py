"""verify finds what is wrong and names it, reindex mends what is derived, backups come back."""

import hashlib
import json
import os

import apsw
import pytest
from tests.contract.mail import MAILBOX, NOW_MS, read_new_message
from tests.contract.mailbox_contract import Box

from penfold.base.errors import ConflictError, MailboxDamagedError, NotFoundError
from penfold.base.labels import INBOX, SPAM, STARRED, UNREAD
from penfold.base.limits import INLINE_RAW_MAX_BYTES
from penfold.ports.mailbox import Change, Extraction, LabelRow, Query
from penfold.proto.mime.summary import read_message
from penfold.proto.search.parse import parse_query
from penfold.store.backup import MANIFEST, backup_data, restore_data
from penfold.store.blobs.local import LocalBlobs
from penfold.store.data import ORPHAN_GRACE_MS, reindex_data, sweep_blobs, verify_data
from penfold.store.sqlite.layout import mailbox_path, marker_path
from penfold.testing.mail import MailGenerator

USER_LABEL = LabelRow(0, "Work", "show", "labelShow", "", "", 0, 0, 0, 0)
BIG = b"Subject: big\r\n\r\n" + b"0123456789abcdef\r\n" * (INLINE_RAW_MAX_BYTES // 16)


@pytest.fixture
def full(box):
    """A mailbox with 16 generated messages, one of them large, some deleted, some moved."""

    def fill(writer):
        for number, raw in enumerate(MailGenerator(7).messages(16), start=1):
            thread = number - number % 3 or None
            writer.add_message(read_new_message(number, raw, thread=thread, labels=[INBOX, UNREAD]))
            writer.add_history(Change.MESSAGE_ADDED, (), now_ms=NOW_MS)

    box.change(fill)
    box.change(lambda writer: writer.add_message(read_new_message(99, BIG, labels=[INBOX, UNREAD])))
    for number in (3, 5, 8):
        box.delete(number)
    for number in (10, 11):
        box.set_labels(number, INBOX, STARRED)
    box.set_labels(12, SPAM)
    label = box.change(lambda writer: writer.add_label(USER_LABEL, key="work"))
    box.set_labels(13, INBOX, label.number)
    box.change(lambda writer: writer.put_draft(5, 13))
    return box


@pytest.fixture
def say():
    lines = []

    def add(line):
        lines.append(line)

    add.lines = lines
    return add


@pytest.fixture
def edit(full, data):
    """Return a function that changes the closed mailbox file behind the store's back."""
    full.mailboxes.close()

    def run(*statements):
        connection = apsw.Connection(str(mailbox_path(data, MAILBOX)))
        for statement in statements:
            connection.execute(statement).fetchall()
        connection.close()

    return run


def test_whole_mailbox_has_no_findings(full, data, say):
    assert verify_data(data, say)
    assert say.lines == ["1 mailboxes looked at: all are whole"]


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        (
            "UPDATE content SET raw = zeroblob(40) WHERE id = 7",
            "message 7: stored message does not",
        ),
        ("UPDATE content SET parsed = x'00' WHERE id = 7", "message 7: stored part tree does not"),
        ("UPDATE content SET sha256 = zeroblob(32) WHERE id = 7", "message 7: octets differ"),
        ("DELETE FROM content WHERE id = 7", "message 7: no such message"),
        ("UPDATE message SET size = 1 WHERE id = 7", "message 7: size is"),
        ("DELETE FROM message WHERE id = 7", "message 7: has octets but no row"),
        ("DELETE FROM posting WHERE message_id = 7 AND label = 0", "message 7: not listed"),
        ("INSERT INTO posting VALUES (99, 7, 6)", "postings where"),
        ("UPDATE message SET labels = '3' WHERE id = 7", "postings where"),
        ("UPDATE label SET threads_unread = 0 WHERE number = 3", "label 3: counters are"),
        ("UPDATE mailbox SET threads = 1", "totals are"),
        ("UPDATE mailbox SET history_id = 1", "history id 1"),
        ("DELETE FROM words WHERE rowid = 7", "message 7: is not in the index"),
        ("INSERT INTO words (rowid, body) VALUES (500, 'x')", "message 1f4: is in the index only"),
        (
            "INSERT OR REPLACE INTO words (rowid, body) VALUES (7, 'other')",
            "the index is not what the messages say",
        ),
        ("INSERT INTO draft VALUES (9, 500)", "draft r9: its message 1f4"),
    ],
    ids=lambda value: value[:40],
)
def test_damage_is_named(edit, data, say, statement, finding):
    edit(statement)
    assert not verify_data(data, say)
    assert any(line.startswith(f"{MAILBOX}: {finding}") or finding in line for line in say.lines)


@pytest.mark.parametrize(
    "ruin",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: os.truncate(path, path.stat().st_size // 2),
    ],
    ids=["missing", "empty", "cut"],
)
def test_damaged_large_message_is_named_and_never_served(full, data, say, ruin):
    [path] = (data / "blobs").glob("??/*")
    ruin(path)
    assert not verify_data(data, say)
    assert any(f"{MAILBOX}: message 63: " in line for line in say.lines)
    with pytest.raises(MailboxDamagedError):
        full.look(lambda reader: reader.get_raw(99))
    assert full.look(lambda reader: reader.get_raw(7))


def test_overwritten_file_is_reported_not_replaced(edit, data, say):
    path = mailbox_path(data, MAILBOX)
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])
    assert not verify_data(data, say)
    assert path.stat().st_size > 4096


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO words (words) VALUES ('delete-all')",
        "DELETE FROM posting WHERE label = 3",
        "UPDATE label SET messages_total = 7, threads_total = 9",
        "UPDATE content SET parsed = x'00'",
        "UPDATE message SET subject_key = 1, message_id = 1, snippet = ''",
        "UPDATE mailbox SET messages = 0, threads = 0",
    ],
    ids=lambda value: value[:40],
)
def test_reindex_mends_what_is_derived(edit, data, say, open_mailboxes, statement):
    again = Box(open_mailboxes(), MAILBOX)
    before = snapshot(again)
    again.mailboxes.close()
    edit(statement)
    assert reindex_data(data, say)
    assert verify_data(data, say)
    assert snapshot(Box(open_mailboxes(), MAILBOX)) == before


WITH_FILE = b"Subject: s\r\nContent-Type: text/plain; name=a.txt\r\n\r\nx\r\n"


@pytest.fixture
def attached(full):
    """The mailbox with one more message, whose attachment's text is in the index."""
    message = read_new_message(50, WITH_FILE, labels=[INBOX])

    def index(writer):
        writer.add_message(message)
        writer.index_attached(50, message.summary, "wombat inside")
        writer.delete_extraction(50)

    full.change(index)
    return full


def find(box, query):
    return box.list(tree=parse_query(query, now_ms=0))


def test_text_of_attachments_is_no_damage(attached, data, say):
    assert find(attached, "wombat") == [50]
    assert verify_data(data, say), say.lines


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO words (rowid, subject) VALUES (50000, 'zebra')",
        "DELETE FROM words WHERE rowid = 1",
    ],
)
def test_damage_of_the_index_is_found_beside_text_of_attachments(
    attached, edit, data, say, statement
):
    edit(statement)
    assert not verify_data(data, say)


def test_reindex_has_attachments_read_anew_even_those_given_up(attached, data, say):
    attached.change(lambda box: box.put_extraction(Extraction(50, tries=3, problem="encrypted")))
    assert reindex_data(data, say)
    assert find(attached, "wombat") == []
    assert Extraction(50) in attached.look(lambda box: box.list_extractions(limit=99))
    assert verify_data(data, say), say.lines


def test_reindex_names_a_message_it_cannot_read(edit, data, say):
    edit("UPDATE content SET raw = x'00' WHERE id = 7")
    assert not reindex_data(data, say)
    assert f"{MAILBOX}: message 7: stored message does not unpack" in say.lines


def snapshot(box):
    """Everything a client can see."""

    def look(reader):
        numbers = reader.list_messages(Query(limit=500, hidden=True))
        return (
            reader.get_totals(),
            reader.list_labels(),
            [reader.find_message(number) for number, _ in numbers],
            [reader.get_structure(number) for number, _ in numbers],
            [reader.get_raw(number) for number, _ in numbers],
            reader.list_threads(Query(limit=500)),
            [reader.find_by_subject(summary.subject_key) for summary in SUMMARIES],
            reader.find_draft(5),
            list(reader.iter_history(0)),
        )

    return box.look(look)


SUMMARIES = [read_message(raw)[1] for raw in MailGenerator(7).messages(16)]


def test_verify_ends_a_quarantine_of_a_whole_mailbox(full, data, say):
    marker_path(data, MAILBOX).write_bytes(b"{}\n")
    assert verify_data(data, say)
    assert not marker_path(data, MAILBOX).exists()
    assert f"{MAILBOX}: is whole again and back in use" in say.lines


def test_verify_keeps_a_damaged_mailbox_in_quarantine(edit, data, say):
    edit("UPDATE mailbox SET messages = 0")
    marker_path(data, MAILBOX).write_bytes(b"{}\n")
    assert not verify_data(data, say)
    assert marker_path(data, MAILBOX).exists()


# --- backup


def test_backup_beside_a_running_store_comes_back_whole(full, data, say, tmp_path, open_mailboxes):
    (data / "credentials").mkdir()
    (data / "credentials" / "alice.json").write_text("{}")
    (data / "run").mkdir()
    (data / "run" / "counters").write_text("x")
    before = snapshot(full)
    assert backup_data(data, tmp_path / "copy", say, made_ms=NOW_MS)
    full.add(777)  # after the backup
    assert restore_data(tmp_path / "copy", tmp_path / "restored", say)
    restored = tmp_path / "restored"
    assert (restored / "credentials" / "alice.json").read_text() == "{}"
    assert not (restored / "run").exists()
    assert verify_data(restored, say)
    data.rename(tmp_path / "old")
    restored.rename(data)
    assert snapshot(Box(open_mailboxes(), MAILBOX)) == before


def test_nothing_is_restored_over_something(full, data, say, tmp_path):
    backup_data(data, tmp_path / "copy", say, made_ms=NOW_MS)
    with pytest.raises(ConflictError):
        restore_data(tmp_path / "copy", data, say)
    with pytest.raises(ConflictError):
        backup_data(data, tmp_path / "copy", say, made_ms=NOW_MS)


def test_unfinished_backup_is_refused(full, data, say, tmp_path):
    backup_data(data, tmp_path / "copy", say, made_ms=NOW_MS)
    (tmp_path / "copy" / MANIFEST).unlink()
    with pytest.raises(NotFoundError):
        restore_data(tmp_path / "copy", tmp_path / "restored", say)


def test_changed_file_of_a_backup_is_named(full, data, say, tmp_path):
    backup_data(data, tmp_path / "copy", say, made_ms=NOW_MS)
    [blob] = (tmp_path / "copy" / "blobs").glob("??/*")
    blob.write_bytes(b"other")
    assert not restore_data(tmp_path / "copy", tmp_path / "restored", say)
    assert any("differs from the manifest" in line for line in say.lines)


@pytest.mark.parametrize("place", ["../outside", "blobs/../../outside", "{absolute}/outside"])
def test_a_backup_cannot_name_places_outside_the_data_directory(full, data, say, tmp_path, place):
    backup_data(data, tmp_path / "copy", say, made_ms=NOW_MS)
    name = place.format(absolute=tmp_path)
    manifest = json.loads((tmp_path / "copy" / MANIFEST).read_bytes())
    manifest["files"][name] = {"size": 1, "sha256": hashlib.sha256(b"x").hexdigest()}
    (tmp_path / "copy" / MANIFEST).write_text(json.dumps(manifest))
    (tmp_path / "outside").write_bytes(b"mine")
    assert not restore_data(tmp_path / "copy", tmp_path / "restored", say)
    assert (tmp_path / "outside").read_bytes() == b"mine"
    assert f"{name}: names a place outside the data directory" in say.lines


def test_damaged_mailbox_is_named_and_the_rest_is_backed_up(edit, data, say, tmp_path):
    path = mailbox_path(data, "m" + "f" * 20)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\0" * 8192)
    assert not backup_data(data, tmp_path / "copy", say, made_ms=NOW_MS)
    assert any(path.name in line and "not copied" in line for line in say.lines)
    assert mailbox_path(tmp_path / "copy", MAILBOX).exists()
    assert not restore_data(tmp_path / "copy", tmp_path / "restored", say)


# --- sweep


def test_sweep_removes_only_old_large_messages_without_a_row(full, data):
    blobs = LocalBlobs(data / "blobs")
    blobs.put(b"\1" * 32, b"orphan")
    later = data.stat().st_mtime_ns // 1_000_000 + ORPHAN_GRACE_MS
    assert sweep_blobs(data, blobs, now_ms=later - ORPHAN_GRACE_MS // 2) == 0
    assert sweep_blobs(data, blobs, now_ms=later + 60_000) == 1
    assert full.look(lambda reader: reader.get_raw(99)) == BIG
    with pytest.raises(NotFoundError):
        blobs.get(b"\1" * 32)


def test_octets_two_people_have_stay_while_one_of_them_does(full, data):
    blobs, other = LocalBlobs(data / "blobs"), Box(full.mailboxes, "m" + "b" * 20)
    other.mailboxes.create(other.id)
    other.change(lambda writer: writer.add_message(read_new_message(7, BIG, labels=[INBOX])))
    assert len(set(blobs.iter_hashes())) == len(list((data / "blobs").glob("??/*.zst")))
    later = data.stat().st_mtime_ns // 1_000_000 + ORPHAN_GRACE_MS + 60_000
    full.delete(99)
    assert sweep_blobs(data, blobs, now_ms=later) == 0
    assert other.look(lambda reader: reader.get_raw(7)) == BIG
    other.delete(7)
    assert sweep_blobs(data, blobs, now_ms=later) == 1


def test_sweep_spares_what_was_written_again_meanwhile(data):
    blobs = LocalBlobs(data / "blobs")
    blobs.put(b"\1" * 32, b"orphan")
    written = next((data / "blobs").glob("??/*")).stat().st_mtime_ns // 1_000_000
    assert not blobs.remove_older(b"\1" * 32, written)
    assert blobs.remove_older(b"\1" * 32, written + 1)
    assert blobs.remove_older(b"\1" * 32, written + 1)


def test_sweep_drops_files_a_killed_write_left(data):
    blobs = LocalBlobs(data / "blobs")
    blobs.put(b"\1" * 32, b"kept")
    [path] = (data / "blobs").glob("??/*")
    staged = path.with_name(path.name + "#1")
    staged.write_bytes(b"half")
    written = staged.stat().st_mtime_ns // 1_000_000
    assert list(blobs.iter_older(written + 1000)) == [b"\1" * 32]
    assert not staged.exists()
    assert list(blobs.iter_hashes()) == [b"\1" * 32]


def test_sweep_removes_nothing_while_a_mailbox_cannot_be_read(full, data):
    blobs = LocalBlobs(data / "blobs")
    blobs.put(b"\1" * 32, b"orphan")
    path = mailbox_path(data, "m" + "f" * 20)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\0" * 8192)
    with pytest.raises(apsw.NotADBError):
        sweep_blobs(data, blobs, now_ms=2**50)
    assert blobs.get(b"\1" * 32) == b"orphan"
