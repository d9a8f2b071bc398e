"""Break what a provider of OpenID Connect says: each document and token is read or refused, soon.

python tests/fuzz/fuzz_openid.py --seconds 10 [--seed N]
"""

import base64
import contextlib
import json
import time

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jws
from joserfc.jwk import RSAKey
from looping import mutate_often, run

from penfold.base.errors import ParseError
from penfold.proto.jwk_set import parse_jwk_set, verify_with
from penfold.proto.openid import (
    check_claims,
    find_address,
    find_authenticated_ms,
    parse_metadata,
    parse_tokens,
    parse_userinfo,
)

ISSUER = "https://login.example"
KEY = RSAKey.import_key(rsa.generate_private_key(65_537, 2_048))
SET = json.dumps({"keys": [{**KEY.as_dict(private=False), "kid": "k"}]}).encode()
CLAIMS = {"iss": ISSUER, "aud": ["me", "b"], "azp": "me", "exp": 190, "iat": 100, "nonce": "n"}
CLAIMS |= {"sub": "u", "email": "a@b.example", "email_verified": True, "auth_time": 99}
TOKEN = jws.serialize_compact(
    {"alg": "RS256", "kid": "k"}, json.dumps(CLAIMS).encode(), KEY, algorithms=["RS256"]
).encode()
SEEDS = [
    json.dumps({
        "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/auth", "token_endpoint": ISSUER,
        "jwks_uri": f"{ISSUER}/keys", "token_endpoint_auth_methods_supported": ["client_secret_post"],
    }).encode(),
    SET,
    json.dumps(CLAIMS).encode(),
    json.dumps({"id_token": TOKEN.decode(), "access_token": "a", "error": "x"}).encode(),
    TOKEN,
]  # fmt: skip
PIECES = [
    b"{", b"}", b"[" * 60, b'"', b"\\u0000", b"\\ud800", b"\xff", b"null", b"-1", b"1e999", b"NaN",
    b"9" * 40, b".", b"#", b"https://[::1]:99999/", b'"none"', b'"HS256"', b'"kid":', b'"aud":', b"A" * 5_000,
    base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"="),
    base64.urlsafe_b64encode(b'{"alg":"RS256","crit":["x"],"x":1,"b64":false}').rstrip(b"="),
]  # fmt: skip
SLOWEST_S = 0.5


def mutate(rng, data):
    at = rng.randrange(len(data) + 1)
    match rng.randrange(3):
        case 0:
            return data[:at] + rng.choice(PIECES) + data[at:]
        case 1:
            return data[:at] + data[at + rng.randrange(1, 30) :]
        case _:
            return data[:at] + rng.randbytes(1) + data[at + 1 :]


def make_case(rng):
    return mutate_often(rng, SEEDS, mutate)[:100_000]


def try_case(data):
    started = time.process_time()
    for parse in (
        lambda: parse_metadata(data, issuer=ISSUER),
        lambda: parse_tokens(200, data),
        lambda: parse_userinfo(200, data, subject="u"),
        lambda: parse_jwk_set(data),
        lambda: verify_with(TOKEN.decode(), parse_jwk_set(data)),
        lambda: verify_with(data.decode("latin-1"), parse_jwk_set(SET)),
    ):
        with contextlib.suppress(ParseError):
            parse()
    with contextlib.suppress(ParseError, ValueError, RecursionError):
        claims = json.loads(data)
        if isinstance(claims, dict):
            find_address(claims)
            assert 0 <= find_authenticated_ms(claims, now_s=100.0) <= 100_000
            check_claims(claims, issuer=ISSUER, client_id="me", nonce="n", now_s=100.0)
            assert claims["iss"] == ISSUER
    assert time.process_time() - started < SLOWEST_S, "too slow"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
