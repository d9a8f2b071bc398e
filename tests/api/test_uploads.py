"""Uploads as Google's client for Python makes them: chunks, one chunk, a stream, multipart."""

import base64
import io

import pytest
from googleapiclient.http import MediaIoBaseUpload, MediaUpload

MIB = 1 << 20
MAIL = b"To: alice@penfold.test\r\nSubject: Chunks\r\n\r\n" + b"Hello, chunks.\r\n" * 60_000


class Stream(MediaUpload):
    """Octets whose number is not known before they end."""

    def __init__(self, octets):
        self._file = io.BytesIO(octets)

    def chunksize(self):
        return 256 * 1024

    def mimetype(self):
        return "message/rfc822"

    def size(self):
        return None

    def resumable(self):
        return True

    def getbytes(self, begin, length):
        self._file.seek(begin)
        return self._file.read(length)


def chunks(size):
    return MediaIoBaseUpload(
        io.BytesIO(MAIL), mimetype="message/rfc822", chunksize=size, resumable=True
    )


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: chunks(256 * 1024), id="chunks"),
        pytest.param(lambda: chunks(-1), id="one-chunk"),
        pytest.param(lambda: Stream(MAIL), id="unknown-size"),
        pytest.param(
            lambda: MediaIoBaseUpload(io.BytesIO(MAIL), mimetype="message/rfc822"), id="multipart"
        ),
    ],
)
@pytest.mark.parametrize("method", ["insert", "import_"])
def test_a_message_arrives_octet_for_octet(alice, make, method):
    request = getattr(alice.messages(), method)(
        userId="me", body={"labelIds": ["INBOX"]}, media_body=make()
    )
    answer, steps = None, 0
    if request.resumable:
        while answer is None:
            _, answer = request.next_chunk()
            steps += 1
    else:
        answer = request.execute()
    assert answer["labelIds"] == ["INBOX"]
    found = alice.messages().get(userId="me", id=answer["id"], format="raw").execute()
    assert base64.urlsafe_b64decode(found["raw"]) == MAIL
    if request.resumable and request.resumable.chunksize() > 0:
        assert steps == -(-len(MAIL) // (256 * 1024))


def test_a_draft_is_made_replaced_and_sent_by_upload(alice):
    drafts = alice.drafts()
    made = drafts.create(userId="me", body={"message": {}}, media_body=chunks(MIB)).execute()
    changed = drafts.update(userId="me", id=made["id"], media_body=chunks(MIB)).execute()
    assert changed["id"] == made["id"]
    sent = drafts.send(userId="me", body={"id": made["id"]}, media_body=chunks(MIB)).execute()
    assert sorted(sent["labelIds"]) == ["INBOX", "SENT", "UNREAD"]
