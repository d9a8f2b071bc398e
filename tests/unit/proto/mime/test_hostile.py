"""Hostile mail costs no more than its size.

Work is counted, not timed: every function call, of Python and of C, while a case of n octets and one
of 2n is read. What a single call of C costs for hostile input is watched by tests/fuzz/fuzz_mime.py,
which runs the same cases, larger, against the clock.
"""

import sys
from collections import Counter

import pytest

from penfold.base.limits import MIME_MAX_HEADERS, MIME_MAX_PARTS
from penfold.proto.mime.body import body_as_utf8, part_ids
from penfold.proto.mime.compose import header_values, normalize_crlf, remove_headers
from penfold.proto.mime.summary import read_message

MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n"
HTML = b"Content-Type: text/html\n\n"
BASE64 = b"Content-Transfer-Encoding: base64\n\n"
QUOTED = b"Content-Transfer-Encoding: quoted-printable\n\n"


def nested(count):
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(count)
    )


#: name → (octets before, octets repeated)
CASES = {
    "nested messages": (b"", b"Content-Type: message/rfc822\n\n"),
    "lines of dashes, deep": (nested(99), b"--\n"),
    "lines like delimiters, deep": (nested(99), b"--x\n"),
    "longer boundaries": (MIXED, b"--bb\n"),
    "delimiters": (MIXED, b"--b\n"),
    "closing delimiters": (MIXED, b"--b--\n"),
    "containers never closed": (
        MIXED, b"--b\nContent-Type: multipart/mixed; boundary=c\n\n"),
    "digest": (b"Content-Type: multipart/digest; boundary=b\n\n", b"--b\n\n\n"),
    "fields": (b"", b"a:b\n"),
    "fields of 8 bits": (b"", b"a:\xff\n"),
    "one long field": (b"Subject: ", b"a"),
    "one long field without colon": (b"", b"a"),
    "blanks before no colon": (b"a", b" "),
    "folding": (b"Subject: x\n", b" y\n"),
    "blank lines that are none": (b"Subject: x\n", b" \n"),
    "carriage returns": (b"Subject: ", b"\r"),
    "nul": (b"", b"\0"),
    "encoded words": (b"Subject: ", b"=?utf-8?q?a?= "),
    "encoded words without blanks": (b"Subject: ", b"=?utf-8?b?QQ==?="),
    "encoded names": (b"To: ", b"=?utf-8?q?a?= <a@b>,"),
    "half an encoded word": (b"Subject: ", b"=?a?q?x"),
    "half an encoded name": (b"To: ", b"=?a?q?x"),
    "beginnings of words": (b"To: ", b"=?"),
    "question marks": (b"Subject: =?a?q?", b"?"),
    "addresses": (b"To: ", b"a@b, "),
    "names": (b"To: ", b'"x" <a@b>, '),
    "comments that open": (b"To: ", b"("),
    "comments": (b"To: a@b", b"()"),
    "angle brackets": (b"To: ", b"<"),
    "square brackets": (b"To: ", b"["),
    "quotes": (b"To: ", b'"'),
    "quotes and backslashes": (b"To: ", b'"\\'),
    "escaped quotes": (b'To: "', b'\\"'),
    "colons": (b"To: ", b":"),
    "groups": (b"To: ", b"a:b;"),
    "specials": (b"To: ", b'a<b@c>d"e(f'),
    "words without comma": (b"To: ", b"a "),
    "at signs": (b"To: ", b"@ "),
    "semicolons": (b'Content-Type: text/plain; s="', b";"),
    "parameters": (b"Content-Type: text/plain", b";a=b"),
    "parameters with quotes": (b"Content-Type: text/plain", b';a="'),
    "parameters with backslashes": (b"Content-Type: text/plain", b';a="\\'),
    "words for parameters": (b"Content-Type: text/plain;", b"a "),
    "segments": (b"Content-Type: text/plain", b";name*1=b"),
    "percent signs": (b"Content-Type: text/plain;name*=", b"%"),
    "references": (b"References: ", b"<a@b> "),
    "open references": (b"References: ", b"<"),
    "replies": (b"Subject: ", b"re:"),
    "date of blanks": (b"Date: ", b" "),
    "date of comments": (b"Date: ", b"("),
    "base64": (BASE64, b"QUJD"),
    "base64 of padding": (BASE64, b"="),
    "base64 padded everywhere": (BASE64, b"A="),
    "base64 of junk": (BASE64, b"*"),
    "quoted-printable of signs": (QUOTED, b"="),
    "quoted-printable of soft breaks": (QUOTED, b"a=\r\n"),
    "quoted-printable of lone returns": (QUOTED, b"=\r"),
    "html: open tags": (HTML, b"<a "),
    "html: less-than": (HTML, b"<"),
    "html: comments": (HTML, b"<!--"),
    "html: conditionals": (HTML, b"<!["),
    "html: styles": (HTML, b"<style>"),
    "html: scripts": (HTML, b"<script></script>"),
    "html: quotes": (HTML, b'<a "'),
    "html: attributes": (HTML, b'<a="'),
    "html: equals": (HTML, b"<x = "),
    "html: tags": (HTML, b"<p>"),
    "html: hidden": (HTML, b"<p hidden>"),
    "html: hiding words": (HTML + b'<p style="none ', b"display "),
    "html: references": (HTML, b"&amp"),
    "html: number signs": (HTML, b"&#"),
    "html: digits": (HTML + b"&#", b"9"),
    "white space": (b"\n", b" \n"),
}  # fmt: skip


def make(name, size):
    before, again = CASES[name]
    return before + again * ((size - len(before)) // len(again))


def read_everything(raw):
    """Do all that is done with a message on its way in and out."""
    root, summary = read_message(raw)
    for _, part in part_ids(root):
        body_as_utf8(raw, part)
    header_values(raw, "to")
    remove_headers(raw, ["bcc"])
    normalize_crlf(raw)
    return root, summary


def count_calls(raw):
    counts = Counter()

    def note(frame, event, argument):
        counts[event] += 1

    sys.setprofile(note)
    try:
        read_everything(raw)
    finally:
        sys.setprofile(None)
    return counts["call"] + counts["c_call"]


@pytest.mark.parametrize("name", CASES)
def test_twice_the_octets_are_at_most_twice_the_calls(name):
    small, large = count_calls(make(name, 6_000)), count_calls(make(name, 12_000))
    assert large <= 2.2 * small + 200


@pytest.mark.parametrize("name", CASES)
def test_result_is_bounded_and_text(name):
    root, summary = read_everything(make(name, 50_000))
    parts = [part for _, part in part_ids(root)]
    assert len(parts) <= MIME_MAX_PARTS
    assert all(len(part.headers) <= MIME_MAX_HEADERS for part in parts)
    assert all(0 <= part.start <= part.end <= 50_000 for part in parts)
    for text in (summary.snippet, summary.body, summary.subject, *summary.filenames):
        text.encode()


def test_quadratic_work_would_be_noticed():
    """The counting above can fail."""

    def quadratic(count):
        counts = Counter()
        sys.setprofile(lambda frame, event, argument: counts.update([event]))
        try:
            for n in range(count):
                for _ in range(n):
                    len("")
        finally:
            sys.setprofile(None)
        return counts["c_call"]

    assert quadratic(200) > 2.2 * quadratic(100) + 200
