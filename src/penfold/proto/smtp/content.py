"""What a finished message must be before anybody is asked about it.

Pure; returns the octets to store, or the reply that refuses them.
"""

from typing import Final

from penfold.base.limits import MIME_MAX_HEADER_BYTES, SMTP_HEADER_MAX_BYTES
from penfold.proto.mime.fields import find_block
from penfold.proto.smtp import replies
from penfold.proto.smtp.framing import (
    Fault,
    count_hops,
    count_own_hops,
    find_fault,
    normalize_line_ends,
    take_header,
)
from penfold.proto.smtp.profile import Profile
from penfold.proto.smtp.replies import Reply

_FAULTS: Final = {
    Fault.BARE_LF: replies.BARE_LF_IN_DATA,
    Fault.BARE_CR: replies.BARE_CR_IN_DATA,
    Fault.NUL: replies.NUL_IN_DATA,
}


def find_fault_refusal(fault: Fault, profile: Profile) -> Reply | None:
    """Return how a message with this fault is refused, None when it can be made sound."""
    if profile.normalizes and fault is not Fault.NUL:
        return None
    return _FAULTS[fault]


def check_content(content: bytes, fault: Fault | None, profile: Profile) -> bytes | Reply:
    """Return the text of a message as it is stored, or why it is refused.

    fault: one that find_fault_refusal lets pass, so that is repaired here.
    """
    if fault is not None:
        content = normalize_line_ends(content)
        if b"\0" in content:
            return replies.NUL_IN_DATA
    if len(content) > profile.max_bytes:
        return replies.TOO_BIG
    if len(content) > SMTP_HEADER_MAX_BYTES and _has_long_header(content):
        return replies.HEADER_TOO_BIG
    hops = count_hops(content, header_max=MIME_MAX_HEADER_BYTES)
    if hops > profile.hops_max:
        return replies.LOOP
    if hops > profile.own_hops_max:
        header = take_header(content, header_max=MIME_MAX_HEADER_BYTES)
        if count_own_hops(header, profile.hostname) > profile.own_hops_max:
            return replies.OWN_LOOP
    return content


def _has_long_header(content: bytes) -> bool:
    """Say whether the fields, as all that read the message find them, have too many octets."""
    end = content.find(b"\n", SMTP_HEADER_MAX_BYTES) + 1 or len(content)
    return find_block(content, 0, end)[1] > SMTP_HEADER_MAX_BYTES


def check_binary(content: bytes, profile: Profile) -> bytes | Reply:
    """Do the same for BODY=BINARYMIME: only the header must be text (RFC 3030 §3)."""
    if find_fault(take_header(content, header_max=MIME_MAX_HEADER_BYTES)) is not None:
        return replies.BAD_BINARY_HEADER
    return check_content(content, None, profile)
