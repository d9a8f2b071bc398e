"""Mail from the internet at the real listener, judged with a real resolver and a real DNS server."""

import asyncio
import random
import smtplib
import socket
import threading

import pytest
from tests.signatures import LETTER, NOW_S, private_key, record_of, sign
from tests.unit.world import World

from penfold.base.clock import FixedClock
from penfold.base.labels import INBOX, SENT, SPAM, UNREAD
from penfold.base.limits import PARSE_INLINE_MAX_BYTES
from penfold.domain.incoming.verdict import Policy, make_policy
from penfold.domain.mailbox.messages import add_letter, read_letter
from penfold.front.smtp.bounds import Bounds
from penfold.front.smtp.checking import Checker
from penfold.front.smtp.doors import MxDoor
from penfold.front.smtp.facts import ArrivalFacts, TransactionFacts
from penfold.front.smtp.judging import Judging
from penfold.front.smtp.listener import Listener
from penfold.net.dns import Patience, Resolver
from penfold.ports.mailbox import Query
from penfold.ports.scanning import Opinion, Scanned
from penfold.proto.mailauth.arc import ArcResult, seal_arc
from penfold.proto.resolv_conf import Resolvers, Server
from penfold.proto.smtp.profile import make_mx_profile
from penfold.spec.schemas import Filter, FilterAction, FilterCriteria
from penfold.testing.dns import DnsServer, Mishap

HERE = "mx.penfold.test"
OPEN = b"v=spf1 ip4:127.0.0.1 -all"
CLOSED = b"v=spf1 ip4:192.0.2.1 -all"


def zones():
    found = {
        "1.0.0.127.in-addr.arpa": {"PTR": ["mx.sender.example"]},
        "mx.sender.example": {"A": ["127.0.0.1"]},
        "rsa._domainkey.sender.example": {"TXT": [record_of("rsa")]},
        "silent.example": {"TXT": Mishap.SILENCE},
        "_dmarc.silent.example": {"TXT": Mishap.SILENCE},
        "plain.example": {"TXT": [OPEN]},
        "half.example": {"TXT": Mishap.SERVFAIL},
        "_dmarc.half.example": {"TXT": [b"v=DMARC1; p=reject"]},
    }
    for name, spf, policy in (
        ("sender.example", OPEN, b"reject"),
        ("strict.example", CLOSED, b"reject"),
        ("careful.example", CLOSED, b"quarantine"),
        ("watching.example", CLOSED, b"none"),
    ):
        found[name] = {"TXT": [spf]}
        found[f"_dmarc.{name}"] = {"TXT": [b"v=DMARC1; p=" + policy]}
    return found


class Thinks:
    """A scanner that has made up its mind; `seen` is what it was asked about."""

    def __init__(self, action=None):
        self.action, self.seen = action, []

    async def scan(self, subject, raw):
        self.seen.append((subject, raw))
        if self.action is None:
            return Scanned(None, "failed", "no answer")
        return Scanned(Opinion(self.action, self.action, 7.0), "answered")


class Site:
    """A mail exchanger with two mailboxes, and the DNS it asks."""

    def __init__(self, policy=Policy(), **options):  # noqa: B008 - frozen
        self.world = World()
        self.world.clock = FixedClock(NOW_S * 1000)
        self.facts = []
        self.policy, self.options = policy, options
        self.patience = options.pop("patience", Patience(total_s=0.5, try_s=0.2, rounds=1))
        self.judging = options.pop("judging", {})
        self.dns = DnsServer(zones())

    def talk(self, talk):
        """Run `talk(address)` in a thread against the listener and return what came of it."""

        async def main():
            resolver = Resolver(
                Resolvers((Server(self.dns.host, self.dns.port),), False),
                clock=self.world.clock,
                chance=random.Random(7),
                patience=self.patience,
            )
            checker = Checker(resolver, clock=self.world.clock, hostname=HERE, **self.options)
            door = Judging(
                self.world.inbound,
                checker,
                policy=self.policy,
                hostname=HERE,
                observe=self.facts.append,
                **{"exempts_loopback": False, **self.judging},
            )
            listener = Listener(
                name="smtp",
                profile=make_mx_profile(hostname=HERE, domain="penfold.test", starttls=False),
                door=MxDoor(door),
                clock=self.world.clock,
                chance=random.Random(5),
                observe=self.facts.append,
                bounds=Bounds(error_delay_s=0.0),
            )
            sock = socket.create_server(("127.0.0.1", 0))
            await listener.start(sock)
            try:
                return await asyncio.to_thread(talk, sock.getsockname())
            finally:
                await listener.stop(grace_s=5)
                await door.close()
                checker.close()
                await resolver.close()

        with self.dns:
            return asyncio.run(main())

    def deliver(self, raw, *, sender="ann@sender.example", to=("alice@penfold.test",), notify=()):
        """Send a message and return the reply to its final dot."""

        def talk(address):
            with smtplib.SMTP(*address, local_hostname="mx.sender.example", timeout=20) as client:
                client.ehlo()
                client.mail(sender)
                for each in to:
                    client.rcpt(each, [f"NOTIFY={','.join(notify)}"] if notify else ())
                code, text = client.data(raw)
                return code, text.decode()

        return self.talk(talk)

    @property
    def arrival(self):
        [found] = [fact for fact in self.facts if isinstance(fact, ArrivalFacts)]
        return found

    def stored(self, account=None):
        """Return the labels and the octets of the only message that came into a mailbox."""

        def look(box):
            rows = [box.find_message(number) for number in list_all(box)]
            [row] = [row for row in rows if SENT not in row.labels]
            return row.labels, box.get_raw(row.id)

        return self.world.read(look, account)


def list_all(box):
    return [number for number, _ in box.list_messages(Query(limit=50, hidden=True))]


@pytest.fixture
def open_site():
    sites = []

    def make(*args, **options):
        sites.append(Site(*args, **options))
        return sites[-1]

    yield make
    for site in sites:
        site.world.close()


def letter(author, *, body=b"Hello.\r\n", extra=b""):
    return b"From: %b\r\n%bTo: alice@penfold.test\r\nSubject: Hi\r\n\r\n%b" % (
        author.encode(), extra, body,
    )  # fmt: skip


def test_authentic_mail_goes_to_the_inbox_below_the_fields_of_what_was_found(open_site):
    site = open_site()
    signed = sign(LETTER)
    code, _ = site.deliver(signed)
    assert code == 250
    labels, raw = site.stored()
    assert labels == {INBOX, UNREAD}
    head, came = raw[: -len(signed)].decode(), raw[-len(signed) :]
    assert came == signed
    names = [line.partition(":")[0] for line in head.split("\r\n") if line[:1].strip()]
    assert names == [
        "Delivered-To", "Return-Path", "Received", "Received-SPF", "Authentication-Results",
    ]  # fmt: skip
    flat = " ".join(head.split())
    assert "Received-SPF: pass (mx.penfold.test: domain of ann@sender.example designates" in flat
    assert "Authentication-Results: mx.penfold.test; dkim=pass header.i=@sender.example" in flat
    assert "dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=sender.example" in flat
    found = site.arrival
    assert (found.outcome, found.spf, found.dkim, found.dmarc, found.iprev) == (
        "accepted", "pass", ("pass",), "pass", "pass",
    )  # fmt: skip


def test_long_mail_is_checked_as_well_as_short_one(open_site):
    site = open_site()
    raw = LETTER + b"and so on\r\n" * (PARSE_INLINE_MAX_BYTES // 10)
    assert len(raw) > PARSE_INLINE_MAX_BYTES
    assert site.deliver(sign(raw))[0] == 250
    assert (site.arrival.dkim, site.arrival.dmarc) == (("pass",), "pass")


@pytest.mark.parametrize(
    ("author", "policy", "code", "words", "outcome"),
    [
        ("a@strict.example", Policy(), 550, "5.7.26 Unauthenticated email from strict.example", "refused"),
        ("a@careful.example", Policy(), 250, "2.0.0 OK", "spam"),
        ("a@watching.example", Policy(), 250, "2.0.0 OK", "accepted"),
        ("a@strict.example", make_policy([("dmarc_reject", "spam")]), 250, "2.0.0 OK", "spam"),
        ("a@strict.example", make_policy([("dmarc_reject", "later")]), 451, "4.7.26 Unauthenticated", "deferred"),
        ("a@watching.example, b@plain.example", Policy(), 550, "5.7.1 Messages with multiple addresses", "refused"),
    ],
)  # fmt: skip
def test_what_the_authors_domain_asks_for_is_done(open_site, author, policy, code, words, outcome):
    site = open_site(policy)
    found, text = site.deliver(letter(author), sender="x@plain.example")
    assert (found, site.arrival.outcome) == (code, outcome)
    assert text.startswith(words)
    stored = site.world.read(list_all)
    assert len(stored) == (code == 250)
    if code == 250:
        assert (SPAM if outcome == "spam" else INBOX) in site.stored()[0]


def test_a_refusal_tells_the_log_which_rule_it_was(open_site):
    site = open_site()
    site.deliver(letter("a@strict.example"), sender="x@plain.example")
    [transaction] = [fact for fact in site.facts if isinstance(fact, TransactionFacts)]
    assert transaction.code == 550
    assert "dmarc_reject" in str(transaction.error)
    assert site.arrival.reasons[0].name == "dmarc_reject"


def test_sender_whose_domain_forbids_this_client_goes_to_spam(open_site):
    site = open_site()
    assert site.deliver(letter("a@watching.example"), sender="a@watching.example")[0] == 250
    labels, raw = site.stored()
    assert labels == {SPAM, UNREAD}
    assert b"\r\nReceived-SPF: fail (mx.penfold.test: domain of a@watching.example" in raw


def test_mail_is_taken_when_the_dns_is_silent_and_the_fields_say_so(open_site):
    site = open_site()
    code, _ = site.deliver(letter("a@silent.example"), sender="a@silent.example")
    assert code == 250
    labels, raw = site.stored()
    assert INBOX in labels
    assert b"\r\nReceived-SPF: temperror" in raw
    assert b"spf=temperror" in raw
    assert site.arrival.dmarc == "temperror"


def test_author_whose_spf_cannot_be_had_is_not_refused_for_failing_dmarc(open_site):
    site = open_site()
    assert site.deliver(letter("a@half.example"), sender="a@half.example")[0] == 250
    assert (site.arrival.spf, site.arrival.dmarc) == ("temperror", "temperror")


def test_checks_end_in_the_time_they_have_however_slow_the_dns_is(open_site):
    site = open_site(total_s=0.05, patience=Patience(total_s=60, try_s=60, rounds=1))
    assert site.deliver(letter("a@silent.example"), sender="a@silent.example")[0] == 250
    assert site.arrival.spf == "temperror"


def test_a_field_that_claims_to_be_ours_is_renamed_and_ours_stands_above_it(open_site):
    site = open_site()
    forged = b"Authentication-Results: mx.penfold.test; dmarc=pass header.from=bank.example\r\n"
    other = b"Authentication-Results: mx.other.example; spf=pass\r\n"
    raw = letter("a@plain.example", extra=forged + other)
    site.deliver(raw, sender="a@plain.example")
    _, stored = site.stored()
    assert stored.endswith(raw.replace(forged, b"X-Original-" + forged))
    assert stored.count(b"\r\nAuthentication-Results: mx.penfold.test;") == 1


def test_mail_without_a_header_gets_a_header_and_stays_the_body(open_site):
    site = open_site(make_policy([("no_author", "accept")]))
    assert site.deliver(b"just text\r\n", sender="a@plain.example")[0] == 250
    _, stored = site.stored()
    assert stored.endswith(b"\r\n\r\njust text\r\n")


def test_client_on_two_blocklists_goes_to_spam(open_site):
    lists = ["one.bl.example", "two.bl.example", "dead.bl.example"]
    site = open_site(blocklists=lists)
    for zone, record in zip(lists, ("127.0.0.2", "127.0.0.4", "203.0.113.1"), strict=True):
        site.dns.answers.zones[f"1.0.0.127.{zone}"] = {"A": [record]}
    site.deliver(letter("a@plain.example"), sender="a@plain.example")
    assert site.stored()[0] == {SPAM, UNREAD}
    [listed] = [reason for reason in site.arrival.reasons if reason.name == "listed"]
    assert listed.detail == "one.bl.example two.bl.example"


def write_to(site, address, account):
    raw = b"From: me@penfold.test\r\nTo: %b\r\nSubject: Yes\r\n\r\nHi\r\n" % address.encode()
    now_ms = site.world.clock.now_ms()
    site.world.change(
        lambda box: add_letter(
            box,
            read_letter(raw),
            labels=frozenset({SENT}),
            thread_id=None,
            internal_ms=now_ms,
            now_ms=now_ms,
            chance=random.Random(3),
        ),
        account,
    )


@pytest.mark.parametrize(
    ("sender", "spared"), [("a@plain.example", True), ("x@sender.example", False)]
)
def test_known_author_makes_up_for_bad_signs_in_the_mailbox_that_knows_it_if_authentic(
    open_site, sender, spared
):
    site = open_site(blocklists=["one.bl.example", "two.bl.example"])
    for zone in ("one", "two"):
        site.dns.answers.zones[f"1.0.0.127.{zone}.bl.example"] = {"A": ["127.0.0.2"]}
    write_to(site, "a@plain.example", site.world.alice)
    everybody = ("alice@penfold.test", "bob@penfold.test")
    site.deliver(letter("a@plain.example"), sender=sender, to=everybody)
    assert site.stored(site.world.alice)[0] == {INBOX if spared else SPAM, UNREAD}
    assert site.stored(site.world.bob)[0] == {SPAM, UNREAD}


def test_a_filter_that_says_never_spam_is_stronger(open_site):
    site = open_site()
    never = Filter(
        id="f1",
        criteria=FilterCriteria(from_="a@watching.example"),
        action=FilterAction(remove_label_ids=["SPAM"]),
    )
    site.world.change(lambda box: box.put_setting(never, "f1"))
    site.deliver(letter("a@watching.example"), sender="a@watching.example")
    assert site.stored()[0] == {INBOX, UNREAD}


def test_spam_is_not_forwarded(open_site):
    site = open_site()
    site.world.accept_forwarding("kim@elsewhere.example")
    away = Filter(
        id="f1",
        criteria=FilterCriteria(subject="Hi"),
        action=FilterAction(forward="kim@elsewhere.example"),
    )
    site.world.change(lambda box: box.put_setting(away, "f1"))
    site.deliver(letter("a@watching.example"), sender="a@watching.example")
    assert SPAM in site.stored()[0]
    assert site.world.queue.list_rows() == []
    assert site.world.outbox() == []


@pytest.mark.parametrize(
    ("action", "code", "outcome"),
    [
        ("accept", 250, "accepted"),
        ("spam", 250, "spam"),
        ("defer", 451, "deferred"),
        ("reject", 550, "refused"),
        (None, 250, "accepted"),
    ],
)
def test_scanner_may_harden_what_becomes_of_a_message(open_site, action, code, outcome):
    scanner = Thinks(action)
    site = open_site(scanner=scanner)
    found, _ = site.deliver(letter("a@plain.example"), sender="a@plain.example")
    assert (found, site.arrival.outcome) == (code, outcome)
    [(subject, _)] = scanner.seen
    assert (subject.client, subject.sender) == ("127.0.0.1", "a@plain.example")
    assert site.arrival.scan == ("failed" if action is None else "answered")


def test_scanner_cannot_soften_a_refusal(open_site):
    site = open_site(scanner=Thinks("spam"))
    assert site.deliver(letter("a@strict.example"), sender="a@plain.example")[0] == 550


@pytest.mark.parametrize(
    ("sealers", "seen", "code"),
    [
        pytest.param({"sender.example"}, "dmarc=pass header.from=strict.example", 250, id="trusted"),
        pytest.param(set(), "dmarc=pass header.from=strict.example", 550, id="nobody-trusted"),
        pytest.param({"ender.example"}, "dmarc=pass header.from=strict.example", 550, id="other"),
        pytest.param({"sender.example"}, "dmarc=fail header.from=strict.example", 550, id="failed-there"),
        pytest.param({"sender.example"}, "dmarc=pass header.from=bank.example", 550, id="another-author"),
    ],
)  # fmt: skip
def test_trusted_forwarder_vouches_for_what_it_has_broken(open_site, sealers, seen, code):
    site = open_site(judging={"sealers": frozenset(sealers)})
    raw = letter("a@strict.example", extra=b"List-Id: <l.sender.example>\r\n")
    seal = seal_arc(
        raw,
        authserv_id="mx.sender.example",
        results=seen,
        chain=ArcResult("none"),
        domain="sender.example",
        selector="rsa",
        key=private_key("rsa"),
        now_s=NOW_S,
    )
    assert site.deliver(seal + raw, sender="list@sender.example")[0] == code
    assert site.arrival.arc == "pass"


def test_mail_from_this_machine_is_not_judged(open_site):
    site = open_site(judging={"exempts_loopback": True})
    assert site.deliver(letter("a@strict.example"), sender="a@strict.example")[0] == 250
    _, raw = site.stored()
    assert b"Authentication-Results" not in raw
    assert not [fact for fact in site.facts if isinstance(fact, ArrivalFacts)]


def test_repeat_of_a_message_is_known_though_the_dns_says_something_else_by_now(open_site):
    site = open_site()
    raw = letter("a@plain.example", extra=b"Message-ID: <1@plain.example>\r\n")

    def talk(address):
        for _ in range(2):
            with smtplib.SMTP(*address, local_hostname="mx.sender.example", timeout=20) as client:
                client.sendmail("a@plain.example", ["alice@penfold.test"], raw)

    site.talk(talk)
    assert len(site.world.read(list_all)) == 1


def test_a_check_that_fails_unexpectedly_defers_the_message(open_site):
    class Broken:
        async def scan(self, subject, raw):
            raise RuntimeError("SECRET")

    site = open_site(scanner=Broken())
    code, text = site.deliver(letter("a@plain.example"), sender="a@plain.example")
    assert (code, "SECRET" in text) == (451, False)
    assert site.world.read(list_all) == []


def test_mailbox_that_became_unusable_during_the_checks_defers_the_message(open_site):
    class Meanwhile:
        async def scan(self, subject, raw):
            site.world.mailboxes.damaged.add(site.world.alice.id)
            return Scanned(None, "failed")

    site = open_site(scanner=Meanwhile())
    code, text = site.deliver(letter("a@plain.example"), sender="a@plain.example")
    assert (code, text[:5]) == (451, "4.3.0")


def test_more_messages_than_may_be_checked_at_a_time_are_asked_to_come_later(open_site):
    """ARRIVALS_MAX of them wait for a scanner that holds them, and the next is refused."""
    free = threading.Event()

    class Holding:
        def __init__(self):
            self.count = 0

        async def scan(self, subject, raw):
            self.count += 1
            await asyncio.to_thread(free.wait, 20)
            return Scanned(None, "failed")

    scanner = Holding()
    site = open_site(scanner=scanner, judging={"most": 1})

    def talk(address):
        codes = []
        first = smtplib.SMTP(*address, local_hostname="mx.sender.example", timeout=20)
        first.ehlo()
        first.mail("a@plain.example")
        first.rcpt("alice@penfold.test")
        first.putcmd("data")
        first.getreply()
        first.send(letter("a@plain.example") + b".\r\n")
        with smtplib.SMTP(*address, local_hostname="mx.sender.example", timeout=20) as second:
            while not scanner.count:
                second.noop()
            second.ehlo()
            second.mail("a@plain.example")
            second.rcpt("alice@penfold.test")
            codes.append(second.data(letter("a@plain.example"))[0])
        free.set()
        codes.append(first.getreply()[0])
        first.quit()
        return codes

    assert site.talk(talk) == [451, 250]


# --- news of success


@pytest.mark.parametrize(
    ("domain", "told"), [("plain.example", 1), ("watching.example", 0), ("unsaid.example", 0)]
)
def test_news_of_success_goes_only_to_a_sender_that_spf_vouches_for(open_site, domain, told):
    site = open_site()
    sender = f"ann@{domain}"
    assert site.deliver(letter(sender), sender=sender, notify=("SUCCESS",))[0] == 250
    site.world.settle()
    assert [row.recipient for row in site.world.queue.list_rows()] == [sender] * told
