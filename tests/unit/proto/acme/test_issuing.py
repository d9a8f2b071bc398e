"""From an account key to a certificate, against a server in memory that may be difficult."""

import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import strategies as st
from tests.authority import BASE, Authority

from penfold.base.limits import (
    ACME_NONCE_TRIES,
    ACME_RETRY_AFTER_MAX_S,
    ACME_TEXT_MAX,
    ACME_WAIT_MAX_S,
)
from penfold.proto.acme.documents import PROBLEM, AcmeError
from penfold.proto.acme.issuing import Ask, Reply, Wanted, issue
from penfold.proto.acme.jws import make_account_key, parse_account_key
from penfold.proto.acme.requests import make_key_request

NAMES = ("mail.example.com", "mta-sts.example.com")
KEY = parse_account_key(make_account_key())
REQUEST = make_key_request(NAMES)


def steps(challenge="http-01", email="", names=NAMES):
    return issue(Wanted(f"{BASE}/dir", email, names, challenge), KEY, REQUEST)


def fail(authority, **options):
    with pytest.raises(AcmeError) as caught:
        authority.run(steps(**options))
    return caught.value


@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
def test_a_certificate_comes_once_every_name_is_proved(challenge):
    authority = Authority()
    chain = authority.run(steps(challenge, "postmaster@example.com"))
    names = x509.load_pem_x509_certificate(chain).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert set(names.value.get_values_for_type(x509.DNSName)) == set(NAMES)
    assert authority.contact == ["mailto:postmaster@example.com"]
    assert set(authority.answers) == set(NAMES)
    for proof in authority.answers.values():
        assert proof.answer == f"{proof.token}.{KEY.thumbprint}"


def test_names_that_are_authorized_already_are_not_proved_again():
    authority = Authority(status="valid")
    authority.run(steps())
    assert authority.proofs == ()
    assert not [path for _, path in authority.asked if path.startswith("/chall")]


def test_a_name_the_server_has_given_up_is_told():
    assert str(fail(Authority(status="invalid"))) == "mail.example.com: invalid"


def test_a_refused_nonce_is_replaced_and_the_request_made_again():
    authority = Authority(bad_nonces=3)
    assert authority.run(steps())
    # The answer that refuses brings a fresh one: nothing more is asked for.
    assert authority.asked.count(("HEAD", "/nonce")) == 1
    assert authority.asked.count(("POST", "/account")) == 4


def test_a_server_that_takes_no_nonce_is_not_asked_for_ever():
    authority = Authority(bad_nonces=10**6)
    assert "nonces" in str(fail(authority))
    assert authority.asked.count(("POST", "/account")) == ACME_NONCE_TRIES


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, 0, id="none"),
        pytest.param({"retry_after": "120"}, 120, id="seconds"),
        pytest.param(
            {
                "retry_after": "Fri, 27 Nov 2026 12:10:00 GMT",
                "date": "Fri, 27 Nov 2026 12:00:00 GMT",
            },
            600,
            id="date",
        ),
        pytest.param({"retry_after": "Fri, 27 Nov 2026 12:10:00 GMT"}, 0, id="date-without-a-date"),
        pytest.param({"retry_after": "9" * 400}, ACME_RETRY_AFTER_MAX_S, id="for-ever"),
        pytest.param({"retry_after": "-5"}, 0, id="negative"),
        pytest.param({"retry_after": "soon"}, 0, id="word"),
    ],
)
def test_a_limit_is_told_with_the_time_the_server_wants_to_be_left_alone(headers, seconds):
    authority = Authority()
    problem = {"type": f"{PROBLEM}rateLimited", "detail": "too many certificates for example.com"}
    authority.account = None
    authority.replies["/order"] = [authority.say(429, problem, **headers)]
    error = fail(authority)
    assert str(error) == "rateLimited: too many certificates for example.com"
    assert error.wait_s == seconds


def test_a_name_that_was_not_proved_is_told_with_the_servers_reason():
    refused = {"type": f"{PROBLEM}connection", "detail": "192.0.2.1: Connection refused"}
    error = fail(Authority(refused=refused))
    assert str(error) == "connection: mail.example.com: 192.0.2.1: Connection refused"


def test_subproblems_say_which_name_is_meant():
    authority = Authority()
    problem = {
        "type": f"{PROBLEM}rejectedIdentifier",
        "detail": "some names are not certified",
        "subproblems": [
            {
                "type": f"{PROBLEM}caa",
                "detail": "CAA forbids it",
                "identifier": {"type": "dns", "value": NAMES[1]},
            }
        ],
    }
    authority.replies["/order"] = [authority.say(403, problem)]
    assert str(fail(authority)).endswith("; mta-sts.example.com: CAA forbids it")


def test_a_server_that_wants_an_account_made_beforehand_is_told_to_be_of_no_use():
    assert "acme_directory" in str(fail(Authority(meta={"externalAccountRequired": True})))


def test_a_challenge_the_server_does_not_offer_names_those_it_does():
    error = fail(Authority(), challenge="tls-sni-01")
    assert "dns-01, http-01, tls-alpn-01" in str(error)
    assert "acme_challenge" in str(error)


def test_a_server_that_does_not_decide_is_waited_for_in_growing_steps_and_given_up():
    authority = Authority(polls=10**6)
    assert "too long" in str(fail(authority))
    assert authority.pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert sum(authority.pauses) <= ACME_WAIT_MAX_S


def test_the_words_of_a_server_reach_the_log_as_one_bounded_line():
    authority = Authority()
    problem = {"type": "\x1b[31m", "detail": "a\r\nb" + "x" * 10_000}
    authority.replies["/order"] = [authority.say(400, problem)]
    text = str(fail(authority))
    assert text.isprintable()
    assert len(text) <= ACME_TEXT_MAX


def change(reply, **members):
    return Reply(reply.status, reply.headers, json.dumps(json.loads(reply.body) | members).encode())


@pytest.mark.parametrize(
    ("path", "spoil"),
    [
        pytest.param("/dir", lambda reply: change(reply, newOrder="http://acme.example/x"), id="http"),
        pytest.param("/dir", lambda reply: change(reply, newNonce="https://"), id="no-host"),
        pytest.param("/dir", lambda reply: Reply(200, {}, b"<html>"), id="no-json"),
        pytest.param("/dir", lambda reply: Reply(200, {}, b"[" * 100_000), id="deep"),
        pytest.param("/nonce", lambda reply: Reply(200, {}, b""), id="no-nonce"),
        pytest.param("/nonce", lambda reply: Reply(200, {"replay-nonce": "a\nb"}, b""), id="bad-nonce"),
        pytest.param("/account", lambda reply: Reply(201, reply.headers | {"location": ""}, b"{}"), id="no-account"),
        pytest.param("/order", lambda reply: change(reply, authorizations=[f"{BASE}/authz/x"] * 101), id="too-many"),
        pytest.param("/authz/mail.example.com", lambda reply: change(reply, identifier={"value": "other"}), id="another-name"),
        pytest.param("/authz/mail.example.com", lambda reply: change(reply, challenges=[{"type": "http-01", "token": "../../x"}]), id="bad-token"),
        pytest.param("/cert", lambda reply: Reply(200, reply.headers, b"nothing"), id="no-chain"),
        pytest.param("/cert", lambda reply: Reply(200, reply.headers, make_other_chain()), id="another-key"),
    ],
)  # fmt: skip
def test_nonsense_ends_with_an_error_for_the_operator(path, spoil):
    class Spoiler(Authority):
        def answer(self, ask):
            reply = super().answer(ask)
            return spoil(reply) if ask.url == BASE + path else reply

    assert "cannot be understood" in str(fail(Spoiler()))


def make_other_chain():
    other = Authority()
    request = make_key_request(NAMES)
    return other.run(issue(Wanted(f"{BASE}/dir", "", NAMES, "http-01"), KEY, request))


def print_private(key, encryption=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def public_of(request):
    csr = x509.load_der_x509_csr(request.csr)
    key = load_pem_private_key(request.key, None)
    assert csr.public_key() == key.public_key()
    return csr.public_key()


def test_a_renewal_keeps_the_key_that_dns_records_name():
    kept = REQUEST.key + make_other_chain()
    assert public_of(make_key_request(NAMES, kept)) == public_of(REQUEST)


@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        print_private(rsa.generate_private_key(65_537, 2048)),
        print_private(ec.generate_private_key(ec.SECP384R1())),
        print_private(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"x")),
    ],
    ids=["nothing", "damaged", "RSA", "another curve", "encrypted"],
)
def test_without_a_key_of_ours_a_new_one_is_made(kept):
    assert public_of(make_key_request(NAMES, kept)).curve.name == "secp256r1"


MEMBERS = st.dictionaries(
    st.sampled_from(
        "status authorizations finalize certificate challenges identifier newNonce newAccount "
        "newOrder meta error type detail".split()
    ),
    st.sampled_from(
        [
            "valid",
            "pending",
            "ready",
            f"{BASE}/x",
            [f"{BASE}/authz/1"],
            {"type": "x"},
            [{}],
            7,
            None,
        ]
    ),
    max_size=8,
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "replay-nonce": st.sampled_from(["abc", "", "a b", "é"]),
        "location": st.sampled_from([f"{BASE}/x", "http://x", ""]),
        "retry-after": st.sampled_from(["1", "-1", "Fri, 27 Nov 2026 12:00:00 GMT", "x"]),
    },
)
REPLIES = st.builds(
    Reply,
    st.sampled_from([200, 201, 400, 403, 429, 500]),
    HEADERS,
    st.binary(max_size=20) | MEMBERS.map(lambda members: json.dumps(members).encode()),
)


@given(st.integers(0, 12), st.lists(REPLIES, min_size=1, max_size=4))
def test_whatever_a_server_says_it_is_a_chain_or_an_error_for_the_operator(honest, replies):
    authority, running, reply = Authority(), steps(), None
    for number in range(1_000):
        try:
            step = running.send(reply)
        except (AcmeError, StopIteration):
            return
        asks = isinstance(step, Ask)
        reply = replies[number % len(replies)] if asks and number >= honest else authority.do(step)
    pytest.fail("it does not end")
