"""A warm epoch from the store against the same steps on tensors that are already in memory.

    FUSION_DATA=... python benchmarks/warm_epoch.py

Takes the smallest sound network of configs/ with its own chain, augmentations and training settings, on the sounds of
Java-SED (all 384 takes), prepared beforehand. Both sides run the engine's own training loop, checkpoints included and
validation left out: one reads batches from the store, the other has them in a list. Rounds of both in turn; the first
epoch of each fit (in which loader workers start) is not counted. Writes benchmarks/warm_epoch.md and ends with 1 where
the limit is passed.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import torch

from fusion.catalog import catalog
from fusion.config.experiment import read_experiment
from fusion.config.models import Component, CorpusSettings, Experiment
from fusion.contract import SOUND, Clip, FusionError, Track
from fusion.corpora import load_corpus
from fusion.data.assemble import AssembledWindow, clip_windows
from fusion.data.batches import ClipTable, WindowBatch
from fusion.data.plan import TrainingPlan
from fusion.data.rows import Absent
from fusion.data.streams import plan_streams
from fusion.inference.described import build_stream
from fusion.store.prepare import prepare
from fusion.store.store import Store, store_folder
from fusion.testing.media import write_sound
from fusion.training.described import describe_stream
from fusion.training.loop import Progress, fit
from fusion.training.stages import training_settings
from fusion.training.tasks import Setting, StreamTask

HERE = Path(__file__).resolve().parent
LIMIT = 1.15
ROUNDS = 5
EPOCHS = 3
CLASSES = ["neutral", "sadness", "happiness", "surprise", "fear", "anger"]


def sound_networks(clip: Clip) -> Iterator[tuple[int, str, str, Experiment]]:
    """Parameters, config, stream and experiment of every network of configs/ that reads sound alone."""
    known = catalog()
    for file in sorted((HERE.parent / "configs").rglob("*.yaml")):
        try:
            experiment = read_experiment(file).experiment
        except FusionError:
            continue  # a preset that others inherit
        for name, plan in plan_streams(experiment, known).items():
            if set(plan.wants) != {SOUND} or plan.settings.encoder.name == "wav2vec2":
                continue
            windows = clip_windows(clip, [plan], experiment.window)
            row = next(event.rows[name] for event in windows if isinstance(event, AssembledWindow))
            assert not isinstance(row, Absent)
            model = build_stream(plan.settings, plan.modality.input(row, {}), CLASSES, known, address=(0,))
            size = sum(parameter.numel() for parameter in model.parameters())
            yield size, str(file.relative_to(HERE.parent)), name, experiment


class FromMemory(StreamTask):
    """The same steps, on batches that were made before."""

    kept: list[tuple[int, int, WindowBatch]]

    def batches(self, first: tuple[int, int], epochs: int) -> Iterator[tuple[int, int, WindowBatch]]:
        """The kept ones."""
        del first, epochs
        return iter(self.kept)


def epochs_of(task: StreamTask, experiment: Experiment, stream: str) -> list[float]:
    """Seconds of every epoch of a fit but the first."""
    ends: list[float] = []

    def report(progress: Progress) -> None:
        if progress.step == task.steps:
            ends.append(time.perf_counter())

    settings = training_settings(experiment.finetune, experiment.streams[stream])
    with tempfile.TemporaryDirectory() as folder:
        fit(
            task,
            settings,
            Path(folder),
            seed=0,
            device=torch.device("cpu"),
            report=report,
            validated=False,
            stop=EPOCHS,
        )
    return [after - before for before, after in pairwise(ends)]


def main() -> int:
    if "FUSION_DATA" not in os.environ:
        print("set FUSION_DATA to the folder that holds java_sed")
        return 2
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        sound = write_sound(Path(folder) / "a.wav", seconds=6)
        size, config, stream, experiment = min(
            sound_networks(Clip("a", (Track(SOUND, sound),))), key=lambda found: found[:3]
        )
    corpus = CorpusSettings.model_validate({"name": "java_sed", "part": "both"})
    target = Component.model_validate({"name": "classes", "classes": CLASSES})
    experiment = experiment.model_copy(
        update={"corpus": corpus, "target": target, "streams": {stream: experiment.streams[stream]}}
    )
    known, plans = catalog(), plan_streams(experiment, catalog())
    clips = load_corpus(corpus, catalog=known, base=HERE)
    store = Store(store_folder(experiment.prepare))
    prepare(experiment, clips, catalog=known, store=store)
    table = ClipTable(clips, plans, store, known.build("target", target))
    description = describe_stream(table, stream, experiment.window)
    settings = training_settings(experiment.finetune, experiment.streams[stream])
    plan = TrainingPlan(0, table.durations, experiment.window, settings.batch)

    def task(kind: type[StreamTask], workers: int) -> StreamTask:
        setting = Setting(
            target=known.build("target", target),
            aggregator=known.build("aggregator", "mean"),
            prior=table.targets.mean(axis=0).astype("float64"),
            device=torch.device("cpu"),
            seed=0,
            window=experiment.window,
            workers=workers,
            fitted={stream: description.fitted},
        )
        model = build_stream(experiment.streams[stream], description.input, CLASSES, known, address=(0, "weights"))
        return kind(stream, model, table, None, settings=settings, setting=setting, plan=plan)

    kept = list(task(StreamTask, 0).batches((0, 0), EPOCHS))
    seconds: dict[str, list[float]] = {"memory": [], "0": [], "1": [], "2": []}
    ratios: dict[str, list[float]] = {"0": [], "1": [], "2": []}
    for _ in range(ROUNDS):
        for workers, found in ratios.items():
            memory = task(FromMemory, 0)
            assert isinstance(memory, FromMemory)
            memory.kept = kept
            base = epochs_of(memory, experiment, stream)
            own = epochs_of(task(StreamTask, int(workers)), experiment, stream)
            seconds["memory"] += base
            seconds[workers] += own
            found.append(sum(own) / sum(base))
        print({workers: [round(ratio, 3) for ratio in each] for workers, each in ratios.items()}, flush=True)
    middle = {workers: statistics.median(found) for workers, found in ratios.items()}
    best = min(middle, key=middle.__getitem__)
    held = middle[best] <= LIMIT
    lines = [
        "# A warm epoch",
        "",
        f"`python benchmarks/warm_epoch.py`: "
        f"{platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, "
        f"{len(os.sched_getaffinity(0))} processors, one thread a process, load {os.getloadavg()[0]:.1f} at the end. "
        f"Stream `{stream}` of `{config}` ({experiment.streams[stream].encoder.name}, {size:,} parameters, the "
        f"smallest sound network of `configs/`), {len(clips)} clips, {plan.steps} steps of {settings.batch}; "
        f"{ROUNDS} rounds in turn of {EPOCHS - 1} counted epochs.",
        "",
        "| batches | seconds an epoch | ratio to memory, median of rounds | of each round |",
        "| --- | ---: | ---: | --- |",
        f"| tensors in memory | {statistics.median(seconds['memory']):.2f} | 1 | |",
    ]
    for workers, found in ratios.items():
        each = ", ".join(f"{ratio:.2f}" for ratio in found)
        name = f"store, {workers} loader worker{'s' if workers != '1' else ''}"
        lines.append(f"| {name} | {statistics.median(seconds[workers]):.2f} | {middle[workers]:.2f} | {each} |")
    lines += ["", f"The limit is {LIMIT}: {'held' if held else 'MISSED'} with {best} loader workers.", ""]
    (HERE / "warm_epoch.md").write_text("\n".join(lines))
    print(lines[-2])
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
