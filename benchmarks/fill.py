"""Put COUNT generated messages into alice's mailbox of a stopped server: `fill DATA COUNT`."""

import sys
from pathlib import Path

from benchmarks.stores import add_all, mailbox_of, opened
from penfold.testing.mail import MailGenerator

CHUNK = 5_000


def main(data: str, count: str) -> None:
    generator = MailGenerator(5)
    with opened(Path(data)) as stores:
        mailbox_id = mailbox_of(stores, "alice@penfold.test")
        for start in range(0, int(count), CHUNK):
            add_all(stores, mailbox_id, list(generator.messages(min(CHUNK, int(count) - start))))


if __name__ == "__main__":
    main(*sys.argv[1:])
