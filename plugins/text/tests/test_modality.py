from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from fusion_text.modality import Text
from fusion_text.options import Text as Options
from fusion_text.words import HIDDEN

from fusion.contract import DataError, InputMissing, Span

SPAN = Span(Fraction(0), Fraction(3))


def test_the_vocabulary_is_the_most_frequent_words_in_a_settled_order(spoken):
    rows = [spoken("the dogs the door"), spoken("the dogs"), spoken("a zoo")]
    assert Text(Options()).fit(rows) == {"vocabulary": ["the", "dogs", "a", "door", "zoo"]}
    assert Text(Options()).fit(rows[::-1]) == Text(Options()).fit(rows)
    assert Text(Options(size=2)).fit(rows) == {"vocabulary": ["the", "dogs"]}
    assert Text(Options(least=2)).fit(rows) == {"vocabulary": ["the", "dogs"]}
    assert Text(Options()).fit([spoken(f"a {HIDDEN}")]) == {"vocabulary": ["a"]}


def test_a_batch_is_padded_with_0_and_unknown_words_are_1(spoken):
    modality = Text(Options())
    fitted = modality.fit([spoken("kids are talking")])
    batch = modality.batch([spoken("Talking kids", "are"), spoken("dogs")], [SPAN, SPAN], fitted)
    assert batch["tokens"].dtype == torch.int64
    assert batch["tokens"].tolist() == [[4, 3, 2], [1, 0, 0]]
    assert batch["mask"].tolist() == [[True, True, True], [True, False, False]]
    assert modality.input(spoken("kids"), fitted).size == 5


def test_another_vocabulary_is_another_table(spoken):
    modality = Text(Options())
    for words in ("kids are", "are kids dogs", "dogs"):
        fitted = modality.fit([spoken(words)])
        batch = modality.batch([spoken("dogs kids")], [SPAN], fitted)
        expected = [
            fitted["vocabulary"].index(word) + 2 if word in fitted["vocabulary"] else 1 for word in ("dogs", "kids")
        ]
        assert batch["tokens"].tolist() == [expected]


def test_long_rows_are_cut(spoken):
    modality = Text(Options(longest=4))
    batch = modality.batch([spoken("a b c d e f")], [SPAN], modality.fit([spoken("a")]))
    assert batch["tokens"].shape == (1, 4)


def test_absence_and_extent(spoken):
    assert Text(Options()).absence(spoken("", " \n")) == "no words"
    assert Text(Options()).absence(spoken()) == "no words"
    assert Text(Options()).absence(spoken("", "yes")) is None
    assert Text(Options()).extent == "clip"
    assert Text(Options(extent="window")).extent == "window"
    assert set(Text(Options()).needs) == {"words"}


def test_a_pretrained_tokeniser_is_handed_over_whole(spoken, tiny_bert):
    fitted = Text(Options(tokeniser="transformer", path=str(tiny_bert))).fit([spoken("kids")])
    assert set(fitted) == {"tokeniser"}
    modality = Text(Options(tokeniser="transformer", path="where nothing is any more", longest=5))
    batch = modality.batch([spoken("Kids are"), spoken("the dogs by the door")], [SPAN, SPAN], fitted)
    assert batch["tokens"].tolist() == [[2, 5, 6, 3, 0], [2, 9, 11, 8, 3]]
    assert batch["mask"].sum(1).tolist() == [4, 5]
    spec = modality.input(spoken("kids"), fitted)
    assert spec.size == 14
    assert spec.details["tokeniser"] == "transformer"


def test_tokenisers_that_are_not_there_say_so(spoken, tmp_path):
    with pytest.raises(ValueError, match="needs a path: a local folder or a name on the hub"):
        Text(Options(tokeniser="transformer"))
    gone = Text(Options(tokeniser="transformer", path=str(tmp_path / "gone")))
    with pytest.raises(InputMissing, match="does not exist; name a folder with a tokeniser"):
        gone.fit([spoken("kids")])
    with pytest.raises(DataError, match="holds no usable tokeniser"):
        Text(Options(tokeniser="transformer", path=str(tmp_path))).fit([spoken("kids")])
