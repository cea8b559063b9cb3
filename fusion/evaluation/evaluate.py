"""The job ``evaluate``: every row of a run's table from stored test outputs, with intervals and baselines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.catalog import Catalog
from fusion.catalog import catalog as installed_catalog
from fusion.config.experiment import LoadedExperiment, experiment_from
from fusion.contract import Clip, LeakError, RunError
from fusion.evaluation import scores
from fusion.evaluation.calibration import calibration_error, tempered
from fusion.evaluation.intervals import Bootstrap
from fusion.evaluation.measures import by_group, main_measure, measures
from fusion.evaluation.predictions import rows_of_split
from fusion.training.files import read_json, write_atomic, write_json
from fusion.training.finetune import Materials, gather, make_setting
from fusion.training.report import Reporter, Silent
from fusion.training.run import Record, locked
from fusion.training.split_data import split_tables

HEADLINE = "headline"
MAJORITY = "majority class"
_Array = NDArray[np.float64]


@dataclass
class Row:
    """One row over all evaluated splits.

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


@dataclass
class Evaluation:
    """The results of a run.

    Args:
        folder: Where they lie: ``results.json``, ``predictions.csv``, ``card.html``.
        results: The content of ``results.json``.
    """

    folder: Path
    results: Mapping[str, Any]


def evaluate(
    run: Path, *, fold: str | None = None, catalog: Catalog | None = None, reporter: Reporter | None = None
) -> Evaluation:
    """Score a finished run on its test parts.

    Test outputs are computed the first time and stored; every table derives from them.

    Args:
        run: The run's folder.
        fold: One fold only; all of them unless given.
        catalog: Components; the installed ones unless given.
        reporter: Hears what happens.

    Raises:
        RunError: The run is unfinished, or its clips have changed since.
    """
    from fusion.evaluation.card import write_card

    reporter = reporter or Silent()
    with locked(run):
        record = Record(run).read()
        _check_finished(run, record, fold)
        catalog = catalog or installed_catalog()
        experiment = experiment_from(record["config"], record["source"], catalog=catalog)
        loaded = LoadedExperiment(experiment, record["config"], Path(record["source"]), tuple(record["overrides"]))
        materials = gather(loaded, catalog, reporter)
        if materials.splits.hash != record["split"]["hash"]:
            raise LeakError(
                f"the corpus now splits as {materials.splits.hash}, but the run was trained on {record['split']['hash']}",
                where=str(run), remedy="restore the corpus as it was, or train again",
            )
        folds = [split for split in materials.splits.splits if fold in (None, split.name)]
        collected = _Collected(materials)
        with reporter.progress("evaluate", len(folds)) as advance:
            for split in folds:
                collected.add(split.name, run / split.name)
                advance(note=split.name)
        results = collected.results(record)
        folder = run / "evaluation" if fold is None else run / fold / "evaluation"
        write_json(folder / "results.json", results)
        write_atomic(folder / "predictions.csv", collected.csv().encode())
        write_card(folder / "card.html", results)
    return Evaluation(folder, results)


def _check_finished(run: Path, record: Mapping[str, Any], fold: str | None) -> None:
    if fold is not None and fold not in record["folds"]:
        raise RunError(f"has no fold {fold!r}", where=str(run), remedy=f"it has {', '.join(record['folds'])}")
    unfinished = [name for name in record["folds"] if fold in (None, name) and not (run / name / "result.json").exists()]
    if unfinished:
        raise RunError(f"has unfinished folds ({', '.join(unfinished)})", where=str(run),
                       remedy="repeat the finetune command, or evaluate one finished fold with --fold")


class _Collected:
    """Rows of all splits, joined in the order of the splits."""

    def __init__(self, materials: Materials) -> None:
        self._materials = materials
        self.clips: list[Clip] = []
        self.folds: list[str] = []
        self._targets: list[NDArray[np.float32]] = []
        self._rows: dict[str, list[Row]] = {}
        self._chosen: dict[str, str] = {}

    def add(self, name: str, folder: Path) -> None:
        """Predict one split's test part."""
        materials = self._materials
        split = next(split for split in materials.splits.splits if split.name == name)
        tables = split_tables(
            split, materials.clips, materials.further, materials.plans, materials.store, materials.target
        )
        setting = make_setting(materials, tables.train.targets)
        result = read_json(folder / "result.json")
        self._chosen[name] = result["headline"]
        for row in rows_of_split(folder, materials.loaded.experiment, materials.catalog, tables.test, setting):
            temperature = result["temperatures"].get(row.head or row.row)
            raw = row.probabilities
            self._put(Row(row.row, row.streams, tempered(raw, temperature) if temperature else raw, raw, row.answered))
            if row.row == result["headline"]:
                own = self._rows[row.row][-1]
                self._put(Row(HEADLINE, own.streams, own.probabilities, own.raw, own.answered))
        prior = np.tile(setting.prior, (len(tables.test.clips), 1))
        self._put(Row(MAJORITY, (), prior, prior, np.ones(len(prior), dtype=bool)))
        self.clips += tables.test.clips
        self.folds += [name] * len(tables.test.clips)
        self._targets.append(tables.test.targets)

    def _put(self, row: Row) -> None:
        self._rows.setdefault(row.name, []).append(row)

    def results(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """All rows with their measures and intervals."""
        target = self._materials.target
        targets = np.concatenate(self._targets).astype(np.float64)
        bootstrap = Bootstrap([clip.speaker for clip in self.clips], record["seed"])
        score = partial(scores.main_score, target.kind)
        joined = {name: _joined(parts) for name, parts in self._rows.items() if len(parts) == len(self._targets)}
        rows = {}
        for name, row in joined.items():
            rows[name] = {
                "streams": list(row.streams),
                "answered": int(row.answered.sum()),
                **measures(target.kind, target.names, row.probabilities, targets),
                "interval": asdict(bootstrap.interval(score, row.probabilities, targets)),
                "by_split": self._by_split(row, targets),
            }
            if target.kind in ("single", "soft"):
                rows[name]["accuracy_interval"] = asdict(bootstrap.interval(scores.accuracy, row.probabilities, targets))
                rows[name]["calibration_error_before"] = calibration_error(row.raw, targets)
        alone = [name for name in self._materials.plans if name in joined]
        best_alone = max(alone, key=lambda name: score(joined[name].probabilities, targets))
        headline = joined[HEADLINE]
        return {
            "run": {key: record[key] for key in ("job", "source", "overrides", "seed", "split", "data", "environment")},
            "names": list(target.names),
            "kind": target.kind,
            "measure": main_measure(target.kind),
            "clips": len(targets),
            "speakers": len({clip.speaker for clip in self.clips if clip.speaker}),
            "splits": list(dict.fromkeys(self.folds)),
            "chosen": self._chosen,
            "heads": [component.row for component in self._materials.loaded.experiment.fusion],
            "streams": list(self._materials.plans),
            "rows": rows,
            "best_stream_alone": best_alone,
            "headline_minus_best_stream": asdict(
                bootstrap.difference(score, headline.probabilities, joined[best_alone].probabilities, targets)
            ),
            "by_speaker": by_group(target.kind, [c.speaker for c in self.clips], headline.probabilities, targets),
            "by_sex": by_group(target.kind, [c.sex for c in self.clips], headline.probabilities, targets),
            "notes": self._materials.loaded.experiment.notes,
        }

    def _by_split(self, row: Row, targets: _Array) -> dict[str, float]:
        answer = {}
        for name in dict.fromkeys(self.folds):
            places = np.array([place for place, fold in enumerate(self.folds) if fold == name])
            answer[name] = scores.main_score(self._materials.target.kind, row.probabilities[places], targets[places])
        return answer

    def csv(self) -> str:
        """One line a clip: its split, truth, and the headline's probabilities."""
        names = self._materials.target.names
        targets = np.concatenate(self._targets)
        headline = _joined(self._rows[HEADLINE])
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["clip", "speaker", "split", "target", "answer", "answered", *names])
        single = self._materials.target.kind in ("single", "soft")
        for place, clip in enumerate(self.clips):
            values = headline.probabilities[place]
            writer.writerow([
                clip.id, clip.speaker or "", self.folds[place],
                names[int(targets[place].argmax())] if single else json.dumps(targets[place].tolist()),
                names[int(values.argmax())] if single else "",
                int(headline.answered[place]), *(f"{value:.6f}" for value in values),
            ])
        return text.getvalue()


def _joined(parts: Sequence[Row]) -> Row:
    first = parts[0]
    return Row(
        first.name, first.streams, np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.raw for part in parts]), np.concatenate([part.answered for part in parts]),
    )
