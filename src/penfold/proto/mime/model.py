"""What the scanner says of a message: a tree of parts with octet spans, and a summary of it.

Both are computed once, when a message arrives, and stored; reading never parses. Spans count
octets of the raw message, so a body is a slice of it.
"""

from msgspec import Struct


class Part(Struct, array_like=True, frozen=True, gc=False):
    """One MIME entity.

    headers: (name as spelt, decoded and unfolded value), in wire order.
    start, end: the body's octets in the raw message, still transfer-encoded.
    encoding: "" (identity), "base64" or "quoted-printable"; anything unknown is identity.
    charset: as declared, lower case, "" when none; says how `text/*` is transcoded.
    size: octets after undoing the transfer encoding, in the original charset; 0 for containers.
    attachment: True when the API gives an attachmentId in place of the data.
    nested: True for message/rfc822, whose one child is the inner message.
    """

    mime_type: str
    filename: str
    headers: tuple[tuple[str, str], ...]
    start: int
    end: int
    encoding: str
    charset: str
    size: int
    attachment: bool
    nested: bool
    parts: tuple["Part", ...]


class Address(Struct, frozen=True, gc=False):
    """One mailbox of an address header: display name (decoded) and addr-spec as written."""

    name: str
    address: str


class Summary(Struct, frozen=True, gc=False):
    """What the mailbox needs to know of a message beside its tree.

    date_ms: the Date header in epoch ms, None when missing or unusable.
    message_id: Message-ID without <> and blanks, "" when missing. references: those of
    In-Reply-To and References, oldest first, no duplicates.
    subject: decoded. subject_key: for threading; reply and forward prefixes stripped, white
    space collapsed, case folded.
    snippet: plain, not yet HTML-escaped. body: readable text for the index (HTML stripped).
    links: hosts and paths HTML links to.
    filenames: attachment names. has_attachment: some part is a named attachment.
    list_id: List-Id's text. delivered_to: Delivered-To addresses, then those of X-Original-To,
    where an alias stands that a message came to.
    """

    date_ms: int | None
    message_id: str
    references: tuple[str, ...]
    subject: str
    subject_key: str
    sender: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    snippet: str
    body: str
    filenames: tuple[str, ...]
    has_attachment: bool
    list_id: str
    delivered_to: tuple[str, ...]
    links: tuple[str, ...] = ()
