"""Words are exactly those SQLite's full-text index makes."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.search.tokens import normalise, tokenise


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location(
        "make_unicode61", Path(__file__).with_name("make_unicode61.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sqlite_tokenise(generator):
    return generator.sqlite_tokenizer()


def test_every_character_is_the_word_sqlite_makes_of_it(generator, sqlite_tokenise):
    text = " ".join([*map(chr, range(0x80)), *generator.all_characters()])
    assert list(tokenise(text)) == sqlite_tokenise(text)


def test_every_character_joins_or_parts_words_as_in_sqlite(generator, sqlite_tokenise):
    text = " ".join(f"x{each}y" for each in [*map(chr, range(0x80)), *generator.all_characters()])
    assert list(tokenise(text)) == sqlite_tokenise(text)


def test_folding_a_word_again_changes_nothing(generator):
    words = tokenise(" ".join(generator.all_characters()))
    assert tokenise(" ".join(words)) == words


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_gives_the_words_sqlite_makes(sqlite_tokenise, text):
    assert list(tokenise(text)) == sqlite_tokenise(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", (), id="nothing"),
        pytest.param("\ud800x", ("x",), id="lone surrogate"),
        pytest.param("a\0b", ("a", "b"), id="NUL"),
        pytest.param("Cafe\u0301 CAFÉ", ("cafe", "cafe"), id="composed and decomposed"),
        pytest.param("o'neil@x-y.example", ("o", "neil", "x", "y", "example"), id="address"),
    ],
)
def test_words_of_a_text(text, words):
    assert tokenise(text) == words


def test_normalised_text_has_a_space_around_every_word():
    assert normalise("A, b!") == " a b "
    assert normalise("?") == " "
