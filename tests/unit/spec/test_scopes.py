"""Scopes: names, aliases and the sets methods take."""

import pytest

from penfold.spec.scopes import EMAIL, FULL, GMAIL_SCOPES, OPENID, SCOPES, SEND, find_scope


def test_there_are_gmails_14_three_of_openid_connect_two_of_pubsub_and_two_of_ours():
    assert len(GMAIL_SCOPES) == 14
    assert list(GMAIL_SCOPES) == sorted(GMAIL_SCOPES)
    assert len(SCOPES) == 21


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("https://mail.google.com/", FULL),
        ("https://www.googleapis.com/auth/gmail.send", SEND),
        ("openid", OPENID),
        ("email", EMAIL),
        ("gmail.send", None),
        ("", None),
    ],
)
def test_scope_is_found_by_url_and_openid_name_only(text, scope):
    assert find_scope(text) is scope


@pytest.mark.parametrize("scope", SCOPES.values(), ids=lambda s: s.short)
def test_sentence_suits_a_consent_page(scope):
    assert scope.sentence[0].isupper()
    assert not scope.sentence.endswith(".")
