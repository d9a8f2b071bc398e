"""Paths come from our own ids, and a damaged mailbox is remembered on disk."""

import pytest
from tests.contract.mail import MAILBOX

from penfold.base.errors import MailboxDamagedError, NotFoundError, UnavailableError
from penfold.store.sqlite.layout import (
    Quarantine,
    check_file_system,
    iter_mailbox_ids,
    mailbox_path,
    marker_path,
)


def test_path_is_spread_over_two_levels(tmp_path):
    path = mailbox_path(tmp_path, MAILBOX)
    assert path == tmp_path / "mailboxes" / "01" / "23" / f"{MAILBOX}.db"


@pytest.mark.parametrize(
    "name",
    ["", "m", "m" + "0" * 19, "m" + "0" * 21, "M" + "0" * 20, "m" + "A" * 20, "m../../../../etc/passwd",
     "m" + "0" * 20 + "\n", "m" + "0" * 19 + "/", "m" + "0" * 19 + "é"],
    ids=repr,
)  # fmt: skip
def test_anything_else_has_no_path(tmp_path, name):
    with pytest.raises(NotFoundError):
        mailbox_path(tmp_path, name)


def test_only_mailboxes_in_their_place_are_listed(tmp_path):
    for name in (MAILBOX, "m" + "f" * 20):
        path = mailbox_path(tmp_path, name)
        path.parent.mkdir(parents=True)
        for beside in ("", "-wal", ".damaged", ".77-1.partial"):
            path.with_name(path.name + beside).write_bytes(b"")
    mailbox_path(tmp_path, MAILBOX).with_name("m" + "e" * 20 + ".db").write_bytes(b"")
    assert list(iter_mailbox_ids(tmp_path)) == [MAILBOX, "m" + "f" * 20]


@pytest.mark.parametrize(
    ("mounts", "refused"),
    [
        ("disk / ext4 rw 0 0\n", False),
        ("disk / ext4 rw 0 0\nserver:/x {root} nfs4 rw 0 0\n", True),
        ("server:/x / nfs rw 0 0\ndisk {root} xfs rw 0 0\n", False),
        ("disk / ext4 rw 0 0\nx {root}/data fuse.sshfs rw 0 0\n", True),
        ("disk / ext4 rw 0 0\nx {root}/other cifs rw 0 0\n", False),
    ],
    ids=["local", "nfs", "local-below-nfs", "sshfs-itself", "cifs-beside"],
)
def test_network_file_systems_are_refused(tmp_path, mounts, refused):
    table = tmp_path / "mounts"
    table.write_text(mounts.format(root=tmp_path.resolve()))
    data = tmp_path / "data"
    data.mkdir()
    if not refused:
        check_file_system(data, mounts=table)
        return
    with pytest.raises(UnavailableError, match="network"):
        check_file_system(data, mounts=table)


def test_system_without_a_mount_table_is_accepted(tmp_path):
    check_file_system(tmp_path, mounts=tmp_path / "none")


def test_quarantine_is_in_a_file_beside_the_mailbox(tmp_path):
    mailbox_path(tmp_path, MAILBOX).parent.mkdir(parents=True)
    first = Quarantine(tmp_path)
    first.check(MAILBOX)
    first.add(MAILBOX, "CorruptError: malformed")
    assert b"malformed" in marker_path(tmp_path, MAILBOX).read_bytes()
    for each in (first, Quarantine(tmp_path)):
        with pytest.raises(MailboxDamagedError):
            each.check(MAILBOX)
    marker_path(tmp_path, MAILBOX).unlink()
    Quarantine(tmp_path).check(MAILBOX)


def test_quarantine_holds_even_when_it_cannot_be_written_down(tmp_path):
    quarantine = Quarantine(tmp_path)
    with pytest.raises(FileNotFoundError):
        quarantine.add(MAILBOX, "x")
    with pytest.raises(MailboxDamagedError):
        quarantine.check(MAILBOX)
