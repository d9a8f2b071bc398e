"""The mail that benchmarks/search.py looks through, put where each of the two wants it.

    python -m benchmarks.search_mail FOLDER COUNT   makes both, with 40 minutes' patience

FOLDER/penfold-…   a data directory
FOLDER/notmuch-…   message files, 1,000 a folder, and their index

The names hold size, seed and format, so another run finds what an earlier one made.
"""

import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from benchmarks.stores import opened
from penfold.app.stores import Stores, known_schema, open_stores
from penfold.base.clock import FixedClock
from penfold.base.labels import find_label_number
from penfold.domain.labels import create_label
from penfold.domain.messages import Letter, add_letter, read_letter
from penfold.domain.threading import find_thread
from penfold.ports.mailbox import MailboxWriter
from penfold.spec.schemas import Label
from penfold.testing.corpus import FORMAT, USER_LABELS, Corpus, Mail

SEED = 1
MAILBOX = "m" + "0" * 20
#: Messages of one transaction.
CHUNK = 2_000
#: Files of one folder.
FILES = 1_000
SYSTEM_PYTHON = "/usr/bin/python3"
_PEER = Path(__file__).with_name("notmuch_peer.py")


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --- Penfold -------------------------------------------------------------------------------


def prepare_penfold(folder: Path, count: int, seed: int = SEED) -> Path:
    """Return a data directory with `count` messages in MAILBOX, made if it is not there yet."""
    shape = known_schema()["mailbox"]
    data = folder / f"penfold-{count}-{seed}-{FORMAT}-{shape}"
    if not (data / "whole").exists():
        shutil.rmtree(data, ignore_errors=True)
        started = time.perf_counter()
        fill_penfold(data, Corpus(count, seed))
        (data / "whole").write_text(f"{time.perf_counter() - started:.1f}\n")
    return data


def fill_penfold(data: Path, mails: Iterable[Mail]) -> None:
    """Make a data directory and put mail into its MAILBOX, which belongs to no account."""
    data.mkdir(parents=True)
    open_stores(data, clock=FixedClock(), fatal=print, create=known_schema()).close()
    with opened(data) as stores:
        stores.mailboxes.create(MAILBOX)
        add_mails(stores, MAILBOX, mails)


def add_mails(stores: Stores, mailbox_id: str, mails: Iterable[Mail]) -> int:
    """Add mail with its labels, dates and threads, and return how many.

    A chunk is one change; the next is read while one is written.
    """
    numbers = stores.mailboxes.change(mailbox_id, make_labels)
    free = threading.Semaphore(2)
    errors: list[BaseException] = []

    def done(_: object, error: BaseException | None) -> None:
        errors.extend([error] if error else [])
        free.release()

    total, started, iterator = 0, time.perf_counter(), iter(mails)
    while chunk := [(read_letter(mail.raw), mail) for mail in islice(iterator, CHUNK)]:
        free.acquire()
        if errors:
            break
        stores.mailboxes.submit(mailbox_id, _adding(chunk, numbers), done)
        total += len(chunk)
        if total % (10 * CHUNK) == 0:
            note(f"  Penfold: {total:,}, {total / (time.perf_counter() - started):,.0f}/s")
    for _ in range(2):
        free.acquire()
    if errors:
        raise errors[0]
    return total


def make_labels(box: MailboxWriter) -> dict[str, int]:
    """Make the user labels and return the numbers of all labels by name."""
    numbers = {}
    for name in USER_LABELS:
        made = create_label(box, Label(name=name))
        numbers[name] = find_label_number(str(made.id)) or 0
    return numbers


def _adding(chunk: list[tuple[Letter, Mail]], numbers: dict[str, int]):
    def change(box: MailboxWriter) -> None:
        chance = random.Random(chunk[0][1].date_ms)
        for letter, mail in chunk:
            labels = (find_label_number(name) or numbers[name] for name in mail.labels)
            add_letter(
                box,
                letter,
                labels=frozenset(labels),
                thread_id=find_thread(box, letter.summary),
                internal_ms=mail.date_ms,
                now_ms=mail.date_ms,
                chance=chance,
            )

    return change


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
