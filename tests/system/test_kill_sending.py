"""The mail process may be killed while it sends what applications asked for: each accepted
recipient is charged once and ends in exactly one final event, and who gets a message twice had its
connection die between.
"""

import os
import signal
import time
from collections import Counter
from contextlib import ExitStack
from itertools import pairwise

import pytest
from tests.sending import FINAL, Shop
from tests.sink import Sink
from tests.system.test_kill_outbound import find_mail_process
from tests.until import until

MAILS = int(os.environ.get("PENFOLD_SENDING_MAILS", "60"))
KILLS = int(os.environ.get("PENFOLD_KILLS", "1"))
BATCH = 50
PATIENCE_S = 120 + MAILS / 5


def admit(address):
    return "550 5.1.1 No such user here" if address.startswith("nobody") else "250 2.1.5 ok"


def make_mail(number):
    """Return an email to somebody elsewhere, every third one also to an account here, every fifth
    to somebody who is not there.
    """
    to = [f"r{number}@sink.example"]
    to += ["al@home.example"] if number % 3 == 0 else []
    to += [f"nobody{number}@sink.example"] if number % 5 == 0 else []
    return {
        "from": "al@home.example", "to": to, "subject": f"mark{number:06d}", "text": "words " * 80,
    }  # fmt: skip


@pytest.mark.timeout(300 + 30 * KILLS + MAILS)
def test_killing_the_mail_process_bills_each_recipient_once_and_ends_it_once(tmp_path):
    sink, kills = Sink(admit=admit), []
    with ExitStack() as stack:
        shop = Shop(stack, tmp_path, sink)
        mails = [make_mail(number) for number in range(MAILS)]
        sent = []
        for at in range(0, MAILS, BATCH):
            answer = shop.http.post(
                "/v1/emails/batch", json=mails[at : at + BATCH], headers=shop.key
            )
            assert answer.status_code == 200, answer.text
            sent += [one["id"] for one in answer.json()["data"]]
        for _ in range(KILLS):
            wanted = sink.count() + max(3, MAILS // (2 * KILLS))
            until(lambda: sink.count() >= wanted or is_done(shop, mails), within_s=PATIENCE_S)  # noqa: B023 - waits here
            os.kill(find_mail_process(shop.log), signal.SIGKILL)
            kills.append(time.monotonic())
            until(lambda: len(starts(shop)) > len(kills), within_s=PATIENCE_S, what="a new start")
        until(lambda: is_done(shop, mails), within_s=PATIENCE_S, what="an end of each recipient")
        check_ends(shop, mails, sent)
        assert shop.stores.queue.find_next_due() is None
    check_sink(sink, kills)


def starts(shop):
    return [
        line
        for line in shop.log.read_text().splitlines()
        if '"role":"mail"' in line and "process_started" in line
    ]


def list_finals(shop):
    """Return (email, position, kind) of all final events."""
    found, older = [], None
    while page := shop.stores.sending.read(
        lambda b: b.list_events(shop.account.id, kinds=sorted(FINAL), older=older, limit=500)  # noqa: B023 - read here
    ):
        found += [(one.email_id, one.position, one.kind) for one in page]
        older = page[-1].number
    return found


def is_done(shop, mails):
    return len(list_finals(shop)) >= sum(len(mail["to"]) for mail in mails)


def check_ends(shop, mails, sent):
    finals = Counter(list_finals(shop))
    for mail, email_id in zip(mails, sent, strict=True):
        ends = [
            next(kind for kind in FINAL if finals[email_id, at, kind])
            for at in range(len(mail["to"]))
        ]
        wanted = ["bounced" if "nobody" in to else "delivered" for to in mail["to"]]
        assert ends == wanted
    usage = shop.stores.sending.read(
        lambda b: b.list_usage(shop.account.id, first="2000-01-01", last="9999-12-31")
    )
    assert sum(day.accepted for day in usage) == len(finals)
    assert set(finals.values()) == {1}
    assert len(finals) == sum(len(mail["to"]) for mail in mails)


def check_sink(sink, kills):
    assert len(sink.taken) == MAILS
    for mark, taken in sink.taken.items():
        for one, other in pairwise(taken):
            died_between = any(one.at < at < other.at for at in kills)
            assert died_between or not one.heard, f"{mark} was sent twice for nothing"
