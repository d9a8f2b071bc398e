"""Break authorized-user files and answers of token endpoints: each is read or refused, soon.

python tests/fuzz/fuzz_authorized_user.py --seconds 10 [--seed N]
"""

import contextlib
import time

from looping import mutate_often, run

from penfold.base.errors import ParseError
from penfold.base.limits import ACCESS_TOKEN_MAX, TOKEN_LIFE_MAX_S
from penfold.proto.authorized_user import (
    make_refresh_form,
    parse_authorized_user,
    parse_token_answer,
)

SEEDS = [
    b'{"refresh_token":"1//r","client_id":"c","client_secret":"s","token_uri":"https://a.example/t"}',
    b'{"access_token":"ya29.abc","expires_in":3599,"token_type":"Bearer","scope":"https://mail.google.com/"}',
    b'{"error":"invalid_grant","error_description":"Token has been expired or revoked."}',
]
PIECES = [
    b"{", b"}", b"[" * 60, b'"', b"\\u0000", b"\\ud800", b"\xff", b"null", b"-1", b"1e999", b"9" * 40, b"@", b":",
    b"//", b"https://[::1]:99999/", b"\r\n", b"a" * 5_000, b'"token_uri":', b'"expires_in":',
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
    with contextlib.suppress(ParseError):
        user = parse_authorized_user(data)
        assert user.host
        assert user.path.isascii()
        assert make_refresh_form(user).isascii()
    with contextlib.suppress(ParseError):
        token = parse_token_answer(200, data)
        assert 0 < len(token.secret) <= ACCESS_TOKEN_MAX
        assert token.secret.isascii()
        assert 0 <= token.life_s <= TOKEN_LIFE_MAX_S
    assert time.process_time() - started < SLOWEST_S, "too slow"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
