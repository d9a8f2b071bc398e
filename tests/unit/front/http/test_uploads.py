"""Uploads by every protocol, step by step over the real pipeline: sizes, ranges, lost answers."""

import asyncio
import base64
import gzip
import json
from urllib.parse import urlsplit

import pytest
from tests.unit.front.http.conftest import ask_app
from tests.unit.front.http.test_served import OneToken

from penfold.base.limits import SEND_MAX_BYTES, UPLOAD_DAYS_MS, UPLOAD_DIRECT_MAX_BYTES
from penfold.front.http.pipeline import GmailApi
from penfold.front.http.registration import find_handlers
from penfold.ports.settings import DelegateRecord

MAIL = b"To: bob@penfold.test\r\nSubject: Up\r\n\r\n" + b"Hello\r\n" * 100
UPLOAD = "/upload/gmail/v1/users/me"
USER = "/gmail/v1/users/me"
RFC822 = {"content-type": "message/rfc822"}


@pytest.fixture
def api(world):
    api = GmailApi(
        handlers=find_handlers(),
        authenticator=OneToken(world.alice),
        mailboxes=world.mailboxes,
        services=world.services,
        clock=world.clock,
        strict=True,
    )
    with asyncio.Runner() as loop:

        def ask(verb, target, body=b"", headers=None, *, token="t", chunks=None, leaves=False):
            parts = urlsplit(target)
            target = f"{parts.path}?{parts.query}"
            return loop.run(
                ask_app(
                    api, verb, target, token=token, body=body, headers=headers or {},
                    chunks=chunks, leaves=leaves,
                )
            )  # fmt: skip

        yield ask
    api.close()


def raw_of(api, message_id):
    found = api("GET", f"{USER}/messages/{message_id}?format=raw").json
    return base64.urlsafe_b64decode(found["raw"])


def begin(api, *, method="messages", kind="message/rfc822", metadata=None, **headers):
    headers = {
        "content-type": "application/json",
        "x-upload-content-type": kind,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    body = json.dumps(metadata).encode() if metadata is not None else b""
    target = f"{UPLOAD}/{method}?uploadType=resumable"
    return api("POST", target, body, headers)


def put(api, address, data, span=None, **kwargs):
    headers = {} if span is None else {"content-range": f"bytes {span}"}
    return api("PUT", address, data, headers, token=None, **kwargs)


# --- in one go


@pytest.mark.parametrize("prefix", ["/upload", "/resumable/upload"])
@pytest.mark.parametrize("said", ["uploadType=media", "upload_protocol=raw", "uploadType=MEDIA"])
def test_a_body_is_the_message(api, prefix, said):
    row = api("POST", f"{prefix}{USER}/messages?{said}", MAIL, RFC822).json
    assert raw_of(api, row["id"]) == MAIL


def test_the_newer_protocol_in_one_go(api):
    headers = {**RFC822, "x-goog-upload-protocol": "raw"}
    row = api("POST", f"{UPLOAD}/messages", MAIL, headers).json
    assert raw_of(api, row["id"]) == MAIL


def multipart(media, *, end="\r\n", encoding="binary", metadata='{"labelIds": ["STARRED"]}'):
    text = end.join(
        ["--b", "Content-Type: application/json", "", metadata, "--b",
         "Content-Type: message/rfc822", f"Content-Transfer-Encoding: {encoding}", "", ""]
    )  # fmt: skip
    return text.encode() + media + f"{end}--b--".encode()


RELATED = {"content-type": 'multipart/related; boundary="b"'}


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["python", "node"])
def test_json_and_message_come_together(api, end):
    body = multipart(MAIL, end=end)
    row = api("POST", f"{UPLOAD}/messages?uploadType=multipart", body, RELATED).json
    assert row["labelIds"] == ["STARRED"]
    assert raw_of(api, row["id"]) == MAIL


def test_base64_in_a_part_is_undone_and_media_goes_before_raw(api):
    body = multipart(
        base64.encodebytes(MAIL), encoding="base64", metadata='{"raw": "VG86IHhAeA0KDQp4"}'
    )
    row = api("POST", f"{UPLOAD}/messages?uploadType=multipart", body, RELATED).json
    assert raw_of(api, row["id"]) == MAIL


def test_drafts_take_their_message_within(api):
    body = multipart(MAIL, metadata='{"message": {}}')
    made = api("POST", f"{UPLOAD}/drafts?uploadType=multipart", body, RELATED).json
    assert raw_of(api, made["message"]["id"]) == MAIL
    changed = api("PUT", f"{UPLOAD}/drafts/{made['id']}?uploadType=media", MAIL, RFC822).json
    assert changed["id"] == made["id"]


def test_an_upload_address_without_an_upload_takes_json(api):
    body = json.dumps({"raw": base64.urlsafe_b64encode(MAIL).decode()}).encode()
    headers = {"content-type": "application/json"}
    row = api("POST", f"{UPLOAD}/messages", body, headers).json
    assert raw_of(api, row["id"]) == MAIL
    refused = api("POST", f"{UPLOAD}/messages", b"{}", headers)
    assert refused.error["message"].startswith("'raw' RFC822 payload message string")


@pytest.mark.parametrize(
    ("target", "body", "headers", "said"),
    [
        pytest.param(
            "messages?uploadType=media", MAIL, {"content-type": "image/png"},
            "Media type 'image/png' is not supported", id="no-message",
        ),
        pytest.param(
            "messages?uploadType=multipart", MAIL, RFC822,
            "Media type 'message/rfc822' is not supported", id="no-multipart",
        ),
        pytest.param(
            "messages?uploadType=multipart", b"--b\r\n\r\n{}\r\n--b--", RELATED,
            "Failed to parse multipart upload", id="one-part",
        ),
        pytest.param(
            "messages?uploadType=multipart", multipart(MAIL, metadata='{"x": 1}'), RELATED,
            "Invalid JSON payload received", id="unknown-member",
        ),
        pytest.param(
            "messages?uploadType=media", b"", RFC822, "'raw' RFC822 payload", id="nothing"
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_stored(api, target, body, headers, said):
    reply = api("POST", f"{UPLOAD}/{target}", body, headers)
    assert reply.status == 400
    assert reply.error["message"].startswith(said)
    assert api("GET", f"{USER}/messages").json == {"resultSizeEstimate": 0}


def test_too_much_is_refused_when_it_is_announced_and_when_it_comes(api):
    over = str(SEND_MAX_BYTES + 1)
    target = f"{UPLOAD}/messages/send?uploadType=media"
    assert api("POST", target, b"", {**RFC822, "content-length": over}).status == 413
    chunks = [b"x" * (1 << 20)] * (SEND_MAX_BYTES // (1 << 20) + 1)
    assert api("POST", target, b"", RFC822, chunks=chunks).status == 413
    begun = begin(api, method="messages/send", x_upload_content_length=over)
    assert begun.status == 413


def test_a_packed_body_is_unpacked_and_counted_unpacked(api):
    headers = {**RFC822, "content-encoding": "gzip"}
    target = f"{UPLOAD}/messages?uploadType=media"
    row = api("POST", target, gzip.compress(MAIL), headers).json
    assert raw_of(api, row["id"]) == MAIL
    bomb = gzip.compress(b"\0" * (SEND_MAX_BYTES + 1))
    send = f"{UPLOAD}/messages/send?uploadType=media"
    assert api("POST", send, bomb, headers).status == 413
    for broken in (b"no gzip", gzip.compress(MAIL)[:-4]):
        assert api("POST", target, broken, headers).error["errors"][0]["reason"] == "badContent"
    assert api("POST", target, MAIL, {**RFC822, "content-encoding": "br"}).status == 400


def test_a_packed_json_body_is_unpacked(api):
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    made = api("POST", f"{USER}/labels", gzip.compress(b'{"name": "Packed"}'), headers)
    assert made.json["name"] == "Packed"


def test_a_large_message_is_read_apart_and_kept_whole(api):
    large = MAIL + b"x" * UPLOAD_DIRECT_MAX_BYTES
    row = api("POST", f"{UPLOAD}/messages/import?uploadType=media", large, RFC822).json
    assert raw_of(api, row["id"]) == large
    assert api("GET", f"{USER}/messages/{row['id']}?format=minimal").json["sizeEstimate"] == len(
        large
    )


# --- bit by bit


def test_chunks_make_a_message_with_its_json(api):
    begun = begin(api, metadata={"labelIds": ["INBOX"]}, x_upload_content_length=str(len(MAIL)))
    assert (begun.status, begun.body) == (200, b"")
    address = begun.headers["location"]
    assert urlsplit(address).path == f"{UPLOAD}/messages"
    total = len(MAIL)
    first = put(api, address, MAIL[:300], f"0-299/{total}")
    assert (first.status, first.headers["range"]) == (308, "bytes=0-299")
    asked = put(api, address, b"", f"*/{total}")
    assert (asked.status, asked.headers["range"]) == (308, "bytes=0-299")
    last = put(api, address, MAIL[300:], f"300-{total - 1}/{total}")
    assert (last.status, last.json["labelIds"]) == (200, ["INBOX"])
    assert raw_of(api, last.json["id"]) == MAIL


def test_before_the_first_octet_there_is_no_range(api):
    address = begin(api).headers["location"]
    asked = put(api, address, b"", "*/*")
    assert asked.status == 308
    assert "range" not in asked.headers


def test_an_unknown_length_becomes_known_with_the_last_chunk(api):
    address = begin(api).headers["location"]
    assert put(api, address, MAIL[:9], "0-8/*").status == 308
    done = put(api, address, MAIL[9:], f"9-{len(MAIL) - 1}/{len(MAIL)}")
    assert raw_of(api, done.json["id"]) == MAIL


def test_one_put_without_a_range_is_everything(api):
    done = put(api, begin(api).headers["location"], MAIL)
    assert raw_of(api, done.json["id"]) == MAIL


def test_a_lost_answer_is_given_again_and_no_second_message_is_made(api):
    address = begin(api).headers["location"]
    total = len(MAIL)
    done = put(api, address, MAIL, f"0-{total - 1}/{total}")
    again = put(api, address, MAIL[300:], f"300-{total - 1}/{total}")
    asked = put(api, address, b"", f"*/{total}")
    assert done.json == again.json == asked.json
    assert len(api("GET", f"{USER}/messages").json["messages"]) == 1


@pytest.mark.parametrize("method", ["messages", "messages/import", "messages/send", "drafts"])
def test_a_process_killed_before_it_noted_the_answer_makes_no_second_message(api, world, method):
    address = begin(api, method=method).headers["location"]
    world.uploads.finish = lambda name, answer: None  # the process dies here
    done = put(api, address, MAIL)
    del world.uploads.finish
    again = put(api, address, b"", f"*/{len(MAIL)}")
    assert (again.status, again.json) == (200, done.json)
    assert len(api("GET", f"{USER}/messages").json["messages"]) == 1


def test_a_cut_connection_keeps_what_came(api):
    address = begin(api).headers["location"]
    total = len(MAIL)
    assert (
        put(api, address, b"", f"0-{total - 1}/{total}", chunks=[MAIL[:200]], leaves=True) is None
    )
    asked = put(api, address, b"", f"*/{total}")
    assert asked.headers["range"] == "bytes=0-199"
    done = put(api, address, MAIL[200:], f"200-{total - 1}/{total}")
    assert raw_of(api, done.json["id"]) == MAIL


def test_what_is_known_already_is_passed_over(api):
    address = begin(api).headers["location"]
    total = len(MAIL)
    put(api, address, MAIL[:300], f"0-299/{total}")
    done = put(api, address, MAIL[100:], f"100-{total - 1}/{total}")
    assert raw_of(api, done.json["id"]) == MAIL


@pytest.mark.parametrize(
    ("data", "span", "status"),
    [
        pytest.param(b"x" * 10, "10-19/30", 400, id="gap"),
        pytest.param(b"x" * 10, "9-5/30", 400, id="backwards"),
        pytest.param(b"x" * 10, "0-30/30", 400, id="past-the-end"),
        pytest.param(b"x" * 10, "zero-9/30", 400, id="no-number"),
        pytest.param(b"x" * 11, "0-9/30", 413, id="more-than-it-says"),
        pytest.param(b"x", f"0-0/{10**12}", 413, id="too-large"),
    ],
)
def test_a_wrong_range_is_refused_and_the_upload_goes_on(api, data, span, status):
    address = begin(api).headers["location"]
    assert put(api, address, data, span).status == status
    done = put(api, address, b"", "*/30")
    assert done.status == 308


def test_a_gap_is_answered_with_the_right_range(api):
    address = begin(api).headers["location"]
    put(api, address, MAIL[:5], "0-4/30")
    assert put(api, address, b"x", "9-9/30").headers["range"] == "bytes=0-4"


def test_leaving_is_499_and_then_it_is_gone(api):
    address = begin(api).headers["location"]
    assert api("DELETE", address, token=None).status == 499
    assert put(api, address, MAIL).status == 404


def test_a_week_later_it_is_gone(api, world):
    address = begin(api).headers["location"]
    world.clock.advance(ms=UPLOAD_DAYS_MS)
    assert put(api, address, MAIL).status == 404


def test_an_upload_begins_with_every_check(api):
    target = f"{UPLOAD}/messages?uploadType=resumable"
    assert api("POST", target, token=None).status == 401
    assert begin(api, kind="image/png").status == 400
    assert begin(api, metadata={"labelIds": ["Nope"]}).status == 200
    assert begin(api, metadata={"x": 1}).error["errors"][0]["reason"] == "badRequest"


def test_a_delegate_who_is_none_any_more_cannot_finish_an_upload(api, world):
    alice, bob = world.alice, world.bob
    record = DelegateRecord(alice.address, alice.id)
    world.change(lambda box: box.put_setting(record, alice.address), bob)
    target = f"/upload/gmail/v1/users/{bob.address}/messages?uploadType=resumable"
    begun = api("POST", target, b"", {"content-type": "application/json"})
    address = begun.headers["location"]
    assert put(api, address, MAIL[:9], "0-8/*").status == 308
    world.change(lambda box: box.delete_setting(DelegateRecord, alice.address), bob)
    reply = put(api, address, MAIL)
    assert (reply.status, reply.error["message"]) == (403, f"Delegation denied for {alice.address}")
    assert world.list_ids(account=bob) == []


def test_what_the_handler_refuses_can_be_asked_again(api):
    address = begin(api, metadata={"labelIds": ["Nope"]}).headers["location"]
    for _ in range(2):
        reply = put(api, address, MAIL)
        assert (reply.status, reply.error["message"]) == (400, "Invalid label: Nope")


def test_the_mask_of_the_beginning_forms_the_end(api):
    target = f"{UPLOAD}/messages?uploadType=resumable&fields=id&prettyPrint=false"
    address = api("POST", target, b"", {"content-type": "application/json"}).headers["location"]
    done = put(api, address, MAIL)
    assert set(done.json) == {"id"}
    assert b"\n" not in done.body


# --- the newer protocol


def test_the_newer_protocol_from_start_to_end(api):
    headers = {
        "content-type": "application/json",
        "x-goog-upload-protocol": "resumable",
        "x-goog-upload-command": "start",
        "x-goog-upload-header-content-type": "message/rfc822",
        "x-goog-upload-header-content-length": str(len(MAIL)),
    }
    begun = api("POST", f"{UPLOAD}/messages", b'{"labelIds": ["INBOX"]}', headers)
    assert begun.headers["x-goog-upload-status"] == "active"
    assert begun.headers["x-goog-upload-chunk-granularity"] == "262144"
    address = begun.headers["x-goog-upload-url"]

    def step(command, data=b"", offset=None):
        headers = {"x-goog-upload-command": command}
        if offset is not None:
            headers["x-goog-upload-offset"] = str(offset)
        return api("POST", address, data, headers, token=None)

    first = step("upload", MAIL[:100], 0)
    assert (first.status, first.headers["x-goog-upload-size-received"]) == (200, "100")
    assert step("query").headers["x-goog-upload-size-received"] == "100"
    assert step("upload", b"x", 500).status == 400
    last = step("upload, finalize", MAIL[100:], 100)
    assert last.headers["x-goog-upload-status"] == "final"
    assert raw_of(api, last.json["id"]) == MAIL
    assert step("query").json == last.json


def test_the_newer_protocol_is_cancelled(api):
    headers = {"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"}
    address = api("POST", f"{UPLOAD}/messages", b"", headers).headers["x-goog-upload-url"]
    reply = api("POST", address, b"", {"x-goog-upload-command": "cancel"}, token=None)
    assert (reply.status, reply.headers["x-goog-upload-status"]) == (200, "cancelled")
    assert put(api, address, MAIL).status == 404
