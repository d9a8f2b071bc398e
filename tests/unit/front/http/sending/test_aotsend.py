"""AOTsend's call: as its callers write it, with the codes its page has. Pins our reading of it."""

import json
import re
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from tests.unit.front.http.sending.desk import Desk, rates

from penfold.domain.sending.content import unpack_content
from penfold.ports.sending.metering import Balance
from penfold.ports.sending.records import ApiKey
from penfold.spec.rates import SENDING_NETWORK
from penfold.spec.sending import aotsend

CALL = {"template_id": "E_1234567890123", "to": "kim@elsewhere.example", "data": '{"name": "Kim"}'}
PAGE = (Path(__file__).parents[5] / "docs" / "aotsend.md").read_text()


class Shop(Desk):
    """One template, which wants no other variable than `name`."""

    def __init__(self, **more):
        self.templates = {CALL["template_id"]}
        super().__init__(domain="penfold.test", fill=self.fill, **more)

    def fill(self, account_id, word, variables):
        if word not in self.templates:
            return None
        return {"subject": "Hi", "text": f"Hello {variables.get('name', '')}"}

    def call(self, way="form", *, files=None, path=aotsend.SEND, headers=None, **changes):
        """Return what the body says of a call; a field that is None is left out."""
        given = {"app_key": self.key} | CALL | changes
        given = {name: value for name, value in given.items() if value is not None}
        kinds = {"form": {"data": given}, "json": {"json": given},
                 "multipart": {"files": {k: (None, v) for k, v in given.items()} | (files or {})}}  # fmt: skip
        request = httpx.Request("POST", "http://x/", **kinds[way])
        reply = self.knock(
            "POST", path, request.read(), {"content-type": request.headers["content-type"]} | (headers or {})
        )  # fmt: skip
        assert reply.status == 200
        return reply.json

    def stored(self, email_id):
        return self.book.read(lambda b: b.find_email(email_id, self.alice.id))

    def content(self, email_id):
        number = self.stored(email_id).number
        return unpack_content(self.book.read(lambda b: b.find_content(number)))


@pytest.fixture
def shop():
    return Shop()


@pytest.mark.parametrize("way", ["form", "multipart", "json"])
def test_a_call_is_accepted_in_each_of_the_three_ways(shop, way):
    said = shop.call(way, alias="The Shop", reply_to="help@elsewhere.example", is_random="1")
    assert (said["code"], said["message"]) == (200, "Request successful")
    email = shop.stored(said["msg_id"])
    assert email.sender == "The Shop <no-reply@penfold.test>"
    assert (email.to, email.reply_to) == (("kim@elsewhere.example",), ("help@elsewhere.example",))
    assert shop.content(said["msg_id"]).text == "Hello Kim"


def test_data_may_be_an_object_or_left_out(shop):
    assert shop.content(shop.call("json", data={"name": "Lee"})["msg_id"]).text == "Hello Lee"
    assert shop.content(shop.call(data=None)["msg_id"]).text == "Hello "


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        pytest.param(40001, {"app_key": None}, id="no-key"),
        pytest.param(40001, {"app_key": " "}, id="blank-key"),
        pytest.param(40002, {"app_key": "pf_wrong"}, id="wrong-key"),
        pytest.param(40003, {"template_id": "E_1"}, id="unknown-template"),
        pytest.param(40003, {"template_id": None}, id="no-template"),
        pytest.param(40004, {"to": None}, id="no-recipient"),
        pytest.param(40005, {"to": "kim"}, id="no-address"),
        pytest.param(40005, {"to": "k@x.example, l@x.example"}, id="two-addresses"),
        pytest.param(40005, {"to": "k@x.example\r\nBcc: l@x.example"}, id="a-line-break"),
        pytest.param(40006, {"reply_to": "nobody"}, id="reply-to"),
        pytest.param(40008, {"data": "{"}, id="data-is-no-json"),
        pytest.param(40008, {"data": "[1]"}, id="data-is-no-object"),
        pytest.param(40008, {"alias": "Shop\r\nBcc: l@x.example"}, id="a-name-with-a-line-break"),
    ],
)
def test_what_is_wrong_has_its_code(shop, code, changes):
    said = shop.call(**changes)
    assert said["code"] == code
    assert "msg_id" not in said
    assert shop.book.read(lambda b: b.list_emails(shop.alice.id, limit=9)) == []


def test_a_call_that_is_no_form_is_told_so(shop):
    reply = shop.knock("POST", aotsend.SEND, b"[1]", {"content-type": "application/json"})
    assert (reply.status, reply.json["code"]) == (200, 40008)


def test_a_call_that_is_too_large_is_told_so(shop):
    assert shop.call(data="x" * 2_100_000)["code"] == 413


def test_only_post_is_a_call(shop):
    assert shop.knock("GET", aotsend.SEND, b"", {}).status == 404


def test_a_key_keeps_its_limits(shop):
    shop.key = shop.make_key(scopes=("emails:read",))
    assert shop.call()["code"] == 40002
    shop.key = shop.make_key(networks=("198.51.100.0/24",))
    assert shop.call()["code"] == 40002
    shop.key = shop.make_key(domains=("elsewhere.example",))
    assert shop.call()["code"] == 40002  # which is no domain of this installation
    shop.key = shop.make_key(streams=("otp",))
    assert shop.stored(shop.call()["msg_id"]).stream == "otp"


def test_guesses_at_keys_are_counted():
    shop = Shop(rates=rates(SENDING_NETWORK, 1))
    assert [shop.call(app_key="pf_wrong")["code"] for _ in range(2)] == [40002, 429]


def test_a_budget_that_does_not_reach_is_40007_and_nothing_is_stored(shop):
    shop.book.change(
        lambda w: w.put_balance(Balance(shop.alice.id, prepaid=True, credit_micros=500))
    )
    assert [shop.call()["code"] for _ in range(2)] == [200, 40007]
    said = shop.call(path=aotsend.CHECK_ACCOUNT)
    assert (said["code"], said["account"]) == (200, "0.00022")


def test_an_account_that_prepays_nothing_has_no_balance(shop):
    assert shop.call(path=aotsend.CHECK_ACCOUNT)["account"] is None
    shop.key = shop.make_key(scopes=("emails:send",))
    assert shop.call(path=aotsend.CHECK_ACCOUNT)["code"] == 40002


def test_a_file_is_attached_if_it_is_small_and_of_a_type_that_is_allowed(shop):
    said = shop.call("multipart", files={"attachment": ("bill.pdf", b"%PDF\r\n")})
    [file] = shop.content(said["msg_id"]).files
    assert (file.filename, file.content) == ("bill.pdf", b"%PDF\r\n")
    assert shop.call("multipart", files={"attachment": ("a.exe", b"x")})["code"] == 40009
    large = {"attachment": ("a.pdf", b"x" * 1_048_577)}
    assert shop.call("multipart", files=large)["code"] == 40009


def test_a_repeat_with_an_idempotency_key_is_the_same_email(shop):
    again = {"idempotency-key": "one"}
    first, second = shop.call(headers=again), shop.call(headers=again)
    assert first == second
    shop.templates.clear()
    assert shop.call(headers=again) == first
    assert shop.call(headers=again, to="lee@elsewhere.example")["code"] == 409
    assert shop.call()["code"] == 40003


def test_a_test_key_sends_test_mail(shop):
    shop.key = shop.make_key(test=True)
    assert shop.stored(shop.call()["msg_id"]).test


def test_the_page_has_every_code():
    shown = {int(code) for code in re.findall(r"^\| (\d{3,5}) \|", PAGE, re.MULTILINE)}
    assert shown >= set(aotsend.MESSAGES)


def test_fields_that_are_not_known_are_passed_over(shop):
    body = urlencode({"app_key": shop.key, **CALL, "submit": "Send"}).encode()
    reply = shop.knock("POST", aotsend.SEND, body, {})  # a form although it does not say so
    assert json.loads(reply.body)["code"] == 200


def test_a_key_bound_to_a_domain_sends_from_it(shop):
    shop.keys.add(ApiKey("", shop.alice.id, "x", 0))
    shop.key = shop.make_key(domains=("penfold.test",))
    assert shop.stored(shop.call()["msg_id"]).sender == "no-reply@penfold.test"
