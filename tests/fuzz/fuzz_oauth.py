"""Throw damaged requests at OAuth's parsers: python tests/fuzz/fuzz_oauth.py --seconds 60

Each round takes a seed, damages it and reads it. Anything but a refusal in OAuth's words, or a
redirect address that leads elsewhere than it looks, is a finding; the round's number repeats it.
"""

import argparse
import contextlib
import random
import sys
import time
from urllib.parse import parse_qsl, urlsplit

from penfold.base.errors import ParseError
from penfold.proto.jwt import make_key_pair, parse_claims, parse_header, sign, verify
from penfold.proto.oauth import (
    OAuthError,
    check_registrable,
    matches_redirect,
    parse_authorization_request,
    parse_client_login,
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


def read_once(chance, token, certificate):
    with contextlib.suppress(OAuthError):
        pairs = parse_qsl(damage(chance, chance.choice(QUERIES)), keep_blank_values=True)
        parse_authorization_request(read_parameters(pairs))
    with contextlib.suppress(OAuthError):
        parse_client_login({}, damage(chance, chance.choice(HEADERS)))
    check_redirect(damage(chance, chance.choice(URIS)))
    broken = damage(chance, token)
    for read in (parse_header, parse_claims):
        with contextlib.suppress(ParseError):
            read(broken)
    with contextlib.suppress(ParseError):
        verify(broken, certificate=certificate)
        assert broken.rsplit(".", 1)[0] == token.rsplit(".", 1)[0], broken


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None, help="repeat one round")
    options = parser.parse_args()
    pair = make_key_pair("fuzz", now_ms=1_790_000_000_000)
    token = sign({"iss": "a", "exp": 1}, private=pair.private, kid=pair.kid)
    end, seed = time.monotonic() + options.seconds, options.seed or 0
    while True:
        try:
            read_once(random.Random(seed), token, pair.certificate)
        except Exception:
            print(f"seed {seed}", file=sys.stderr)
            raise
        seed += 1
        if options.seed is not None or time.monotonic() > end:
            break
    print(f"{seed - (options.seed or 0)} rounds, nothing found")


if __name__ == "__main__":
    main()
