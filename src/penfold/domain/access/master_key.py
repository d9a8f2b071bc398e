"""Which master key the data is sealed under, so that no other one is ever taken for it.

The directory has the key's id, and during a rotation those of the old key and the new one. What a
key's id is, is the store's affair; here it is text.
"""

from typing import Final

from penfold.base.errors import UnavailableError
from penfold.ports.identity import Fact, IdentityBook, IdentityReader, IdentityWriter

_FACT: Final = "master_key"


def find_key_ids(book: IdentityReader) -> tuple[str, ...]:
    """Return the id of the key in use; during a rotation old and new; () before the first start."""
    fact = book.find(Fact, _FACT)
    return tuple(fact.value.split()) if fact else ()


def note_key_ids(book: IdentityBook, *ids: str) -> None:
    """Have the directory say that the data is sealed under these keys."""

    def note(writer: IdentityWriter) -> None:
        writer.delete(Fact, _FACT)
        writer.add(Fact(_FACT, " ".join(ids)))

    book.change(note)


def check_key_id(found: str, expected: tuple[str, ...]) -> None:
    """Raise UnavailableError, which says what to do, unless this key is the one in use."""
    if len(expected) > 1:
        raise UnavailableError(
            "a rotation of the master key was cut off; run `penfold data rotate-key` once more, "
            "as the first time, and it is finished"
        )
    if expected and found not in expected:
        raise UnavailableError(
            "the master key is another one than this data was sealed under; "
            "set master_key to where that one is (`penfold config show` tells what is in force)"
        )
