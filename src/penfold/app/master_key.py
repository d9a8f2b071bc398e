"""Where the processes have their sealer from, and that it has the right key."""

from collections.abc import Callable
from pathlib import Path

from penfold.domain.access.master_key import check_key_id, find_key_ids, note_key_ids
from penfold.ports.identity import IdentityBook, IdentityReader
from penfold.spec.key_source import KeySource
from penfold.store.master_key import key_id, load_key
from penfold.store.sealing import KeySealer


def make_sealer(source: KeySource, data: Path, book: IdentityReader) -> KeySealer:
    """Return a sealer that loads the key when it is first needed, and then sees which it is."""
    return KeySealer(_loader(source, data, book))


def _loader(source: KeySource, data: Path, book: IdentityReader) -> Callable[[], tuple[bytes]]:
    def load() -> tuple[bytes]:
        expected = find_key_ids(book)
        key = load_key(source, data, make=not expected)
        check_key_id(key_id(key).hex(), expected)
        return (key,)

    return load


def bind_master_key(source: KeySource, data: Path, book: IdentityBook) -> None:
    """See at the start that the key is there and the right one; note which it is.

    UnavailableError says what is wrong. The first start makes the key, if it is a file.
    """
    (key,) = _loader(source, data, book)()
    if not find_key_ids(book):
        note_key_ids(book, key_id(key).hex())
