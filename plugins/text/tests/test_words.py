from __future__ import annotations

import pytest
from fusion_text.words import HIDDEN, text_of, tokens_of
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.contract import DataError


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Kids are talking, by the DOOR!", ["kids", "are", "talking", ",", "by", "the", "door", "!"]),
        (
            "Don't — it\N{RIGHT SINGLE QUOTATION MARK}s 3.5 'fine'",
            ["don't", "—", "it\N{RIGHT SINGLE QUOTATION MARK}s", "3", ".", "5", "'", "fine", "'"],
        ),
        ("हिन्दी ભાષા", ["हिन्दी", "ભાષા"]),
        ("我很 happy 吗\N{FULLWIDTH QUESTION MARK}", ["我", "很", "happy", "吗", "?"]),
        ("مَرْحَبًا", ["مَرْحَبًا"]),
        ("good 🙂🙂", ["good", "🙂", "🙂"]),
        ("  \t\n ", []),
        ("\ufeffhi\x00\u200b", ["hi"]),
    ],
)
def test_words_of_any_script(text, tokens):
    assert tokens_of(text) == tokens


def test_one_spelling_of_a_letter():
    assert tokens_of("NAI\u0308VE") == tokens_of("naïve") == ["naïve"]
    assert tokens_of("Ok", lower=False) == ["Ok"]
    assert tokens_of(f"a {HIDDEN} b") == ["a", HIDDEN, "b"]


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_any_text_is_cut_into_tokens_that_stay_as_they_are(text):
    tokens = tokens_of(text)
    assert all(token and not any(character.isspace() for character in token) for token in tokens)
    assert tokens_of(" ".join(tokens)) == tokens


def test_pieces_are_joined(spoken):
    assert text_of(spoken("kids are", "talking")) == "kids are talking"
    with pytest.raises(DataError, match="has nothing where words are needed"):
        text_of({})
