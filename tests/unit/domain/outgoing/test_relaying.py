"""Which relay mail goes to, and whose fault a refusal is."""

import pytest

from penfold.domain.outgoing.relaying import Relays, find_relay, is_about_login, is_about_relay
from penfold.proto.smtp.stage import Stage
from penfold.spec.relays import Relay


def relay(host, *domains, senders=()):
    return Relay(host=host, domains=domains, senders=senders)


TABLES = (
    relay("all", "*"),
    relay("below", "*.example"),
    relay("deeper", "*.box.example"),
    relay("exact", "kim.box.example", "xn--bcher-kva.example"),
    relay("ours", "*", senders=("home.example", "*.home.example")),
    relay("ours-exact", "kim.box.example", senders=("home.example",)),
)


@pytest.mark.parametrize(
    ("sender", "recipient", "host"),
    [
        pytest.param("away.example", "box.test", "all", id="everything-else"),
        pytest.param("away.example", "box.example", "below", id="below-a-name"),
        pytest.param("away.example", "example", "all", id="the-name-itself-is-not-below-it"),
        pytest.param("away.example", "notbox.example", "below", id="labels-are-whole"),
        pytest.param("away.example", "a.b.box.example", "deeper", id="the-longer-name"),
        pytest.param("away.example", "KIM.box.example", "exact", id="exact-in-any-case"),
        pytest.param("away.example", "bücher.example", "exact", id="in-u-labels"),
        pytest.param("home.example", "box.test", "ours", id="by-sender-as-well"),
        pytest.param("x.home.example", "box.test", "ours", id="by-the-senders-suffix"),
        pytest.param("home.example", "box.example", "below", id="the-recipient-counts-first"),
        pytest.param("home.example", "kim.box.example", "ours-exact", id="then-the-sender"),
        pytest.param("", "kim.box.example", "exact", id="a-bounce-has-no-sender"),
        pytest.param("away.example", "[192.0.2.1]", "all", id="an-address"),
    ],
)
def test_the_most_exact_relay_takes_the_mail(sender, recipient, host):
    assert find_relay(TABLES, sender, recipient).host == host


def test_of_equal_ones_the_first_and_without_a_match_none():
    first, second = relay("one", "*.example"), relay("two", "*.example")
    assert find_relay((first, second), "a.test", "b.example") is first
    assert find_relay((first,), "a.test", "b.test") is None
    assert Relays().find("al@a.test", "kim@b.test") is None
    assert Relays([first]).find("", "kim@b.example") is first


@pytest.mark.parametrize(
    ("stage", "code", "about"),
    [
        (Stage.DNS, 0, (True, False)),
        (Stage.BANNER, 554, (True, False)),
        (Stage.AUTH, 535, (True, True)),
        (Stage.AUTH, 0, (True, True)),
        (Stage.MAIL, 530, (True, True)),
        (Stage.MAIL, 550, (False, False)),
        (Stage.RCPT, 550, (False, False)),
        (Stage.DOT, 0, (False, False)),
    ],
)
def test_what_is_said_before_the_message_is_about_the_relay(stage, code, about):
    assert (is_about_relay(stage, code), is_about_login(stage, code)) == about
