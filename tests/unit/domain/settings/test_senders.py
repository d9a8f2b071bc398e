"""Aliases, confirmations, mail servers and delegates in a whole product."""

import re

import pytest
from tests.unit.world import mail

from penfold.base.limits import CONFIRMATION_S, CONFIRMATIONS_A_DAY, DELEGATORS_MAX
from penfold.domain.settings.confirming import Confirmations
from penfold.domain.settings.delegates import find_delegator
from penfold.domain.settings.senders import make_sender
from penfold.proto.mime.compose import header_values
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import Delegate, ForwardingAddress, Message, SendAs, SmtpMsa

OUT = "alice@elsewhere.example"
SERVER = {"host": "smtp.elsewhere.example", "port": 587, "security_mode": "starttls"}


@pytest.fixture
def page(world):
    return Confirmations(world.directory, world.mailboxes, world.clock)


def add(world, address=OUT, **members):
    body = SendAs(send_as_email=address, **members)
    return world.api("send_as_create", body=body, service=True)


def read_code(world, place=0):
    world.settle()
    row = world.queue.list_rows()[place]
    return re.search(rb"code: +(\S+)", world.queue.get_raw(row.id))[1].decode(), row


def accept(world, page, **members):
    add(world, **members)
    assert page.confirm("alice@penfold.test", read_code(world)[0])


def send(world, sender, **call):
    raw = mail("From", to="bob@penfold.test", sender=sender)
    sent = world.api("messages_send", body=Message(raw=raw), **call)
    return world.read(lambda box: box.get_raw(int(sent.id, 16)))


def test_an_alias_elsewhere_is_used_once_its_reader_agreed(world, page):
    assert add(world, display_name="Al").verification_status == "pending"
    assert header_values(send(world, f"X <{OUT}>"), "From") == [
        "Alice Example <alice@penfold.test>"
    ]
    assert not world.outbound.check_sender(world.alice, OUT)
    code, row = read_code(world)
    assert (row.sender, row.recipient) == ("", OUT)
    assert page.find("bob@penfold.test", code) is None
    asked = page.find("alice@penfold.test", code.upper().replace("-", " "))
    assert (asked.kind, asked.address) == ("send_as", OUT)
    assert world.api("send_as_get", send_as_email=OUT).verification_status == "pending"
    assert page.confirm("alice@penfold.test", code) == asked
    assert page.confirm("alice@penfold.test", code) is None
    assert world.api("send_as_get", send_as_email=OUT).verification_status == "accepted"
    assert header_values(send(world, f"X <{OUT}>"), "From") == [f"X <{OUT}>"]
    assert header_values(send(world, OUT), "From") == [f"Al <{OUT}>"]
    assert world.outbound.check_sender(world.alice, OUT)


def test_a_code_ends_with_its_time_and_with_the_next(world, page):
    add(world)
    first, _ = read_code(world)
    world.api("send_as_verify", send_as_email=OUT, service=True)
    second, _ = read_code(world)
    assert page.find("alice@penfold.test", first) is None
    world.clock.advance(s=CONFIRMATION_S)
    assert page.find("alice@penfold.test", second) is None


def test_a_removed_alias_takes_its_code_along(world, page):
    add(world)
    code, _ = read_code(world)
    world.api("send_as_delete", send_as_email=OUT, service=True)
    assert page.confirm("alice@penfold.test", code) is None


def test_only_so_many_codes_are_mailed_a_day(world):
    add(world)
    for _ in range(CONFIRMATIONS_A_DAY - 1):
        world.api("send_as_verify", send_as_email=OUT, service=True)
    for name, call in (
        ("send_as_verify", {"send_as_email": OUT}),
        ("send_as_create", {"body": SendAs(send_as_email="b@elsewhere.example")}),
        (
            "forwarding_addresses_create",
            {"body": ForwardingAddress(forwarding_email="b@elsewhere.example")},
        ),
    ):
        with pytest.raises(ProblemError, match="Too many verification messages"):
            world.api(name, service=True, **call)
    assert len(world.api("send_as_list").send_as) == 2


def test_the_default_moves_and_comes_back(world, page):
    assert add(world, "sales@penfold.test", is_default=True).is_default
    assert [bool(each.is_default) for each in world.api("send_as_list").send_as] == [False, True]
    assert header_values(send(world, "x@nowhere.example"), "From") == [
        "Alice Example <sales@penfold.test>"
    ]
    own = SendAs(is_default=True)
    world.api("send_as_patch", send_as_email="alice@penfold.test", body=own)
    assert [bool(each.is_default) for each in world.api("send_as_list").send_as] == [True, False]
    add(world)
    with pytest.raises(ProblemError, match="only a verified address"):
        world.api("send_as_patch", send_as_email=OUT, body=own, service=True)


def test_mail_to_an_alias_nobody_else_has_is_mail_to_oneself(world):
    add(world, "sales@penfold.test")
    add(world, "bob@penfold.test")
    for to, labels in (("sales", {"INBOX", "SENT", "UNREAD"}), ("bob", {"SENT"})):
        raw = mail(to=f"{to}@penfold.test")
        assert set(world.api("messages_send", body=Message(raw=raw)).label_ids) == labels
    world.submit(mail(sender="sales@penfold.test"), "bob@penfold.test", sender="sales@penfold.test")
    assert len(world.list_ids(q="from:me")) == 3


def test_put_replaces_and_patch_merges(world):
    add(world, "sales@penfold.test", display_name="Sales", reply_to_address="r@x.example")
    call = {"send_as_email": "sales@penfold.test", "service": True}
    signature = '<b onclick="x()">Hi</b><script>bad()</script>'
    merged = world.api("send_as_patch", body=SendAs(signature=signature), **call)
    assert (merged.display_name, merged.signature) == ("Sales", "<b>Hi</b>")
    replaced = world.api("send_as_update", body=SendAs(signature="Yo"), **call)
    assert (replaced.display_name, replaced.reply_to_address, replaced.signature) == ("", "", "Yo")


def test_a_mail_server_is_tried_first_and_its_password_never_shown(world):
    bad = SmtpMsa(**SERVER, username="al", password="wrong")
    with pytest.raises(ProblemError, match="the login is refused"):
        add(world, smtp_msa=bad)
    assert len(world.api("send_as_list").send_as) == 1
    made = add(world, smtp_msa=SmtpMsa(**SERVER, username="al", password="right"))
    assert made.smtp_msa == SmtpMsa(**SERVER)
    body = SendAs(smtp_msa=SmtpMsa(port=465, security_mode="ssl"))
    world.api("send_as_patch", send_as_email=OUT, body=body, service=True)
    assert world.probe.seen[-1] == ("smtp.elsewhere.example", 465, "ssl", "al", "right")
    body = SendAs(smtp_msa=SmtpMsa(host="evil.example", port=25))
    with pytest.raises(ProblemError, match="securityMode"):
        world.api("send_as_patch", send_as_email=OUT, body=body, service=True)
    body = SendAs(smtp_msa=SmtpMsa(host="evil.example", port=25, security_mode="none"))
    world.api("send_as_patch", send_as_email=OUT, body=body, service=True)
    assert world.probe.seen[-1] == ("evil.example", 25, "none", "", "")


@pytest.mark.parametrize(
    "address",
    ["alice@penfold.test", "alice+x@penfold.test", "nobody@penfold.test", "a@[127.0.0.1]", "x", ""],
)
def test_forwarding_to_oneself_to_nobody_or_to_no_address_is_refused(world, address):
    body = ForwardingAddress(forwarding_email=address)
    with pytest.raises(ProblemError):
        world.api("forwarding_addresses_create", body=body, service=True)


def delegate(world, address="bob@penfold.test", account=None):
    body = Delegate(delegate_email=address)
    return world.api("delegates_create", account=account, body=body, service=True)


def test_a_delegate_acts_until_it_is_taken_back_or_gone(world):
    def ask(address="alice@penfold.test", caller=world.bob):
        return find_delegator(world.directory, world.mailboxes, address, caller)

    assert ask() is None
    delegate(world)
    assert ask() == world.alice
    assert ask("alice+x@penfold.test") is ask("nobody@penfold.test") is None
    assert ask("bob@penfold.test", world.alice) is None
    later = type(world.bob)("m" + "0" * 20, world.bob.address, "", 0)
    assert ask(caller=later) is None
    world.api("delegates_delete", delegate_email="bob@penfold.test", service=True)
    assert ask() is None


def test_what_a_delegate_sends_says_so(world):
    raw = send(world, "alice@penfold.test", caller=world.bob)
    assert header_values(raw, "From") == ["Alice Example <alice@penfold.test>"]
    assert header_values(raw, "Sender") == ["Bob Example <bob@penfold.test>"]


def test_aliases_and_oneself_are_no_delegates(world):
    for address, text in (("bob+x@penfold.test", "alias"), ("alice@penfold.test", "itself")):
        with pytest.raises(ProblemError, match=text):
            delegate(world, address)


def test_a_delegate_acts_for_ten_and_gets_room_when_one_takes_it_back(world):
    owners = [world.add_account(f"owner{n}@penfold.test") for n in range(DELEGATORS_MAX)]
    for owner in owners:
        delegate(world, account=owner)
    with pytest.raises(ProblemError, match="which is the limit"):
        delegate(world)
    call = {"account": owners[0], "service": True}
    world.api("delegates_delete", delegate_email="bob@penfold.test", **call)
    delegate(world)


def test_own_sender_has_the_default_first(world):
    add(world, "sales@penfold.test", is_default=True)
    sender = world.read(lambda box: make_sender(box, world.alice))
    assert sender.addresses == ("sales@penfold.test", "alice@penfold.test")
