"""Policy records: what is read, and what is passed over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.base.limits import DMARC_REPORT_URIS_MAX
from penfold.proto.mailauth.dmarc_record import (
    DmarcRecord,
    find_record,
    parse_record,
    report_addresses,
)

VALUES = {
    "p": ["none", "quarantine", "reject", "x", ""],
    "sp": ["none", "quarantine", "reject", "x"],
    "np": ["none", "Reject"],
    "adkim": ["r", "s", "x"],
    "aspf": ["r", "s"],
    "t": ["y", "n"],
    "psd": ["y", "n", "u", "x"],
    "fo": ["0", "1", "d:s", "0:1", "0:d"],
    "rua": ["mailto:a@b", "mailto:a@b!10m", "https://x/y", "x", "mailto:a@b,mailto:c@d"],
    "ruf": ["mailto:a@b", ","],
    "pct": ["50"],
}


PAIRS = st.sampled_from([(name, value) for name, values in VALUES.items() for value in values])


def test_every_tag_is_read():
    text = (
        b"v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=s; t=y; psd=n; fo=1:s:d; "
        b"rua=mailto:a@example.com,https://example.com/r; ruf=mailto:f@example.com"
    )
    assert parse_record(text) == DmarcRecord(
        p="reject", sp="quarantine", np="none", adkim=True, aspf=True, t=True, psd="n", fo="1ds",
        rua=("mailto:a@example.com", "https://example.com/r"), ruf=("mailto:f@example.com",),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"v",
        b"v=DMARC",
        b"v=DMARC10",
        b"v=DMARC1 p=none",
        b"\xffv=DMARC1",
        b"V=dmarc1",
        b"DMARC1",
    ],
)
def test_what_does_not_begin_as_a_record_is_none(text):
    with pytest.raises(ParseError):
        parse_record(text)
    assert find_record([text]) is None


@pytest.mark.parametrize("text", [b"v=DMARC1", b"V = DMARC1 ;", b"v\t=\tDMARC1;;;", b"v=DMARC1;\0"])
def test_a_record_needs_nothing_but_its_version(text):
    assert parse_record(text) == DmarcRecord()


@pytest.mark.parametrize(
    ("value", "uris", "addresses"),
    [
        ("mailto:a@b.example", ("mailto:a@b.example",), ("a@b.example",)),
        ("MAILTO:a@b.example", ("MAILTO:a@b.example",), ("a@b.example",)),
        ("mailto:a@b.example!10m", ("mailto:a@b.example",), ("a@b.example",)),
        ("mailto:a@b.example!50", ("mailto:a@b.example",), ("a@b.example",)),
        ("mailto:a%21b@c.example", ("mailto:a%21b@c.example",), ("a!b@c.example",)),
        ("mailto:a@b.example?subject=x", ("mailto:a@b.example?subject=x",), ("a@b.example",)),
        (" mailto:a@b.example , mailto:a@b.example", ("mailto:a@b.example",), ("a@b.example",)),
        ("https://b.example/r", ("https://b.example/r",), ()),
        ("a@b.example", (), ()),
        ("mailto:", (), ()),
        ("mailto:a", (), ()),
        ("mailto:a@b.example%2Cc@d.example", (), ()),
        ("mailto:a%0d%0aBcc:x@b.example", (), ()),
        ("mailto:a b@c.example", (), ()),
        (",,", (), ()),
    ],
)
def test_report_addresses_are_those_of_sound_mailto_uris(value, uris, addresses):
    record = parse_record(f"v=DMARC1; rua={value}".encode())
    assert record.rua == uris
    assert report_addresses(record.rua) == addresses


def test_report_addresses_are_bounded():
    many = ",".join(f"mailto:a{n}@b.example" for n in range(999))
    assert len(parse_record(f"v=DMARC1; rua={many}".encode()).rua) == DMARC_REPORT_URIS_MAX


@pytest.mark.parametrize(
    ("value", "options"),
    [
        ("0", "0"),
        ("1", "1"),
        ("d:s", "ds"),
        ("s : 1", "1s"),
        ("0:1", "0"),
        ("x", "0"),
        ("d:d", "0"),
    ],
)
def test_failure_options_are_read_beside_an_address_for_failures(value, options):
    assert parse_record(f"v=DMARC1; ruf=mailto:a@b; fo={value}".encode()).fo == options
    assert parse_record(f"v=DMARC1; fo={value}".encode()).fo == ""


@given(st.lists(PAIRS, unique_by=lambda pair: pair[0]), st.sampled_from(["", " ", "\t "]))
def test_blanks_and_order_change_nothing(pairs, blank):
    spaced = "".join(f"{blank};{blank}{name}{blank}={blank}{value}" for name, value in pairs)
    plain = "".join(f";{name}={value}" for name, value in reversed(pairs))
    assert parse_record(f"v=DMARC1{spaced}".encode()) == parse_record(f"v=DMARC1{plain}".encode())


@given(st.binary(max_size=200))
def test_any_octets_behind_the_version_make_a_record(tail):
    record = parse_record(b"v=DMARC1;" + tail)
    assert {record.p, record.sp, record.np} <= {"none", "quarantine", "reject", None}
    assert record.psd in {"y", "n", "u"}


@given(st.lists(st.sampled_from([b"v=DMARC1; p=none", b"v=DMARC1", b"v=DMARC1;\0", b"x", b""])))
def test_of_any_texts_at_most_one_is_the_record(texts):
    starts = [text for text in texts if text.startswith(b"v=DMARC1")]
    assert (find_record(texts) is not None) == (len(starts) == 1)
