"""The baseline on loudness and length alone: what it can tell, where it is absent, and where it is shown."""

import numpy as np
import pytest

from fusion.cli.results import print_results
from fusion.evaluation.card import card
from fusion.evaluation.evaluate import evaluate
from fusion.evaluation.scores import accuracy
from fusion.evaluation.shortcut import loudness_and_length, loudness_and_length_of_strangers
from fusion.evaluation.wording import LOUDNESS_AND_LENGTH, shortcut_verdict
from fusion.store.levels import Level
from tests.evaluation.tables import filled, synthetic
from tests.evaluation.test_table import DIMENSIONS, classes


def levels(true, random, gain=8.0):
    """Levels of which the mean tells the class."""
    return [
        Level(-40 + gain * place + random.normal(), -30 + gain * place + random.normal(), random.random(), 2.0)
        for place in true
    ]


def test_it_finds_what_loudness_gives_away_and_nothing_else():
    random = np.random.default_rng(0)
    true, tested = random.integers(3, size=90), random.integers(3, size=300)
    eye = np.eye(3, dtype=np.float32)
    for gain, low, high in ((8.0, 0.95, 1.0), (0.0, 0.2, 0.46)):
        known = levels(true, random, gain)
        row = loudness_and_length(known, eye[true], levels(tested, random, gain), kind="single")
        assert low <= accuracy(row.probabilities, eye[tested].astype(np.float64)) <= high
        assert row.probabilities.sum(axis=1) == pytest.approx(np.ones(300))


def test_of_several_classes_and_of_dimensions():
    random = np.random.default_rng(0)
    true = random.integers(3, size=90)
    several = np.stack([true > 0, true > 1, np.ones(90)], axis=1).astype(np.float32)
    row = loudness_and_length(levels(true, random), several, levels([0, 1, 2], random), kind="several")
    assert (row.probabilities > 0.5).tolist() == [[False, False, True], [True, False, True], [True, True, True]]
    ratings = (true[:, None] - 1.0).astype(np.float32)
    row = loudness_and_length(levels(true, random), ratings, levels([0, 1, 2], random), kind="dimensions")
    assert row.probabilities[:, 0] == pytest.approx([-1, 0, 1], abs=0.4)


def test_a_clip_without_sound_gets_the_shares_of_training():
    random = np.random.default_rng(0)
    true = np.array([0, 0, 0, 1])
    eye = np.eye(3, dtype=np.float32)
    row = loudness_and_length(levels(true, random), eye[true], [None, *levels([1], random)], kind="single")
    assert row.answered.tolist() == [False, True]
    assert row.probabilities[0].tolist() == [0.75, 0.25, 0]
    assert row.probabilities[1, 2] == 0


def test_where_no_part_trains_speakers_are_answered_by_others():
    random = np.random.default_rng(0)
    true = np.tile([0, 1, 2], 40)
    eye = np.eye(3, dtype=np.float32)[true]
    speakers = [f"s{place // 12}" for place in range(120)]
    row = loudness_and_length_of_strangers(levels(true, random), eye, speakers, kind="single")
    assert row.answered.all()
    assert accuracy(row.probabilities, eye.astype(np.float64)) > 0.95
    # Each speaker has a class of its own: others know nothing of it, so nobody's own clips were among the known.
    alone = np.repeat([0, 1, 2], 4)
    row = loudness_and_length_of_strangers(
        levels(alone, random), np.eye(3)[alone], ["a"] * 4 + ["b"] * 4 + ["c"] * 4, kind="single"
    )
    assert accuracy(row.probabilities, np.eye(3)[alone]) == 0


def test_one_speaker_has_no_others():
    random = np.random.default_rng(0)
    true = np.array([0, 1, 0, 1])
    assert loudness_and_length_of_strangers(levels(true, random), np.eye(2)[true], ["a"] * 4, kind="single") is None
    unknown = loudness_and_length_of_strangers(levels(true, random), np.eye(2)[true], [None] * 4, kind="single")
    assert unknown.answered.all()
    assert loudness_and_length_of_strangers([None] * 4, np.eye(2)[true], [None] * 4, kind="single") is None


@pytest.mark.parametrize(("heard", "tested", "true"), [
    ([False, False], [True], [0, 1]), ([True, True], [False], [0, 1]), ([True, True], [True], [1, 1]),
    ([True, False], [True], [0, 1]),
])  # fmt: skip
def test_absent_where_there_is_nothing_to_learn_or_to_hear(heard, tested, true):
    level = Level(-30, -20, 5, 2)
    known, test = ([level if there else None for there in part] for part in (heard, tested))
    assert loudness_and_length(known, np.eye(2, dtype=np.float32)[true], test, kind="single") is None


def test_every_evaluation_has_the_row_with_an_interval_and_decodes_once(trained, monkeypatch, capsys):
    first = evaluate(trained / "run")
    assert (trained / "store" / "levels.sqlite").exists()
    monkeypatch.setattr("fusion.store.levels.measure", lambda clip: pytest.fail(f"{clip.id} is decoded again"))
    results = evaluate(trained / "run").results
    row = results["rows"][LOUDNESS_AND_LENGTH]
    assert row == first.results["rows"][LOUDNESS_AND_LENGTH]
    assert row["answered"] == 6
    assert row["interval"]["low"] <= row["unweighted_average_recall"] <= row["interval"]["high"]
    assert shortcut_verdict(results) in card(results)
    assert card(results).count(f'<th scope="row">{LOUDNESS_AND_LENGTH}</th>') == 1
    print_results(results)
    assert LOUDNESS_AND_LENGTH in capsys.readouterr().out


@pytest.mark.parametrize("target", [classes("single"), DIMENSIONS], ids=lambda t: t.kind)
def test_a_table_without_it_says_nothing_of_it(target):
    results = synthetic(target)
    assert LOUDNESS_AND_LENGTH not in filled(target).results(0)["rows"]
    assert results["headline_minus_loudness_and_length"] is None
    assert shortcut_verdict(results) is None
    assert LOUDNESS_AND_LENGTH not in card(results)
