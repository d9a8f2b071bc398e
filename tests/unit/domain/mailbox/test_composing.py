"""What becomes of an outgoing message: sender, date, ids, blind copies, line ends."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from penfold.base.limits import SEND_RECIPIENTS_MAX
from penfold.domain.envelope import Envelope
from penfold.domain.mailbox.composing import (
    Sender,
    compose_for_api,
    compose_for_submission,
    list_recipients,
)
from penfold.proto.mime.compose import header_values
from penfold.proto.mime.model import Address
from penfold.spec.problems import ProblemError

NOW_MS = 1_790_000_000_000
NOW = "Mon, 21 Sep 2026 14:13:20 +0000"
ALICE = Sender(
    (
        Address("Alice Example", "alice@penfold.test"),
        Address("A. E.", "a.example@penfold.test"),
    ),
    "alice@penfold.test",
)
OWN_ID = re.compile(r"<CA[\w-]{48}@mail\.penfold\.test>")


def api(raw, sender=ALICE):
    return compose_for_api(
        raw, sender, hostname="mx.penfold.test", now_ms=NOW_MS, chance=random.Random(1)
    )


def submission(raw, *recipients, sender="alice@penfold.test"):
    envelope = Envelope("s1", "192.0.2.7", "laptop.example", "ESMTPSA", sender, recipients)
    return compose_for_submission(
        raw, ALICE, envelope, hostname="mx.penfold.test", now_ms=NOW_MS, chance=random.Random(1)
    )


def values(octets, name):
    return header_values(octets, name)


def write(*headers, body="text\r\n"):
    return ("\r\n".join(headers) + f"\r\n\r\n{body}").encode()


TO = "To: kim@x.example"


# --- recipients --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        pytest.param(["To: a@x.example"], ["a@x.example"], id="to"),
        pytest.param(["Cc: a@x.example"], ["a@x.example"], id="cc-alone"),
        pytest.param(["Bcc: a@x.example"], ["a@x.example"], id="bcc-alone"),
        pytest.param(
            ["Cc: b@x.example", "To: a@x.example, A@X.example", "Bcc: <c@x.example>"],
            ["a@x.example", "b@x.example", "c@x.example"],
            id="all-three-once-each",
        ),
        pytest.param(["To: a@x.example", "To: b@x.example"], ["a@x.example", "b@x.example"], id="repeated"),
        pytest.param(['To: "x, y" <a@x.example>'], ["a@x.example"], id="comma-in-a-name"),
        pytest.param(["To: team: a@x.example, b@x.example;"], ["a@x.example", "b@x.example"], id="group"),
        pytest.param(["To: a@BÜCHER.example"], ["a@xn--bcher-kva.example"], id="idn"),
    ],
)  # fmt: skip
def test_recipients_come_from_the_header(headers, found):
    assert list(list_recipients(write(*headers))) == found


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        pytest.param(["Subject: x"], "Recipient address required", id="none"),
        pytest.param(["To: "], "Recipient address required", id="empty"),
        pytest.param(["To: undisclosed-recipients:;"], "Recipient address required", id="empty-group"),
        pytest.param(["To: nonsense"], "Invalid To header", id="to"),
        pytest.param(["To: a@x.example", "Cc: b@"], "Invalid Cc header", id="cc"),
        pytest.param(["To: a@x.example", "Bcc: <b@x.example"], "Invalid Bcc header", id="bcc"),
        pytest.param(
            ["To: " + ", ".join(f"{n}@x.example" for n in range(SEND_RECIPIENTS_MAX + 1))],
            f"Too many recipients: {SEND_RECIPIENTS_MAX + 1}, limit {SEND_RECIPIENTS_MAX}",
            id="too-many",
        ),
    ],
)  # fmt: skip
def test_bad_recipients_are_refused(headers, text):
    with pytest.raises(ProblemError) as caught:
        api(write(*headers))
    assert caught.value.text == text


# --- the API -----------------------------------------------------------------------------


def test_date_and_message_id_are_written_anew_and_other_fields_stay():
    raw = write(TO, "Date: Tue, 03 Mar 2015 10:20:30 +0000", "Message-ID: <mine@x>", "X-A:  b ")
    out = api(raw)
    assert values(out.head, "Date") == [NOW]
    [message_id] = values(out.head, "Message-ID")
    assert OWN_ID.fullmatch(message_id)
    assert b"X-A:  b \r\n" in out.head
    assert b"mine@x" not in out.head
    assert out.body == b"text\r\n"


def test_what_is_missing_is_filled_in():
    out = api(write(TO))
    assert values(out.head, "From") == ["Alice Example <alice@penfold.test>"]
    assert values(out.head, "MIME-Version") == ["1.0"]
    assert len(values(out.head, "Message-ID")) == 1
    assert values(out.head, "Received")[0].startswith(
        "from client by mx.penfold.test with HTTPREST"
    )
    assert out.sender == "alice@penfold.test"


def test_mime_version_and_type_are_left_alone():
    out = api(write(TO, "Mime-Version: 1.0 (x)", "Content-Type: text/html"))
    assert values(out.head, "MIME-Version") == ["1.0 (x)"]
    assert b"Content-Type: text/html\r\n" in out.head


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("From: Me <alice@penfold.test>", True, id="own"),
        pytest.param("From: Al <ALICE+x@Penfold.Test>", True, id="own-with-tag"),
        pytest.param("From: Al <a.example@penfold.test>", True, id="alias"),
        pytest.param("From: bob@penfold.test", False, id="somebody-else"),
        pytest.param("From: alice@penfold.test, bob@penfold.test", False, id="one-of-two"),
        pytest.param("From: nonsense", False, id="unparsable"),
        pytest.param("From: ", False, id="empty"),
        pytest.param("From: alice@penfold.test\r\nFrom: bob@penfold.test", False, id="two-fields"),
    ],
)
def test_from_is_the_senders_or_is_replaced(given, kept):
    out = api(write(given, TO))
    found = values(out.head, "From")
    if kept:
        assert given.encode() + b"\r\n" in out.head
    else:
        assert found == ["Alice Example <alice@penfold.test>"]
    assert len(found) == 1
    assert values(out.head, "X-Google-Original-From") == []


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("alice@penfold.test", "Alice Example"),
        ("ALICE+x@penfold.test", "Alice Example"),
        ("A.Example@penfold.test", '"A. E."'),
    ],
)
def test_a_bare_address_gets_the_name_that_belongs_to_it(address, name):
    assert values(api(write(f"From: {address}", TO)).head, "From") == [f"{name} <{address}>"]


def test_the_envelope_is_of_the_address_it_is_sent_as():
    assert api(write("From: a.example@penfold.test", TO)).sender == "a.example@penfold.test"
    assert api(write("From: alice+x@penfold.test", TO)).sender == "alice@penfold.test"
    assert api(write("From: bob@penfold.test", TO)).sender == "alice@penfold.test"


def test_who_sends_for_another_stands_in_the_sender_field():
    sender = structs.replace(ALICE, delegate=Address("Bob", "bob@penfold.test"))
    head = api(write(TO, "Sender: alice@penfold.test"), sender).head
    assert values(head, "Sender") == ["Bob <bob@penfold.test>"]
    assert values(head, "From") == ["Alice Example <alice@penfold.test>"]


def test_foreign_sender_field_is_removed_and_an_own_one_kept():
    assert values(api(write(TO, "Sender: bob@penfold.test")).head, "Sender") == []
    own = "alice+x@penfold.test"
    assert values(api(write(TO, f"Sender: {own}")).head, "Sender") == [own]


def test_name_beyond_ascii_is_encoded():
    out = api(write(TO), Sender((Address("Zoë", "z@penfold.test"),), "z@penfold.test"))
    assert values(out.head, "From") == ["=?utf-8?b?Wm/Dqw==?= <z@penfold.test>"]


def test_blind_copies_are_in_the_senders_copy_alone():
    out = api(write(TO, "bcc: secret@x.example", "Resent-Bcc: other@x.example"))
    assert b"secret@x.example" in out.sent_copy()
    assert b"secret" not in out.public_copy(out.sent_copy())
    assert b"other@x.example" not in out.public_copy(out.sent_copy())
    assert out.recipients == ("kim@x.example", "secret@x.example")
    assert out.public_copy(out.sent_copy()).endswith(b"\r\n\r\ntext\r\n")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_become_crlf(end):
    raw = f"To: kim@x.example{end}{end}one{end}two{end}".encode()
    sent = api(raw).sent_copy()
    assert sent.count(b"\n") == sent.count(b"\r\n") == sent.count(b"\r")
    assert sent.endswith(b"\r\n\r\none\r\ntwo\r\n")


@given(st.binary(max_size=300))
def test_any_octets_go_out_or_are_refused_in_gmails_words(junk):
    try:
        out = api(b"To: kim@x.example\r\n" + junk)
    except ProblemError:
        return
    for copy in (out.sent_copy(), out.public_copy(out.sent_copy())):
        assert values(copy, "From") == ["Alice Example <alice@penfold.test>"] or b"alice" in junk
        assert len(values(copy, "Date")) == len(values(copy, "Message-ID")) == 1
    assert not values(out.public_copy(out.sent_copy()), "Bcc")


# --- submission --------------------------------------------------------------------------


def test_submission_takes_recipients_from_the_envelope():
    out = submission(
        write("To: other@x.example"), "kim@x.example", "kim@x.example", "lee@x.example"
    )
    assert out.recipients == ("kim@x.example", "lee@x.example")
    assert values(out.head, "To") == ["other@x.example"]


def test_submission_keeps_date_and_a_well_formed_message_id():
    out = submission(write("Date: yesterday", "Message-ID: <a.b@x.example>"), "kim@x.example")
    assert values(out.head, "Date") == ["yesterday"]
    assert values(out.head, "Message-ID") == ["<a.b@x.example>"]
    assert values(out.head, "X-Google-Original-Message-ID") == []


@pytest.mark.parametrize("given", ["a b", "<no-at>", "<a@b", "<a@@b>", "<a b@c>", "mine@x.example"])
def test_submission_replaces_a_malformed_message_id_and_keeps_the_old_one_aside(given):
    out = submission(write(f"Message-ID: {given}"), "kim@x.example")
    assert OWN_ID.fullmatch(values(out.head, "Message-ID")[0])
    assert values(out.head, "X-Google-Original-Message-ID") == [given]


def test_submission_keeps_a_replaced_from_aside():
    out = submission(write("From: Bob <bob@penfold.test>"), "kim@x.example")
    assert values(out.head, "From") == ["Alice Example <alice@penfold.test>"]
    assert values(out.head, "X-Google-Original-From") == ["Bob <bob@penfold.test>"]


def test_submission_fills_in_what_is_missing_and_says_where_it_came_from():
    out = submission(b"Subject: x\r\n\r\n", "kim@x.example")
    assert values(out.head, "Date") == [NOW]
    assert OWN_ID.fullmatch(values(out.head, "Message-ID")[0])
    assert values(out.head, "X-Google-Original-Message-ID") == []
    assert values(out.head, "Received")[0].startswith(
        "from laptop.example ([192.0.2.7]) by mx.penfold.test with ESMTPSA id s1; "
    )


def test_submission_strips_blind_copies_too():
    out = submission(write("Bcc: secret@x.example"), "secret@x.example")
    assert b"secret" in out.sent_copy()
    assert b"secret" not in out.public_copy(out.sent_copy())


def test_a_message_that_hides_nobody_is_one_copy_for_all_and_its_body_is_no_other():
    raw = write(TO, body="x" * 1000)
    out = api(raw)
    sent = out.sent_copy()
    assert out.public_copy(sent) is sent
    assert out.body.obj is raw
