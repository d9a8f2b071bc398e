"""Our signatures: what they cover, how they look, and how often the body is hashed."""

import pytest
from tests.signatures import DOMAIN, LETTER, NOW_S, private_key, sign, verify, verify_one

from penfold.base.errors import ParseError
from penfold.base.limits import MIME_MAX_HEADERS
from penfold.proto.mailauth.signing import SEALED, Signer
from penfold.proto.mailauth.tags import parse_list, parse_tags


def tags_of(signed):
    field, _, _ = signed.partition(b"\r\nFrom:")
    name, _, value = field.partition(b":")
    assert name == b"DKIM-Signature"
    return parse_tags(value)


def test_a_signature_says_who_when_and_how():
    tags = tags_of(sign(LETTER, domain="Sender.Example", expires_s=NOW_S + 60))
    assert list(tags) == ["v", "a", "c", "d", "s", "t", "x", "h", "bh", "b"]
    assert tags["a"] == "rsa-sha256"
    assert tags["c"] == "relaxed/relaxed"
    assert (tags["d"], tags["s"]) == (DOMAIN, "rsa")
    assert (int(tags["t"]), int(tags["x"])) == (NOW_S, NOW_S + 60)


def test_fields_are_signed_once_more_than_they_are_there():
    raw = b"References: <0@x>\r\nReceived: by x\r\nTo: c@x.example\r\n" + LETTER
    names = parse_list(parse_tags(sign(raw).partition(b"\r\nReferences")[0][15:])["h"])
    assert names.count("from") == names.count("subject") == 2
    assert names.count("to") == 3
    assert names.count("cc") == names.count("list-unsubscribe-post") == 1
    assert names.count("references") == 1
    assert "received" not in names
    assert "sender" not in names
    assert set(SEALED) <= set(names)


@pytest.mark.parametrize("name", SEALED)
def test_a_field_a_reader_sees_cannot_be_added_later(name):
    added = f"{name}: x\r\n".encode()
    assert verify_one(sign(LETTER, selector="ed")).result == "pass"
    assert verify_one(added + sign(LETTER, selector="ed")).result == "fail"


def test_from_is_signed_whatever_is_asked():
    signed = sign(LETTER, headers=["X-Own", "x-own", "FROM"])
    assert parse_list(tags_of(signed)["h"]) == ["from", "from", "x-own"]
    assert verify_one(b"X-Own: 1\r\n" + signed).result == "fail"


def test_lines_are_short_and_the_message_is_not_touched():
    signer = Signer(LETTER)
    field = signer.sign(domain=DOMAIN, selector="rsa", key=private_key(), now_s=NOW_S)
    assert field.endswith(b"\r\n")
    assert max(len(line) for line in field.split(b"\r\n")) <= 78
    assert verify_one(field + LETTER).result == "pass"


def test_several_keys_sign_one_message_and_all_hold():
    signer = Signer(LETTER)
    fields = [
        signer.sign(domain=domain, selector=selector, key=private_key(selector), now_s=NOW_S)
        for selector, domain in (("rsa", DOMAIN), ("ed", DOMAIN))
    ]
    results = verify(b"".join(fields) + LETTER)
    assert [(each.selector, each.result.value) for each in results] == [
        ("rsa", "pass"),
        ("ed", "pass"),
    ]


def test_the_same_message_has_the_same_signature():
    assert sign(LETTER) == sign(LETTER)
    assert sign(LETTER, selector="ed") == sign(LETTER, selector="ed")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"From: a@sender.example\r\n\r\n", id="no-body"),
        pytest.param(b"From: a@sender.example\r\n", id="no-blank-line"),
        pytest.param(b"From: a@sender.example", id="no-line-end"),
        pytest.param(b"From: a@sender.example\n\nhi\n", id="lf"),
        pytest.param(b"To : x\r\nFrom : a@sender.example\r\n\r\nhi", id="blank-before-colon"),
        pytest.param(b"From: a@sender.example\r\nFrom: b@x\r\n\r\nhi\r\n", id="two-from"),
        pytest.param("From: é <a@sender.example>\r\n\r\nhé\r\n".encode(), id="utf-8"),
        pytest.param(b"From: \xe9\r\n\r\n\xff\x00\r\r\n", id="odd-octets"),
    ],
)
@pytest.mark.parametrize("selector", ["rsa", "ed"])
def test_mail_of_any_shape_is_signed_and_holds(raw, selector):
    assert verify_one(sign(raw, selector=selector)).result == "pass"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"To: x@x.example\r\n\r\nhi\r\n", id="no-from"),
        pytest.param(b"X-Filler: x\r\n" * MIME_MAX_HEADERS + LETTER, id="endless"),
    ],
)
def test_mail_that_no_signature_could_be_valid_for_is_not_signed(raw):
    with pytest.raises(ParseError):
        Signer(raw)


@pytest.mark.parametrize("changes", [{"domain": "a b"}, {"domain": ""}, {"selector": "x;y"}])
def test_what_is_no_domain_or_selector_is_not_written(changes):
    with pytest.raises(ParseError):
        sign(LETTER, key=private_key(), **changes)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a;b", "a\r\nb", "é"])
def test_what_is_no_field_name_is_not_written(name):
    with pytest.raises(ValueError, match="field name"):
        sign(LETTER, headers=["subject", name])


def test_a_domain_beyond_ascii_is_written_in_a_labels():
    assert tags_of(sign(LETTER, domain="bücher.example"))["d"] == "xn--bcher-kva.example"
