"""ARC: chains that hold, and each way in which one does not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.signatures import DOMAIN, LETTER, NOW_S, chain_of, private_key, record_of, sign, zone

from penfold.base.errors import ParseError
from penfold.base.limits import ARC_SETS_MAX, MIME_MAX_HEADERS
from penfold.proto.dns import Answer, Status
from penfold.proto.mailauth.arc import ArcResult, seal_arc
from penfold.proto.mailauth.canonical import hash_fields, make_field, read_message
from penfold.proto.mailauth.keys import verify_digest
from penfold.proto.mailauth.tags import parse_base64, parse_tags
from penfold.testing.mail import MailGenerator

RESULTS = "dkim=pass header.i=@sender.example; spf=none"


def seal(raw, *, chain=None, selector="ed", **more):
    """Return the message with one more set, as a host does that has verified the chain."""
    more = {"authserv_id": "mx.x.example", "results": RESULTS, "domain": DOMAIN} | more
    return (
        seal_arc(
            raw,
            chain=chain or chain_of(raw),
            selector=selector,
            key=private_key(selector),
            now_s=NOW_S,
            **more,
        )
        + raw
    )


ONE = seal(sign(LETTER, selector="ed"))
TWO = seal(b"Received: by b\r\n" + ONE, selector="rsa", authserv_id="mx.y.example")
THREE = seal(TWO)


def test_mail_without_a_chain_has_none():
    assert chain_of(LETTER) == ArcResult("none")
    assert chain_of(b"") == ArcResult("none")


@pytest.mark.parametrize(("raw", "instances"), [(ONE, 1), (TWO, 2), (THREE, 3)])
def test_a_chain_passes_and_tells_the_last_word(raw, instances):
    result = chain_of(raw)
    assert result.status == "pass"
    assert (result.instances, result.ended, result.domain) == (instances, False, DOMAIN)
    assert result.selector == ("rsa" if instances == 2 else "ed")
    host = "mx.y.example" if instances == 2 else "mx.x.example"
    assert result.results == f"{host}; {RESULTS}"
    assert result.reason == ""


def test_each_key_is_asked_for_once():
    asked = []
    look_up = zone()

    def count(question):
        asked.append(question.name)
        return look_up(question)

    assert chain_of(THREE, count).status == "pass"
    assert sorted(asked) == ["ed._domainkey.sender.example", "rsa._domainkey.sender.example"]


def test_a_change_below_an_older_signature_does_not_break_the_chain():
    changed = TWO.replace(b"Subject: Some", b"Subject: [list] Some")
    assert chain_of(changed).status == "fail"
    resealed = seal(ONE.replace(b"Subject: Some", b"Subject: [list] Some"), chain=chain_of(ONE))
    assert chain_of(resealed).status == "pass"


def edit(pattern, new, raw=TWO):
    changed, count = re.subn(pattern, new, raw, count=1)
    assert count == 1
    assert changed != raw
    return changed


def field_of(name, number):
    """Return a pattern of one field of a set, with its folds."""
    return re.compile(rf"^{name}: i={number};.*(?:\n[ \t].*)*\n".encode(), re.MULTILINE)


def copy_of(name, number):
    return field_of(name, number).search(TWO)[0]


ANY = "ARC-[A-Za-z-]+"
SEAL, MESSAGE, SEEN = "ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        pytest.param(edit(field_of(SEAL, 2), b""), "not complete", id="seal-2-gone"),
        pytest.param(edit(field_of(SEAL, 1), b""), "not complete", id="seal-1-gone"),
        pytest.param(edit(field_of(MESSAGE, 1), b""), "not complete", id="message-1-gone"),
        pytest.param(edit(field_of(SEEN, 1), b""), "not complete", id="results-1-gone"),
        pytest.param(field_of(ANY, 1).sub(b"", TWO), "not complete", id="gap"),
        pytest.param(copy_of(SEAL, 2) + TWO, "two fields", id="twice"),
        pytest.param(copy_of(SEEN, 1) + TWO, "two fields", id="aar-2x"),
        pytest.param(b"ARC-Seal: a=rsa-sha256\r\n" + TWO, "without instance", id="no-instance"),
        pytest.param(b"ARC-Seal: i=0; a=rsa-sha256\r\n" + TWO, "without instance", id="zero"),
        pytest.param(b"ARC-Authentication-Results: x\r\n" + TWO, "without instance", id="no-i"),
        pytest.param(b"ARC-Seal: i=1; i=1\r\n" + LETTER, "without instance", id="tag-list"),
        pytest.param(b"ARC-Seal: i=51; cv=pass\r\n" + TWO, "more than 50", id="51"),
        pytest.param(b"ARC-Seal: i=999999999999\r\n" + TWO, "more than 50", id="endless"),
        pytest.param(edit(b"cv=pass", b"cv=none"), "cv=none", id="cv-none"),
        pytest.param(edit(b"cv=none", b"cv=pass"), "cv=pass", id="cv-1-pass"),
        pytest.param(edit(b"cv=none", b"cv=fail"), "cv=fail", id="cv-1-fail"),
        pytest.param(edit(b"cv=pass", b"cv=fail"), "failed before", id="cv-fail"),
        pytest.param(edit(b"cv=pass", b"cv=odd"), "cv=odd", id="cv-odd"),
        pytest.param(edit(b" cv=pass;", b""), "no tag cv=", id="cv-gone"),
        pytest.param(edit(b"cv=pass;", b"cv=pass; h=from;"), "h=", id="seal-with-h"),
        pytest.param(
            edit(b"cv=pass;", b"cv=pass; t=x;", TWO.replace(b"t=", b"u=")), "number", id="t"
        ),
        pytest.param(edit(b"cv=pass;", b"cv=pass;;"), "without instance", id="stray-semicolon"),
        pytest.param(edit(b"cv=pass; d=", b"cv=pass; D="), "no tag d=", id="case-of-a-tag"),
        pytest.param(edit(b"a=rsa-sha256", b"a=rsa-sha1"), "rsa-sha1", id="seal-sha-1"),
        pytest.param(edit(b"a=rsa-sha256", b"a=ed25519-sha256"), "another algorithm", id="kind"),
        pytest.param(edit(b"cv=pass; d=sender", b"cv=pass; d=other"), "no key", id="other-domain"),
        pytest.param(edit(b"spf=none", b"spf=pass"), "seal 2", id="results-2"),
        pytest.param(edit(b"mx.x.example;", b"mx.z.example;"), "seal 2", id="results-1"),
        pytest.param(edit(b"see you", b"see me"), "body hash", id="body"),
        pytest.param(edit(b"Some words", b"No words"), "signature did not", id="subject"),
        pytest.param(edit(b"To: bob", b"To: ann"), "signature did not", id="to"),
        pytest.param(edit(b"h=from:from", b"h=from:arc-seal"), "ARC-Seal is signed", id="h-seal"),
        pytest.param(edit(b"h=from:from:", b"h="), "From is not signed", id="h-without-from"),
    ],
)
def test_a_chain_with_one_thing_wrong_fails_and_says_what(raw, why):
    result = chain_of(raw)
    assert result.status == "fail"
    assert why in result.reason, result
    assert result.domain == result.results == ""


def test_a_dns_without_answer_fails_the_chain():
    result = chain_of(TWO, zone(rsa=Answer(Status.FAILED)))
    assert (result.status, result.reason) == ("fail", "no answer about the key")
    assert chain_of(TWO, zone(ed=record_of("rsa"))).status == "fail"


def test_an_endless_header_fails_the_chain():
    result = chain_of(ONE.replace(b"From:", b"X-Filler: x\r\n" * MIME_MAX_HEADERS + b"From:"))
    assert (result.status, result.reason) == ("fail", "header too long")


def test_the_order_of_the_fields_in_the_header_is_no_matter():
    arc = field_of(ANY, "[12]").findall(TWO)
    rest = field_of(ANY, "[12]").sub(b"", TWO)
    assert len(arc) == 6
    assert chain_of(b"".join(reversed(arc)) + rest).status == "pass"


def test_a_broken_chain_is_sealed_as_broken_and_ends_there():
    broken = edit(b"spf=none", b"spf=pass", ONE)
    sealed = seal(broken)
    assert b"ARC-Seal: i=2; a=ed25519-sha256; cv=fail;" in sealed
    result = chain_of(sealed)
    assert (result.status, result.instances, result.ended) == ("fail", 2, True)
    assert seal(sealed) == sealed


def test_the_seal_of_a_broken_chain_covers_its_own_set_only():
    sealed = seal(edit(b"see you", b"see me", ONE))
    names = (SEEN, MESSAGE, SEAL)
    fields = [make_field(field_of(name, 2).search(sealed)[0].rstrip()) for name in names]
    digest = hash_fields(fields[:2], fields[2], relaxed=True)
    signature = parse_base64(parse_tags(fields[2].value)["b"])
    assert verify_digest(private_key("ed").public_key(), signature, digest)


def test_a_chain_without_a_readable_set_is_sealed_as_broken():
    sealed = seal(b"ARC-Seal: odd\r\n" + LETTER)
    assert b"ARC-Seal: i=1; a=ed25519-sha256; cv=fail;" in sealed


def test_a_full_chain_passes_and_is_not_continued():
    raw = LETTER
    chain = ArcResult("none")
    for number in range(1, ARC_SETS_MAX + 1):
        raw = seal(raw, chain=chain)
        chain = ArcResult("pass", number)
    result = chain_of(raw)
    assert (result.status, result.instances, result.ended) == ("pass", ARC_SETS_MAX, True)
    assert seal(raw) == raw


def test_what_is_sealed_is_folded_and_of_three_fields_seal_first():
    fields = seal_arc(
        LETTER, authserv_id="mx", results="spf=pass smtp.mailfrom=a@x.example; " * 9, domain=DOMAIN,
        selector="rsa", key=private_key(), now_s=NOW_S, chain=ArcResult("none"),
    )  # fmt: skip
    names = re.findall(rb"^([A-Za-z-]+):", fields, re.MULTILINE)
    assert names == [b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"]
    assert max(len(line) for line in fields.split(b"\r\n")) <= 78


def test_results_may_be_folded_and_beyond_ascii_but_are_one_field():
    raw = seal(LETTER, results="spf=pass\r\n smtp.mailfrom=é@x.example")
    result = chain_of(raw)
    assert result.results == "mx.x.example; spf=pass smtp.mailfrom=é@x.example"
    for bad in ("spf=pass\nX: y", "spf=pass\r\rx", "spf=\x00"):
        with pytest.raises(ValueError, match="header field"):
            seal(LETTER, results=bad)
    for bad in ("", "a;b", "a b", "a\r\n"):
        with pytest.raises(ValueError, match="header field"):
            seal(LETTER, authserv_id=bad)


def test_mail_without_from_is_not_sealed():
    with pytest.raises(ParseError):
        seal(b"To: x@x.example\r\n\r\n")


def test_generated_mail_is_sealed_by_three_hosts_and_passes():
    for mail in MailGenerator(13).messages(15):
        raw = mail
        for hop in range(3):
            raw = b"Received: by hop\r\n" + seal(raw)
            assert chain_of(raw).instances == hop + 1
        assert chain_of(raw).status == "pass"


@given(st.binary(max_size=300), st.sampled_from([SEAL, MESSAGE, SEEN]))
def test_any_octets_never_raise(octets, name):
    chain_of(octets)
    chain_of(f"{name}: ".encode() + octets)
    chain_of(f"{name}: i=1; ".encode() + octets + b"\r\n" + ONE)


@given(st.integers(0), st.binary(min_size=1, max_size=3), st.integers(0, 5))
def test_broken_chains_never_raise_and_can_be_sealed(where, octets, gone):
    at = where % TWO.index(b"Hello")
    raw = TWO[:at] + octets + TWO[at + gone :]
    chain = chain_of(raw)
    if read_message(raw).named(b"from"):
        continued = chain_of(seal(raw, chain=chain)).status
        assert continued == ("fail" if chain.status == "fail" else "pass")
