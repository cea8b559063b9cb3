from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from fusion_text.options import WordDropout as Options
from fusion_text.word_dropout import WordDropout
from fusion_text.words import HIDDEN

from fusion.contract import Span

SPAN = Span(Fraction(0), Fraction(3))


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


@pytest.mark.parametrize("mode", ["hide", "remove"])
def test_words_go_by_chance_and_repeatably(spoken, mode):
    row = spoken("one two three", "four five " * 20)
    dropout = WordDropout(Options(chance=0.5, mode=mode))
    changed = dropout(row, SPAN, generator())["words"]
    kept = [word for piece in changed.data for word in piece.split() if word != HIDDEN]
    assert 10 < len(kept) < 35
    assert (HIDDEN in changed.data[1]) == (mode == "hide")
    assert changed.times.tolist() == [0, 1]
    assert dropout(row, SPAN, generator())["words"].data == changed.data
    assert dropout(row, SPAN, generator(1))["words"].data != changed.data
    assert row["words"].data[0] == "one two three"


@pytest.mark.parametrize("mode", ["hide", "remove"])
def test_one_word_always_stays(spoken, mode):
    for seed in range(5):
        changed = WordDropout(Options(chance=1.0, mode=mode))(spoken("a b", "c"), SPAN, generator(seed))["words"].data
        assert len([word for piece in changed for word in piece.split() if word != HIDDEN]) == 1


def test_chance_zero_and_no_words_change_nothing(spoken):
    row = spoken("a b")
    assert WordDropout(Options(chance=0.0))(row, SPAN, generator())["words"].data == ["a b"]
    assert WordDropout(Options())(spoken(""), SPAN, generator())["words"].data == [""]
