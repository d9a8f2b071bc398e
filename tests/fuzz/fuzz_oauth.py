"""Throw damaged requests at OAuth's parsers: python tests/fuzz/fuzz_oauth.py --seconds 60

Each round takes a seed, damages it and reads it. Anything but a refusal in OAuth's words, or a
redirect address that leads elsewhere than it looks, is a finding; the round's number repeats it.
"""

import contextlib
from urllib.parse import parse_qsl, urlsplit

from looping import run

from penfold.base.errors import ParseError
from penfold.proto.jwt import make_key_pair, parse_claims, parse_header, sign, verify
from penfold.proto.oauth import (
    OAuthError,
    check_registrable,
    matches_redirect,
    parse_authorization_request,
    parse_client_login,
    parse_user_code,
    read_parameters,
    s256,
)

LOOPBACK = ("http://localhost", "http://127.0.0.1", "http://[::1]")
QUERIES = (
    "client_id=c&redirect_uri=http://localhost:1/&response_type=code&scope=openid&state=x",
    "client_id=c&redirect_uri=x&response_type=code&scope=a+b&prompt=consent&code_challenge="
    + s256("x" * 43),
)
URIS = (*LOOPBACK, "http://localhost:80/cb?x=1", "https://a.example:443/cb", "http://[::1]:9/")
HEADERS = ("Basic YTpi", "Basic YSUzQTpi", "Bearer x")
PIECES = ("@", "\\", "#", "//", "%2f", "%00", "\t", "localhost", "[", "]", ":", "é", "=", "&", ".")


def damage(chance, text):
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(text) + 1)
        cut = chance.choice((0, 0, 1, 3))
        text = text[:at] + chance.choice((*PIECES, chr(chance.randrange(0x250)))) + text[at + cut :]
    return text


def check_redirect(uri):
    if matches_redirect(uri, LOOPBACK, desktop=True):
        assert urlsplit(uri).hostname in ("localhost", "127.0.0.1", "::1"), uri
        assert not set(uri) & set("\\#"), uri
    with contextlib.suppress(ParseError):
        check_registrable(uri, "web")
        assert "@" not in urlsplit(uri).netloc, uri


PAIR = make_key_pair("fuzz", now_ms=1_790_000_000_000)
TOKEN = sign({"iss": "a", "exp": 1}, private=PAIR.private, kid=PAIR.kid)


def make_case(rng):
    """Return a query, a header, an address and a token, all damaged."""
    return [damage(rng, rng.choice(sound)) for sound in (QUERIES, HEADERS, URIS, (TOKEN,))]


def try_case(case):
    query, header, uri, broken = case
    with contextlib.suppress(OAuthError):
        pairs = parse_qsl(query, keep_blank_values=True)
        parse_authorization_request(read_parameters(pairs))
    with contextlib.suppress(OAuthError):
        parse_client_login({}, header)
    check_redirect(uri)
    assert parse_user_code(parse_user_code(uri)) == parse_user_code(uri), uri
    for read in (parse_header, parse_claims):
        with contextlib.suppress(ParseError):
            read(broken)
    with contextlib.suppress(ParseError):
        verify(broken, certificate=PAIR.certificate)
        assert broken.rsplit(".", 1)[0] == TOKEN.rsplit(".", 1)[0], broken


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
