"""Evaluating a run's model on another corpus or manifest, with a check of what it has seen of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from fusion.catalog import Catalog
from fusion.catalog import catalog as installed_catalog
from fusion.config.experiment import read_experiment
from fusion.config.files import configs_folder
from fusion.config.models import CorpusSettings
from fusion.contract import Clip, DataError, LeakError, RunError, Target
from fusion.corpora import load_corpus
from fusion.data.batches import ClipTable
from fusion.data.streams import plan_streams
from fusion.evaluation.evaluate import Evaluation, described, loaded_of, write_results
from fusion.evaluation.overlap import overlap_words, overlaps, seen_by
from fusion.evaluation.predictions import rows_of_split
from fusion.evaluation.table import Table
from fusion.inference.checkpoint import DESCRIPTION
from fusion.inference.files import read_json
from fusion.store.prepare import prepare
from fusion.store.store import Store, store_folder
from fusion.training.outputs import read_part
from fusion.training.report import Reporter, Silent
from fusion.training.run import Record, digest_of, known_clips, locked
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
    other = read_experiment(config, overrides, catalog=catalog)
    name = on_name(other.source)
    with locked(run):
        target: Target = catalog.build("target", loaded.experiment.target)
        plans = plan_streams(loaded.experiment, catalog)
        store = Store(store_folder(loaded.experiment.prepare))
        everything = load_corpus(other.experiment.corpus, catalog=catalog, base=other.source.parent)
        clips = [clip for clip in everything if target.encode(clip.labels) is not None]
        if not clips:
            raise DataError(
                "no clip has a label of the model's target",
                where=f"corpus {other.experiment.corpus.name}",
                remedy=f"map labels to {', '.join(target.names)} under corpus.labels",
            )
        known = known_clips(clips, store.hashes)
        seen = seen_by(run, child)
        found = overlaps(known, seen, same_corpus=_same_corpus(loaded.experiment.corpus, other.experiment.corpus))
        words = overlap_words(found, len(clips)) if found else ""
        if found and (overlap == "refuse" or (overlap == "drop" and len(found) == len(clips))):
            raise LeakError(words, where=str(config), remedy="leave them out with --overlap drop, mark the scores with "
                            "--overlap keep, or use a fold that has not seen them")
        notes = [f"{len(everything) - len(clips)} clips without a label are left out"] if len(clips) < len(everything) \
            else []
        notes += [f"it started from {path}, which is gone: what that has seen was not checked" for path in seen.unknown]
        if found and overlap == "drop":
            clips = [clip for clip in clips if clip.id not in found]
            known = [clip for clip in known if clip["id"] not in found]
            notes.append(f"{words}; they are left out")
        for note in notes:
            reporter.say(note)
        with reporter.progress("prepare", len(clips)) as advance:
            for failure in prepare(loaded.experiment, clips, catalog=catalog, store=store, progress=advance).failures:
                reporter.say(f"  {failure.clip}: {failure.reason}")
        model = read_json(child / "model" / DESCRIPTION)
        result = read_json(child / "result.json")
        prior = np.asarray(model["prior"], dtype=np.float64)
        setting = Setting(
            target, catalog.build("aggregator", loaded.experiment.aggregator), prior,
            torch.device("cuda" if torch.cuda.is_available() else "cpu"), loaded.experiment.seed,
            loaded.experiment.window,
        )  # fmt: skip
        part = f"on_{name}-{digest_of(known)[:8]}"
        data = ClipTable(clips, plans, store, target)
        rows = list(rows_of_split(child, loaded.experiment, catalog, data, setting, part))
        outputs = read_part(child / "outputs" / part, list(plans))
        table = Table(target, list(plans), [head.row for head in loaded.experiment.fusion])
        table.add(
            name, clips, data.targets, rows, headline=result["headline"],
            temperatures={**result["temperatures"], result["headline"]: model["temperature"]}
            if target.kind in ("single", "soft") else {},
            prior=prior, absent=outputs.absent, windows=len(outputs.windows),
        )  # fmt: skip
        kept = bool(found) and overlap == "keep"
        results = {
            **described(record),
            "on": {
                "config": str(config), "overrides": list(overrides), "corpus": other.experiment.corpus.name,
                "model": child.name, "overlap": _counts(found), "policy": overlap, "material": digest_of(known),
            },
            "guarantee": f"LEAKING: {words}" if kept
            else f"no clip, take, speaker or media of {other.experiment.corpus.name} was seen in training or validation",
            "leaking": kept,
            "generated": any(clip.generated for clip in clips) or record["data"]["generated"],
            "notes": [*notes, *_speaker_note(clips), loaded.experiment.notes],
            **table.results(record["seed"]),
        }  # fmt: skip
        folder = (run if fold is None else run / fold) / "evaluation" / f"on_{name}"
        return write_results(folder, results, table)


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
        raise RunError("has no final model", where=str(run),
                       remedy=f"train one with finetune --final, or choose a fold: {', '.join(folds)}")
    if wanted not in folds or not (run / wanted / "result.json").exists():
        raise RunError(f"has no finished fold {wanted!r}", where=str(run), remedy=f"it has {', '.join(folds)}")
    return run / wanted


def _same_corpus(first: CorpusSettings, second: CorpusSettings) -> bool:
    return (first.name, first.root) == (second.name, second.root)


def _counts(found: dict[str, str]) -> dict[str, Any]:
    return {"clips": sorted(found), "reasons": {reason: list(found.values()).count(reason) for reason in found.values()}}


def _speaker_note(clips: Sequence[Clip]) -> list[str]:
    unknown = sum(clip.speaker is None for clip in clips)
    return [f"{unknown} of {len(clips)} clips have no known speaker: whether the model knows them was checked by "
            "content alone"] if unknown else []
