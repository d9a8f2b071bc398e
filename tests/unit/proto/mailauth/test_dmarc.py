"""The tree walk, and DMARC over zones made by chance beside a slow reading of the standard."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import DMARC_QUERIES_MAX
from penfold.proto.dns import Answer, Status, run_check
from penfold.proto.mailauth.dmarc import check_dmarc
from penfold.proto.mailauth.dmarc_record import find_record
from penfold.proto.mailauth.dmarc_walk import list_names
from penfold.proto.mailauth.domain_names import find_domain_name, is_within

NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=11).map(".".join)
RECORDS = [
    b"v=DMARC1; p=reject",
    b"v=DMARC1; p=none; psd=n",
    b"v=DMARC1; sp=none; psd=y",
    b"v=spf1",
]
#: Zones tried beside each other for one number of hypothesis'.
ZONES = 20


@given(NAMES)
def test_a_walk_goes_from_the_name_to_the_top_in_at_most_eight_questions(name):
    names = list_names(name)
    assert names[0] == name
    assert names[-1] == name.rpartition(".")[2]
    assert len(names) == len(set(names)) == min(name.count(".") + 1, DMARC_QUERIES_MAX)
    assert all(is_within(longer, shorter) for longer, shorter in pairwise(names))


def organization_of(zone, name):
    """RFC 9989 §4.10 and §4.10.2 step by step, without any sparing."""
    target, records = name, {}
    while target:
        record = find_record([zone[target]] if target in zone else [])
        if record is not None:
            records[target] = record
            if record.psd in {"y", "n"}:
                break
        labels = target.split(".")
        target = ".".join(labels[1:] if len(labels) < 8 else labels[-7:])
    for domain in sorted(records, key=len, reverse=True):
        if records[domain].psd == "n":
            return domain
        if records[domain].psd == "y" and domain != name:
            return ".".join(name.split(".")[-domain.count(".") - 2 :])
    return min(records, key=len, default=name)


def make_case(rng):
    def name():
        return ".".join(rng.choices("abc", k=rng.randrange(1, 12)))

    deep = name()
    # Mostly names that have to do with each other.
    names = [name(), *list_names(deep), *(f"a.{each}" for each in list_names(deep))]
    zone = {each: rng.choice(RECORDS) for each in rng.choices(names, k=rng.randrange(8))}
    return zone, rng.choice(names), rng.choice(names)


@given(st.randoms(use_true_random=False))
def test_alignment_is_that_of_the_organizational_domains(rng):
    rng = Random(rng.getrandbits(32))
    for _ in range(ZONES):
        compare(*make_case(rng))


def compare(zone, author, signer):
    def look_up(question):
        record = zone.get(question.name.removeprefix("_dmarc."))
        return Answer(Status.FOUND, (record,)) if record else Answer(Status.ABSENT)

    result = run_check(check_dmarc(author_domain=author, spf=("", False), dkim=[signer]), look_up)
    same = organization_of(zone, author) == organization_of(zone, signer)
    assert result.result in {"none", "pass" if same else "fail"}, (zone, author, signer)
    own = find_record([zone[author]] if author in zone else [])
    assert result.policy_domain == author or own is None


@given(st.text(max_size=80))
def test_a_domain_name_has_one_spelling(text):
    name = find_domain_name(text)
    assert name is None or (find_domain_name(name) == name and name.isascii())
    assert name is None or name == name.lower()
