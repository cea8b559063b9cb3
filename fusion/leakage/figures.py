"""Scores of the runs of a table, with intervals over the same draws of speakers for all of them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.data.copies import origin_of
from fusion.data.randomness import generator
from fusion.evaluation.intervals import DRAWS
from fusion.inference.files import read_json
from fusion.leakage.grid import Cell, Condition, size_name

_Array = NDArray[np.float64]


def accuracy(confusion: _Array) -> _Array:
    """Share of right answers, from counts ``[..., C, C]`` of answers (columns) to true classes (rows)."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.trace(confusion, axis1=-2, axis2=-1) / confusion.sum(axis=(-2, -1)))


def one_against_rest(confusion: _Array) -> _Array:
    """Mean over classes of (TP + TN) / all, each class against the rest."""
    return np.asarray(1 - 2 * (1 - accuracy(confusion)) / confusion.shape[-1])


def recall(confusion: _Array) -> _Array:
    """Unweighted average recall over the classes that occur."""
    true = confusion.sum(axis=-1)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore"):
        return np.asarray((hits / np.where(true > 0, true, 1)).sum(axis=-1) / (true > 0).sum(axis=-1))


Measure = Callable[[_Array], _Array]
#: By what they are called, the measures of the table.
MEASURES: dict[str, Measure] = {
    "accuracy": accuracy,
    "accuracy, one against rest": one_against_rest,
    "unweighted average recall": recall,
}


@dataclass(frozen=True)
class Score:
    """A score of one row of one or several runs: of all clips, and of every draw of speakers."""

    value: float
    drawn: _Array

    def __sub__(self, other: Score) -> Score:
        """The difference, paired draw by draw."""
        return Score(self.value - other.value, self.drawn - other.drawn)

    @property
    def interval(self) -> tuple[float, float]:
        """The middle 95 % of the draws."""
        low, high = np.nanpercentile(self.drawn, [2.5, 97.5])
        return float(low), float(high)

    def to_json(self) -> dict[str, float]:
        """The value and its interval."""
        low, high = self.interval
        return {"value": self.value, "low": low, "high": high}


def mean(scores: Sequence[Score]) -> Score:
    """The mean of several, draw by draw."""
    return Score(
        float(np.mean([one.value for one in scores])), np.asarray(np.mean([one.drawn for one in scores], axis=0))
    )


@dataclass(frozen=True)
class _Answers:
    """Of one run: per answered clip and split, who it is of, which split, and places of the true and answered class."""

    groups: list[str]
    splits: list[str]
    true: NDArray[np.int64]
    said: dict[str, NDArray[np.int64]]


class Figures:
    """All scores of a table's runs.

    Speakers are drawn with replacement, 2,000 times, the same for every run and row: all clips of a drawn speaker
    count, in every split that tests them. Where not all speakers are known, clips are drawn. Draws say how much scores
    depend on who happened to be recorded; that networks differ from one training to the next is not in them.
    """

    def __init__(self, cells: Iterable[Cell], seed: int) -> None:
        """Read the answers of runs; the draws come from the seed."""
        self.cells = tuple(cells)
        first = read_json(self.cells[0].run / "evaluation" / "results.json")
        self.names: list[str] = list(first["names"])
        self.rights: list[str] = list(first["run"]["data"]["rights"])
        self.generated = bool(first["generated"])
        answers = {cell.run: _read(cell.run, self.names) for cell in self.cells}
        groups = sorted({group for own in answers.values() for group in own.groups})
        speakers = first["clips_without_speaker"] == 0
        self.over = "speakers" if speakers else "clips"
        self.count = len(groups)
        place = {group: number for number, group in enumerate(groups)}
        picked = generator(seed, "leakage").integers(len(groups), size=(DRAWS, len(groups)))
        self._weights = np.stack([np.bincount(draw, minlength=len(groups)) for draw in picked]).astype(np.float64)
        self._counts: dict[tuple[Path, str], _Array] = {}
        self._splits: dict[tuple[Path, str], _Array] = {}
        for cell in self.cells:
            own = answers[cell.run]
            who = np.array([place[group] for group in own.groups])
            which = np.unique(own.splits, return_inverse=True)[1]
            for row, said in own.said.items():
                self._counts[cell.run, row] = self._confusions(who, own.true, said, len(groups))
                self._splits[cell.run, row] = self._confusions(which, own.true, said, int(which.max()) + 1)

    def _confusions(self, place: NDArray[Any], true: NDArray[Any], said: NDArray[Any], count: int) -> _Array:
        counts = np.zeros((count, len(self.names), len(self.names)))
        np.add.at(counts, (place, true, said), 1)
        return counts

    def splits(self, condition: Condition) -> int:
        """How many splits the runs of a condition have."""
        return len(self._record(condition)["folds"])

    def tested(self, condition: Condition) -> tuple[int, int]:
        """How many answers the runs of a condition hold, and of how many speakers (clips, where some are unknown)."""
        cell = next(one for one in self.cells if one.condition == condition)
        counts = self._counts[cell.run, next(iter(cell.rows.values()))].sum(axis=(1, 2))
        return int(counts.sum()), int((counts > 0).sum())

    def guarantees(self, condition: Condition) -> list[str]:
        """What a condition's runs say of their split, in lines."""
        split = self._record(condition)["split"]
        return [split["guarantee"], *split["notes"]]

    def split_hash(self, condition: Condition) -> str:
        """What tells the splits of a condition's runs from others."""
        return str(self._record(condition)["split"]["hash"])

    @property
    def seed(self) -> int:
        """The seed of all runs."""
        return int(self._record(self.cells[0].condition)["seed"])

    def _record(self, condition: Condition) -> dict[str, Any]:
        cell = next(one for one in self.cells if one.condition == condition)
        record: dict[str, Any] = read_json(cell.run / "run.json")
        return record

    def score(self, system: str, condition: Condition, measure: Measure) -> Score:
        """A system's score over all splits of its run."""
        cell = next(one for one in self.cells if one.condition == condition and system in one.rows)
        return self._score(cell, cell.rows[system], measure)

    def baseline(self, name: str, condition: Condition, measure: Measure) -> Score | None:
        """A baseline's score; None where the runs have no such row."""
        cell = next(one for one in self.cells if one.condition == condition)
        return self._score(cell, name, measure) if (cell.run, name) in self._counts else None

    def _score(self, cell: Cell, row: str, measure: Measure) -> Score:
        counts = self._counts[cell.run, row]
        return Score(float(measure(counts.sum(axis=0))), measure(np.tensordot(self._weights, counts, axes=1)))

    def lines(self) -> list[dict[str, object]]:
        """Of each run and system: where it lies, what it was split by, its scores, and the spread over its splits."""
        found: list[dict[str, object]] = []
        for cell in self.cells:
            record = read_json(cell.run / "run.json")
            for system, row in cell.rows.items():
                by_split = self._splits[cell.run, row]
                whole, each = by_split.sum(axis=0), accuracy(by_split)
                found.append(
                    {
                        "system": system,
                        "protocol": cell.condition.half.value,
                        "leaking": cell.condition.half.leaking,
                        "train_test": size_name(cell.condition.test),
                        "switch": cell.condition.switch or "",
                        "splits": len(by_split),
                        "answers": int(whole.sum()),
                        **{name: f"{float(measure(whole)):.4f}" for name, measure in MEASURES.items()},
                        "lowest_split": f"{each.min():.4f}",
                        "highest_split": f"{each.max():.4f}",
                        "split_hash": record["split"]["hash"],
                        "row": row,
                        "run": str(cell.run),
                    }
                )
        return found


def _read(run: Path, names: Sequence[str]) -> _Answers:
    with (run / "evaluation" / "answers.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    place = {name: number for number, name in enumerate(names)}
    clips, speakers, splits, *classes = zip(*lines, strict=True)
    true, *said = (np.array([place[name] for name in column], dtype=np.int64) for column in classes)
    groups = speakers if all(speakers) else [origin_of(clip) for clip in clips]
    return _Answers(list(groups), list(splits), true, dict(zip(header[4:], said, strict=True)))
