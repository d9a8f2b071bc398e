"""What every store of uploads must do, in memory and in a folder."""

import pytest

from penfold.base.errors import ConflictError, NotFoundError, UnavailableError
from penfold.base.limits import UPLOAD_DAYS_MS, UPLOADS_MAX
from penfold.ports.uploads import Upload
from penfold.store.blobs.local import LocalBlobs
from penfold.store.uploads import FolderUploads
from penfold.testing.mailbox import Blobs
from penfold.testing.uploads import MemoryUploads

ACCOUNT = "m" + "1" * 20
MAIL = b"Subject: x\r\n\r\n" + b"Hello\r\n" * 50_000


def make_upload(**facts):
    return Upload(
        **{
            "method_id": "gmail.users.messages.insert",
            "values": ("me",),
            "pairs": (("fields", "id"),),
            "metadata": b"{}",
            "total": 7,
            "created_ms": 1_000,
            "account_id": ACCOUNT,
            "owner_id": ACCOUNT,
            "client_id": "app",
            "project": "1",
            "service": False,
        }
        | facts
    )


@pytest.fixture(params=["memory", "folder"])
def uploads(request, tmp_path):
    if request.param == "memory":
        return MemoryUploads(Blobs())
    return FolderUploads(tmp_path / "uploads", tmp_path / "blobs")


def write(uploads, name, data):
    spool = uploads.open(name)
    spool.write(data)
    spool.sync()
    spool.close()


def test_an_upload_is_found_as_it_began_until_it_is_a_week_old(uploads):
    upload = make_upload()
    name = uploads.start(upload)
    assert uploads.find(name, now_ms=1_000) == upload
    assert uploads.find(name, now_ms=1_000 + UPLOAD_DAYS_MS) is None


@pytest.mark.parametrize("name", ["", "x", "../../etc/passwd", f"{ACCOUNT}-{'A' * 22}"])
def test_what_never_began_is_not_there(uploads, name):
    assert uploads.find(name, now_ms=0) is None
    assert uploads.find_answer(name) is None
    with pytest.raises(NotFoundError):
        uploads.open(name)


def test_octets_are_appended_over_several_holders(uploads):
    name = uploads.start(make_upload())
    write(uploads, name, b"one")
    write(uploads, name, b"two")
    spool = uploads.open(name)
    assert (spool.size, spool.read()) == (6, b"onetwo")
    spool.close()


def test_names_differ_and_uploads_know_nothing_of_each_other(uploads):
    first, second = uploads.start(make_upload()), uploads.start(make_upload())
    write(uploads, first, b"x")
    spool = uploads.open(second)
    assert spool.size == 0
    spool.close()


def test_an_answer_takes_the_place_of_the_octets(uploads):
    name = uploads.start(make_upload())
    write(uploads, name, b"x")
    assert uploads.find_answer(name) is None
    uploads.finish(name, b'{"id": "1"}')
    assert uploads.find_answer(name) == b'{"id": "1"}'
    assert uploads.find(name, now_ms=0) is not None
    with pytest.raises(NotFoundError):
        uploads.open(name)


def test_what_is_cancelled_is_gone(uploads):
    name = uploads.start(make_upload())
    uploads.cancel(name)
    uploads.cancel(name)
    assert uploads.find(name, now_ms=0) is None


def test_an_account_has_so_many_and_another_has_its_own(uploads):
    names = [uploads.start(make_upload()) for _ in range(UPLOADS_MAX)]
    with pytest.raises(ConflictError):
        uploads.start(make_upload())
    uploads.start(make_upload(account_id="m" + "2" * 20))
    uploads.cancel(names[0])
    uploads.start(make_upload())


def test_a_spool_without_a_name_keeps_what_it_is_given(uploads):
    spool = uploads.spool()
    spool.write(b"one")
    spool.write(b"two")
    assert (spool.size, spool.read()) == (6, b"onetwo")
    spool.close()
    spool.close()


def test_a_large_message_is_read_elsewhere(uploads):
    named = uploads.open(uploads.start(make_upload()))
    for spool in (named, uploads.spool()):
        spool.write(MAIL)
        digest = spool.digest()
        assert digest.raw.size == len(MAIL)
        assert digest.summary.subject == "x"
        assert digest.root.mime_type == "text/plain"
        spool.close()


# --- the folder alone


@pytest.fixture
def folder(tmp_path):
    return FolderUploads(tmp_path / "uploads", tmp_path / "blobs")


def test_a_digest_leaves_the_octets_among_the_blobs(folder, tmp_path):
    spool = folder.spool()
    spool.write(MAIL)
    digest = spool.digest()
    spool.close()
    assert LocalBlobs(tmp_path / "blobs").get(digest.raw.sha256) == MAIL


def test_names_are_not_seen_in_the_folder(folder, tmp_path):
    name = folder.start(make_upload())
    secret = name.partition("-")[2]
    assert not any(secret in str(path) for path in (tmp_path / "uploads").rglob("*"))


def test_another_process_goes_on_where_the_first_was(folder, tmp_path):
    name = folder.start(make_upload())
    write(folder, name, b"one")
    other = FolderUploads(tmp_path / "uploads", tmp_path / "blobs")
    write(other, name, b"two")
    spool = folder.open(name)
    assert spool.read() == b"onetwo"
    spool.close()


def test_an_upload_has_one_holder_at_a_time(tmp_path):
    folder = FolderUploads(tmp_path / "uploads", tmp_path / "blobs", wait_s=0.0)
    name = folder.start(make_upload())
    held = folder.open(name)
    with pytest.raises(UnavailableError):
        folder.open(name)
    held.close()
    folder.open(name).close()


def test_what_nobody_finished_is_swept_after_a_week(folder, tmp_path):
    name = folder.start(make_upload())
    now_ms = int((tmp_path / "uploads" / ACCOUNT).stat().st_mtime * 1000)
    assert folder.sweep(now_ms=now_ms) == 0
    assert folder.sweep(now_ms=now_ms + UPLOAD_DAYS_MS + 60_000) == 1
    assert folder.find(name, now_ms=0) is None
    assert [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()] == []
