"""The mail that benchmarks/search.py looks through, put where each of the two wants it.

    python -m benchmarks.search_mail FOLDER COUNT   makes both, with 40 minutes' patience

FOLDER/penfold-…   a data directory
FOLDER/notmuch-…   message files, 1,000 a folder, and their index

The names hold size, seed and format, so another run finds what an earlier one made.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from penfold.app.stores import known_schema
from penfold.proto.mbox import format_entry
from penfold.testing.corpus import FORMAT, OWNER, Corpus, Mail
from penfold.testing.server import serve

SEED = 1
#: Files of one folder.
FILES = 1_000
SYSTEM_PYTHON = "/usr/bin/python3"
_PEER = Path(__file__).with_name("notmuch_peer.py")


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --- Penfold -------------------------------------------------------------------------------


def prepare_penfold(folder: Path, count: int, seed: int = SEED) -> Path:
    """Return a data directory with `count` messages of OWNER's, imported if it is not there yet."""
    shape = known_schema()["mailbox"]
    data = folder / f"penfold-{count}-{seed}-{FORMAT}-{shape}"
    if not (data / "whole").exists():
        shutil.rmtree(data, ignore_errors=True)
        fill_penfold(data, Corpus(count, seed))
    return data


def fill_penfold(data: Path, mails: Iterable[Mail]) -> None:
    """Make a data directory and import mail into OWNER's mailbox; `whole` says how long it took."""
    with serve(data):
        pass
    path = data.with_suffix(".mbox")
    write_takeout(path, mails)
    command = [sys.executable, "-m", "penfold.app.main", "import", OWNER, str(path)]
    started = time.perf_counter()
    subprocess.run([*command, "--data", str(data)], check=True, stdout=sys.stderr)
    (data / "whole").write_text(f"{time.perf_counter() - started:.1f}\n")
    path.unlink()


def write_takeout(path: Path, mails: Iterable[Mail]) -> None:
    """Write mail with its labels as Google Takeout does."""
    with path.open("wb") as file:
        for number, mail in enumerate(mails, start=1):
            labels = ",".join(mail.labels if "UNREAD" in mail.labels else (*mail.labels, "Opened"))
            marked = f"X-Gmail-Labels: {labels}\r\n".encode() + mail.raw
            file.write(format_entry(marked, sender=f"{number}@xxx", date_ms=mail.date_ms))
            if number % 20_000 == 0:
                note(f"  Penfold: {number:,} written")


# --- notmuch -------------------------------------------------------------------------------


def has_notmuch() -> bool:
    """Say whether the system's Python has notmuch's bindings."""
    command = [SYSTEM_PYTHON, "-c", "import notmuch2"]
    found = Path(SYSTEM_PYTHON).exists() and subprocess.run(
        command, capture_output=True, check=False
    )
    return bool(found) and found.returncode == 0


def prepare_notmuch(folder: Path, count: int, seed: int = SEED) -> Path:
    """Return a folder of message files with their index, made if it is not there yet."""
    root = folder / f"notmuch-{count}-{seed}-{FORMAT}"
    if not (root / "whole").exists():
        shutil.rmtree(root, ignore_errors=True)
        started = time.perf_counter()
        fill_notmuch(root, Corpus(count, seed))
        (root / "whole").write_text(f"{time.perf_counter() - started:.1f}\n")
    return root


def fill_notmuch(root: Path, mails: Iterable[Mail]) -> None:
    """Write files and have them indexed, a folder while the next is written."""
    root.mkdir(parents=True)
    process = start_peer("index", root)
    assert process.stdin
    started = time.perf_counter()
    for number, _ in enumerate(write_files(root, mails), start=1):
        process.stdin.write(f"{number - 1:04}\n")
        process.stdin.flush()
        if number % 10 == 0:
            rate = number * FILES / (time.perf_counter() - started)
            note(f"  notmuch: {number * FILES:,} written, {rate:,.0f}/s")
    process.stdin.close()
    if process.wait() != 0:
        raise RuntimeError("notmuch_peer.py index failed; see above")


def write_files(root: Path, mails: Iterable[Mail]) -> Iterator[Path]:
    """Write mail as files with LF line ends, and yield each folder when it is whole."""
    iterator, number = iter(mails), 0
    (root / "tags").mkdir()
    while chunk := list(islice(iterator, FILES)):
        folder = root / "mail" / f"{number:04}"
        folder.mkdir(parents=True)
        for n, mail in enumerate(chunk):
            (folder / f"{n:03}").write_bytes(mail.raw.replace(b"\r\n", b"\n"))
        lines = [" ".join(map(tag_of, mail.labels)) for mail in chunk]
        (root / "tags" / f"{number:04}").write_text("\n".join(lines) + "\n")
        number += 1
        yield folder


def tag_of(label: str) -> str:
    """Return the tag that stands for a label."""
    return label.lower().replace("/", "-")


def start_peer(command: str, root: Path) -> subprocess.Popen[str]:
    """Start notmuch_peer.py with pipes to its stdin and, to serve, from its stdout."""
    return subprocess.Popen(
        [SYSTEM_PYTHON, str(_PEER), command, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if command == "serve" else None,
        text=True,
    )


def main(folder: str, count: str) -> None:
    if has_notmuch():
        prepare_notmuch(Path(folder), int(count))
    prepare_penfold(Path(folder), int(count))


if __name__ == "__main__":
    main(*sys.argv[1:])
