"""New keys to sign a domain's mail with (DKIM, RFC 6376), under selectors that are free."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime

from penfold.base.errors import UnavailableError
from penfold.base.limits import DKIM_ROTATIONS_MAX
from penfold.ports.identity import DkimKey
from penfold.ports.sealing import Sealer
from penfold.proto.mailauth.keys import PrivateKey, make_key_record
from penfold.proto.mailauth.private_keys import ALGORITHMS, print_private_key


def make_keys(
    domain: str,
    algorithms: Sequence[str],
    known: Iterable[DkimKey],
    *,
    make_key: Callable[[str], PrivateKey],
    sealer: Sealer,
    now_ms: int,
    letter: str = "p",
) -> list[DkimKey]:
    """Return a key of each algorithm. letter: what selectors begin with.

    UnavailableError: too many were made this month.
    """
    taken = {key.selector for key in known}
    number = _find_number(domain, taken, now_ms, letter)
    keys = []
    for algorithm in algorithms:
        selector = _make_selector(now_ms, algorithm, number, letter)
        name = f"{selector}._domainkey.{domain}"
        private = make_key(algorithm)
        sealed = sealer.seal(print_private_key(private), context=name)
        record = make_key_record(private)
        keys.append(DkimKey(name, domain, selector, algorithm, record, sealed, now_ms))
    return keys


def _find_number(domain: str, taken: Collection[str], now_ms: int, letter: str) -> int:
    """Return the number of the month's first selectors that are free."""
    for number in range(1, DKIM_ROTATIONS_MAX + 1):
        if not any(_make_selector(now_ms, each, number, letter) in taken for each in ALGORITHMS):
            return number
    raise UnavailableError("too many new keys this month", domain=domain)


def _make_selector(now_ms: int, algorithm: str, number: int, letter: str) -> str:
    """Return `p202611r`: the month, the algorithm's letter, from the second on a number."""
    month = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m")
    return f"{letter}{month}{algorithm[0]}{number if number > 1 else ''}"
