"""What a sender wants done (RFC 3461, RFC 8689) gets from the envelope into the queue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.world import mail

from penfold.domain.envelope import NO_WISHES, make_wishes
from penfold.ports.queue import QueueState
from penfold.proto.smtp.parameters import (
    NO_OPTIONS,
    NO_REQUEST,
    MailOptions,
    ReportRequest,
    parse_rcpt_parameters,
)
from penfold.proto.smtp.xtext import OriginalRecipient

KIM, LEE = "kim@elsewhere.example", "lee@x.example"
OPTIONS = MailOptions(require_tls=True, ret="HDRS", envid="QQ 314")
ASKED = ReportRequest(("SUCCESS", "FAILURE"), "rfc822", "kim@old.example")


def test_every_recipient_goes_on_with_its_own_wishes(world):
    world.submit(mail(), LEE, KIM, options=OPTIONS, reports=(NO_REQUEST, ASKED))
    rows = {row.recipient: row for row in world.queue.list_rows()}
    assert (rows[KIM].options, rows[KIM].report) == (OPTIONS, ASKED)
    assert (rows[LEE].options, rows[LEE].report) == (OPTIONS, NO_REQUEST)
    assert rows[KIM].state is QueueState.CAPTURED


def test_a_recipient_named_twice_keeps_what_was_said_first(world):
    world.submit(mail(), KIM, KIM, reports=(ASKED, ReportRequest(("NEVER",))))
    [row] = world.queue.list_rows()
    assert row.report == ASKED


def test_a_message_without_wishes_has_none(world):
    world.submit(mail(message_id="one@penfold.test"), KIM)
    [row] = world.queue.list_rows()
    assert (row.options, row.report, row.message_id) == (NO_OPTIONS, NO_REQUEST, "one@penfold.test")


def test_what_waits_keeps_its_wishes(world):
    world.mailboxes.damaged.add(world.bob.id)
    world.submit(mail(), world.bob.address, KIM, options=OPTIONS, reports=(ASKED, NO_REQUEST))
    [waiting] = world.outbox()
    assert waiting.recipients == (world.bob.address,)
    assert (waiting.options, waiting.reports) == (OPTIONS, (ASKED,))


@given(st.lists(st.sampled_from("abc"), max_size=4), st.booleans())
def test_wishes_are_listed_in_the_order_that_is_asked_for(recipients, said):
    reports = [ReportRequest(("DELAY",), "rfc822", str(place)) for place in range(len(recipients))]
    wishes = make_wishes(NO_OPTIONS, recipients, reports if said else ())
    assert wishes.list_reports(recipients[::-1]) == (
        tuple(reports[recipients.index(each)] for each in recipients[::-1]) if said else ()
    )
    assert (wishes is NO_WISHES) == (not said or not recipients)


@pytest.mark.parametrize(
    ("said", "original"),
    [
        (b"ORCPT=rfc822;a+2Bb@old.example", OriginalRecipient("rfc822", "a+b@old.example")),
        (b"ORCPT=utf-8;k\\x{FC}m@old.example", OriginalRecipient("utf-8", "küm@old.example")),
        (b"NOTIFY=SUCCESS", None),
    ],
)
def test_the_original_recipient_is_decoded(said, original):
    assert parse_rcpt_parameters(said, {"DSN"}).find_original() == original


def test_an_original_recipient_of_no_characters_that_was_kept_is_as_good_as_none():
    assert ReportRequest((), "utf-8", "k\\x{D800}m@old.example").find_original() is None
