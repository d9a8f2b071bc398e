"""The SPF check beyond the published suite: bounds, identities, what is told, hostile answers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.proto.mailauth.zone import Zone

from penfold.base.limits import (
    SPF_ADDRESSES_MAX,
    SPF_EXPLANATION_MAX_CHARS,
    SPF_NAME_MAX_CHARS,
    SPF_QUESTIONS_MAX,
    SPF_TEXT_MAX_CHARS,
)
from penfold.proto.dns import Answer, Exchange, Question, Status, run_check
from penfold.proto.mailauth.spf import SpfResult, check_spf
from penfold.proto.mailauth.spf_record import Result

IP = "192.0.2.3"
IP6 = "2001:db8::3"
NAMES = "3.2.0.192.in-addr.arpa"


def check(zone, *, ip=IP, helo="mx.client.example", sender="ann@x.example", **given):
    zone = zone if isinstance(zone, Zone) else Zone(zone)
    return run_check(check_spf(ip=ip, helo=helo, sender=sender, **given), zone)


def records(record, **others):
    """A zone where x.example has this record; others by name, with _ for dots."""
    names = {name.replace("_", "."): kinds for name, kinds in others.items()}
    return Zone({"x.example": {"TXT": [record]}, **names})


# --- who is checked --------------------------------------------------------------------


def test_a_null_sender_is_checked_as_the_postmaster_of_the_helo_domain():
    zone = Zone({"mx.client.example": {"TXT": ["v=spf1 exists:%{s}.of.%{l}.of.%{o}"]},
                 "postmaster@mx.client.example.of.postmaster.of.mx.client.example": {"A": ["127.0.0.2"]}})  # fmt: skip
    assert check(zone, sender="") == SpfResult(
        Result.PASS, "mx.client.example", "helo", "exists:%{s}.of.%{l}.of.%{o}"
    )


@pytest.mark.parametrize(
    "sender",
    ["ann@X.Example", "ann@x.example.", '"a@b c"@x.example', "@x.example", "jörg@x.example"],
)
def test_a_sender_is_checked_for_its_domain(sender):
    assert check(records("v=spf1 all"), sender=sender) == SpfResult(
        Result.PASS, "x.example", "mailfrom", "all"
    )


def test_a_domain_beyond_ascii_is_checked_in_its_a_labels():
    zone = Zone({"xn--bcher-kva.example": {"TXT": ["v=spf1 exists:%{o}.%{d}"]},
                 "xn--bcher-kva.example.xn--bcher-kva.example": {"A": [IP]}})  # fmt: skip
    found = check(zone, sender="a@Bücher.example")
    assert (found.result, found.domain) == (Result.PASS, "xn--bcher-kva.example")


@pytest.mark.parametrize(
    "domain",
    ["", "x", "x.", ".", "x..example", "[192.0.2.3]", "[IPv6:::1]", "192.0.2.3", "x y.example",
     "x\\.y.example", "x/y.example", "a" * 64 + ".example", "a." * 130 + "example", "xn--ü.example",
     "\ud800.example", "x\0.example", "x.example\n", "ü" * 300 + ".example"],
)  # fmt: skip
def test_a_domain_no_host_can_have_is_asked_nothing_about(domain):
    zone = records("v=spf1 all")
    for identity in ({"sender": f"ann@{domain}"}, {"sender": "", "helo": domain}):
        found = check(zone, **identity)
        assert (found.result, found.problem) == (Result.NONE, "no domain name of several labels")
    assert zone.asked == []


def test_a_sender_without_a_domain_is_not_looked_up():
    assert check(records("v=spf1 all"), sender="x.example").result == Result.NONE


@pytest.mark.parametrize("ip", ["", "mx.client.example", "192.0.2", "192.0.2.3/24", "unix:", "1"])
def test_a_client_without_an_ip_address_has_no_result(ip):
    assert check(records("v=spf1 all"), ip=ip) == SpfResult(
        Result.NONE, "x.example", "mailfrom", problem="no IP address"
    )


@pytest.mark.parametrize(
    ("ip", "record"),
    [
        ("::ffff:192.0.2.3", "v=spf1 ip4:192.0.2.3"),
        ("::ffff:192.0.2.3", "v=spf1 -ip6:::/0 exists:%{i}.%{v}.x.example"),
        ("fe80::3%eth0", "v=spf1 ip6:fe80::3"),
        ("2001:DB8:0::3", "v=spf1 ip6:2001:db8::/32"),
    ],
)
def test_a_client_is_known_by_its_address_however_it_is_written(ip, record):
    zone = records(record, **{"192.0.2.3.in-addr.x.example": {"A": ["127.0.0.2"]}})
    assert check(zone, ip=ip).result == Result.PASS


# --- what is told ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "result", "mechanism"),
    [
        ("v=spf1 ip4:192.0.2.4 ?IP4:192.0.2.0/24 -all", "neutral", "?IP4:192.0.2.0/24"),
        ("v=spf1 ~include:yes.example -all", "softfail", "~include:yes.example"),
        ("v=spf1 redirect=yes.example", "pass", "+a:host.example"),
        ("v=spf1 ip4:192.0.2.4", "neutral", "default"),
        ("v=spf1 redirect=none.example", "permerror", ""),
    ],
)
def test_the_term_that_decided_is_told(record, result, mechanism):
    zone = records(
        record,
        yes_example={"TXT": ["v=spf1 +a:host.example"]},
        host_example={"A": [IP]},
    )
    found = check(zone)
    assert (found.result, found.mechanism, found.domain) == (result, mechanism, "x.example")


@pytest.mark.parametrize(
    ("record", "result", "problem"),
    [
        ("v=spf1 a:x", "permerror", "x.example: not a domain name: a:x"),
        ("v=spf1 include:bad.example", "permerror", "bad.example: unknown mechanism: moo"),
        ("v=spf1 include:no.example", "permerror", "include of no record: no.example"),
        ("v=spf1 include:%{h}", "permerror", "include of no record: no name"),
        ("v=spf1 redirect=%{h}", "permerror", "redirect to no record: no name"),
        ("v=spf1 redirect=no.example", "permerror", "redirect to no record: no.example"),
        ("v=spf1 include:two.example", "permerror", "more than one record: two.example"),
        ("v=spf1 mx:down.example", "temperror", "no answer: MX down.example"),
        ("v=spf1 redirect=down.example", "temperror", "no answer: TXT down.example"),
        ("v=spf10", "none", "no record"),
    ],
)
def test_an_error_says_why(record, result, problem):
    zone = records(
        record,
        two_example={"TXT": ["v=spf1", "v=spf1 a"]},
        bad_example={"TXT": ["v=spf1 moo"]},
        down_example={"TIMEOUT": True},
    )
    found = check(zone, helo="client")
    assert (found.result, found.problem) == (result, problem)


def test_what_is_repeated_of_a_record_is_short():
    long = "a." * 1_000 + "b"
    assert len(check(records(f"v=spf1 {long}")).problem) < SPF_TEXT_MAX_CHARS + 40
    assert len(check(records(f"v=spf1 -exists:{long} all foo={long}")).mechanism) <= 100
    zone = records(f"v=spf1 all:{long}")
    assert check(zone, sender=f"ann@{long}").domain == f"ann@{long}"[4 : 4 + SPF_TEXT_MAX_CHARS]


@pytest.mark.parametrize(
    ("text", "explanation"),
    [
        ("%{c} may not send as %{s}, says %{r} at %{t}.",
         "192.0.2.3 may not send as ann@x.example, says mx.example at 1700000000."),
        ("see http://x.example/%{S}", "see http://x.example/ann%40x.example"),
        ("%{d} %{o} %{h} %{p}", "x.example x.example mx.client.example unknown"),
        ("x" * 5_000, "x" * SPF_EXPLANATION_MAX_CHARS),
        ("line\r\n550 other", ""),
        ("caf\xe9", ""),
        ("50% off", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_a_fail_is_explained_in_the_words_of_the_domain(text, explanation):
    zone = records("v=spf1 -all exp=why.%{d}", why_x_example={"TXT": [text]})
    assert check(zone, receiver="mx.example", now_s=1_700_000_000).explanation == explanation


@pytest.mark.parametrize("record", ["?all", "~all", "all", "ip4:192.0.2.4", "redirect=no.example"])
def test_nothing_but_a_fail_is_explained(record):
    zone = records(f"v=spf1 {record} exp=why.%{{d}}", why_x_example={"TXT": ["because"]})
    assert check(zone).explanation == ""
    assert Question("why.x.example", "TXT") not in zone.asked


def test_an_explanation_without_a_name_to_ask_for_is_none():
    zone = records("v=spf1 -all exp=%{h}")
    assert check(zone, helo="client") == SpfResult(Result.FAIL, "x.example", "mailfrom", "-all")
    assert len(zone.asked) == 1


# --- how much is asked -----------------------------------------------------------------

HOST = {"host_example": {"A": ["192.0.2.4"], "AAAA": ["2001:db8::4"]}}


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1" + " a:host.example" * 10 + " all", "pass"),
        ("v=spf1" + " a:host.example" * 11 + " all", "permerror"),
        ("v=spf1 ip4:192.0.2.3" + " a:host.example" * 11, "pass"),
        ("v=spf1 ?include:five.example" + " a:host.example" * 4 + " all", "pass"),
        ("v=spf1 ?include:five.example" + " a:host.example" * 5 + " all", "permerror"),
        ("v=spf1" + " a:host.example" * 4 + " redirect=five.example", "neutral"),
        ("v=spf1" + " a:host.example" * 5 + " redirect=five.example", "permerror"),
        # The names of the client count when they are asked for, and once.
        ("v=spf1" + " a:host.example" * 7 + " exists:%{p}.x.y a:%{p}.host.example all", "pass"),
        (
            "v=spf1" + " a:host.example" * 8 + " exists:%{p}.x.y a:%{p}.host.example all",
            "permerror",
        ),
        ("v=spf1" + " a:host.example" * 8 + " ptr a:%{p}.host.example all", "pass"),
        ("v=spf1" + " a:host.example" * 10 + " -all exp=%{p}.host.example", "fail"),
    ],
)
def test_ten_terms_may_look_something_up(record, result):
    zone = records(record, five_example={"TXT": ["v=spf1" + " a:host.example" * 5]}, **HOST)
    assert check(zone).result == result


@pytest.mark.parametrize(
    ("terms", "result"),
    [
        ("a:no1.example exists:no2.example", "pass"),
        ("a:no1.example mx:no2.example exists:no3.example", "permerror"),
        ("a:six.example a:six.example a:six.example", "permerror"),
        ("?include:voids.example a:no1.example", "permerror"),
        # Hosts of one mx are one term; the names of a client are not the domain's.
        ("mx:five.example a:no1.example", "pass"),
        ("ptr:a.example exists:no1.example exists:no2.example", "pass"),
        ("exists:%{p}.no1.example exists:no2.example", "pass"),
    ],
)
def test_two_terms_may_find_nothing(terms, result):
    zone = records(
        f"v=spf1 {terms} all",
        six_example={"AAAA": [IP6]},
        voids_example={"TXT": ["v=spf1 a:no1.example exists:no2.example"]},
        five_example={"MX": [[count, f"no{count}.example"] for count in range(5)]},
        **{NAMES: {"PTR": [f"no{count}.a.example" for count in range(5)]}},
    )
    assert check(zone).result == result


def hosts(count, ip):
    """An mx of so many hosts, of which the last has the address."""
    names = [f"mx{number:02}.example" for number in range(count)]
    zone = {name.replace(".", "_"): {"A": ["192.0.2.4"]} for name in names[:-1]}
    zone[names[-1].replace(".", "_")] = {"A": [ip]}
    return {"many_example": {"MX": [[number, name] for number, name in enumerate(names)]}, **zone}


@pytest.mark.parametrize(
    ("count", "ip", "result"),
    [(10, IP, "pass"), (10, "192.0.2.9", "fail"), (11, IP, "permerror")],
)
def test_ten_hosts_of_an_mx_are_looked_up(count, ip, result):
    zone = records("v=spf1 mx:many.example -all", **hosts(count, ip))
    assert check(zone).result == result


def test_an_mx_that_matches_early_is_not_too_large():
    zone = hosts(20, "192.0.2.9")
    zone["mx09_example"] = {"A": [IP]}
    zone["many_example"]["MX"].reverse()  # order of preference counts, not that of the answer
    assert check(records("v=spf1 mx:many.example -all", **zone)).result == Result.PASS


@pytest.mark.parametrize(("place", "result"), [(9, "pass"), (10, "fail")])
def test_ten_names_of_a_client_are_looked_at(place, result):
    names = [f"n{number}.other.example" for number in range(12)]
    names[place] = "Mail.A.Example."
    zone = records(
        "v=spf1 ptr:a.example -all", mail_a_example={"A": [IP]}, **{NAMES: {"PTR": names}}
    )
    assert check(zone).result == result


def test_only_names_of_a_client_that_could_match_are_validated():
    names = ["one.other.example", "bad-a.example", "mail.a.example"]
    zone = records("v=spf1 ptr:a.example ptr:a.example -all",
                   mail_a_example={"A": ["192.0.2.4"]}, **{NAMES: {"PTR": names}})  # fmt: skip
    assert check(zone).result == Result.FAIL
    assert [question.name for question in zone.asked] == ["x.example", NAMES, "mail.a.example"]


@pytest.mark.parametrize(
    ("names", "best"),
    [
        (["a.other.example", "b.x.example", "x.example"], "x.example"),
        (["a.other.example", "b.x.example", "c.x.example"], "b.x.example"),
        (["a.other.example", "b.other.example"], "a.other.example"),
        (["false.example", "down.example", "b.other.example"], "b.other.example"),
        (["false.example", "no.example", "single", ""], "unknown"),
    ],
)
def test_a_validated_name_near_the_domain_is_preferred(names, best):
    right = {name: {"A": [IP]} for name in names if name.endswith(("x.example", "other.example"))}
    zone = Zone({**right, "x.example": {"TXT": ["v=spf1 -all exp=e.example"], "A": [IP]},
                 "e.example": {"TXT": ["%{p}"]}, NAMES: {"PTR": names},
                 "false.example": {"A": ["192.0.2.4"]}, "down.example": {"TIMEOUT": True}})  # fmt: skip
    assert check(zone).explanation == best


def test_names_of_a_client_that_cannot_be_had_are_none():
    zone = records("v=spf1 ptr -all exp=e.example", e_example={"TXT": ["%{p}"]},
                   **{NAMES: {"TIMEOUT": True}})  # fmt: skip
    found = check(zone)
    assert (found.result, found.explanation) == (Result.FAIL, "unknown")


def test_the_worst_record_asks_as_much_as_the_limit_says():
    zone = hosts(10, "192.0.2.9")
    zone[NAMES] = {"PTR": [f"n{number}.other.example" for number in range(20)]}
    zone["e_example"] = {"TXT": ["%{p}"]}
    zone = records("v=spf1" + " mx:many.example" * 10 + " -all exp=e.example", **zone)
    assert check(zone).explanation == "unknown"
    assert len(zone.asked) == SPF_QUESTIONS_MAX


def test_addresses_without_end_are_not_compared_without_end():
    addresses = ["192.0.2.4"] * (SPF_ADDRESSES_MAX - 1) + [IP]
    zone = records("v=spf1 a:many.example -all", many_example={"A": addresses})
    assert check(zone).result == Result.PASS
    zone.names["many.example"]["A"].insert(0, "192.0.2.4")
    assert check(zone).result == Result.FAIL


@pytest.mark.parametrize(
    "record",
    ["v=spf1 -exists:%{l}.x.example all", "v=spf1 -a:%{s} all", "v=spf1 -mx:%{L}.example all",
     "v=spf1 -ptr:%{h} all", "v=spf1 -a:x..example all"],
)  # fmt: skip
def test_a_term_whose_name_nobody_can_ask_for_does_not_match(record):
    zone = records(record)
    found = check(zone, sender="jörg@x.example", helo="client")
    assert (found.result, found.mechanism) == (Result.PASS, "all")
    assert len(zone.asked) == 1


@pytest.mark.parametrize("local", ['"a\\"b"', "a\nb", "a\0b", "a..b", "x" * 64])
def test_a_local_part_that_makes_no_label_does_not_match(local):
    zone = records("v=spf1 -exists:%{l}.x.example all")
    assert check(zone, sender=f"{local}@x.example").result == Result.PASS
    assert len(zone.asked) == 1


def test_a_quoted_local_part_is_used_as_written():
    zone = records("v=spf1 exists:%{l}.x.example", **{'"a@b c".x.example': {"A": [IP]}})
    assert check(zone, sender='"a@b c"@x.example').result == Result.PASS


@pytest.mark.parametrize("kind", ["a", "mx", "ptr", "exists"])
def test_records_that_are_no_addresses_match_nothing(kind):
    odd = {
        "A": ["", "x", "::1", "192.0.2.3.4", "\u0661.2.3.4"],
        "MX": [[0, ""], [1, "x"], [2, "o.x"]],
    }
    zone = records(f"v=spf1 {kind}:o.x -all", **{"o.x": odd, NAMES: {"PTR": ["o.x", "\0", "é.x"]}})
    assert check(zone).result == ("pass" if kind == "exists" else "fail")


# --- anything --------------------------------------------------------------------------

PIECES = [
    "v=spf1", " ", "a", "mx", "ptr", "all", "ip4:192.0.2.0", "ip6:::", "include:", "exists:", "exp=",
    "redirect=", "x.example", "%{p}", "%{l1r-}", "%{S}", "%{h}", "%%", ":", "/", "//", "24", "-", "~", "?",
    ".", "=", "é", "%{", "}",
]  # fmt: skip
TERMS = [
    "a", "mx", "ptr", "-all", "include:%{d}", "include:a.%{d}", "exists:%{p}.%{h}", "redirect=%{l}.%{d}",
    "exp=%{p}.%{o}", "a:%{S}/24//48", "ip4:192.0.2.0/30", "?ip6:2001:db8::/32", "ptr:%{d2}", "-mx:%{p}",
]  # fmt: skip
texts = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=12).map(lambda pieces: "".join(pieces).encode()),
    st.lists(st.sampled_from(TERMS), max_size=12).map(
        lambda terms: " ".join(["v=spf1", *terms]).encode()
    ),
)
names = st.one_of(st.sampled_from(["x.example", "mx.client.example", ""]), st.text(max_size=9))
answers = st.one_of(
    st.sampled_from([Answer(Status.FAILED), Answer(Status.ABSENT), Answer(Status.NOTHING)]),
    st.builds(
        lambda *records: Answer(Status.FOUND, tuple(each for some in records for each in some)),
        st.lists(texts, max_size=2),
        st.lists(st.builds(Exchange, st.integers(0, 9), names), max_size=12),
        st.lists(st.one_of(names, st.sampled_from([IP, IP6, "192.0.2.1"])), max_size=12),
    ),
)
locals_ = st.one_of(st.just("ann"), st.text(max_size=9))


@settings(max_examples=40)  # the fuzzer tries more
@given(
    ip=st.one_of(st.sampled_from([IP, IP6, "::ffff:192.0.2.3"]), st.text(max_size=5)),
    helo=names,
    sender=st.one_of(
        st.builds("{}@{}".format, locals_, st.just("x.example")), st.text(max_size=20)
    ),
    first=texts,
    given=st.lists(answers, min_size=1, max_size=6),
)
def test_whatever_the_sender_and_the_answers_are_the_check_ends(ip, helo, sender, first, given):
    asked = []

    def look_up(question):
        asked.append(question)
        if len(asked) == 1:
            return Answer(Status.FOUND, (first,))
        return given[len(asked) % len(given)]

    found = run_check(check_spf(ip=ip, helo=helo, sender=sender), look_up)
    assert len(asked) <= SPF_QUESTIONS_MAX
    for question in asked:
        labels = question.name.split(".")
        assert question.name.isascii()
        assert question.name == question.name.lower()
        assert len(question.name) <= SPF_NAME_MAX_CHARS
        assert all(0 < len(label) < 64 for label in labels)
    for text in (found.domain, found.mechanism, found.explanation, found.problem):
        assert text.isascii()
        assert text == "" or text.isprintable()
    assert (found.problem == "") == (found.mechanism != "")
