"""Who calls: a key, and what holds for it."""

from collections.abc import Callable

from msgspec import Struct

from penfold.domain.sending.findings import INVALID, NOT_ALLOWED, Findings
from penfold.domain.sending.template_use import Shelf
from penfold.ports.sending.book import SendingBook, SendingReader
from penfold.ports.sending.records import INSTALLATION, ApiKey, SendingDomain, Stream, domain_id
from penfold.spec.sending.streams import BUILT_IN


class Caller(Struct, frozen=True):
    """is_ours: whether the installation may send from a domain, whoever asks. shelf: its templates,
    None where there are none.
    """

    key: ApiKey
    is_ours: Callable[[str], bool]
    find_stream: Callable[[str], Stream | None]
    shelf: Shelf | None = None

    def check_domain(self, domain: str, findings: Findings) -> None:
        """Note a `from` whose domain the key or the installation has no right to."""
        if not self.is_ours(domain):
            findings.add(
                "from",
                NOT_ALLOWED,
                f"is of {domain}, which is no verified domain here;"
                " `penfold sending domain add` adds one",
            )
        elif self.key.domains and domain not in self.key.domains:
            findings.add(
                "from",
                NOT_ALLOWED,
                f"is of {domain}; this API key may send from {', '.join(self.key.domains)} only",
            )

    def read_stream(self, name: str, findings: Findings) -> Stream | None:
        """Return the stream, or note that there is none or that the key may not use it."""
        if self.key.streams and name not in self.key.streams:
            allowed = ", ".join(self.key.streams)
            findings.add("stream", NOT_ALLOWED, f"is none of this API key's: {allowed}")
            return None
        found = self.find_stream(name)
        if found is None:
            names = ", ".join(BUILT_IN)
            findings.add("stream", INVALID, f"is not known; every account has {names}")
        return found


def find_stream(book: SendingReader, account_id: str, name: str) -> Stream | None:
    """Return an account's stream: its own, or one that everybody has."""
    own = book.find_word(Stream, name, account_id)
    if own is not None or name not in BUILT_IN:
        return own
    built = BUILT_IN[name]
    return Stream(
        *(name, account_id, name, 0, built.kind),
        ttl_s=built.ttl_s,
        unsubscribe=built.unsubscribe,
        priority=built.priority,
    )


def is_verified(book: SendingReader, domain: str, account_id: str) -> bool:
    """Return whether an account added a domain for sending, and its DNS says so too."""
    found = book.find_unowned(SendingDomain, domain_id(domain))
    owners = (INSTALLATION, account_id)
    return found is not None and found.state == "verified" and found.account_id in owners


def make_caller(book: SendingBook, key: ApiKey, is_local: Callable[[str], bool]) -> Caller:
    """Return who calls with a key. is_local: whether a domain's mail is delivered here."""
    owner = key.account_id
    return Caller(
        key,
        lambda domain: is_local(domain) or book.read(lambda b: is_verified(b, domain, owner)),
        lambda name: book.read(lambda b: find_stream(b, owner, name)),
        Shelf(book, owner),
    )
