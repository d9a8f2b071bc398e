"""What of a message is of one recipient alone."""

import re

from tests.unit.domain.sending.shop import KIM, Shop

from penfold.domain.sending.content import Content
from penfold.proto.mailauth.signing import SEALED
from penfold.proto.mime.body import decode_body
from penfold.proto.mime.compose import header_values
from penfold.proto.mime.scan import scan

LINK = re.compile(r"https://mail\.penfold\.test/mail/unsubscribe/([A-Za-z0-9_-]+)")
LEE = "lee@elsewhere.example"


def queued(shop):
    return [shop.queue.get_raw(row.id) for row in shop.queue.list_rows()]


def test_the_header_of_such_a_stream_has_a_link_that_is_the_recipients():
    shop = Shop()
    number = shop.accept(KIM, stream="broadcast", unsubscribe=True)
    assert shop.hand_over() == 1
    [raw] = queued(shop)
    [said] = header_values(raw, "List-Unsubscribe")
    [token] = LINK.findall(said)
    assert said == f"<https://mail.penfold.test/mail/unsubscribe/{token}>"
    assert header_values(raw, "List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
    found = shop.reactions.find(token)
    assert (found.email.number, found.recipient.address) == (number, KIM)


def test_both_fields_are_among_those_that_dkim_covers():
    assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(SEALED)


def test_the_variable_in_html_and_text_becomes_the_link_in_the_header():
    shop = Shop()
    html = '<a href="{{ unsubscribe_url }}">no more</a>'
    content = Content(html=html, text="No more: {{unsubscribe_url}}")
    shop.accept(KIM, content=content, unsubscribe=True)
    shop.hand_over()
    [raw] = queued(shop)
    texts = [decode_body(raw, part).decode() for part in scan(raw).parts]
    tokens = [token for text in (*texts, raw.decode()) for token in LINK.findall(text)]
    assert len(tokens) >= 3
    assert len(set(tokens)) == 1


def test_mail_of_another_stream_stays_as_it_was_written():
    shop = Shop()
    shop.accept(KIM, LEE, content=Content(text="{{ unsubscribe_url }}"))
    shop.hand_over()
    first, second = queued(shop)
    assert first == second
    assert b"{{ unsubscribe_url }}" in first
    assert header_values(first, "List-Unsubscribe") == []
    assert shop.key.find() is None


def test_a_message_that_was_given_whole_has_the_header_too_and_its_text_stays():
    shop = Shop()
    raw = b"From: alice@penfold.test\r\nSubject: a\r\n\r\n{{ unsubscribe_url }}\r\n"
    shop.accept(KIM, content=Content(raw=raw), unsubscribe=True, raw=True)
    shop.hand_over()
    [sent] = queued(shop)
    assert len(LINK.findall(sent.decode())) == 1
    assert sent.endswith(raw.partition(b"\r\n\r\n")[2])


def test_a_test_mail_is_composed_and_goes_nowhere():
    shop = Shop()
    shop.accept(KIM, unsubscribe=True, test=True)
    shop.hand_over()
    assert queued(shop) == []
    assert shop.events() == ["sent", "delivered"]


# --- tracking

HTML = (
    '<body><a href="https://shop.example/7?a=1&amp;b=2">bill</a> <a href="mailto:a@x.example">a</a> '
    '<a href="{{ unsubscribe_url }}">no more</a></body>'
)


def shown(shop):
    """Return the HTML of the one mail that is queued."""
    [raw] = queued(shop)
    return decode_body(raw, scan(raw)).decode()


def test_a_tracked_link_leads_by_the_tracking_host_to_where_it_led():
    shop = Shop()
    shop.accept(KIM, content=Content(html=HTML), clicks=True, unsubscribe=True)
    shop.hand_over()
    html = shown(shop)
    [token] = re.findall(r'href="https://links\.penfold\.test/mail/click/([^"]+)"', html)
    assert shop.reactions.note_clicked(token, None) == "https://shop.example/7?a=1&b=2"
    assert 'href="mailto:a@x.example"' in html
    assert len(LINK.findall(html)) == 1
    assert "/mail/open/" not in html


def test_an_opened_mail_loads_a_picture_which_is_all_that_was_added():
    shop = Shop()
    shop.accept(KIM, content=Content(html=HTML), opens=True)
    shop.hand_over()
    html = shown(shop)
    [picture, token] = re.search(
        r'(<img src="[^"]+/mail/open/([^"]+)"[^>]*>)</body>', html
    ).groups()
    assert html.replace(picture, "") == HTML
    assert shop.reactions.note_opened(token, None).recipient.address == KIM


def test_text_is_not_tracked_and_without_tracking_html_stays():
    shop = Shop()
    shop.accept(KIM, content=Content(text="https://shop.example"), opens=True, clicks=True)
    shop.hand_over()
    assert b"penfold.test/mail" not in queued(shop)[0]
    shop = Shop()
    shop.accept(KIM, content=Content(html=HTML))
    shop.hand_over()
    assert shown(shop) == HTML
