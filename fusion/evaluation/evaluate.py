"""The job ``evaluate``: every row of a run's table from stored test outputs, with intervals and baselines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusion.catalog import Catalog
from fusion.catalog import catalog as installed_catalog
from fusion.catalog.single_files import changed_files, require_files
from fusion.config.experiment import LoadedExperiment, experiment_from
from fusion.contract import LeakError, RunError, Split
from fusion.data.streams import cautions
from fusion.evaluation.card import write_card
from fusion.evaluation.predictions import RowPredictions, rows_of_split
from fusion.evaluation.sentences import said_before
from fusion.evaluation.shortcut import loudness_and_length
from fusion.evaluation.table import Table
from fusion.inference.files import read_json, write_atomic
from fusion.store.levels import Levels
from fusion.training.finetune import Materials, gather, make_setting
from fusion.training.label_share import only_labelled
from fusion.training.outputs import read_part
from fusion.training.report import Reporter, Silent
from fusion.training.run import Record, locked
from fusion.training.split_data import SplitTables


@dataclass
class Evaluation:
    """The results of a run.

    Args:
        folder: Where they lie: ``results.json``, ``predictions.csv``, ``card.html``, and of targets of one class
            ``answers.csv``.
        results: The content of ``results.json``.
    """

    folder: Path
    results: Mapping[str, Any]

    @property
    def card(self) -> Path:
        """The page for people."""
        return self.folder / "card.html"


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
        RunError: The run is unfinished.
        LeakError: Its clips split differently than when it was trained.
    """
    reporter = reporter or Silent()
    record = Record(run).read()
    _check_finished(run, record, fold)
    catalog = catalog or installed_catalog()
    with locked(run):
        loaded = loaded_of(record, catalog)
        materials = gather(loaded, catalog, reporter)
        trained_on = record["split"]["hash"]
        if materials.splits.hash != trained_on:
            raise LeakError(
                f"the corpus now splits as {materials.splits.hash}, but the run was trained on {trained_on}",
                where=str(run),
                remedy="restore the corpus as it was, or train again",
            )
        table = Table(materials.target, list(materials.plans), [head.row for head in loaded.experiment.fusion])
        splits = [split for split in materials.splits.splits if fold in (None, split.name)]
        with reporter.progress("evaluate", len(splits)) as advance:
            for split in splits:
                _add_split(table, split.name, run / split.name, materials)
                advance(note=split.name)
        results = {
            **described(record),
            "on": None,
            "guarantee": record["split"]["guarantee"],
            "leaking": record["split"]["leaking"],
            "generated": record["data"]["generated"],
            "notes": [
                *record["split"]["notes"],
                *cautions(materials.plans),
                *_upgraded(record, materials),
                *changed_files(record.get("plugins", {}), catalog.files),
                loaded.experiment.notes,
            ],
            **table.results(record["seed"]),
        }
        return write_results(run / "evaluation" if fold is None else run / fold / "evaluation", results, table)


def evaluation_of(run: Path, loaded: LoadedExperiment) -> Evaluation | None:
    """The results of a run of this very config; None where there is none, or it is not evaluated."""
    folder = run / "evaluation"
    if not (run / "run.json").is_file() or not (folder / "results.json").is_file():
        return None
    if read_json(run / "run.json")["config"] != loaded.data:
        return None
    return Evaluation(folder, read_json(folder / "results.json"))


def described(record: Mapping[str, Any]) -> dict[str, Any]:
    """What results say of the run they come from."""
    keys = ("job", "source", "overrides", "start", "begun", "seed", "split", "data", "environment", "config")
    return {"run": {key: record[key] for key in keys}}


def loaded_of(record: Mapping[str, Any], catalog: Catalog) -> LoadedExperiment:
    """The experiment of a run, as it was resolved when the run began.

    Raises:
        ComponentError: It needs a single-file plugin that was not given.
    """
    require_files(record.get("plugins", {}), catalog.files, f"the run of {record['source']}")
    experiment = experiment_from(record["config"], record["source"], catalog=catalog)
    return LoadedExperiment(experiment, record["config"], _source(record), tuple(record["overrides"]))


def _source(record: Mapping[str, Any]) -> Path:
    """The config's place, from wherever the run is evaluated: roots of corpora are relative to it."""
    return Path(str(record.get("folder", "."))) / str(record["source"])


def _upgraded(record: Mapping[str, Any], materials: Materials) -> list[str]:
    """A note on streams whose features are made by other versions of components than those the run learnt from."""
    before: Mapping[str, str] = record["data"]["streams"]
    changed = [name for name, plan in materials.plans.items() if before.get(name) != plan.key]
    if not changed:
        return []
    return [f"features of {', '.join(changed)} are made by other versions of components than those in training"]


def write_results(folder: Path, results: Mapping[str, Any], table: Table) -> Evaluation:
    """Write predictions, the card, and numbers last: where they stand, the rest is there."""
    write_atomic(folder / "predictions.csv", table.csv().encode())
    if table.one_class:
        write_atomic(folder / "answers.csv", table.answers_csv().encode())
    write_card(folder / "card.html", results)
    write_atomic(folder / "results.json", (json.dumps(results, ensure_ascii=False) + "\n").encode())
    return Evaluation(folder, results)


def _check_finished(run: Path, record: Mapping[str, Any], fold: str | None) -> None:
    if fold is not None and fold not in record["folds"]:
        raise RunError(f"has no fold {fold!r}", where=str(run), remedy=f"it has {', '.join(record['folds'])}")
    wanted = [name for name in record["folds"] if fold in (None, name)]
    unfinished = [name for name in wanted if not (run / name / "result.json").exists()]
    if unfinished:
        raise RunError(
            f"has unfinished folds ({', '.join(unfinished)})",
            where=str(run),
            remedy="repeat the finetune command, or evaluate one finished fold with --fold",
        )


def _add_split(table: Table, name: str, folder: Path, materials: Materials) -> None:
    split = next(split for split in materials.splits.splits if split.name == name)
    tables = materials.tables(split)
    experiment = materials.loaded.experiment
    train = only_labelled(tables.train, materials.known)
    setting = make_setting(materials, train.targets)
    result = read_json(folder / "result.json")
    rows = list(rows_of_split(folder, experiment, materials.catalog, tables.test, setting))
    outputs = read_part(folder / "outputs" / "test", list(materials.plans))
    table.add(
        name,
        tables.test.clips,
        tables.test.targets,
        rows,
        headline=result["headline"],
        temperatures=result["temperatures"],
        prior=setting.prior,
        absent=outputs.absent,
        windows=len(outputs.windows),
        said=said_before(tables.test.clips, [*train.clips, *tables.validation.clips]),
        shortcut=_shortcut(split, tables, materials),
    )


def _shortcut(split: Split, tables: SplitTables, materials: Materials) -> RowPredictions | None:
    """Loudness and length, learnt from the tested corpus alone: another one's recording level would hide its own."""
    store, test = materials.store, tables.test
    own = tables.train.subset(list(tables.train.plans), range(len(split.train)))
    train = only_labelled(own, materials.known)
    levels = Levels(store.folder / "levels.sqlite", store.hashes).of([*train.clips, *test.clips])
    count = len(train.clips)
    return loudness_and_length(levels[:count], train.targets, levels[count:], kind=materials.target.kind)
