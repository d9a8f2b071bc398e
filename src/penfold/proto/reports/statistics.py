"""The DMARC or TLS report in a message.

RFC 9990 §2.6.1 and RFC 8460 §5.3 name media types and file names; many senders write
application/octet-stream, and some make the report the whole message. So an attachment is tried when
its type or its name could be that of a report, and what it is its first octets tell. Never raises.
"""

import re
from typing import Final

from penfold.base.errors import ParseError
from penfold.base.limits import REPORT_FILES_MAX, REPORT_PACKED_MAX_BYTES
from penfold.proto.mime.body import decode_body
from penfold.proto.mime.model import Part
from penfold.proto.mime.scan import scan
from penfold.proto.reports.blocks import iter_parts
from penfold.proto.reports.dmarc_report import DmarcReport, parse_dmarc_report
from penfold.proto.reports.tls_report import TlsReport, parse_tls_report
from penfold.proto.reports.unpack import unpack_report

_TYPES: Final = frozenset(
    {"application/gzip", "application/x-gzip", "application/zip", "application/x-zip",
     "application/x-zip-compressed", "application/xml", "text/xml", "application/tlsrpt+gzip",
     "application/tlsrpt+json"}
)  # fmt: skip
_NAME = re.compile(r".+\.(?:xml|xml\.gz|zip|gz|json|json\.gz)", re.IGNORECASE | re.DOTALL)


def find_statistics(raw: bytes, root: Part | None = None) -> DmarcReport | TlsReport | None:
    """Return the first report in a message; None when there is none that can be read.

    root: the message's tree, when it is known already.
    """
    root = scan(raw) if root is None else root
    tried = 0
    for part in iter_parts(root):
        if part.parts or not (part.mime_type in _TYPES or _NAME.fullmatch(part.filename)):
            continue
        tried += 1
        if tried > REPORT_FILES_MAX:
            break
        if part.size <= REPORT_PACKED_MAX_BYTES and (report := _read(decode_body(raw, part))):
            return report
    return None


def _read(data: bytes) -> DmarcReport | TlsReport | None:
    try:
        plain = unpack_report(data)
        if plain[:64].lstrip().startswith(b"{"):
            return parse_tls_report(plain)
        return parse_dmarc_report(plain)
    except ParseError:
        return None
