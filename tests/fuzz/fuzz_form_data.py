"""Mutate forms: they are read or refused with ParseError, in time.

python tests/fuzz/fuzz_form_data.py --seconds 10 [--seed N]
"""

import contextlib
import time

from looping import mutate_often, run

from penfold.base.errors import ParseError
from penfold.front.http.sending.aotsend_form import read_aotsend, read_data

FORM = (
    b'--B\r\nContent-Disposition: form-data; name="to"\r\n\r\nkim@x.example\r\n--B\r\n'
    b'Content-Disposition: form-data; name="data"\r\n\r\n{"a": 1}\r\n--B--\r\n'
)
SEEDS = [
    FORM,
    b'--B\nContent-Disposition: form-data; name=attachment; filename="a.pdf"\n\n%PDF\n--B--',
    b'{"app_key": "pf_x", "to": "kim@x.example", "data": {"a": [1, 2]}}',
    b"app_key=pf_x&to=kim%40x.example&data=%7B%22a%22%3A1%7D",
]
PIECES = [b"--B", b"--", b"\n", b"\r\n", b";", b'"', b"name=", b"[" * 500, b"%", b"\0", b"\xff"]
KINDS = ["multipart/form-data; boundary=B", "application/json", "application/x-www-form-urlencoded"]
SLOWEST_S = 0.5


def mutate(rng, data):
    at = rng.randrange(len(data) + 1)
    match rng.randrange(3):
        case 0:
            return data[:at] + rng.choice(PIECES) * rng.randint(1, 9) + data[at:]
        case 1:
            return data[:at] + data[at + rng.randrange(1, 10) :]
        case _:
            return data[:at] + rng.randbytes(1) + data[at + 1 :]


def make_case(rng):
    return mutate_often(rng, SEEDS, mutate)[:50_000]


def try_case(data):
    started = time.process_time()
    for kind in KINDS:
        with contextlib.suppress(ParseError):
            form = read_aotsend(kind, data)
            assert isinstance(form.to, str)
            assert read_data(form.data) is None or isinstance(read_data(form.data), dict)
    assert time.process_time() - started < SLOWEST_S, "too slow"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
