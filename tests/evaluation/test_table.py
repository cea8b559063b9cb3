import csv
import io
import json
import math
from typing import Any

import numpy as np
import pytest

from fusion.contract import Clip
from fusion.evaluation.predictions import RowPredictions
from fusion.evaluation.scores import main_score
from fusion.evaluation.table import Table
from fusion.heads import options
from fusion.heads.targets import Classes, Dimensions
from tests.evaluation.tables import filled, synthetic

NAMES = ("calm", "happy", "angry")


def classes(kind: str) -> Classes:
    return Classes(options.Classes(classes=NAMES, kind=kind))  # type: ignore[arg-type]


DIMENSIONS = Dimensions(options.Dimensions(labels=("valence", "arousal"), lowest=-3, highest=3))


@pytest.mark.parametrize("target", [*map(classes, ("single", "soft", "several")), DIMENSIONS], ids=lambda t: t.kind)
def test_every_kind_of_target_has_every_row_with_an_interval(target: Any) -> None:
    results = filled(target).results(0)
    subsets = [f"gated[{shown}]" for shown in ("voice+face", "voice+words", "face+words", "voice", "face", "words")]
    expected = {"headline", "majority class", "voice", "face", "words", "gated", "late_average", *subsets}
    assert expected <= set(results["rows"])
    for row in results["rows"].values():
        assert row["interval"]["low"] <= row[results["measure"]] <= row["interval"]["high"]
        assert row["interval"]["over"] == "speakers"
        assert list(row["by_split"]) == ["split_0", "split_1", "split_2"]
    assert results["best_single_stream"] in ("voice", "headline[voice]")
    assert json.loads(json.dumps(results, allow_nan=False)) == results


def test_the_headline_is_each_splits_own_choice() -> None:
    table = filled(classes("single"))
    results = table.results(0)
    assert results["chosen"] == {"split_0": "gated", "split_1": "late_average", "split_2": "gated"}
    for split, row in results["chosen"].items():
        assert results["rows"]["headline"]["by_split"][split] == results["rows"][row]["by_split"][split]


def test_fusion_is_compared_with_the_better_of_a_stream_alone_and_the_stream_in_the_fused_model() -> None:
    target = classes("single")
    for better, expected in (("voice", "voice"), ("gated[voice]", "gated[voice]")):
        table = Table(target, ["voice", "face"], ["gated"])
        true = np.eye(3, dtype=np.float32)[np.arange(30) % 3]
        good = 0.6 * true + 0.4 / 3
        bad = np.where((np.arange(30) % 5 == 0)[:, None], np.roll(good, 1, axis=1), good)
        worse = np.roll(good, 1, axis=1)
        answers = {"voice": bad, "face": worse, "gated": good, "gated[voice]": bad, "gated[face]": worse}
        shown: dict[str, tuple[str, ...]] = {"gated": ("voice", "face")}
        shown |= {name: (name.removeprefix("gated[").rstrip("]"),) for name in answers if name != "gated"}
        answers[better] = np.where((np.arange(30) % 10 == 0)[:, None], np.roll(good, 1, axis=1), good)
        rows = [
            RowPredictions(name, "gated" if "gated" in name else None, shown[name], own, np.ones(30, bool))
            for name, own in answers.items()
        ]
        clips = [Clip(str(k), (), speaker=f"s{k % 6}") for k in range(30)]
        table.add(
            "one", clips, true, rows, headline="gated", temperatures={}, prior=np.ones(3) / 3, absent={}, windows=30
        )
        results = table.results(0)
        assert results["best_single_stream"] == expected
        assert results["headline_minus_best_stream"]["low"] > 0
        assert not any(row.startswith("headline[") for row in results["rows"])


def test_the_baseline_is_the_majority_class_of_training() -> None:
    results = filled(classes("single")).results(0)
    assert results["rows"]["majority class"]["unweighted_average_recall"] <= 0.5
    assert results["headline_minus_majority"]["low"] > 0
    assert filled(DIMENSIONS).results(0)["rows"]["majority class"]["concordance"] == pytest.approx(0, abs=0.2)


def test_a_temperature_changes_sureness_and_no_score() -> None:
    plain, warm = (filled(classes("single"), temperature=t).results(0)["rows"]["headline"] for t in (None, 3.0))
    assert warm["unweighted_average_recall"] == plain["unweighted_average_recall"]
    assert warm["calibration_error_before"] == plain["calibration_error"] == plain["calibration_error_before"]
    assert warm["calibration_error"] > warm["calibration_error_before"]


def test_clips_without_any_stream_keep_the_training_shares() -> None:
    table = filled(classes("single"), temperature=4.0, absent=(0, 1))
    results = table.results(0)
    assert results["rows"]["headline"]["answered"] == results["clips"] - 6
    rows = list(csv.DictReader(io.StringIO(table.csv())))
    unanswered = [row for row in rows if row["answered"] == "0"]
    assert len(unanswered) == 6
    shares = {tuple(float(row[name]) for name in NAMES) for row in unanswered}
    assert len(shares) > 1  # each split has its own prior, and no temperature is put on it
    for prior in shares:
        assert all(math.isclose(value * 20, round(value * 20), abs_tol=1e-4) for value in prior)


def test_where_everything_is_absent_the_table_still_stands() -> None:
    results = filled(classes("single"), each=6, absent=range(6)).results(0)
    headline = results["rows"]["headline"]
    assert headline["answered"] == 0
    assert headline["unweighted_average_recall"] == results["rows"]["majority class"]["unweighted_average_recall"]
    assert (results["headline_minus_majority"]["low"], results["headline_minus_majority"]["high"]) == (0, 0)


def test_the_csv_gives_the_headlines_score_again() -> None:
    table = filled(classes("single"))
    rows = list(csv.DictReader(io.StringIO(table.csv())))
    probabilities = np.array([[float(row[name]) for name in NAMES] for row in rows])
    targets = np.array([[row["target"] == name for name in NAMES] for row in rows]).astype(float)
    expected = table.results(0)["rows"]["headline"]["unweighted_average_recall"]
    assert main_score("single", probabilities, targets) == pytest.approx(expected)
    assert all(row["answer"] == NAMES[int(p.argmax())] for row, p in zip(rows, probabilities, strict=True))


@pytest.mark.parametrize("kind", ["soft", "several"])
def test_the_csv_of_other_kinds_holds_the_whole_truth(kind: str) -> None:
    row = next(csv.DictReader(io.StringIO(filled(classes(kind)).csv())))
    assert len(json.loads(row["target"])) == 3


@pytest.mark.parametrize(
    ("speakers", "over", "known"),
    [(("lab:1",), "clips", 1), ((None, None, None), "clips", 0), (("lab:1", None), "clips", 1)],
)
def test_one_speaker_or_unknown_ones(speakers: tuple[str | None, ...], over: str, known: int) -> None:
    results = synthetic(classes("single"), speakers=speakers)
    assert results["rows"]["headline"]["interval"]["over"] == over
    assert results["speakers"] == known
    assert results["clips_without_speaker"] == sum(speaker is None for speaker in speakers) * 20
    assert len(results["by_speaker"]) == known


def test_absent_windows_are_counted_over_all_splits() -> None:
    absent = filled(classes("single")).results(0)["absent"]
    assert absent["face"] == {"windows": 60, "reasons": {"no face": 6}}
    assert absent["voice"] == {"windows": 60, "reasons": {}}


def test_a_row_that_some_split_lacks_is_left_out() -> None:
    table = filled(classes("single"))
    table._rows["tuned"] = table._rows["gated"][:2]
    assert "headline[voice]" in table.results(0)["rows"]  # splits chose different heads
    assert "tuned" not in table.results(0)["rows"]
