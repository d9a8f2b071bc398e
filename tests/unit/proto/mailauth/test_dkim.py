"""DKIM: which signatures hold, and what is said of those that do not."""

import re
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.signatures import (
    DOMAIN,
    LETTER,
    NOW_S,
    private_key,
    record_of,
    sign,
    verify,
    verify_one,
    zone,
)

from penfold.base.limits import DKIM_SIGNATURES_MAX, MIME_MAX_HEADER_BYTES, MIME_MAX_HEADERS
from penfold.proto.dns import Answer, Question, Status
from penfold.proto.mailauth.canonical import (
    hash_body,
    hash_fields,
    make_field,
    read_message,
    select_fields,
)
from penfold.proto.mailauth.keys import make_key_record, sign_digest
from penfold.proto.mailauth.tags import write_signature
from penfold.testing.mail import MailGenerator

SIGNED = sign(LETTER)


def sign_by_hand(raw=LETTER, *, body_length=None, **changes):
    """Return the message with a signature of these tags that is right for them; None: no tag."""
    message = read_message(raw)
    tags = {"v": "1", "a": "ed25519-sha256", "c": "relaxed/relaxed", "d": DOMAIN, "s": "ed"}
    tags |= {"h": "from:subject"} | changes
    header, _, body = (tags["c"] or "simple").partition("/")
    lengths = [] if body_length is None else [body_length]
    hashes = hash_body(raw, message.body, relaxed=body == "relaxed", lengths=lengths)
    digest = hashes.whole if body_length is None else hashes.cut.get(body_length, hashes.whole)
    tags.setdefault("bh", b64encode(digest).decode())
    text = "; ".join(f"{name}={value}" for name, value in tags.items() if value is not None)
    field = make_field(f"DKIM-Signature: {text}; b=".encode())
    names = [name.strip().lower().encode() for name in (tags["h"] or "").split(":")]
    fields = select_fields(message, names, None)
    signed = hash_fields(fields, field, relaxed=header == "relaxed")
    signature = sign_digest(private_key("ed"), signed)
    return write_signature(field.text.decode(), signature) + raw


@pytest.mark.parametrize(
    ("selector", "algorithm", "bits"), [("rsa", "rsa-sha256", 2_048), ("ed", "ed25519-sha256", 256)]
)
def test_a_signature_that_holds_says_whose_it_is(selector, algorithm, bits):
    result = verify_one(sign(LETTER, selector=selector))
    assert result.result == "pass"
    assert (result.domain, result.selector) == (DOMAIN, selector)
    assert result.identity == f"@{DOMAIN}"
    assert (result.algorithm, result.bits) == (algorithm, bits)
    assert not result.testing
    assert result.reason == ""


def test_the_head_of_the_signature_tells_it_from_others():
    raw = sign(sign(LETTER, selector="ed"))
    heads = [result.head for result in verify(raw)]
    assert [len(head) for head in heads] == [8, 8]
    assert re.findall(rb"\bb=\s*([^;\s]{8})", raw) == [head.encode() for head in heads]


def test_unsigned_mail_has_no_results_and_asks_nothing():
    assert verify(LETTER, zone(rsa=None)) == ()
    assert verify(b"") == ()


@pytest.mark.parametrize(
    ("changes", "outcome", "why"),
    [
        pytest.param({}, "pass", "", id="as-it-should-be"),
        pytest.param({"v": None}, "permerror", "no tag v=", id="no-version"),
        pytest.param({"v": "2"}, "permerror", "version", id="version-2"),
        pytest.param({"a": None}, "permerror", "no tag a=", id="no-algorithm"),
        pytest.param({"a": "rsa-sha1"}, "permerror", "rsa-sha1", id="sha-1"),
        pytest.param({"a": "rsa-sha512"}, "permerror", "unknown algorithm", id="algorithm"),
        pytest.param({"a": "rsa-sha256"}, "permerror", "another algorithm", id="key-of-other-kind"),
        pytest.param({"bh": "AAAA"}, "neutral", "hash of the body", id="short-body-hash"),
        pytest.param({"bh": "=*="}, "neutral", "not base64", id="body-hash-no-base64"),
        pytest.param({"d": ""}, "permerror", "no tag d=", id="empty-domain"),
        pytest.param({"d": "a(b.example"}, "neutral", "not a name", id="domain-no-name"),
        pytest.param({"s": "a..b"}, "neutral", "not a name", id="selector-no-name"),
        pytest.param({"s": "absent"}, "permerror", "no key", id="no-key"),
        pytest.param({"h": "subject"}, "permerror", "From is not signed", id="from-unsigned"),
        pytest.param({"h": "from: :to"}, "neutral", "list of fields", id="empty-name-in-list"),
        pytest.param({"c": None}, "pass", "", id="simple-is-the-default"),
        pytest.param({"c": "relaxed"}, "pass", "", id="simple-body-is-the-default"),
        pytest.param({"c": "simple/relaxed"}, "pass", "", id="simple-header"),
        pytest.param({"c": "nowsp"}, "permerror", "canonicalization", id="unknown-form"),
        pytest.param({"c": "simple/"}, "permerror", "canonicalization", id="empty-form"),
        pytest.param({"q": "dns/txt"}, "pass", "", id="query"),
        pytest.param({"q": "x/y : dns/txt"}, "pass", "", id="one-query-known"),
        pytest.param({"q": "x/y"}, "permerror", "find the key", id="no-query-known"),
        pytest.param({"i": "@mail.sender.example"}, "pass", "", id="identity-below"),
        pytest.param({"i": "@xsender.example"}, "permerror", "another domain", id="identity-other"),
        pytest.param({"i": "sender.example"}, "permerror", "another domain", id="identity-no-at"),
        pytest.param({"t": "x"}, "neutral", "not a number", id="time"),
        pytest.param({"t": "5", "x": "5"}, "neutral", "before it was made", id="expired-at-once"),
        pytest.param({"x": str(NOW_S)}, "pass", "", id="expires-now"),
        pytest.param({"x": str(NOW_S - 1)}, "fail", "expired", id="expired"),
        pytest.param({"z": "From:x", "unknown": "y"}, "pass", "", id="unknown-tags"),
        pytest.param({"l": "9999"}, "fail", "shorter than l=", id="length-beyond"),
        pytest.param({"l": "-1"}, "neutral", "not a number", id="length-negative"),
    ],
)
def test_a_signature_comes_to_the_outcome_its_tags_deserve(changes, outcome, why):
    result = verify_one(sign_by_hand(**changes))
    assert (result.result.value, why in result.reason) == (outcome, True), result
    assert (result.reason == "") == (outcome == "pass")


def test_a_field_that_is_no_tag_list_is_neutral_and_names_nobody():
    result = verify_one(b"DKIM-Signature: v=1; v=1; d=x.example\r\n" + LETTER)
    assert result.result == "neutral"
    assert result.domain == result.identity == result.head == ""


def test_what_can_be_read_of_a_refused_signature_is_told():
    result = verify_one(sign_by_hand(a="rsa-sha1", d="Sender.EXAMPLE"))
    assert (result.domain, result.selector, result.algorithm) == (DOMAIN, "ed", "rsa-sha1")
    assert result.identity == f"@{DOMAIN}"


@pytest.mark.parametrize(
    ("identity", "read"),
    [
        ("ann@sender.example", "ann@sender.example"),
        ("=41nn@Mail.SENDER.example", "Ann@mail.sender.example"),
        ("=C3=A9@sender.example", "é@sender.example"),
        ("é@sender.example", "é@sender.example"),
        ("=0A=0Dx@sender.example", "@sender.example"),
    ],
)
def test_an_identity_is_told_unquoted_and_without_controls(identity, read):
    assert verify_one(sign_by_hand(i=identity)).identity == read


def test_domain_and_selector_beyond_ascii_are_asked_for_in_a_labels():
    asked = []

    def look_up(question):
        asked.append(question)
        return Answer(Status.FOUND, (record_of("ed"),))

    result = verify_one(sign_by_hand(d="bücher.example", s="élan", i="ann@bücher.example"), look_up)
    assert result.result == "pass"
    assert asked == [Question("xn--lan-9la._domainkey.xn--bcher-kva.example", "TXT")]
    assert result.identity == "ann@xn--bcher-kva.example"


# --- keys ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bits", "outcome"), [(1_023, "policy"), (1_024, "fail"), (4_096, "fail"), (4_097, "policy")]
)
def test_an_rsa_key_is_neither_short_nor_endless(bits, outcome):
    """Keys that signed nothing: those that may be used at all do not verify it."""
    key = rsa.RSAPublicNumbers(65_537, 2**bits - 1).public_key()
    result = verify_one(SIGNED, zone(rsa=make_key_record(key).encode()))
    assert (result.result.value, result.bits) == (outcome, bits)


def test_an_rsa_key_of_1024_bits_is_still_taken():
    key = private_key("rsa", 1_024)
    assert verify_one(sign(LETTER, key=key), zone(rsa=record_of("rsa", 1_024))).result == "pass"


def test_a_key_under_test_is_said_to_be():
    look_up = zone(ed=b"t=y; " + record_of("ed").removeprefix(b"v=DKIM1; "))
    assert verify_one(sign(LETTER, selector="ed"), look_up).testing
    broken = verify_one(sign(LETTER, selector="ed") + b"more\r\n", look_up)
    assert (broken.result.value, broken.testing) == ("fail", True)


def test_a_strict_key_is_not_for_subdomains():
    look_up = zone(ed=b"t=s; " + record_of("ed").removeprefix(b"v=DKIM1; "))
    assert verify_one(sign_by_hand(i="a@sender.example"), look_up).result == "pass"
    result = verify_one(sign_by_hand(i="a@mail.sender.example"), look_up)
    assert (result.result.value, "subdomains" in result.reason) == ("permerror", True)


def test_a_dns_that_does_not_answer_is_no_failure():
    result = verify_one(SIGNED, zone(rsa=Answer(Status.FAILED)))
    assert result.result == "temperror"
    assert result.domain == DOMAIN


# --- what a signature covers -----------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        pytest.param(b"see you", b"see me", "body hash", id="body"),
        pytest.param(b"Some words", b"Some word", "signature", id="subject"),
        pytest.param(b"relaxed/relaxed", b"relaxed/simple", "body hash", id="form"),
        pytest.param(b"t=1700000000", b"t=1700000001", "signature", id="time"),
        pytest.param(b"\r\n\r\n", b"\r\nReply-To: x@x.example\r\n\r\n", "signature", id="added"),
        pytest.param(b"h=from:from", b"h=from", "signature", id="list"),
    ],
)
def test_what_is_changed_or_added_breaks_it(old, new, why):
    assert SIGNED.count(old) >= 1
    result = verify_one(SIGNED.replace(old, new, 1))
    assert result.result == "fail"
    assert why in result.reason


def test_what_relaxed_form_and_trace_fields_allow_does_not():
    changed = SIGNED.replace(b"Some words", b"Some\r\n\t words").replace(b"Hello  B", b"Hello B")
    changed = changed.replace(b"Bob,\r\n", b"Bob, \t\r\n").replace(b"To: ", b"TO:")
    assert verify_one(b"Received: by x\r\n" + changed + b"\r\n\r\n").result == "pass"
    assert verify_one(SIGNED.replace(b"\r\n", b"\n")).result == "pass"


def test_text_below_the_length_is_policy_and_says_how_much():
    length = len(b"Hello Bob,\r\n\r\nsee you.\r\n")
    raw = sign_by_hand(l=str(length), body_length=length)
    assert verify_one(raw).result == "pass"
    result = verify_one(raw + b"Pay here.\r\n")
    assert result.result == "policy"
    assert result.reason == "11 octets of the body are not signed (l=)"
    nothing = verify_one(sign_by_hand(l="0", body_length=0))
    assert nothing.result == "policy"
    assert verify_one(raw.replace(b"Hello", b"Hallo") + b"x").result == "fail"


@pytest.mark.parametrize("name", ["From", "Subject"])
@pytest.mark.parametrize("place", ["above", "below"])
def test_a_second_field_of_a_kind_there_is_one_of_is_never_a_pass(name, place):
    raw = sign_by_hand()
    field = f"{name}: Eve <eve@x.example>\r\n".encode()
    raw = field + raw if place == "above" else raw.replace(b"Date:", field + b"Date:")
    result = verify_one(raw)
    assert result.result.value == ("policy" if place == "above" else "fail")


def test_two_fields_that_are_both_signed_are_the_signers_doing():
    raw = LETTER.replace(b"Date:", b"Subject: another\r\nDate:")
    assert verify_one(sign_by_hand(raw, h="from:subject:subject")).result == "pass"
    assert verify_one(sign_by_hand(raw)).result == "policy"


def test_signatures_are_told_from_the_top_and_further_ones_are_not_looked_at():
    raw = LETTER
    for _ in range(DKIM_SIGNATURES_MAX):
        raw = sign(raw, selector="ed")
    raw = sign(b"DKIM-Signature: odd\r\n" + raw)
    results = verify(raw)
    assert len(results) == DKIM_SIGNATURES_MAX
    assert [result.selector for result in results[:3]] == ["rsa", "", "ed"]
    assert results[0].result == results[-1].result == "pass"


@pytest.mark.parametrize(
    "filler",
    [
        pytest.param(b"X-Filler: x\r\n" * MIME_MAX_HEADERS, id="fields"),
        pytest.param(
            (b"X-Filler:" + b" x" * 400 + b"\r\n") * (MIME_MAX_HEADER_BYTES // 811), id="octets"
        ),
    ],
)
def test_an_endless_header_is_not_hashed(filler):
    raw = SIGNED.replace(b"From:", filler + b"From:")
    result = verify_one(raw, lambda question: pytest.fail("asked for a key"))
    assert (result.result.value, result.reason) == ("permerror", "header too long")


# --- properties ------------------------------------------------------------------------


def test_generated_mail_is_signed_and_passes_also_on_the_way_of_a_relay():
    for raw in MailGenerator(11).messages(60):
        signed = sign(raw, selector="ed")
        assert verify_one(signed).result == "pass"
        relayed = b"Received: from a by b; Tue, 14 Nov 2023 22:13:20 +0000\r\n" + signed + b"\r\n"
        assert verify_one(relayed).result == "pass"


MAIL = [sign(raw, selector="ed") for raw in MailGenerator(12).messages(12)]
#: Octets that no form takes for a blank, and that do not make a field's name of another case.
LETTERS = st.sampled_from(b"Aq7")


@settings(max_examples=200)
@given(st.sampled_from(MAIL), st.integers(0), LETTERS)
def test_one_octet_changed_in_signed_text_is_no_pass(signed, where, octet):
    start = signed.index(b"From: ") + 6
    at = start + where % (len(signed) - start)
    changed = signed[:at] + bytes([octet]) + signed[at + 1 :]
    message = read_message(signed)
    covered = at >= message.body or any(
        name in (b"from", b"to", b"date", b"subject", b"message-id") and from_ <= at < to
        for name, from_, to in values_of(signed)
    )
    held = verify_one(changed).result == "pass"
    blank = changed.translate(None, b" \t\r\n") == signed.translate(None, b" \t\r\n")
    if covered and not blank:
        assert not held


def values_of(raw):
    """Yield name, start and end of each field's value."""
    at = 0
    for field in read_message(raw).fields:
        end = at + len(field.text)
        yield field.name, end - len(field.value), end
        at = end + 2


@given(st.binary(max_size=400))
def test_any_octets_never_raise(raw):
    verify(raw)
    verify(b"DKIM-Signature: " + raw)
    verify(b"DKIM-Signature: v=1; a=ed25519-sha256; d=sender.example; s=ed; " + raw)


@given(st.integers(0), st.binary(min_size=1, max_size=3), st.integers(0, 5))
def test_broken_signatures_never_raise(where, octets, gone):
    at = where % SIGNED.index(b"Hello")
    verify(SIGNED[:at] + octets + SIGNED[at + gone :])
