"""Where a domain wants reports on TLS sent (RFC 8460 §3): the TXT record at `_smtp._tls`.

Never raises; linear.
"""

import re
from collections.abc import Sequence
from typing import Final

from penfold.base.limits import DMARC_REPORT_URIS_MAX

_VERSION: Final = re.compile(rb"v=TLSRPTv1[ \t]*(?:;|\Z)")
_URI: Final = re.compile(r"(?:mailto|https):[!-+\--:<-~]+")


def parse_reporting(texts: Sequence[bytes]) -> tuple[str, ...]:
    """Return the addresses (`mailto:`, `https:`) that are named; () without a usable record.

    What does not begin as a record of this kind is passed over; of several none counts.
    """
    records = [text for text in texts if _VERSION.match(text)]
    if len(records) != 1:
        return ()
    for field in records[0].decode("latin-1").split(";")[1:]:
        name, equals, value = field.partition("=")
        if equals and name.strip(" \t") == "rua":
            found = [part.strip(" \t") for part in value.split(",")]
            return tuple(uri for uri in found if _URI.fullmatch(uri))[:DMARC_REPORT_URIS_MAX]
    return ()
