"""Break links in mail: tokens nobody signed, and HTML whose links are led elsewhere.

python tests/fuzz/fuzz_mail_links.py --seconds 10 [--seed N]
"""

import time

from looping import mutate_often, run

from penfold.proto.mail_links import MailLink, Purpose, is_target, read_link, sign_link
from penfold.proto.tracked_html import track

KEY = bytes(range(32))
LINK = MailLink("1f5b2c3d-0000-4000-8000-000000000007", 1, "https://shop.example/?a=1")
GENUINE = sign_link(LINK, Purpose.CLICK, KEY)
SEEDS = [
    GENUINE.encode(),
    b'<body><a class="b" href="https://x.example/?a=1&amp;b=2" data-track=off>x</a></body>',
    b"<a href='http://x.example'><area href=https://y.example><!-- <a href=http://z> -->",
]
MORE = [
    b"<a ", b"<a href=", b"<a href='", b'"', b"'", b"=", b">", b"<!--", b"</body>", b"<script>",
    b"&#13;&#10;", b"&#x6a;avascript:", b"data-track", b"href", b"https://x.example", b"-_", b"A" * 99,
    b"<a " * 500, b"<a href=" * 500, b"a=" * 500, b"</body" * 300, b"<a href=http://x>" * 900,
]  # fmt: skip
#: CPU time of 50,000 octets; twice as many links as are rewritten are in them.
SLOWEST_S = 0.5


def mutate(rng, data):
    at = rng.randrange(len(data) + 1)
    match rng.randrange(3):
        case 0:
            return data[:at] + rng.choice(MORE) + data[at:]
        case 1:
            return data[:at] + data[at + rng.randrange(1, 10) :]
        case _:
            return data[:at] + rng.randbytes(1) + data[at + 1 :]


def make_case(rng):
    return mutate_often(rng, SEEDS, mutate)[:50_000]


def try_case(data):
    text = data.decode("utf-8", "replace")
    for purpose in Purpose:
        found = read_link(text, purpose, KEY)
        assert (found == LINK) == (text == GENUINE and purpose is Purpose.CLICK)
    started = time.process_time()
    ways = {}

    def find_way(target):
        if not is_target(target):
            return None
        assert target.isascii()
        assert target.isprintable()
        assert target.lower().startswith(("http://", "https://"))
        ways[target] = sign_link(MailLink(LINK.email_id, 1, target), Purpose.CLICK, KEY)
        return ways[target]

    made = track(text, find_way)
    assert (made == text) == (not ways)
    for target, token in ways.items():
        assert read_link(token, Purpose.CLICK, KEY).target == target
    picture = track(text, lambda _: None, "https://x.example/o")
    assert len(picture) > len(text)
    assert len(picture) < len(text) + 99
    assert time.process_time() - started < SLOWEST_S, "too slow"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
