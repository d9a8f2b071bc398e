"""What is known of an arriving message when it is decided about, and of whoever brings it."""

from typing import Literal

from msgspec import Struct

from penfold.proto.mailauth.author import Author
from penfold.proto.mailauth.dmarc import DmarcResult


class Evidence(Struct, frozen=True, gc=False, kw_only=True):
    """client: the peer's IP address.

    spf: the result (RFC 7208 §2.6), for spf_domain. dkim_passed: the d= of signatures that passed;
    dkim_failed: there were others. iprev: the reverse lookup of client (RFC 8601 §3): pass, fail
    (the name leads elsewhere), permerror (no name), temperror.

    chain_trusted: an ARC chain passed, sealed by a server that is trusted to say that the author
    was authentic. known: the recipient has written to the author. listed: blocklists with the
    client on them.
    """

    client: str
    author: Author
    dmarc: DmarcResult
    spf: str
    spf_domain: str
    dkim_passed: tuple[str, ...] = ()
    dkim_failed: bool = False
    iprev: Literal["pass", "fail", "permerror", "temperror"] = "pass"
    chain_trusted: bool = False
    known: bool = False
    listed: tuple[str, ...] = ()

    @property
    def is_authenticated(self) -> bool:
        """Somebody, whoever it is, stands for this message."""
        return self.spf == "pass" or bool(self.dkim_passed)
