"""What DMARC says, case by case: a zone, an author, what is authenticated, and the outcome.

The examples of RFC 9989 §4.4, §4.10 and §5.1.8 are among them, told in our words.
"""

import pytest

from penfold.proto.dns import Answer, Question, Status, run_check
from penfold.proto.mailauth.dmarc import Why, check_dmarc

V = "v=DMARC1; "
NONE, QUARANTINE, REJECT = (f"{V}p={p}" for p in ("none", "quarantine", "reject"))
COM = {"example.com": REJECT}
SUFFIX = {"com": f"{V}p=none; psd=y"}
LONG = "a.b.c.d.e.f.g.h.i.j.mail.example.com"
#: 250 characters: a name, but none that `_dmarc.` can stand before.
TOO_LONG = ".".join(["a" * 61, "b" * 62, "c" * 62, "d" * 62])
DEEP = "mail.a.b.c.d.e.f.g.example.com"


def look_up_in(zone, asked=None):
    """Answer from a zone: name → record, list of records, or a status; `!name` exists not."""

    def look_up(question):
        if asked is not None:
            asked.append(question)
        if question.kind != "TXT":
            status = zone.get(f"!{question.name}", Status.NOTHING)
            return Answer(status)
        found = zone.get(question.name.removeprefix("_dmarc."), Status.ABSENT)
        if isinstance(found, Status):
            return Answer(found)
        texts = [found] if isinstance(found, str) else found
        return Answer(Status.FOUND, tuple(text.encode() for text in texts))

    return look_up


def check(zone, author, spf="", dkim=(), *, undecided=(), asked=None):
    steps = check_dmarc(
        author_domain=author,
        spf=(spf.removeprefix("-"), bool(spf) and spf[0] != "-"),
        dkim=dkim.split() if isinstance(dkim, str) else dkim,
        undecided=undecided,
    )
    return run_check(steps, look_up_in(zone, asked))


# zone, author, spf (`-` in front: did not pass), dkim, outcome
# fmt: off
CASES = {
    # --- whether there is DMARC at all
    "no-record": ({}, "example.com", "example.com", "example.com", {"result": "none", "reason": Why.NO_RECORD}),
    "txt-of-others": ({"example.com": "v=spf1 -all"}, "example.com", "", "", {"result": "none"}),
    "two-records-are-none": ({"example.com": [REJECT, NONE]}, "example.com", "", "", {"result": "none"}),
    "other-txt-beside-the-record": ({"example.com": ["hello", REJECT]}, "example.com", "", "", {"result": "fail", "policy": "reject"}),
    "two-records-and-one-above": ({"a.example.com": [REJECT, REJECT], "example.com": QUARANTINE}, "a.example.com", "", "", {"result": "fail", "policy": "quarantine", "policy_domain": "example.com"}),
    "older-version-word": ({"example.com": "v=DMARC2; p=reject"}, "example.com", "", "", {"result": "none"}),
    "version-in-lower-case": ({"example.com": "v=dmarc1; p=reject"}, "example.com", "", "", {"result": "none"}),
    "version-not-first": ({"example.com": "p=reject; v=DMARC1"}, "example.com", "", "", {"result": "none"}),
    "blank-before-version": ({"example.com": " v=DMARC1; p=reject"}, "example.com", "", "", {"result": "none"}),
    "no-author": (COM, "", "example.com", "", {"result": "none", "reason": Why.NO_AUTHOR}),
    "author-is-no-name": (COM, "exa mple.com", "", "", {"result": "none", "reason": Why.NO_AUTHOR}),
    "author-is-an-address-literal": (COM, "[192.0.2.1]", "", "", {"result": "none", "reason": Why.NO_AUTHOR}),
    "author-is-an-address": (COM, "192.0.2.1", "", "", {"result": "none", "reason": Why.NO_AUTHOR}),
    # --- pass
    "spf-same-domain": (COM, "example.com", "example.com", "", {"result": "pass", "reason": Why.ALIGNED, "spf_aligned": True, "disposition": "none"}),
    "dkim-same-domain": (COM, "example.com", "", "example.com", {"result": "pass", "dkim_aligned": ("example.com",), "spf_aligned": False}),
    "both": (COM, "example.com", "example.com", "example.com", {"result": "pass", "spf_aligned": True, "dkim_aligned": ("example.com",)}),
    "spf-failed-dkim-passed": (COM, "example.com", "-example.com", "example.com", {"result": "pass", "spf_aligned": False}),
    "spf-below": (COM, "example.com", "bounces.example.com", "", {"result": "pass", "organization": "example.com"}),
    "dkim-below": (COM, "example.com", "", "news.example.com", {"result": "pass"}),
    "dkim-above": (COM, "news.example.com", "", "example.com", {"result": "pass", "policy_domain": "example.com"}),
    "dkim-beside": (COM, "news.example.com", "", "foo.example.com", {"result": "pass", "organization": "example.com"}),
    "one-of-many-signatures": (COM, "example.com", "esp.test", "esp.test list.test example.com", {"result": "pass", "dkim_aligned": ("example.com",)}),
    "case-does-not-count": (COM, "EXAMPLE.com", "", "Example.Com", {"result": "pass", "author_domain": "example.com"}),
    "final-dot-does-not-count": (COM, "example.com.", "", "example.com", {"result": "pass"}),
    "u-label-is-a-label": ({"xn--bcher-kva.example": REJECT}, "bücher.example", "", "xn--bcher-kva.example", {"result": "pass", "author_domain": "xn--bcher-kva.example"}),
    "name-with-underscore": ({"_x.example.com": REJECT}, "_x.example.com", "_x.example.com", "", {"result": "pass"}),
    "strict-same-domain": ({"example.com": f"{REJECT}; adkim=s; aspf=s"}, "example.com", "example.com", "example.com", {"result": "pass", "spf_aligned": True, "dkim_aligned": ("example.com",)}),
    "strict-dkim-relaxed-spf": ({"example.com": f"{REJECT}; adkim=s"}, "example.com", "a.example.com", "a.example.com", {"result": "pass", "spf_aligned": True, "dkim_aligned": ()}),
    "strict-spf-relaxed-dkim": ({"example.com": f"{REJECT}; aspf=s"}, "example.com", "a.example.com", "a.example.com", {"result": "pass", "spf_aligned": False, "dkim_aligned": ("a.example.com",)}),
    "pass-with-policy-none": ({"example.com": NONE}, "example.com", "example.com", "", {"result": "pass", "policy": "none"}),
    "top-level-author": ({"example": REJECT}, "example", "example", "", {"result": "pass"}),
    # --- fail
    "nothing-authenticated": (COM, "example.com", "", "", {"result": "fail", "reason": Why.UNAUTHENTICATED, "disposition": "reject"}),
    "spf-did-not-pass": (COM, "example.com", "-example.com", "", {"result": "fail", "reason": Why.UNAUTHENTICATED}),
    "others-authenticated": (COM, "example.com", "evil.test", "evil.test", {"result": "fail", "reason": Why.UNALIGNED}),
    "other-organization": ({**COM, "example.net": REJECT}, "news.example.com", "", "foo.example.net", {"result": "fail"}),
    "same-ending-of-letters": (COM, "example.com", "", "notexample.com", {"result": "fail"}),
    "author-as-a-label-of-others": (COM, "example.com", "", "example.com.evil.test", {"result": "fail"}),
    "top-level-signs": (COM, "example.com", "", "com", {"result": "fail"}),
    "strict-dkim-below": ({"example.com": f"{REJECT}; adkim=s"}, "example.com", "", "a.example.com", {"result": "fail"}),
    "strict-spf-below": ({"example.com": f"{REJECT}; aspf=s"}, "example.com", "a.example.com", "", {"result": "fail"}),
    "strict-of-inherited-record": ({"example.com": f"{REJECT}; adkim=s"}, "a.example.com", "", "example.com", {"result": "fail", "policy": "reject"}),
    "identifier-is-no-name": (COM, "example.com", "exa mple.com", ["", "@"], {"result": "fail"}),
    # --- what is asked
    "p-none": ({"example.com": NONE}, "example.com", "", "", {"result": "fail", "policy": "none", "disposition": "none"}),
    "p-quarantine": ({"example.com": QUARANTINE}, "example.com", "", "", {"policy": "quarantine", "disposition": "quarantine"}),
    "p-in-capitals": ({"example.com": f"{V}P=REJECT"}, "example.com", "", "", {"policy": "reject"}),
    "p-absent": ({"example.com": "v=DMARC1"}, "example.com", "", "", {"result": "fail", "policy": "none"}),
    "p-absent-sp-given": ({"example.com": f"{V}sp=reject"}, "example.com", "", "", {"result": "fail", "policy": "none"}),
    "p-unknown": ({"example.com": f"{V}p=discard"}, "example.com", "", "", {"result": "permerror", "reason": Why.UNUSABLE, "disposition": "none"}),
    "p-unknown-with-rua": ({"example.com": f"{V}p=discard; rua=mailto:r@example.com"}, "example.com", "", "", {"result": "fail", "policy": "none"}),
    "sp-unknown": ({"example.com": f"{V}p=reject; sp=x"}, "example.com", "", "", {"result": "permerror"}),
    "np-unknown": ({"example.com": f"{V}p=reject; np=x"}, "example.com", "", "", {"result": "permerror"}),
    "sp-unknown-with-rua": ({"example.com": f"{V}p=reject; sp=x; rua=mailto:r@example.com"}, "example.com", "", "", {"result": "fail", "policy": "none"}),
    "sp-unknown-with-bad-rua": ({"example.com": f"{V}p=reject; sp=x; rua=r@example.com"}, "example.com", "", "", {"result": "permerror"}),
    "p-of-inherited-record": (COM, "a.example.com", "", "", {"policy": "reject", "policy_domain": "example.com"}),
    "sp-of-inherited-record": ({"example.com": f"{V}p=reject; sp=none"}, "a.example.com", "", "", {"policy": "none"}),
    "sp-is-not-for-itself": ({"example.com": f"{V}p=reject; sp=none"}, "example.com", "", "", {"policy": "reject"}),
    "np-exists": ({"example.com": f"{V}p=none; np=reject"}, "a.example.com", "", "", {"policy": "none"}),
    "np-exists-not": ({"example.com": f"{V}p=none; np=reject", "!a.example.com": Status.ABSENT}, "a.example.com", "", "", {"policy": "reject", "disposition": "reject"}),
    "np-found": ({"example.com": f"{V}p=none; np=reject", "!a.example.com": Status.FOUND}, "a.example.com", "", "", {"policy": "none"}),
    "np-nobody-knows": ({"example.com": f"{V}p=none; np=reject", "!a.example.com": Status.FAILED}, "a.example.com", "", "", {"result": "fail", "policy": "none"}),
    "np-before-sp": ({"example.com": f"{V}p=none; sp=quarantine; np=reject", "!a.example.com": Status.ABSENT}, "a.example.com", "", "", {"policy": "reject"}),
    "np-absent-takes-sp": ({"example.com": f"{V}p=reject; sp=quarantine", "!a.example.com": Status.ABSENT}, "a.example.com", "", "", {"policy": "quarantine"}),
    "np-is-not-for-itself": ({"example.com": f"{V}p=none; np=reject", "!example.com": Status.ABSENT}, "example.com", "", "", {"policy": "none"}),
    "np-softer-than-p": ({"example.com": f"{V}p=reject; np=none", "!a.example.com": Status.ABSENT}, "a.example.com", "", "", {"policy": "none"}),
    "testing-reject": ({"example.com": f"{REJECT}; t=y"}, "example.com", "", "", {"policy": "reject", "disposition": "quarantine"}),
    "testing-quarantine": ({"example.com": f"{QUARANTINE}; t=y"}, "example.com", "", "", {"policy": "quarantine", "disposition": "none"}),
    "testing-none": ({"example.com": f"{NONE}; t=y"}, "example.com", "", "", {"disposition": "none"}),
    "testing-inherited": ({"example.com": f"{V}p=none; sp=reject; t=y"}, "a.example.com", "", "", {"policy": "reject", "disposition": "quarantine"}),
    "testing-off": ({"example.com": f"{REJECT}; t=n"}, "example.com", "", "", {"disposition": "reject"}),
    "testing-unknown": ({"example.com": f"{REJECT}; t=maybe"}, "example.com", "", "", {"disposition": "reject"}),
    "pct-is-gone": ({"example.com": f"{REJECT}; pct=0; rf=afrf; ri=1"}, "example.com", "", "", {"disposition": "reject"}),
    "first-of-two-tags": ({"example.com": f"{V}p=quarantine; p=none"}, "example.com", "", "", {"policy": "quarantine"}),
    "order-is-free": ({"example.com": f"{V}rua=mailto:r@example.com; t=n; p=reject"}, "example.com", "", "", {"policy": "reject"}),
    "broken-tags-are-passed-over": ({"example.com": f"{V};;x; =;fo:0; p = reject ;"}, "example.com", "", "", {"policy": "reject"}),
    # --- which record applies (§4.10.1)
    "own-record-goes-before": ({**COM, "a.example.com": NONE}, "a.example.com", "", "", {"policy": "none", "policy_domain": "a.example.com"}),
    "organization-not-the-next-above": ({**COM, "b.example.com": NONE}, "a.b.example.com", "", "", {"policy": "reject", "policy_domain": "example.com"}),
    "psd-n-ends-the-walk": ({**COM, "b.example.com": f"{NONE}; psd=n"}, "a.b.example.com", "", "", {"policy": "none", "policy_domain": "b.example.com"}),
    "suffix-when-nothing-else": ({"com": f"{V}p=reject; psd=y"}, "example.com", "", "", {"result": "fail", "policy": "reject", "policy_domain": "com"}),
    "suffix-sp": ({"com": f"{V}p=reject; sp=quarantine; psd=y"}, "example.com", "", "", {"policy": "quarantine"}),
    "suffix-np": ({"com": f"{V}p=none; np=reject; psd=y", "!example.com": Status.ABSENT}, "example.com", "", "", {"policy": "reject"}),
    "organization-before-suffix": ({"com": f"{V}p=reject; psd=y", "example.com": NONE}, "a.example.com", "", "", {"policy": "none", "policy_domain": "example.com"}),
    "suffix-not-a-record-between": ({"co.test": f"{V}p=reject; psd=y", "b.example.co.test": NONE}, "a.b.example.co.test", "", "", {"policy": "reject", "policy_domain": "co.test"}),
    "suffix-that-does-not-say-so": ({"com": REJECT}, "example.com", "", "", {"policy_domain": "com", "policy": "reject"}),
    "record-of-a-suffix-author": (SUFFIX, "com", "", "", {"policy_domain": "com", "result": "fail"}),
    # --- whose organization (§4.10.2)
    "two-records-the-shorter-is-it": ({"mail.example.com": NONE, **COM}, "a.mail.example.com", "", "example.com", {"result": "pass", "organization": "example.com"}),
    "psd-n-is-the-organization": ({"mail.example.com": f"{NONE}; psd=n", **COM}, "a.mail.example.com", "", "b.mail.example.com", {"result": "pass", "organization": "mail.example.com"}),
    "psd-n-shuts-out-above": ({"mail.example.com": f"{REJECT}; psd=n", **COM}, "a.mail.example.com", "", "example.com", {"result": "fail"}),
    "psd-n-shuts-out-below": ({"mail.example.com": f"{REJECT}; psd=n", **COM}, "example.com", "", "mail.example.com", {"result": "fail", "organization": "example.com"}),
    "one-below-the-suffix": (SUFFIX, "a.mail.example.com", "", "example.com", {"result": "pass", "organization": "example.com", "policy_domain": "com"}),
    "neighbours-below-a-suffix": (SUFFIX, "one.com", "", "two.com", {"result": "fail", "organization": "one.com"}),
    "longer-suffix": ({"co.test": f"{V}p=reject; psd=y"}, "a.one.co.test", "", "b.one.co.test", {"result": "pass", "organization": "one.co.test"}),
    "longer-suffix-neighbours": ({"co.test": f"{V}p=reject; psd=y"}, "one.co.test", "two.co.test", "", {"result": "fail"}),
    "suffix-of-dashes-is-whole": ({"example.com": f"{V}p=reject; psd=y"}, "mail.example.com", "", "a.mail.example.com", {"result": "pass", "organization": "mail.example.com"}),
    "suffix-sends-itself": ({"co.test": f"{V}p=reject; psd=y"}, "co.test", "", "one.co.test", {"result": "fail", "organization": "co.test"}),
    "suffix-signs-for-those-below": ({"co.test": f"{V}p=reject; psd=y"}, "one.co.test", "", "co.test", {"result": "fail"}),
    "psd-unknown-is-u": ({"example.com": f"{REJECT}; psd=maybe"}, "a.example.com", "", "example.com", {"result": "pass"}),
    "own-psd-n": ({"a.example.com": f"{REJECT}; psd=n", **COM}, "a.example.com", "", "example.com", {"result": "fail", "organization": "a.example.com"}),
    "identifier-with-psd-n": ({"a.example.com": f"{REJECT}; psd=n", **COM}, "b.example.com", "", "a.example.com", {"result": "fail"}),
    "own-record-is-not-the-organization": ({"a.example.com": REJECT, **COM}, "a.example.com", "b.example.com", "", {"result": "pass", "organization": "example.com", "policy_domain": "a.example.com"}),
    "record-without-any-above": ({"a.example.com": REJECT}, "a.example.com", "", "example.com", {"result": "fail", "organization": "a.example.com"}),
    # --- long names
    "long-name-finds-its-own": ({LONG: REJECT}, LONG, "", "", {"policy": "reject", "policy_domain": LONG}),
    "long-name-inherits": (COM, LONG, "", "example.com", {"result": "pass", "policy_domain": "example.com"}),
    "long-name-leaves-out-the-middle": ({"b.c.d.e.f.g.example.com": f"{NONE}; psd=n", **COM}, DEEP, "", "", {"policy": "reject", "policy_domain": "example.com"}),
    "eight-labels-leave-out-nothing": ({"b.c.d.e.f.g.com": f"{NONE}; psd=n", "com": REJECT}, "a.b.c.d.e.f.g.com", "", "", {"policy": "none", "policy_domain": "b.c.d.e.f.g.com"}),
    "suffix-of-seven-labels": ({"c.d.e.f.g.h.com": f"{V}p=reject; psd=y"}, "x.y.a.b.c.d.e.f.g.h.com", "", "z.b.c.d.e.f.g.h.com", {"result": "pass", "organization": "b.c.d.e.f.g.h.com"}),
    "name-too-long-to-ask-for": ({TOO_LONG: Status.FAILED}, TOO_LONG, "", "", {"result": "none"}),
    # --- no answer
    "own-record-unknown": ({"example.com": Status.FAILED}, "example.com", "example.com", "example.com", {"result": "temperror", "reason": Why.NO_ANSWER, "disposition": "none"}),
    "record-above-unknown": ({"example.com": Status.FAILED}, "a.example.com", "", "", {"result": "temperror"}),
    "top-unknown-for-policy": ({**COM, "com": Status.FAILED}, "a.example.com", "", "", {"result": "temperror"}),
    "top-unknown-not-needed": ({**COM, "com": Status.FAILED}, "example.com", "", "example.com", {"result": "pass"}),
    "top-unknown-for-alignment": ({**COM, "com": Status.FAILED}, "example.com", "", "a.example.com", {"result": "temperror", "policy": "reject", "disposition": "none"}),
    "one-unknown-another-passes": ({**COM, "a.example.com": Status.FAILED}, "example.com", "", "a.example.com b.example.com", {"result": "pass", "dkim_aligned": ("b.example.com",)}),
    "unknown-does-not-matter-when-strict": ({"example.com": f"{REJECT}; adkim=s; aspf=s", "com": Status.FAILED}, "example.com", "", "a.example.com", {"result": "fail"}),
    "name-without-txt": ({"example.com": Status.NOTHING, "com": Status.NOTHING}, "example.com", "", "", {"result": "none"}),
}
# fmt: on


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_dmarc_says(case):
    zone, author, spf, dkim, outcome = case
    result = check(zone, author, spf, dkim)
    assert {name: getattr(result, name) for name in outcome} == outcome


def test_a_long_name_costs_eight_questions_whole_name_first():
    asked = []
    check({}, LONG, asked=asked)
    names = "g.h.i.j.mail.example.com".split(".")
    shorter = [".".join(names[at:]) for at in range(len(names))]
    assert asked == [Question(f"_dmarc.{name}", "TXT") for name in [LONG, *shorter]]


@pytest.mark.parametrize(
    ("zone", "author", "dkim", "count"),
    [
        pytest.param(COM, "example.com", "example.com", 1, id="own-signature"),
        pytest.param(COM, "example.com", "", 1, id="no-signature"),
        pytest.param(COM, "example.com", "evil.test", 2, id="signature-of-others"),
        pytest.param(COM, "example.com", "notexample.com", 2, id="same-ending-of-letters"),
        pytest.param(COM, "a.example.com", "example.com b.example.com", 4, id="walks-share-names"),
        pytest.param(
            COM, "example.com", [f"{n}.example.com" for n in range(99)], 12, id="many-signatures"
        ),
    ],
)
def test_nothing_is_asked_twice_or_in_vain(zone, author, dkim, count):
    asked = []
    check(zone, author, "", dkim, asked=asked)
    assert len(asked) == len(set(asked)) == count


def test_a_signature_of_the_author_counts_behind_any_number_of_others():
    others = [f"{n}.example.com" for n in range(99)]
    zone = {"example.com": f"{REJECT}; adkim=s"}
    assert check(zone, "example.com", "", [*others, "example.com"]).result == "pass"


@pytest.mark.parametrize(
    ("undecided", "result", "why"),
    [
        (["example.com"], "temperror", Why.UNDECIDED),
        (["a.example.com"], "temperror", Why.UNDECIDED),
        (["evil.test"], "fail", Why.UNAUTHENTICATED),
        ([], "fail", Why.UNAUTHENTICATED),
    ],
)
def test_a_message_that_might_pass_later_does_not_fail(undecided, result, why):
    found = check(COM, "example.com", undecided=undecided)
    assert (found.result, found.reason) == (result, why)
    assert found.policy == "reject"
    assert found.disposition == ("none" if result == "temperror" else "reject")


def test_what_passes_is_not_undone_by_what_is_undecided():
    assert check(COM, "example.com", "example.com", undecided=["example.com"]).result == "pass"
