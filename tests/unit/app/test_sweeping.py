"""Which mailboxes changed, by their files."""

import os

from penfold.app.sweeping import iter_changed, load_mark
from penfold.store.sqlite.layout import mailbox_path

BOX = "m00000000000000000001"
OLD, NEW = 1_000, 2_000


def touch(path, *, at_s):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (at_s, at_s))
    return path


def test_a_mailbox_changed_when_its_file_or_its_log_did(tmp_path):
    path = touch(mailbox_path(tmp_path, BOX), at_s=OLD)
    assert list(iter_changed(tmp_path, NEW * 1000)) == []
    assert list(iter_changed(tmp_path, OLD * 1000)) == [BOX]
    touch(path.with_name(path.name + "-wal"), at_s=NEW)
    assert list(iter_changed(tmp_path, NEW * 1000)) == [BOX]


def test_without_a_mark_everything_counts_as_changed(tmp_path):
    assert load_mark(tmp_path / "mark") == 0
    (tmp_path / "mark").write_text("17\n")
    assert load_mark(tmp_path / "mark") == 17
    (tmp_path / "mark").write_text("junk")
    assert load_mark(tmp_path / "mark") == 0
