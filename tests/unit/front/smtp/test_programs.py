"""The sending API by SMTP: what a key may, what the header fields say, what is taken off."""

import queue

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.front.http.sending.desk import Desk

from penfold.domain.envelope import Envelope
from penfold.domain.sending.content import unpack_content
from penfold.domain.sending.metering import Price
from penfold.front.smtp.doors import SubmissionDoor
from penfold.front.smtp.programs import Programs
from penfold.front.smtp.refusals import find_refusal
from penfold.ports.sending.metering import Balance
from penfold.proto.smtp.sasl import Login

HEAD = b"From: Shop <shop@penfold.test>\r\nTo: Kim <kim@elsewhere.example>\r\nSubject: Hi\r\n"
KIM = ("kim@elsewhere.example",)


class Post(Desk):
    """A desk whose keys are used by SMTP."""

    def __init__(self):
        super().__init__()
        self.templates = {"welcome"}
        self.programs = Programs(
            self.book, self.keys, is_local=self.directory.is_local_domain, price=Price(280),
            clock=self.clock, chance=self.keys.chance, fill=self.fill,
        )  # fmt: skip
        self.door = SubmissionDoor(None, None, programs=self.programs)

    def fill(self, account_id, word, variables):
        if word not in self.templates:
            return None
        return {"subject": "Hi", "text": f"Hello {variables['name']}"}

    def log_in(self, user="apikey", *, key=None, client="192.0.2.7"):
        return self.door.find_account(Login("PLAIN", user, key or self.key), client)

    def submit(self, *fields, recipients=KIM, head=HEAD, holder=None):
        """Return (ids, None) or (None, error)."""
        data = head + b"".join(one + b"\r\n" for one in fields) + b"\r\nHello\r\n"
        envelope = Envelope("s", "192.0.2.7", "x", "ESMTPSA", "bounce@x.example", recipients)
        told = queue.SimpleQueue()
        self.door.deliver(holder or self.log_in(), envelope, data, lambda *got: told.put(got))
        return told.get(timeout=30)

    def taken(self, *fields, **more):
        ids, error = self.submit(*fields, **more)
        assert error is None, error
        return [self.book.read(lambda b, one=one: b.find_email(one, self.alice.id)) for one in ids]

    def content_of(self, email):
        return unpack_content(self.book.read(lambda b: b.find_content(email.number)))

    def refused(self, *fields, **more):
        """Return what the client is told."""
        _, error = self.submit(*fields, **more)
        return find_refusal(error).wire.decode()


@pytest.fixture
def post():
    made = Post()
    yield made
    made.programs.close()


def test_a_key_is_a_password_of_the_user_apikey_or_of_its_own_id(post):
    key_id = post.log_in().key.id
    assert post.log_in(key_id).id == post.log_in("ApiKey").id == post.alice.id
    assert post.log_in("alice@penfold.test") is None
    assert post.log_in(key="pf_wrong") is None


def test_a_key_keeps_its_limits(post):
    assert post.log_in(key=post.make_key(networks=("198.51.100.0/24",))) is None
    assert post.log_in(key=post.make_key(scopes=("emails:read",))) is None
    other = post.log_in(key=post.make_key(domains=("shop.example",)))
    assert "553 5.7.1 `from` is of penfold.test" in post.refused(holder=other)
    other = post.log_in(key=post.make_key(streams=("otp",)))
    assert "554 5.6.0 `stream` is none of this" in post.refused(holder=other)
    assert post.taken(b"X-Stream: otp", holder=other)[0].stream == "otp"


def test_a_key_that_is_revoked_ends_in_the_session(post):
    holder = post.log_in()
    post.keys.revoke(holder.key.id, post.alice.id)
    assert post.refused(holder=holder).startswith("550 5.7.1 The API key has ended")


def test_fields_for_us_say_what_a_call_says_and_are_taken_off(post):
    [email] = post.taken(
        b"X-Tag: kind=welcome, beta", b"x-tag: third=3", b"X-Stream: broadcast",
        b'X-Metadata: {"order":\r\n "7"}', b"X-Track: off", b"X-Other: stays", b"Bcc: lee@x.example",
    )  # fmt: skip
    assert email.tags == {"kind": "welcome", "beta": "", "third": "3"}
    assert (email.stream, email.metadata) == ("broadcast", {"order": "7"})
    assert post.content_of(email).raw == HEAD + b"X-Other: stays\r\n\r\nHello\r\n"


def test_who_gets_it_is_said_by_the_envelope_and_who_is_shown_by_the_message(post):
    [email] = post.taken(
        b"Cc: lee@x.example", recipients=(*KIM, "lee@x.example", "secret@x.example")
    )
    assert (email.to, email.cc, email.bcc) == (KIM, ("lee@x.example",), ("secret@x.example",))


def test_a_template_takes_the_place_of_what_the_message_says(post):
    [email] = post.taken(b"X-Template: welcome", b'X-Variables: {"name": "Kim"}')
    assert (email.to, post.content_of(email).text) == (KIM, "Hello Kim")
    assert "`X-Template` is no template" in post.refused(b"X-Template: other")


def test_what_is_tracked_of_a_templates_mail_is_said_in_a_field(post):
    given = b"X-Template: welcome", b'X-Variables: {"name": ""}'
    for said, wanted in ((b"Opens", (True, False)), (b"opens, clicks", (True, True)),
                         (b"off", (False, False)), (b"", (False, False))):  # fmt: skip
        [email] = post.taken(*given, b"X-Track: " + said)
        assert (email.opens, email.clicks) == wanted
    assert "`X-Track` is opens" in post.refused(*given, b"X-Track: yes")
    assert "`X-Track` is for templates" in post.refused(b"X-Track: opens")


def test_those_who_are_hidden_do_not_learn_of_each_other_by_a_template(post):
    emails = post.taken(
        *(b"X-Template: welcome", b'X-Variables: {"name": ""}'),
        head=b"From: shop@penfold.test\r\n",
        recipients=("a@x.example", "b@x.example"),
    )
    assert [one.to for one in emails] == [("a@x.example",), ("b@x.example",)]


@pytest.mark.parametrize(
    "field",
    [b"X-Metadata: [1]", b'X-Metadata: {"a": 1}', b"X-Tag: a b", b"X-Stream: a\r\nX-Stream: b",
     b"Idempotency-Key: " + b"a" * 257, b"X-Template: welcome\r\nX-Variables: {"],
    ids=["list", "number", "tag", "twice", "long-key", "variables"],
)  # fmt: skip
def test_a_field_that_is_wrong_is_named(post, field):
    name = field.rpartition(b"\r\n")[2].partition(b":")[0].decode()
    assert name.partition("-")[2].lower() in post.refused(field).lower()
    assert post.book.read(lambda b: b.list_emails(post.alice.id, limit=9)) == []


def test_a_message_that_is_sent_again_with_its_key_is_one_email(post):
    fields = (b"Idempotency-Key: one", b"X-Template: welcome", b'X-Variables: {"name": "Kim"}')
    first = post.taken(*fields)
    post.templates.clear()
    assert post.taken(*fields) == first
    assert post.refused(b"Idempotency-Key: one", recipients=("x@x.example",)).startswith("554")


def test_a_budget_holds_by_smtp_too(post):
    post.book.change(lambda w: w.put_balance(Balance(post.alice.id, prepaid=True)))
    assert post.refused().startswith("550 5.4.5 ")


def test_a_test_key_sends_test_mail(post):
    holder = post.log_in(key=post.make_key(test=True))
    assert post.taken(holder=holder)[0].test


@given(st.binary(max_size=120))
@settings(max_examples=60)
def test_any_message_is_accepted_or_refused_in_words(octets):
    post = Post()
    try:
        ids, error = post.submit(head=HEAD + octets)
        assert ids or find_refusal(error).code in (553, 554)
    finally:
        post.programs.close()
