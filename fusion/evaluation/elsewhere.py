"""Evaluating a run's model on another corpus or manifest, with a check of what it has seen of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from fusion.catalog import Catalog
from fusion.catalog import catalog as installed_catalog
from fusion.config.experiment import read_experiment
from fusion.config.files import configs_folder
from fusion.config.models import CorpusSettings, Experiment
from fusion.contract import Clip, DataError, LeakError, RunError, Target
from fusion.corpora import load_corpus
from fusion.data.batches import ClipTable
from fusion.data.streams import cautions, digest, plan_streams
from fusion.evaluation.evaluate import Evaluation, described, loaded_of, write_results
from fusion.evaluation.overlap import overlap_words, overlaps, seen_by
from fusion.evaluation.predictions import RowPredictions, rows_of_split
from fusion.evaluation.shortcut import loudness_and_length_of_strangers
from fusion.evaluation.table import Table
from fusion.inference.checkpoint import DESCRIPTION
from fusion.inference.files import read_json
from fusion.store.absences import absences
from fusion.store.levels import Levels
from fusion.store.prepare import prepare
from fusion.store.store import Store, store_folder
from fusion.training.outputs import read_part
from fusion.training.report import Reporter, Silent
from fusion.training.run import Record, known_clips, locked
from fusion.training.tasks import Setting

#: What to do with clips that the model has seen: refuse the job, leave them out, or keep them and say so.
Overlap = Literal["refuse", "drop", "keep"]


def evaluate_on(
    run: Path,
    config: Path,
    overrides: Sequence[str] = (),
    *,
    fold: str | None = None,
    overlap: Overlap = "refuse",
    catalog: Catalog | None = None,
    reporter: Reporter | None = None,
) -> Evaluation:
    """Score a run's final model, or a fold's, on all clips of another config's corpus.

    The config says which corpus and how its labels map to the model's; everything else comes from the run.

    Args:
        run: The run's folder.
        config: Whose ``corpus`` is evaluated on.
        overrides: On top of it.
        fold: The fold whose model is taken; the final one unless given.
        overlap: What to do with clips of which the model has seen the clip, the take, the speaker or the media.
        catalog: Components; the installed ones unless given.
        reporter: Hears what happens.

    Raises:
        LeakError: The model has seen some of the clips, and ``overlap`` is ``refuse``, or all of them.
        RunError: The run has no such model.
        DataError: No clip has a label of the model's target.
    """
    reporter = reporter or Silent()
    catalog = catalog or installed_catalog()
    record = Record(run).read()
    child = _child(run, record["folds"], fold)
    loaded = loaded_of(record, catalog)
    experiment = loaded.experiment
    other = read_experiment(config, overrides, catalog=catalog)
    name, corpus = on_name(other.source), other.experiment.corpus
    with locked(run):
        target: Target = catalog.build("target", experiment.target)
        plans = plan_streams(experiment, catalog)
        store = Store(store_folder(experiment.prepare))
        clips, notes = _labelled(corpus, other.source.parent, target, catalog)
        known = known_clips(clips, store.hashes)
        seen = seen_by(run, child)
        found = overlaps(known, seen, same_corpus=(corpus.name, corpus.root) == _corpus(experiment))
        words = overlap_words(found, len(clips)) if found else ""
        if found and (overlap == "refuse" or (overlap == "drop" and len(found) == len(clips))):
            raise LeakError(
                words,
                where=str(config),
                remedy="leave them out with --overlap drop, mark the scores with --overlap keep, "
                "or use a fold that has not seen them",
            )
        notes += [f"it started from {path}, which is gone: what that has seen was not checked" for path in seen.unknown]
        if found and overlap == "drop":
            clips = [clip for clip in clips if clip.id not in found]
            known = [clip for clip in known if clip["id"] not in found]
            notes.append(f"{words}; they are left out")
        for note in notes:
            reporter.say(note)
        with reporter.progress("prepare", len(clips)) as advance:
            prepare(experiment, clips, catalog=catalog, store=store, progress=advance)
        for absence in absences(clips, plans, store):
            for line in absence.lines:
                reporter.say(f"  {line}")
        data = ClipTable(clips, plans, store, target)
        shortcut = _shortcut(clips, data, store, target)
        table = _scored(
            child, experiment, catalog, data, name, part=f"on_{name}-{digest(known)[:8]}", shortcut=shortcut
        )
        kept = bool(found) and overlap == "keep"
        unseen = f"no clip, take, speaker or media of {corpus.name} was seen in training or validation"
        results = {
            **described(record),
            "on": {
                "config": str(config),
                "overrides": list(overrides),
                "corpus": corpus.name,
                "model": child.name,
                "overlap": overlap,
                "seen": _counts(found),
                "material": digest(known)[:16],
            },
            "guarantee": f"LEAKING: {words}" if kept else unseen,
            "leaking": kept,
            "generated": any(clip.generated for clip in clips) or record["data"]["generated"],
            "notes": [*notes, *_speaker_note(clips), *cautions(plans), experiment.notes],
            **table.results(record["seed"]),
        }
        return write_results((run if fold is None else run / fold) / "evaluation" / f"on_{name}", results, table)


def _labelled(corpus: CorpusSettings, base: Path, target: Target, catalog: Catalog) -> tuple[list[Clip], list[str]]:
    """The corpus's clips that have a label of the target, and a note on the others."""
    everything = load_corpus(corpus, catalog=catalog, base=base)
    clips = [clip for clip in everything if target.encode(clip.labels) is not None]
    if not clips:
        raise DataError(
            "no clip has a label of the model's target",
            where=f"corpus {corpus.name}",
            remedy=f"map labels to {', '.join(target.names)} under corpus.labels",
        )
    without = len(everything) - len(clips)
    return clips, [f"{without} clips without a label are left out"] if without else []


def _shortcut(clips: Sequence[Clip], data: ClipTable, store: Store, target: Target) -> RowPredictions | None:
    """Loudness and length by the corpus's other speakers: the model's corpus has another recording level."""
    levels = Levels(store.folder / "levels.sqlite", store.hashes).of(clips)
    speakers = [clip.speaker for clip in clips]
    return loudness_and_length_of_strangers(levels, data.targets, speakers, kind=target.kind)


def _scored(
    child: Path,
    experiment: Experiment,
    catalog: Catalog,
    data: ClipTable,
    name: str,
    *,
    part: str,
    shortcut: RowPredictions | None,
) -> Table:
    """Every row of one model on the clips, with the prior and the temperatures it was saved with."""
    target: Target = catalog.build("target", experiment.target)
    model = read_json(child / "model" / DESCRIPTION)
    result = read_json(child / "result.json")
    prior = np.asarray(model["prior"], dtype=np.float64)
    setting = Setting(
        target=target,
        aggregator=catalog.build("aggregator", experiment.aggregator),
        prior=prior,
        device=torch.device("cuda" if torch.cuda.is_available() else "cpu"),
        seed=experiment.seed,
        window=experiment.window,
    )
    rows = list(rows_of_split(child, experiment, catalog, data, setting, part=part))
    outputs = read_part(child / "outputs" / part, list(data.plans))
    temperatures = dict(result["temperatures"])
    if target.kind in ("single", "soft"):
        temperatures[result["headline"]] = model["temperature"]
    table = Table(target, list(data.plans), [head.row for head in experiment.fusion])
    table.add(
        name,
        data.clips,
        data.targets,
        rows,
        headline=result["headline"],
        temperatures=temperatures,
        prior=prior,
        absent=outputs.absent,
        windows=len(outputs.windows),
        shortcut=shortcut,
    )
    return table


def on_name(source: Path) -> str:
    """A config's place below its configs folder, else its folder and name: ``java_sed_voice``."""
    source = source.resolve()
    above = configs_folder(source)
    place = source.relative_to(above) if above is not None else Path(source.parent.name, source.name)
    return "_".join(place.with_suffix("").parts)


def _child(run: Path, folds: Sequence[str], fold: str | None) -> Path:
    """The folder of the model to use."""
    if fold is None and (run / "final" / "result.json").exists():
        return run / "final"
    wanted = fold or (folds[0] if len(folds) == 1 else None)
    if wanted is None:
        raise RunError(
            "has no final model",
            where=str(run),
            remedy=f"train one with finetune --final, or choose a fold: {', '.join(folds)}",
        )
    if wanted not in folds or not (run / wanted / "result.json").exists():
        raise RunError(f"has no finished fold {wanted!r}", where=str(run), remedy=f"it has {', '.join(folds)}")
    return run / wanted


def _corpus(experiment: Experiment) -> tuple[str, Path | None]:
    """By what two configs mean the same corpus, so that equal ids mean the same clip."""
    return experiment.corpus.name, experiment.corpus.root


def _counts(found: Mapping[str, str]) -> dict[str, Any]:
    reasons = list(found.values())
    return {"clips": sorted(found), "reasons": {reason: reasons.count(reason) for reason in reasons}}


def _speaker_note(clips: Sequence[Clip]) -> list[str]:
    unknown = sum(clip.speaker is None for clip in clips)
    said = f"{unknown} of {len(clips)} clips have no known speaker: the model may know them under another file"
    return [said] if unknown else []
