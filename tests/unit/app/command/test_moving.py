"""`penfold import` and `penfold export` on files of every kind, in this process."""

import contextlib
import gzip
import io
import json
import os
import re
import shlex
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.moving import (
    ALICE,
    BOB,
    DATE_MS,
    mail_of,
    make_data,
    raws_of,
    write_mbox,
)

from penfold.app.command.commands import run_command
from penfold.proto.mbox import format_entry
from penfold.testing.mail import MailGenerator

ROOT = Path(__file__).parents[4]
PLAIN = b"Message-ID: <plain@x.example>\r\nDate: Thu, 21 Mar 2019 12:44:28 +0000\r\nSubject: x\r\n\r\ntext\r\n"
ODD = [
    b"Subject: no end of line\r\n\r\ntext",
    b"Subject: bare LF\n\ntext\n\n\n",
    b"Subject: bare CR\r\n\r\na\rb\r\r\n",
    b"Subject: quoted\n\nFrom here\n>From there\n>>From nowhere\n\nFrom a@b Thu Mar 21 12:44:28 2019\nX: y\n",
    b"Subject: eight bits\r\n\r\n\xff\xfe caf\xe9 \x00 nul\r\n",
    b"X-GM-THRID: 4\r\nX-Gmail-Labels: Trash\r\nSubject: from an export\r\n\r\n\r\n",
    b"X-Penfold-Message: date=1; octets=3\nSubject: forged\n\nabc\n",
    b"Content-Length: 4\r\nStatus: O\r\nSubject: length\r\n\r\nlonger than told\r\n",
    b"From a@b Thu Mar 21 12:44:28 2019\nSubject: begins with a postmark\n\n",
    b"no header at all",
]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("fresh") / "data")


@pytest.fixture
def data(fresh, tmp_path):
    shutil.copytree(fresh, tmp_path / "data")
    return tmp_path / "data"


class Result:
    """What a command printed, as octets."""

    def __init__(self, stdout, stderr):
        self.stdout = stdout
        self.stderr = stderr


def penfold(data, *arguments, code=0):
    out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        ended = run_command([*map(str, arguments), "--data", str(data)])
    result = Result(out.buffer.getvalue(), err.buffer.getvalue())
    assert ended == code, result.stderr.decode() + result.stdout.decode()
    return result


def summary(data, *arguments, code=0):
    return json.loads(penfold(data, "import", *arguments, "--json", code=code).stdout)


def verify(data):
    assert b"all are whole" in penfold(data, "data", "verify").stdout


def test_everything_comes_back_through_an_export(data, tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    for number, raw in enumerate([*ODD, *MailGenerator(3).messages(60)]):
        (folder / f"{number:03}.eml").write_bytes(raw)
        os.utime(folder / f"{number:03}.eml", (number, number))
    labels = ("Work/2024", 'Say "hi", you', "Größe", "Opened", "inbox/2")
    flags = [argument for name in labels for argument in ("--label", name)]
    labelled = [*flags, "--label", "Inbox", "--label", "Unread"]
    penfold(data, "import", ALICE, folder, "--format", "eml", *labelled)
    drafts = write_mbox(tmp_path / "d.mbox", [PLAIN], b"X-Gmail-Labels: Drafts,Starred\n")
    spam = write_mbox(tmp_path / "s.mbox", [PLAIN + b"2\n"], b"X-Gmail-Labels: Spam,Unread\n")
    penfold(data, "import", ALICE, drafts, spam)
    out = tmp_path / "out.mbox.gz"
    told = penfold(data, "export", ALICE, "-o", out, "--include-spam-trash", "--json").stdout
    assert json.loads(told)["exported"] == len(ODD) + 62
    result = summary(data, BOB, out)
    assert (result["imported"], result["skipped"]) == (len(ODD) + 62, 0)
    assert mail_of(data, BOB) == mail_of(data, ALICE)
    assert sorted([*ODD, *MailGenerator(3).messages(60), PLAIN, PLAIN + b"2\n"]) == raws_of(
        data, BOB
    )
    assert summary(data, ALICE, out)["already_there"] == len(ODD) + 62
    verify(data)


def test_the_lines_of_the_page_run_as_printed(data, tmp_path, monkeypatch):
    page = (ROOT / "docs" / "moving-mail.md").read_text()
    [block] = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("takeout-20260301T101500Z-001.zip", "w") as archive:
        archive.write(takeout(tmp_path), "Takeout/Mail/All mail.mbox")
    write_mbox(tmp_path / "old.mbox", MailGenerator(11).messages(3))
    packed = gzip.compress(write_mbox(tmp_path / "x", MailGenerator(12).messages(3)).read_bytes())
    (tmp_path / "archive.mbox.gz").write_bytes(packed)
    for folder in ("Maildir/cur", "Maildir/new", "letters"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "Maildir/cur/1.x:2,S").write_bytes(PLAIN + b"maildir")
    (tmp_path / "letters/1.eml").write_bytes(PLAIN + b"letter")
    for line in block.splitlines():
        typed, _, output = line.partition("#")[0].partition(">")
        name, *arguments = shlex.split(typed)
        assert name == "penfold"
        printed = penfold(data, *arguments).stdout
        if output:
            (tmp_path / output.strip()).write_bytes(printed)
    assert len(raws_of(data, ALICE)) == 11
    counts = [
        summary(data, BOB, name)["imported"]
        for name in ("old-again.mbox", "alice.mbox", "all.mbox.gz")
    ]
    assert counts == [6, 4, 1]


def test_an_export_may_be_part_of_the_mail_and_a_pipe(data, tmp_path):
    write_mbox(tmp_path / "s.mbox", [PLAIN], b"X-Gmail-Labels: Spam\n")
    write_mbox(
        tmp_path / "i.mbox", [PLAIN + b"in", b"Subject: other\n\n"], b"X-Gmail-Labels: Inbox\n"
    )
    penfold(data, "import", ALICE, tmp_path / "s.mbox", tmp_path / "i.mbox")
    result = penfold(data, "export", ALICE, "--query", "subject:x in:inbox")
    assert result.stdout.count(b"\nX-Gmail-Labels: Inbox,Opened\n") == 1
    assert result.stdout.endswith(PLAIN + b"in\n\n")
    assert b"1 messages of alice@penfold.test exported" in result.stderr
    assert penfold(data, "export", ALICE).stdout.count(b"\nX-GM-THRID: ") == 2


def takeout(tmp_path):
    """Return a Takeout mailbox: CRLF, localized labels, two threads."""
    entries = [
        (b"1628938402846271826", b"Inbox,Important,Opened,Category Updates", b"<1@x>"),
        (b"1628938402846271826", b"=?UTF-8?Q?Sent,Caf=C3=A9/Men=C3=BC,Opened?=", b"<2@x>"),
        (b"1628938402846271999", b'Trash,Unread,"a, b"', b"<3@x>"),
    ]
    path = tmp_path / "All mail Including Spam and Trash.mbox"
    path.write_bytes(
        b"".join(
            b"From 1628938402846271826@xxx Thu Mar 21 12:44:28 +0000 2019\r\n"
            b"X-GM-THRID: " + thread + b"\r\nX-Gmail-Labels: " + labels + b"\r\n"
            b"Message-ID: " + name + b"\r\n" + PLAIN + b"\r\n"
            for thread, labels, name in entries
        )
    )
    return path


@pytest.mark.parametrize("packed", ["mbox", "gz", "zip", "tgz", "folder"])
def test_takeout_keeps_labels_threads_and_octets_however_it_is_packed(data, tmp_path, packed):
    path = takeout(tmp_path)
    target = tmp_path / f"takeout.{packed}"
    if packed == "gz":
        target.write_bytes(gzip.compress(path.read_bytes()))
    elif packed == "zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("Takeout/archive_browser.html", "<html>")
            archive.write(path, f"Takeout/Mail/{path.name}")
    elif packed == "tgz":
        with tarfile.open(target, "w:gz") as archive:
            archive.add(path, f"Takeout/Mail/{path.name}")
    elif packed == "folder":
        (target / "Mail").mkdir(parents=True)
        path.rename(target / "Mail" / path.name)
        (target / "Mail" / "settings.json").write_text("{}")
    else:
        target = path
    result = summary(data, ALICE, target)
    assert (result["imported"], result["finished"]) == (3, True)
    held, threads = mail_of(data, ALICE)
    found = {raw.split(b"\r\n")[0]: (labels, raw) for raw, labels, *_ in held}
    assert found[b"Message-ID: <1@x>"][0] == {"INBOX", "IMPORTANT", "CATEGORY_UPDATES"}
    assert found[b"Message-ID: <2@x>"][0] == {"SENT", "Café/Menü"}
    assert found[b"Message-ID: <3@x>"] == (
        {"TRASH", "UNREAD", "a, b"},
        b"Message-ID: <3@x>\r\n" + PLAIN,
    )
    assert [len(each) for each in threads] in ([2, 1], [1, 2])


def test_a_maildir_keeps_flags_and_folders(data, tmp_path):
    box = tmp_path / "Maildir"
    for folder in ("", ".Sent", ".Work.Entw&APw-rfe"):
        for part in ("cur", "new", "tmp"):
            (box / folder / part).mkdir(parents=True)
    files = {
        "cur/1.a.host:2,S": "one", "cur/2.a.host:2,FRS": "two", "new/3.a.host": "three",
        ".Sent/cur/4.a.host:2,S": "four", ".Work.Entw&APw-rfe/cur/5.a.host:2,T": "five",
        "tmp/6.a.host": "not yet delivered",
    }  # fmt: skip
    for name, subject in files.items():
        (box / name).write_bytes(f"Subject: {subject}\n\n".encode())
    assert summary(data, ALICE, box)["imported"] == 5
    labels = {raw.decode().split()[1]: each for raw, each, *_ in mail_of(data, ALICE)[0]}
    assert labels == {
        "one": {"INBOX"},
        "two": {"INBOX", "STARRED"},
        "three": {"INBOX", "UNREAD"},
        "four": {"SENT"},
        "five": {"TRASH", "UNREAD", "Work/Entwürfe"},
    }


def test_the_kind_that_is_named_counts(data, tmp_path):
    path = write_mbox(tmp_path / "x", [PLAIN, b"Subject: y\n\n"])
    assert summary(data, ALICE, path, "--format", "eml")["imported"] == 1
    assert raws_of(data, ALICE) == [path.read_bytes()]


def test_a_large_message_is_kept_and_one_beyond_the_limit_is_told(data, tmp_path):
    large = b"Subject: large\n\n" + b"0123456789abcdef\n" * 40_000
    path = write_mbox(tmp_path / "l.mbox", [PLAIN, large])
    with path.open("ab") as file:
        offset = file.tell()
        file.write(b"From a@b Thu Mar 21 12:44:28 2019\nSubject: beyond\n\n")
        file.write(b"x" * 160_000_000 + b"\n\n")
        file.write(format_entry(b"Subject: after\n\n", sender="a@b", date_ms=DATE_MS))
    result = summary(data, ALICE, path, code=1)
    assert (result["imported"], result["skipped"], result["finished"]) == (3, 1, True)
    [skipped] = result["skipped_messages"]
    assert skipped["where"] == f"{path}, offset {offset}"
    assert large in raws_of(data, ALICE)
    verify(data)


def test_a_file_that_is_cut_off_gives_what_is_there_and_says_so(data, tmp_path):
    whole = gzip.compress(write_mbox(tmp_path / "x", MailGenerator(4).messages(900)).read_bytes())
    (tmp_path / "cut.mbox.gz").write_bytes(whole[: len(whole) * 3 // 4])
    result = summary(data, ALICE, tmp_path / "cut.mbox.gz", code=1)
    assert result["imported"] > 0
    assert "cut off or damaged" in result["skipped_messages"][0]["reason"]


def test_what_is_no_mail_is_refused_in_one_line(data, tmp_path):
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "good.eml").write_bytes(PLAIN)
    for arguments, code, said in (
        ([ALICE, tmp_path / "noise"], 1, "neither a mailbox file nor a message"),
        ([ALICE, tmp_path / "empty"], 1, "neither a mailbox file nor a message"),
        ([ALICE, tmp_path / "nowhere"], 1, "nowhere: No such file or directory"),
        (["nobody@penfold.test", tmp_path / "good.eml"], 1, "no such account"),
        ([ALICE, tmp_path, "--format", "maildir"], 1, "no Maildir"),
        ([ALICE, tmp_path / "good.eml", "--format", "pst"], 2, "choose one of auto, takeout"),
        ([ALICE, tmp_path / "good.eml", "--label", "\t"], 2, "no label can have this name"),
    ):
        result = penfold(data, "import", *arguments, code=code)
        assert said in result.stderr.decode()
        assert result.stderr.count(b"\n") == 1
    assert raws_of(data, ALICE) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_told(data, tmp_path):
    (tmp_path / "shut").mkdir(mode=0)
    result = penfold(data, "import", ALICE, tmp_path / "shut", code=1)
    assert b"Permission denied" in result.stderr


def test_a_person_reads_what_became_of_the_mail(data, tmp_path):
    raws = [PLAIN, PLAIN + b"2\n", b"X-Mozilla-Status: 0008\n\ndeleted\n", b""]
    path = write_mbox(tmp_path / "x.mbox", raws)
    offset = path.read_bytes().index(b"From a@b", len(PLAIN) * 2 + 100)
    first = penfold(data, "import", ALICE, path).stdout.decode().splitlines()
    assert first[0].startswith(f"2 messages imported into {ALICE} (")
    assert first[1] == "2 skipped:"
    assert first[2] == f"  {path}, offset {offset}: deleted in its own mailbox"
    again = penfold(data, "import", ALICE, path).stdout.decode().splitlines()
    assert again[0].startswith("0 messages imported")
    assert again[1] == "2 were there already."


def test_an_export_overwrites_nothing_and_leaves_nothing_half(data, tmp_path):
    (tmp_path / "out.mbox").write_text("mine")
    result = penfold(data, "export", ALICE, "-o", tmp_path / "out.mbox", code=1)
    assert b"is there already" in result.stderr
    assert (tmp_path / "out.mbox").read_text() == "mine"
    penfold(data, "export", "nobody@penfold.test", "-o", tmp_path / "new.mbox", code=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out.mbox"]
