"""Keys, and a DNS that has them, for tests of what mail is signed with."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from penfold.proto.dns import Answer, Status, run_check
from penfold.proto.mailauth.arc import verify_arc
from penfold.proto.mailauth.dkim import verify_dkim
from penfold.proto.mailauth.keys import make_key_record
from penfold.proto.mailauth.signing import sign_dkim

NOW_S = 1_700_000_000
DOMAIN = "sender.example"
#: Selectors, each with a key of that kind.
KINDS = ("rsa", "ed")

LETTER = (
    b"From: Ann <ann@sender.example>\r\nTo: bob@x.example\r\nSubject: Some words\r\n"
    b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@sender.example>\r\n\r\n"
    b"Hello  Bob,\r\n\r\nsee you.\r\n"
)


def private_key(kind="rsa", bits=2_048):
    return _make_key(kind, bits)


@cache
def _make_key(kind, bits):
    if kind == "rsa":
        return rsa.generate_private_key(65_537, bits)
    return ed25519.Ed25519PrivateKey.generate()


def record_of(kind="rsa", bits=2_048):
    return make_key_record(private_key(kind, bits)).encode()


def zone(**records):
    """Return a DNS with the keys of KINDS and more records (or an answer) by selector."""
    table = {kind: record_of(kind) for kind in KINDS} | records

    def look_up(question):
        assert question.kind == "TXT"
        selector, _, domain = question.name.partition("._domainkey.")
        found = table.get(selector) if domain == DOMAIN else None
        if isinstance(found, Answer):
            return found
        return Answer(Status.FOUND, (found,)) if found is not None else Answer(Status.ABSENT)

    return look_up


def sign(raw, *, selector="rsa", key=None, **more):
    more = {"domain": DOMAIN, "now_s": NOW_S} | more
    return sign_dkim(raw, selector=selector, key=key or private_key(selector), **more) + raw


def verify(raw, look_up=None, *, now_s=NOW_S):
    return run_check(verify_dkim(raw, now_s=now_s), look_up or zone())


def verify_one(raw, look_up=None, *, now_s=NOW_S):
    (result,) = verify(raw, look_up, now_s=now_s)
    return result


def chain_of(raw, look_up=None, *, now_s=NOW_S):
    return run_check(verify_arc(raw, now_s=now_s), look_up or zone())
