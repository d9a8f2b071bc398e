"""Words are whole, folded, one per character where a script has no spaces, and SQLite's too."""

import sys
import unicodedata

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.search.tokens import fold, normalise, tokenise

#: All that mean something, and some of the million that do not.
CHARACTERS = [
    chr(code)
    for code in range(sys.maxunicode + 1)
    if unicodedata.category(chr(code)) not in {"Cs", "Cn", "Co"}
    or (code % 97 == 0 and not 0xD800 <= code < 0xE000)
]


def batched(items, size):
    return (items[start : start + size] for start in range(0, len(items), size))


@pytest.fixture(scope="module")
def sqlite_words():
    tokenizer = apsw.Connection(":memory:").fts5_tokenizer("ascii", [])

    def split(text):
        found = tokenizer(text.encode(), apsw.FTS5_TOKENIZE_DOCUMENT, None)
        return tuple(word for _start, _end, *words in found for word in words)

    return split


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("\ud800x", "x", id="lone surrogate"),
        pytest.param("a\0b", "a b", id="NUL"),
        pytest.param("Cafe\u0301 CAFÉ", "cafe cafe", id="composed and decomposed"),
        pytest.param("o'neil@x-y.example", "o neil x y example", id="address"),
        pytest.param("snake_case", "snake case", id="underscore"),
        pytest.param("Straße STRASSE", "strasse strasse", id="sharp s"),
        pytest.param("Ærøskøbing Łódź Đà œuvre", "aeroskobing lodz da oeuvre", id="strokes"),
        pytest.param("ΛΌΓΟΣ λόγος", "λογοσ λογοσ", id="final sigma"),
        pytest.param("İstanbul ışık", "istanbul isik", id="Turkish i"),
        pytest.param("Ｃafé ﬁne ½", "cafe fine 1 2", id="compatibility forms"),
        pytest.param("auto\u00admobile a\u2060b", "automobile ab", id="what nobody sees"),
        pytest.param("see\u200bhere", "see here", id="zero-width space"),
        pytest.param("Sale \u034f \u200c \u034f\u00a0\u3164\u034f", "sale", id="filled preview"),
        pytest.param("葛\U000e0100飾", "葛 飾", id="variant of a character"),
        pytest.param("東京都 とうきょう", "東 京 都 と う き ょ う", id="Japanese"),
        pytest.param("か\u3099 ｶﾞ", "が ガ", id="voiced kana, however written"),
        pytest.param("iPhone版 第3章", "iphone 版 第 3 章", id="Latin and digits beside Han"),
        pytest.param("서울에서 \u1109\u1165", "서 울 에 서 서", id="Korean"),
        pytest.param("ㅋㅋ \u110f", "\u110f \u110f \u110f", id="Korean letters alone"),
        pytest.param("น้ำ", "น ้ ํ า", id="Thai"),
        pytest.param("हिन्दी", "हिन्दी", id="Hindi keeps its vowels"),
        pytest.param("שָׁלוֹם مُحَمَّد", "שלום محمد", id="points are accents"),
        pytest.param("\u0671لك\u0640\u0640تاب\u200f", "الكتاب", id="Arabic, stretched"),
        pytest.param("Tiếng Việt ƯỚC", "tieng viet uoc", id="Vietnamese"),
        pytest.param("🎉party ❤\ufe0f", "🎉 party ❤", id="emoji"),
        pytest.param("⭐⏰", "⭐ ⏰", id="older emoji"),
        pytest.param("👍🏽 👩\u200d💻 🇩🇪", "👍 🏽 👩 💻 🇩 🇪", id="skin, joined, flag"),
        pytest.param("a\ue001b", "a b", id="no marks from outside"),
    ],
)
def test_words_of_a_text(text, words):
    assert tokenise(text) == tuple(words.split())


def test_folding_words_again_changes_nothing():
    for some in batched(CHARACTERS, 1_000):
        words = tokenise(" ".join(f"x{each}y {each}" for each in some))
        assert tokenise(" ".join(words)) == words


def test_no_word_holds_private_use_characters():
    assert (
        tokenise("".join(each for each in CHARACTERS if unicodedata.category(each) == "Co")) == ()
    )


def test_an_index_splits_folded_characters_as_we_do(sqlite_words):
    text = fold(" ".join(f"x{each}y" for each in CHARACTERS))
    assert sqlite_words(text) == tuple(text.split())


@given(st.text())
def test_an_index_splits_folded_text_as_we_do(sqlite_words, text):
    assert sqlite_words(fold(text)) == tokenise(text)


def test_normalised_text_has_a_space_around_every_word():
    assert normalise("A, b!") == " a b "
    assert normalise("?") == " "


def test_piles_of_marks_count_as_they_do_in_short_texts():
    pile = "\u0915" + "\u094d\u0301\u093c\u0344\uff9e" * 40
    assert len(pile) < 2_000 < len(pile) * 20
    assert tokenise(f"{pile} " * 20) == tokenise(pile) * 20
