"""The table of searches, asked of single messages as filters do."""

from pathlib import Path

import pytest

from penfold.proto.search.document import make_texts
from penfold.proto.search.match import matches
from penfold.proto.search.parse import parse_query
from penfold.proto.search.tree import And, Or, Text, mentions_hidden
from penfold.testing.search_table import load_search_table, make_mail_document

TABLE = load_search_table(Path(__file__).parents[3] / "corpus/search.toml")
DOCUMENTS = {n: make_mail_document(mail) for n, mail in TABLE.mail.items()}
SPAM_OR_TRASH = {5, 7}


@pytest.mark.parametrize(("q", "finds"), TABLE.queries, ids=[q for q, _ in TABLE.queries])
def test_messages_that_match_are_those_of_the_table(q, finds):
    tree = parse_query(q, now_ms=TABLE.now_ms)
    found = [
        n
        for n, document in DOCUMENTS.items()
        if (mentions_hidden(tree) or SPAM_OR_TRASH.isdisjoint(document.labels))
        and matches(tree, document, me=TABLE.me, label_numbers=TABLE.user_labels)
    ]
    assert sorted(found, key=lambda n: -TABLE.mail[n].id) == finds


def test_table_is_large_enough_to_mean_something():
    assert len(TABLE.mail) >= 60
    assert len({q for q, _ in TABLE.queries}) == len(TABLE.queries) >= 80


def test_texts_stand_in_the_order_of_the_columns():
    texts = [text.split() for text in make_texts(TABLE.mail[33].summary, 1)]
    assert [" ".join(words) for words in texts[1:5]] == [
        "me penfold test", "dan people example", "", "hidden harry harry people example",
    ]  # fmt: skip


def test_text_without_words_matches_nothing():
    assert not matches(Text("any", ()), DOCUMENTS[9], label_numbers={})


def test_empty_and_matches_everything_and_empty_or_nothing():
    assert matches(And(()), DOCUMENTS[9], label_numbers={})
    assert not matches(Or(()), DOCUMENTS[9], label_numbers={})


def test_from_me_of_nobody_matches_nothing():
    tree = parse_query("from:me", now_ms=0)
    assert not any(matches(tree, each, label_numbers={}) for each in DOCUMENTS.values())
