"""Heads of requests without scruples: `fuzz_http_head.py --seconds 60`.

Nothing raises; what passes has one host and one framing, and the client of a forwarded request stays
an address.
"""

import ipaddress

from looping import run

from penfold.front.http.entry import Names, Proxies
from penfold.front.http.framing import find_fault, has_body

NAMES = [b"host", b"transfer-encoding", b"content-length", b"x-forwarded-for",
         b"x-forwarded-proto", b"x-forwarded-host", b"forwarded"]  # fmt: skip
PIECES = [b"a.example", b"[::1]", b"[", b"]", b":80", b":", b",", b" ", b"\t", b"\0", b"\xff", b"/",
          b"http://", b"HTTPS://", b"*", b"?", b"#", b"@", b"chunked", b"gzip", b"10.0.0.1",
          b"203.0.113.7", b"::ffff:10.0.0.1", b"fe80::1%eth0", b"https", b"1" * 400]  # fmt: skip
PROXIES = Proxies(["10.0.0.0/8", "fe80::/10"])
RULES = [Names(["a.example"], strict=strict) for strict in (True, False)]


def make_case(rng):
    def word():
        return b"".join(rng.choices(PIECES, k=rng.randrange(5)))

    headers = [(rng.choice(NAMES), word()) for _ in range(rng.randrange(8))]
    return rng.choice(["0.9", "1.0", "1.1", "2.0"]), word(), headers


def try_case(case):
    version, target, headers = case
    has_body(headers)
    scope = {"client": ("10.0.0.1", 1), "scheme": "http", "headers": headers, "server": ("::1", 1)}
    PROXIES.settle(scope)
    ipaddress.ip_address(scope["client"][0])
    assert "%" not in scope["client"][0]
    assert scope["scheme"] in ("http", "https")
    for rule in RULES:
        for guarded in (True, False):
            rule.admits(scope, guarded=guarded)
    if not find_fault(version, target, headers):
        names = [name for name, _ in headers]
        assert names.count(b"host") == 1 or (version == "1.0" and b"host" not in names)
        assert names.count(b"transfer-encoding") <= 1


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
