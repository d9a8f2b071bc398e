"""Tokens of links in mail: made and read, and refused once anything of them is changed."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import MAIL_LINK_TARGET_MAX
from penfold.proto.mail_links import MailLink, Purpose, is_target, read_link, sign_link

KEY = bytes(range(32))
LINK = MailLink(str(UUID(int=7)), 3)
TOKEN = sign_link(LINK, Purpose.UNSUBSCRIBE, KEY)
SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
targets = st.from_regex(r"https?://[a-zA-Z0-9./?#&=%:;@~_-]{1,200}", fullmatch=True)


@given(st.uuids(), st.integers(0, 65_535), st.just("") | targets, st.sampled_from(Purpose))
def test_a_link_reads_back_as_it_was_made_and_for_its_purpose_alone(
    email_id, place, target, purpose
):
    link = MailLink(str(email_id), place, target)
    token = sign_link(link, purpose, KEY)
    assert [read_link(token, each, KEY) for each in Purpose] == [
        link if each is purpose else None for each in Purpose
    ]
    assert read_link(token, purpose, bytes(32)) is None


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(SIGNS))
def test_a_token_with_another_character_is_none(at, sign):
    changed = TOKEN[:at] + sign + TOKEN[at + 1 :]
    assert (read_link(changed, Purpose.UNSUBSCRIBE, KEY) == LINK) == (changed == TOKEN)


@given(st.text(max_size=200) | st.text(SIGNS, max_size=200))
def test_what_nobody_signed_is_none(token):
    assert read_link(token, Purpose.UNSUBSCRIBE, KEY) is None


@pytest.mark.parametrize("token", [f"{TOKEN}=", f"{TOKEN}A", TOKEN[:-1], f" {TOKEN}", f"{TOKEN}\n"])
def test_a_token_has_one_spelling(token):
    assert read_link(token, Purpose.UNSUBSCRIBE, KEY) is None


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//x.example", "/a", "#a",
        "mailto:a@x.example", "tel:112", "ftp://x.example", "https:x.example", "https://",
        "https://x.example/a b", "https://x.example/\r\nSet-Cookie:a", "https://x.example/\n",
        'https://x.example/"onload=', "https://x.example/<", "https:\\\\x.example",
        "https://x.example\\@y.example", "https://ä.example", " https://x.example", "",
        "https://x.example/" + "a" * MAIL_LINK_TARGET_MAX,
    ],
)  # fmt: skip
def test_no_link_leads_there(address):
    assert not is_target(address)


@pytest.mark.parametrize("address", ["http://x.example", "HTTPS://x.example:8/~a/?b=%20&c=[1];'#d"])
def test_links_lead_to_the_web(address):
    assert is_target(address)
