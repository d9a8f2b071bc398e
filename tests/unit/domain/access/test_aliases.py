"""Aliases and catch-alls: who gets the mail of an address, and who may send as it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.domain.incoming.test_inbound import raw_of
from tests.unit.world import mail

from penfold.base.errors import ConflictError, NotFoundError, ParseError
from penfold.base.limits import ALIAS_TARGETS_MAX, ALIASES_OF_ACCOUNT_MAX
from penfold.domain.access.accounts import Accounts
from penfold.domain.access.aliases import Aliases, find_targets, list_own_aliases, parse_alias
from penfold.domain.envelope import Recipient
from penfold.domain.settings.senders import make_sender
from penfold.ports.identity import Domain
from penfold.proto.mime.compose import header_values
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import ForwardingAddress, SendAs

RAW = mail(message_id="a@x.example")


@pytest.fixture
def aliases(world):
    return Aliases(world.directory, world.clock)


def who_gets(world, address):
    return [account.address for account in find_targets(world.directory, address)]


def subjects(world, account):
    page = world.api("messages_list", account=account)
    return len(page.messages or ())


def fields_of(world, message, account):
    raw = raw_of(world, message, account)
    return {name: header_values(raw, name) for name in ("Delivered-To", "X-Original-To")}


# --- who gets the mail -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "found"),
    [
        pytest.param("alice@penfold.test", ["alice@penfold.test"], id="account-before-all"),
        pytest.param("alice+x@penfold.test", ["alice@penfold.test"], id="account-without-tag"),
        pytest.param("alice+list@penfold.test", ["bob@penfold.test"], id="alias-with-its-tag"),
        pytest.param("SALES@Penfold.Test", ["bob@penfold.test"], id="alias-in-any-case"),
        pytest.param("sales+x@penfold.test", ["bob@penfold.test"], id="alias-without-tag"),
        pytest.param("nobody@penfold.test", ["carol@penfold.test"], id="catch-all"),
        pytest.param("nobody+x@penfold.test", ["carol@penfold.test"], id="catch-all-of-a-tag"),
        pytest.param("nobody@other.test", [], id="no-catch-all-there"),
    ],
)
def test_the_first_that_exists_gets_the_mail(world, aliases, address, found):
    world.add_account("carol@penfold.test")
    aliases.add("alice+list@penfold.test", "bob@penfold.test")
    aliases.add("sales@penfold.test", "bob@penfold.test")
    aliases.add("*@penfold.test", "carol@penfold.test")
    assert who_gets(world, address) == found
    judged = Recipient.LOCAL if found else Recipient.REMOTE
    assert world.inbound.check_recipient(address) is judged
    assert world.outbound.check_recipient(address) is judged


def test_mail_to_an_alias_of_two_is_stored_once_for_each(world, aliases):
    aliases.add("team@penfold.test", "alice@penfold.test")
    aliases.add("team@penfold.test", "bob@penfold.test")
    assert len(world.receive(RAW, "team@penfold.test", "alice@penfold.test")) == 2
    assert subjects(world, world.alice) == subjects(world, world.bob) == 1
    world.receive(RAW, "team@penfold.test", "alice@penfold.test")  # offered again
    assert subjects(world, world.alice) == subjects(world, world.bob) == 1


def test_message_shows_the_account_it_came_to_and_the_alias_it_was_for(world, aliases):
    aliases.add("team@penfold.test", "bob@penfold.test")
    [message] = world.receive(RAW, "Team@penfold.test")
    assert fields_of(world, message, world.bob) == {
        "Delivered-To": ["bob@penfold.test"],
        "X-Original-To": ["Team@penfold.test"],
    }
    [message] = world.receive(mail(message_id="b@x"), "bob+x@penfold.test", "team@penfold.test")
    assert fields_of(world, message, world.bob) == {
        "Delivered-To": ["bob+x@penfold.test"],
        "X-Original-To": ["team@penfold.test"],
    }


def test_message_to_the_account_itself_has_no_original_recipient(world):
    [message] = world.receive(RAW, "Bob@penfold.test")
    shown = fields_of(world, message, world.bob)
    assert shown == {"Delivered-To": ["Bob@penfold.test"], "X-Original-To": []}


def test_suspended_accounts_get_nothing_and_others_of_the_alias_do(world, aliases):
    accounts = Accounts(world.directory, world.mailboxes, world.clock, world.chance)
    aliases.add("team@penfold.test", "alice@penfold.test")
    aliases.add("team@penfold.test", "bob@penfold.test")
    accounts.set_suspended("alice@penfold.test", suspended=True)
    assert who_gets(world, "team@penfold.test") == ["bob@penfold.test"]
    accounts.set_suspended("bob@penfold.test", suspended=True)
    assert world.inbound.check_recipient("team@penfold.test") is Recipient.UNKNOWN


def test_a_catch_all_does_not_get_the_mail_of_a_suspended_account(world, aliases):
    aliases.add("*@penfold.test", "bob@penfold.test")
    accounts = Accounts(world.directory, world.mailboxes, world.clock, world.chance)
    accounts.set_suspended("alice@penfold.test", suspended=True)
    assert world.inbound.check_recipient("alice@penfold.test") is Recipient.UNKNOWN


def test_one_damaged_mailbox_of_an_alias_lets_the_sender_wait(world, aliases):
    aliases.add("team@penfold.test", "alice@penfold.test")
    aliases.add("team@penfold.test", "bob@penfold.test")
    world.mailboxes.damaged.add(world.bob.id)
    assert world.inbound.check_recipient("team@penfold.test") is Recipient.UNAVAILABLE


def test_removing_an_account_removes_it_from_aliases(world, aliases):
    accounts = Accounts(world.directory, world.mailboxes, world.clock, world.chance)
    aliases.add("team@penfold.test", "alice@penfold.test")
    aliases.add("team@penfold.test", "bob@penfold.test")
    accounts.remove("alice@penfold.test")
    assert who_gets(world, "team@penfold.test") == ["bob@penfold.test"]
    accounts.remove("bob@penfold.test")
    assert aliases.list() == []
    assert world.inbound.check_recipient("team@penfold.test") is Recipient.UNKNOWN


# --- mail that goes out ----------------------------------------------------------------


def test_mail_from_here_to_an_alias_stays_here(world, aliases):
    aliases.add("team@penfold.test", "bob@penfold.test")
    world.submit(mail(message_id="m@x", sender="alice@penfold.test"), "team@penfold.test")
    assert subjects(world, world.bob) == 1
    assert world.queue.list_rows() == []


def test_mail_to_an_alias_of_ones_own_is_mail_to_oneself(world, aliases):
    aliases.add("team@penfold.test", "alice@penfold.test")
    world.submit(mail(message_id="m@x", sender="alice@penfold.test"), "team@penfold.test")
    assert subjects(world, world.alice) == 1
    assert world.outbox() == []
    found = world.api("messages_list", q="in:inbox in:sent").messages
    assert len(found) == 1


def test_mail_to_an_alias_of_several_reaches_the_sender_too(world, aliases):
    aliases.add("team@penfold.test", "alice@penfold.test")
    aliases.add("team@penfold.test", "bob@penfold.test")
    world.submit(mail(message_id="m@x", sender="alice@penfold.test"), "team@penfold.test")
    assert subjects(world, world.bob) == 1
    assert len(world.list_ids(q="in:inbox")) == 1


def test_an_account_may_send_as_its_alias_until_it_has_it_no_more(world, aliases):
    assert not world.outbound.check_sender(world.alice, "team@penfold.test")
    aliases.add("team@penfold.test", "alice@penfold.test")
    assert world.outbound.check_sender(world.alice, "Team@penfold.test")
    assert not world.outbound.check_sender(world.bob, "team@penfold.test")
    raw = mail(message_id="m@x", sender="Team <team@penfold.test>")
    [message] = world.submit(raw, "bob@penfold.test", sender="team@penfold.test")
    assert header_values(raw_of(world, message), "From") == ["Team <team@penfold.test>"]
    aliases.remove("team@penfold.test", "alice@penfold.test")
    assert not world.outbound.check_sender(world.alice, "team@penfold.test")


def test_nobody_sends_as_what_a_catch_all_takes_in(world, aliases):
    aliases.add("*@penfold.test", "alice@penfold.test")
    assert list_own_aliases(world.directory, world.alice) == []
    for address in ("any@penfold.test", "*@penfold.test", "bob@penfold.test"):
        assert not world.outbound.check_sender(world.alice, address)


def test_what_a_send_as_record_says_of_an_alias_counts(world, aliases):
    aliases.add("team@penfold.test", "alice@penfold.test")
    body = SendAs(send_as_email="team@penfold.test", display_name="The Team", is_default=True)
    world.api("send_as_create", body=body, service=True)
    own = list_own_aliases(world.directory, world.alice)
    sender = world.read(lambda box: make_sender(box, world.alice, own))
    assert [(each.name, each.address) for each in sender.identities] == [
        ("The Team", "team@penfold.test"),
        ("Alice Example", "alice@penfold.test"),
    ]


def test_an_alias_in_another_domain_of_ours_is_a_send_as_address_without_confirmation(
    world, aliases
):
    world.directory.change(lambda writer: writer.add(Domain("second.test", 1)))
    aliases.add("alice@second.test", "alice@penfold.test")
    bodies = [SendAs(send_as_email=f"{name}@second.test") for name in ("alice", "other")]
    made = [world.api("send_as_create", body=body, service=True) for body in bodies]
    assert [each.verification_status for each in made] == ["accepted", "pending"]


def test_mail_is_forwarded_to_aliases_of_others_without_asking_and_never_to_ones_own(
    world, aliases
):
    aliases.add("team@penfold.test", "bob@penfold.test")
    aliases.add("me@penfold.test", "alice@penfold.test")
    body = ForwardingAddress(forwarding_email="team@penfold.test")
    made = world.api("forwarding_addresses_create", body=body, service=True)
    assert made.verification_status == "accepted"
    body = ForwardingAddress(forwarding_email="me@penfold.test")
    with pytest.raises(ProblemError, match="own address"):
        world.api("forwarding_addresses_create", body=body, service=True)


def test_own_aliases_are_me_in_a_search(world, aliases):
    aliases.add("team@penfold.test", "alice@penfold.test")
    world.submit(
        mail(message_id="m@x", sender="team@penfold.test"),
        "bob@penfold.test",
        sender="team@penfold.test",
    )
    assert len(world.list_ids(q="from:me")) == 1


# --- the aliases themselves ------------------------------------------------------------


@pytest.mark.parametrize(
    ("alias", "target", "error"),
    [
        ("bob@penfold.test", "alice@penfold.test", ConflictError),
        ("team@elsewhere.example", "alice@penfold.test", NotFoundError),
        ("*@elsewhere.example", "alice@penfold.test", NotFoundError),
        ("team@penfold.test", "nobody@penfold.test", NotFoundError),
        ("team@penfold.test", "kim@elsewhere.example", NotFoundError),
        ("team", "alice@penfold.test", ParseError),
        ("*", "alice@penfold.test", ParseError),
        ("*x@penfold.test", "alice@penfold.test", ParseError),
        ('"a b"@penfold.test', "alice@penfold.test", ParseError),
        ("team@[127.0.0.1]", "alice@penfold.test", ParseError),
        ("*@[127.0.0.1]", "alice@penfold.test", ParseError),
        ("team@penfold.test\r\nX: y", "alice@penfold.test", ParseError),
    ],
)
def test_what_cannot_be_an_alias_is_refused(aliases, alias, target, error):
    with pytest.raises(error):
        aliases.add(alias, target)
    assert aliases.list() == []


def test_an_alias_leads_to_no_alias_so_nothing_loops(aliases):
    aliases.add("a@penfold.test", "alice@penfold.test")
    with pytest.raises(ConflictError, match="not to aliases"):
        aliases.add("b@penfold.test", "a@penfold.test")


def test_an_account_is_not_made_at_the_address_of_an_alias(world, aliases):
    aliases.add("team@penfold.test", "alice@penfold.test")
    accounts = Accounts(world.directory, world.mailboxes, world.clock, world.chance)
    with pytest.raises(ConflictError, match="is an alias"):
        accounts.add("team@penfold.test")


def test_an_alias_is_listed_with_every_account_and_removed_whole_or_in_part(world, aliases):
    for name in ("alice", "bob"):
        aliases.add("Team@Penfold.test", f"{name}@penfold.test")
    with pytest.raises(ConflictError):
        aliases.add("team@penfold.test", "bob@penfold.test")
    listed = [(alias.address, account.address) for alias, account in aliases.list()]
    assert sorted(listed) == [
        ("team@penfold.test", "alice@penfold.test"),
        ("team@penfold.test", "bob@penfold.test"),
    ]
    assert aliases.remove("team@penfold.test", "bob@penfold.test") == 1
    assert who_gets(world, "team@penfold.test") == ["alice@penfold.test"]
    assert aliases.remove("team@penfold.test") == 1
    with pytest.raises(NotFoundError, match="no such alias"):
        aliases.remove("team@penfold.test")


def test_an_alias_and_an_account_have_only_so_many_of_each_other(world, aliases):
    for number in range(ALIASES_OF_ACCOUNT_MAX):
        aliases.add(f"a{number}@penfold.test", "alice@penfold.test")
    with pytest.raises(ConflictError, match="too many aliases"):
        aliases.add("more@penfold.test", "alice@penfold.test")
    for number in range(ALIAS_TARGETS_MAX):
        world.directory.seed_account(f"t{number}@penfold.test")
        aliases.add("team@penfold.test", f"t{number}@penfold.test")
    with pytest.raises(ConflictError, match="too many accounts"):
        aliases.add("team@penfold.test", "bob@penfold.test")


@given(st.text(max_size=80))
def test_an_alias_is_parsed_to_itself_or_refused(text):
    try:
        alias = parse_alias(text)
    except ParseError:
        return
    assert parse_alias(alias) == alias
    assert " " not in alias  # the key of its record is cut there
