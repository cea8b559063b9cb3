"""A table of results: the rows of all evaluated splits, joined, with measures, intervals and baselines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.contract import Clip, Target
from fusion.evaluation import scores
from fusion.evaluation.calibration import calibration_error, reliability, tempered
from fusion.evaluation.intervals import Bootstrap
from fusion.evaluation.measures import by_group, curves, main_measure, measures, true_classes
from fusion.evaluation.predictions import RowPredictions
from fusion.evaluation.wording import HEADLINE, LOUDNESS_AND_LENGTH, MAJORITY

#: Points of a scatter plot, at most.
POINTS = 400
#: The detail that says whether a clip is scripted or improvised: the two are scored apart.
PERFORMANCE = "performance"
_SAID = {True: "also said in training or validation", False: "new sentence"}
_Array = NDArray[np.float64]


@dataclass
class Row:
    """One row over one or all evaluated splits.

    Args:
        name: See ``RowPredictions``; ``headline`` is each split's row as named or chosen on its validation part.
        streams: The streams that were shown.
        probabilities: ``[N, C]`` after temperature scaling.
        raw: ``[N, C]`` before it.
        answered: ``[N]``.
    """

    name: str
    streams: tuple[str, ...]
    probabilities: _Array
    raw: _Array
    answered: NDArray[np.bool_]


class Table:
    """Collects splits one by one; ``results`` derives everything from what was collected."""

    def __init__(self, target: Target, streams: Sequence[str], heads: Sequence[str]) -> None:
        self._target = target
        self._streams = tuple(streams)
        self._heads = tuple(heads)
        self.clips: list[Clip] = []
        self.splits: list[str] = []
        self._targets: list[NDArray[np.float32]] = []
        self._rows: dict[str, list[Row]] = {}
        self._chosen: dict[str, str] = {}
        self._absent: dict[str, dict[str, Any]] = {}
        self._said: list[str | None] = []

    def add(
        self,
        split: str,
        clips: Sequence[Clip],
        targets: NDArray[np.float32],
        rows: Iterable[RowPredictions],
        *,
        headline: str,
        temperatures: Mapping[str, float],
        prior: _Array,
        absent: Mapping[str, Mapping[str, int]],
        windows: int,
        said: Sequence[bool | None] | None = None,
        shortcut: RowPredictions | None = None,
    ) -> None:
        """Add one split's test part.

        Args:
            split: Its name.
            clips: Its N test clips.
            targets: ``[N, C]``.
            rows: Predictions of every row.
            headline: The row that is the headline here.
            temperatures: By row, fitted on the split's validation part; rows without one stay as they are.
            prior: ``[C]`` mean target of the training part: the majority class's row.
            absent: By stream, reasons for absence and how many windows each concerns.
            windows: Number of test windows.
            said: Of each clip, whether what it says is also said in training or validation (None: not known).
            shortcut: Predictions of loudness and length alone, where there are such.
        """
        self._chosen[split] = headline
        for row in rows:
            temperature = temperatures.get(row.head or row.row)
            raw = row.probabilities
            scaled = raw
            if temperature is not None:
                # A clip without any stream keeps the training part's shares: no temperature was fitted for those.
                scaled = np.where(row.answered[:, None], tempered(raw, temperature), raw)
            self._put(Row(row.row, row.streams, scaled, raw, row.answered))
            if headline in (row.row, row.head):
                # A split's own head with some streams hidden belongs to the headline as well.
                name = HEADLINE + row.row.removeprefix(headline)
                self._put(Row(name, row.streams, scaled, raw, row.answered))
        if shortcut is not None:
            given = shortcut.probabilities
            self._put(Row(LOUDNESS_AND_LENGTH, (), given, given, shortcut.answered))
        majority = np.tile(np.asarray(prior, dtype=np.float64), (len(clips), 1))
        self._put(Row(MAJORITY, (), majority, majority, np.ones(len(clips), dtype=bool)))
        for stream, reasons in absent.items():
            counts = self._absent.setdefault(stream, {"windows": 0, "reasons": {}})
            counts["windows"] += windows
            for reason, count in reasons.items():
                counts["reasons"][reason] = counts["reasons"].get(reason, 0) + count
        self.clips += clips
        self.splits += [split] * len(clips)
        self._said += [None if told is None else _SAID[told] for told in said or [None] * len(clips)]
        self._targets.append(targets)

    def _put(self, row: Row) -> None:
        self._rows.setdefault(row.name, []).append(row)

    def results(self, seed: int) -> dict[str, Any]:
        """All rows with their measures and intervals, as JSON values; the bootstrap draws from the seed."""
        kind, names = self._target.kind, self._target.names
        targets = np.concatenate(self._targets).astype(np.float64)
        bootstrap = Bootstrap([clip.speaker for clip in self.clips], seed)
        score, accuracy = scores.additive(kind), scores.additive_accuracy()
        joined = {name: _joined(parts) for name, parts in self._rows.items() if len(parts) == len(self._targets)}
        rows: dict[str, Any] = {}
        for name, row in joined.items():
            if self._own_name(name) != name:
                continue
            rows[name] = {
                "streams": list(row.streams),
                "answered": int(row.answered.sum()),
                **measures(kind, names, row.probabilities, targets),
                "interval": asdict(bootstrap.interval(score, row.probabilities, targets)),
                "by_split": self._by_split(row, targets),
            }
            if kind in ("single", "soft"):
                rows[name]["accuracy_interval"] = asdict(bootstrap.interval(accuracy, row.probabilities, targets))
                rows[name]["calibration_error_before"] = calibration_error(row.raw, targets)
        headline, majority = joined[HEADLINE], joined[MAJORITY]
        single = [name for name in self._streams if name in joined]
        single += [name for name, row in joined.items() if name.startswith(f"{HEADLINE}[") and len(row.streams) == 1]
        best = max(single, key=lambda name: score(joined[name].probabilities, targets))

        def minus(other: Row) -> dict[str, Any]:
            return asdict(bootstrap.difference(score, headline.probabilities, other.probabilities, targets))

        shortcut = joined.get(LOUDNESS_AND_LENGTH)
        return {
            "names": list(names),
            "kind": kind,
            "measure": main_measure(kind),
            "clips": len(targets),
            "speakers": len({clip.speaker for clip in self.clips if clip.speaker}),
            "clips_without_speaker": sum(clip.speaker is None for clip in self.clips),
            "splits": list(dict.fromkeys(self.splits)),
            "chosen": self._chosen,
            "streams": list(self._streams),
            "heads": list(self._heads),
            "rows": rows,
            "best_single_stream": self._own_name(best),
            "headline_minus_best_stream": minus(joined[best]),
            "headline_minus_majority": minus(majority),
            "headline_minus_loudness_and_length": None if shortcut is None else minus(shortcut),
            "by_speaker": by_group(kind, [clip.speaker for clip in self.clips], headline.probabilities, targets),
            "by_sex": by_group(kind, [clip.sex for clip in self.clips], headline.probabilities, targets),
            "by_sentence": by_group(kind, self._said, headline.probabilities, targets),
            "by_performance": by_group(
                kind, [clip.details.get(PERFORMANCE) for clip in self.clips], headline.probabilities, targets
            ),
            "absent": self._absent,
            "pictures": self._pictures(headline, targets),
        }

    def _own_name(self, name: str) -> str:
        """``gated[voice]`` for ``headline[voice]`` where ``gated`` is the headline of every split."""
        chosen = set(self._chosen.values())
        same = name.startswith(f"{HEADLINE}[") and len(chosen) == 1
        return next(iter(chosen)) + name.removeprefix(HEADLINE) if same else name

    def _by_split(self, row: Row, targets: _Array) -> dict[str, float]:
        answer = {}
        for name in dict.fromkeys(self.splits):
            places = np.array([place for place, split in enumerate(self.splits) if split == name])
            answer[name] = scores.main_score(self._target.kind, row.probabilities[places], targets[places])
        return answer

    def _pictures(self, headline: Row, targets: _Array) -> dict[str, Any]:
        """What the headline's pictures are drawn from."""
        kind, names = self._target.kind, self._target.names
        if kind == "dimensions":
            some = np.unique(np.linspace(0, len(targets) - 1, min(len(targets), POINTS)).round().astype(int))
            pairs = np.stack([targets[some], headline.probabilities[some]], axis=2).round(4)
            return {"points": {name: pairs[:, column].tolist() for column, name in enumerate(names)}}
        pictures: dict[str, Any] = {"curves": curves(names, headline.probabilities, true_classes(kind, targets))}
        if kind != "several":
            pictures["reliability"] = {
                "before": reliability(headline.raw, targets),
                "after": reliability(headline.probabilities, targets),
            }
        return pictures

    def csv(self) -> str:
        """One line a clip: its split, truth, and the headline's answer with its probabilities."""
        kind, names = self._target.kind, self._target.names
        targets = np.concatenate(self._targets)
        headline = _joined(self._rows[HEADLINE])
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["clip", "speaker", "split", "target", "answer", "answered", *names])
        for place, clip in enumerate(self.clips):
            values, true = headline.probabilities[place], targets[place]
            writer.writerow([
                clip.id, clip.speaker or "", self.splits[place],
                names[int(true.argmax())] if kind == "single" else json.dumps([round(float(v), 6) for v in true]),
                names[int(values.argmax())] if kind in ("single", "soft") else "",
                int(headline.answered[place]), *(f"{value:.6f}" for value in values),
            ])  # fmt: skip
        return text.getvalue()

    def answers_csv(self) -> str:
        """One line a clip: its split, truth, and the class that each row answers; for targets of one class."""
        names = self._target.names
        truth = np.concatenate(self._targets).argmax(axis=1)
        rows = {name: _joined(parts) for name, parts in self._rows.items() if len(parts) == len(self._targets)}
        answers = {name: row.probabilities.argmax(axis=1) for name, row in rows.items()}
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["clip", "speaker", "split", "target", *answers])
        for place, clip in enumerate(self.clips):
            said = [names[int(answer[place])] for answer in answers.values()]
            writer.writerow([clip.id, clip.speaker or "", self.splits[place], names[int(truth[place])], *said])
        return text.getvalue()

    @property
    def one_class(self) -> bool:
        """Whether each clip has one class and so has each answer."""
        return self._target.kind == "single"


def _joined(parts: Sequence[Row]) -> Row:
    first = parts[0]
    return Row(
        first.name,
        first.streams,
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.raw for part in parts]),
        np.concatenate([part.answered for part in parts]),
    )
