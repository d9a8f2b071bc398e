"""Query text to tree. What the trees find is in the table that test_match reads."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.labels import CATEGORY_SOCIAL, INBOX, SPAM, STARRED, UNREAD
from penfold.base.limits import QUERY_MAX_CHARS, QUERY_MAX_DEPTH, QUERY_MAX_TERMS
from penfold.proto.search.parse import parse_query
from penfold.proto.search.print import print_query
from penfold.proto.search.tree import (
    After,
    And,
    Around,
    Before,
    Label,
    Larger,
    Me,
    MessageId,
    Node,
    Not,
    Or,
    Smaller,
    System,
    Text,
    label_key,
    mentions_hidden,
)
from penfold.testing.queries import make_query_text, make_tree

NOW_MS = 1_720_000_000_000


def parse(q):
    return parse_query(q, now_ms=NOW_MS)


def word(text, place="any"):
    return Text(place, (text,))


A, B, C = word("a"), word("b"), word("c")


@pytest.mark.parametrize(
    ("q", "tree"),
    [
        ("a OR b c", And((Or((A, B)), C))),
        ("a b OR c", And((A, Or((B, C))))),
        ("a AND b OR c", And((A, Or((B, C))))),
        ("a OR b OR c", Or((A, B, C))),
        ("a|b", Or((A, B))),
        ("a OR(b c)", Or((A, And((B, C))))),
        ("(a OR b)OR(c)", Or((A, B, C))),
        ("{a (b c)}", Or((A, And((B, C))))),
        ("{a OR b c}", Or((A, B, C))),
        ("(a) (b)", And((A, B))),
        ("-a", Not(A)),
        ("--a", Not(A)),
        ("-+a", Not(A)),
        ("NOT a", Not(A)),
        ("NOT -a", A),
        ("-(a b)", Not(And((A, B)))),
        ("-(-a)", A),
        ("- a", A),
        ("a -", A),
        ("a-b", Text("any", ("a", "b"))),
        ('"a"-b', And((A, B))),
        ('-"a b"', Not(Text("any", ("a", "b")))),
        ("a OR -b", Or((A, Not(B)))),
        ("a OR", A),
        ("a OR AND b", Or((A, B))),
        ("AND OR NOT a", Not(A)),
        ("a NOT", A),
        ("()", And(())),
        ("-()", And(())),
        ("a ) b", And((A, B))),
        ("{a) b", And((A, B))),
        ('subject:"a b" c', And((Text("subject", ("a", "b")), C))),
        ("subject:(a -b)", And((word("a", "subject"), Not(word("b", "subject"))))),
        ("subject:(a from:b)", And((word("a", "subject"), word("b", "from")))),
        ("subject:(x:a)", Text("subject", ("x", "a"))),
        ("from: a", word("a", "from")),
        ("from: to:a", word("a", "to")),
        ("from: -a", Not(A)),
        ("from: OR a", A),
        ("from:)", And(())),
        ("x: a", And((word("x"), A))),
        ('x:"a b"', Text("any", ("x", "a", "b"))),
        ("from:me", Me("from")),
        ('to:"ME"', Me("to")),
        ("in:inbox", System(INBOX)),
        ("IS:Unread", System(UNREAD)),
        ("is:read", Not(System(UNREAD))),
        ("label:category_social", System(CATEGORY_SOCIAL)),
        ("label:(in-box x)", And((Label("in-box"), Label("x")))),
        ("has:yellow-star", System(STARRED)),
        ("a AROUND 3 b", Around("any", ("a",), ("b",), 3)),
        ("a AROUND b", Around("any", ("a",), ("b",), 10)),
        ('"a b" AROUND 3 "c a"', Around("any", ("a", "b"), ("c", "a"), 3)),
        ('subject:"a AROUND 3 b"', Around("subject", ("a",), ("b",), 3, ordered=True)),
        ('"a b AROUND 25 c"', Around("any", ("a", "b"), ("c",), 25, ordered=True)),
        ('"a AROUND b"', Around("any", ("a",), ("b",), 10, ordered=True)),
        ('"a AROUND 25"', Around("any", ("a",), ("25",), 10, ordered=True)),
        ('"a AROUND 3 b AROUND 4 c"', And((
            Around("any", ("a",), ("b",), 3, ordered=True),
            Around("any", ("b",), ("c",), 4, ordered=True),
        ))),
        ('"AROUND 3 b"', Text("any", ("around", "3", "b"))),
        ('"a AROUND 3 !"', A),
        ('label:"a AROUND b"', Label("a-around-b")),
        ("a AROUND 3 b AROUND c", And((
            Around("any", ("a",), ("b",), 3), Around("any", ("b",), ("c",), 10),
        ))),
        ("a AROUND 5", Around("any", ("a",), ("5",), 10)),
        ("a AROUND 5 OR b", Or((Around("any", ("a",), ("5",), 10), B))),
        ("subject:(a AROUND 5 b)", Around("subject", ("a",), ("b",), 5)),
        ("subject:a AROUND 5 subject:b", Around("subject", ("a",), ("b",), 5)),
        ("a AROUND 5 (b OR c)", And((A, Or((B, C))))),
        ("a AROUND 5 in:inbox", And((A, System(INBOX)))),
        ("a AROUND 5 ! b", And((A, B))),
        ("a around 5 b", And((A, word("around"), word("5"), B))),
        ("subject:a AROUND 3 b", Around("subject", ("a",), ("b",), 3)),
        ("-a AROUND 3 b", Not(Around("any", ("a",), ("b",), 3))),
        ("a AROUND 999999999 b", Around("any", ("a",), ("b",), 1_000)),
        ("a AROUND", A),
        ("AROUND 3 b", B),
        ("a AROUND from:b", And((A, word("b", "from")))),
        ("in:inbox AROUND 3 b", And((System(INBOX), B))),
        ("“a b” -subject:„c“", And((Text("any", ("a", "b")), Not(word("c", "subject"))))),
        ("＂a b＂\u3000c", And((Text("any", ("a", "b")), C))),
        ("a\u3000OR\u00a0b", Or((A, B))),
        ("rfc822msgid:<x@y>", MessageId("x@y")),
        ("rfc822msgid:<>", And(())),
        ("rfc822msgid:<{a|b(c)}@d> -RFC822MsgId:<x>", And((MessageId("{a|b(c)}@d"), Not(MessageId("x"))))),
        ("(rfc822msgid:<a@b>)OR c", Or((MessageId("a@b"), C))),
        ("rfc822msgid:<a b", And((MessageId("a"), B))),
        ("larger:5", Larger(5)),
        ("larger:5kb", Larger(5_120)),
        ("larger:999999999999999M", Larger(10**15 - 1)),
        ("larger:1.5M", Larger(1_572_864)),
        ("smaller:2G", Smaller(2 << 30)),
        ("larger:.5M", Text("any", ("larger", "5m"))),
        ("larger:big", Text("any", ("larger", "big"))),
        ("after:5", After(5)),
        ("before:5", Before(6)),
        ("newer_than:1h", After(1_720_000_000 - 3_600)),
        ("older_than:1h", Before(1_720_000_000 - 3_600)),
        ("after:tomorrow", Text("any", ("after", "tomorrow"))),
        ("after:(5 OR 6)", Or((After(5), After(6)))),
    ],
)  # fmt: skip
def test_tree_of_a_query(q, tree):
    assert parse(q) == tree


def test_query_beyond_the_longest_is_cut():
    assert parse("a " * QUERY_MAX_CHARS) == parse("a " * (QUERY_MAX_CHARS // 2))
    assert parse(" " * QUERY_MAX_CHARS + "a") == And(())


def test_words_beyond_the_most_are_passed_over():
    tree = parse("a " * (QUERY_MAX_TERMS + 5))
    assert len(tree.children) == QUERY_MAX_TERMS
    phrase = parse('"' + "a " * (QUERY_MAX_TERMS + 5) + '" b')
    assert phrase == Text("any", ("a",) * QUERY_MAX_TERMS)


def test_brackets_beyond_the_deepest_are_read_as_if_not_there():
    deep = QUERY_MAX_DEPTH + 5
    assert parse("(" * deep + "a" + ")" * deep + " OR b") == Or((A, B))
    assert parse("-(" * deep + "a b" + ")" * deep) == And((A, B))


@given(st.text())
def test_any_text_gives_a_tree(q):
    assert isinstance(parse(q), Node)


@given(st.integers(0, 2**32))
def test_any_pieces_of_the_language_give_a_tree_that_prints_and_parses_alike(seed):
    tree = parse(make_query_text(Random(seed), 12))
    assert parse(print_query(tree)) == tree


@given(st.integers(0, 2**32))
def test_printed_tree_parses_to_the_same_tree(seed):
    tree = make_tree(Random(seed), 3)
    assert parse(print_query(tree)) == tree


@pytest.mark.parametrize(
    ("q", "asked"),
    [
        ("in:spam", True),
        ("is:trash", True),
        ("label:spam a", True),
        ("a OR in:anywhere", True),
        ("-in:spam", False),
        ("a -(in:trash b)", False),
        ("spam", False),
        ("in:all", False),
    ],
)
def test_spam_and_trash_are_wanted_when_the_query_names_them(q, asked):
    assert mentions_hidden(parse(q)) is asked
    assert not mentions_hidden(Not(System(SPAM)))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Finance-Bill", "finance bill", True),
        ("Finance/Bill", "FINANCE-BILL", True),
        (" P/A ", "p a", True),
        ("P / A", "P/A", False),
        ("a_b", "a b", False),
        ("a.b", "a b", False),
    ],
)
def test_label_names_are_compared_by_key(one, other, same):
    assert (label_key(one) == label_key(other)) is same


@pytest.mark.parametrize("q", ["from:me", "from:ME", 'from:"me"', "from:*me", "from:\U0006e360me"])
def test_me_is_the_account_however_it_is_wrapped(q):
    assert parse_query(q, now_ms=0) == Me("from")
