"""Pretraining one fold: its clips, its encoders, its plan, its report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from contrastive.batches import clip_facts
from contrastive.comparison import Compared, central_windows
from contrastive.model import PretrainModel, build_objectives
from contrastive.pairs import PairKind
from contrastive.plan import PairPlan
from contrastive.report import last_counts, write_report
from contrastive.segments import segments_of
from contrastive.settings import Pretrain
from contrastive.step import PairRules
from contrastive.task import LOST_BATCHES, ContrastiveTask, Validation
from fusion.contract import ConfigError, DataError, Objective, Problem, Split
from fusion.data.batches import ClipTable
from fusion.data.windows import GRAIN
from fusion.inference.described import StreamDescription, build_stream
from fusion.inference.files import read_json, write_json, write_state
from fusion.training.described import check_described, describe_stream
from fusion.training.finetune import Materials
from fusion.training.label_share import with_hidden_labels
from fusion.training.loop import Progress, fit
from fusion.training.processes import World
from fusion.training.report import Reporter
from fusion.training.split_data import content_of
from fusion.training.start import Held, check_alike, load_beginning, read_description, start_of

#: Epochs after which a collapsed embedding is worth a warning: new networks tell hardly anything apart.
_SETTLING = 4
#: What streams are built for before anybody says what they will predict; the layer is not saved.
_ANY_CLASSES = ("one", "other")


@dataclass(frozen=True)
class FoldJob:
    """Pretraining one fold after another.

    Args:
        materials: Corpora, streams, store and splits.
        settings: The section ``pretrain``.
        pairs: The pairs of streams.
        folder: Of the run.
        start: A run to start from.
        world: The processes.
        reporter: Hears what happens.
    """

    materials: Materials
    settings: Pretrain
    pairs: tuple[tuple[str, str], ...]
    folder: Path
    start: Path | None
    world: World
    reporter: Reporter

    def pretrain(self, split: Split, *, stop: int | None = None) -> dict[str, float]:
        """Pretrain one fold, unless that was done; answers the figures of its best epoch.

        Args:
            split: The fold, or all clips as its training part.
            stop: End after so many epochs; where nothing validates, what other folds have said.
        """
        folder = self.folder / split.name
        done = folder / "result.json"
        if done.exists():
            return dict(read_json(done))
        materials, experiment = self.materials, self.materials.loaded.experiment
        tables = materials.tables(split)
        names = list(dict.fromkeys(name for pair in self.pairs for name in pair))
        train, kept = self._usable(with_hidden_labels(tables.train, materials.known).subset(names))
        self.reporter.say(
            f"{split.name}: {len(train.clips)} clips to train, {len(tables.validation.clips)} to validate"
            + (f"; {len(tables.train.clips) - kept} have only one side of every pair and are not used" if
               kept < len(tables.train.clips) else "")
            + (f"; {tables.note}" if tables.note else "")
        )  # fmt: skip
        held = [
            Held(clip.id, clip.speaker, content_of(clip, materials.store.hashes))
            for table in (tables.validation, tables.test)
            for clip in table.clips
        ]
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        descriptions, encoders = self._encoders(train, names, split, folder, held)
        fitted = {name: description.fitted for name, description in descriptions.items()}
        objectives = build_objectives(self.settings, encoders, self.pairs, materials.catalog, experiment.seed)
        model = PretrainModel(encoders, objectives, self.pairs, segments_of(self.settings, experiment)).to(device)
        plan = self._plan(train, objectives)
        self._say_kinds(plan)
        held_out = self._comparable(tables.validation.subset(names))
        windows = central_windows(held_out, experiment.window.seconds)
        facts = clip_facts(held_out, materials.target)
        task = ContrastiveTask(
            model,
            train,
            Validation(held_out, facts, windows) if held_out.clips else None,
            frozen=[name for name in names if experiment.streams[name].frozen],
            plan=plan,
            rules=self._rules(plan),
            fitted=fitted,
            world=self.world,
            learning_rate=self.settings.learning_rate,
            workers=self.settings.workers,
            precision=_precision(self.settings, device),
            hear=_Heard(self.reporter),
        )
        progress = self._fit(task, folder, device, stop)
        if self.world.first:
            for name, state in model.states().items():
                write_state(folder / "streams" / name / "best.safetensors", state)
            write_json(done, self._finish(task, folder, progress))
        self.world.wait()
        return dict(read_json(done))

    def _usable(self, table: ClipTable) -> tuple[ClipTable, int]:
        """The clips that have both sides of some pair of streams.

        Raises:
            DataError: There are fewer than two.
        """
        kept = self._two_sided(table)
        sides = " nor ".join(" and ".join(pair) for pair in self.pairs)
        if len(kept) < 2:
            what = "no training clip has" if not kept else "only one training clip has"
            raise DataError(
                f"{what} both {sides}", where="pretrain", remedy="`fusion data inspect` says what the clips lack"
            )
        return table.subset(list(table.plans), kept), len(kept)

    def _comparable(self, table: ClipTable) -> ClipTable:
        """The validation clips that have both sides of some pair; none where they are too few to be told apart."""
        kept = self._two_sided(table)
        if len(kept) < 2:
            if table.clips:
                self.reporter.say(f"{len(kept)} validation clips have both sides of a pair: the last epoch is kept")
            kept = []
        return table.subset(list(table.plans), kept)

    def _two_sided(self, table: ClipTable) -> list[int]:
        """Places of the clips that have both sides of some pair of streams."""
        return [
            place
            for place in range(len(table.clips))
            if any(all(table.stored(place, name).absence is None for name in pair) for pair in self.pairs)
        ]

    def _encoders(
        self, train: ClipTable, names: Sequence[str], split: Split, folder: Path, held: Sequence[Held]
    ) -> tuple[dict[str, StreamDescription], dict[str, nn.Module]]:
        """What is fitted on the training part, and encoders with the weights that finetune would begin with."""
        experiment, catalog = self.materials.loaded.experiment, self.materials.catalog
        descriptions: dict[str, StreamDescription] = {}
        encoders: dict[str, nn.Module] = {}
        for name in names:
            settings = experiment.streams[name]
            file = folder / "streams" / name / "description.safetensors"
            origin = settings.weights or self.start
            beginning = None
            if origin is not None:
                beginning = start_of(Path(origin), name, split, self.materials.splits.hash, held)
                check_alike(beginning, name, experiment)
                descriptions[name] = read_description(beginning.folder)
                check_described(train.subset([name]), name, experiment.window, descriptions[name])
            elif file.exists():
                descriptions[name] = read_description(file.parent)
            else:
                descriptions[name] = describe_stream(train.subset([name]), name, experiment.window)
            if self.world.first:
                write_state(file, descriptions[name].state())
            stream = build_stream(
                settings,
                descriptions[name].input,
                _ANY_CLASSES,
                catalog,
                address=(experiment.seed, "weights", name),
            )
            if beginning is not None:
                load_beginning(stream, beginning, experiment.target)
            if settings.frozen:
                stream.encoder.requires_grad_(False)
            encoders[name] = stream.encoder
        self.world.wait()
        return descriptions, encoders

    def _plan(self, train: ClipTable, objectives: Sequence[nn.Module]) -> PairPlan:
        """The plan of batches.

        Raises:
            ConfigError: Shifted pairs are asked for where no clip is long enough.
            DataError: All clips show one thing, so that there is no negative.
        """
        settings, experiment = self.settings, self.materials.loaded.experiment
        facts = clip_facts(train, self.materials.target)
        seconds = experiment.window.seconds
        window = None if seconds == "clip" else int(seconds / GRAIN)
        shift = int(settings.shift / float(GRAIN))
        if settings.pairs.get("same_clip_shifted", 0):
            longest = float(facts.length.max() * GRAIN)
            needed = None if seconds == "clip" else float(seconds) + settings.shift
            if needed is None or facts.length.max() < (window or 0) + shift:
                why = (
                    "windows of whole clips cannot be shifted"
                    if needed is None
                    else f"two windows {settings.shift:g} s apart need {needed:g} s, the longest clip has {longest:g} s"
                )
                problem = Problem("pretrain.pairs.same_clip_shifted", f"{why}; shorten window.seconds or leave it out")
                raise ConfigError(str(self.materials.loaded.source), [problem])
        elif len(set(facts.content.tolist())) < 2:
            raise DataError(
                "all training clips show the same take, so that there is no negative",
                where="pretrain",
                remedy="add clips, or pairs.same_clip_shifted",
            )
        drawn: Objective = objectives[0]  # type: ignore[assignment]
        return PairPlan(
            experiment.seed,
            facts,
            window,
            self._batch(len(facts.label)),
            {str(kind): count for kind, count in settings.pairs.items()},
            {str(kind): share for kind, share in settings.curriculum.items()},
            settings.epochs,
            shift,
            drawn.pairs == "drawn",
        )

    def _batch(self, clips: int) -> int:
        """Windows in a batch, the same for any number of processes: as configured, or as many as the clips fill.

        Raises:
            ConfigError: They cannot be dealt out to these processes evenly.
        """
        views = 2 if self.settings.pairs.get("same_clip_shifted", 0) else 1
        batch = min(self.settings.batch - self.settings.batch % views, clips * views)
        self.world.slice_of(batch, "pretrain.batch")
        if batch < self.settings.batch:
            self.reporter.say(f"{clips} clips fill a batch of {batch} windows, not of {self.settings.batch}")
        return batch

    def _rules(self, plan: PairPlan) -> Callable[[int], PairRules]:
        once = frozenset(name for name, stream in self.materials.plans.items() if stream.modality.extent == "clip")
        mining = {PairKind[kind.upper()]: count for kind, count in self.settings.mining.items()}
        if PairKind.OTHER_EMOTION in mining:
            # Where an emotion is not known, another clip stands for one.
            mining[PairKind.OTHER_CLIP] = mining[PairKind.OTHER_EMOTION]

        def rules(epoch: int) -> PairRules:
            # A kind that the mix does not ask for stays a negative where every two windows are compared, unless the
            # curriculum holds it back: another clip is another clip.
            waiting = frozenset(PairKind[kind.upper()] for kind in plan.waiting(epoch))
            return PairRules(plan.shift if plan.views == 2 else None, waiting, mining, once)

        return rules

    def _say_kinds(self, plan: PairPlan) -> None:
        unknown = int((plan.facts.label < 0).sum())
        if unknown == len(plan.facts.label):
            self.reporter.say("no clip has a known emotion: the kinds of negatives are unknown, all are other clips")
        elif unknown:
            self.reporter.say(f"{unknown} of {len(plan.facts.label)} clips have no known emotion: to them, and they to "
                              "all, negatives are other clips")  # fmt: skip
        if plan.views == 2 and plan.window is not None:
            short = int((plan.facts.length < plan.window + plan.shift).sum())
            if short:
                self.reporter.say(f"{short} clips are too short for two windows {self.settings.shift:g} s apart: they "
                                  "take part with one")  # fmt: skip

    def _fit(self, task: ContrastiveTask, folder: Path, device: torch.device, stop: int | None) -> Progress:
        training = self.settings.training()
        with self.reporter.progress("pretrain", task.steps * (stop or training.epochs)) as advance:
            told = 0

            def report(progress: Progress) -> None:
                nonlocal told
                now = progress.epoch * task.steps + progress.step
                scored = progress.best is not None and task.validated
                best = f"recall@1 {progress.best.score:.3f}" if scored and progress.best is not None else ""
                advance(now - told, note=best)
                told = now

            return fit(
                task,
                training,
                folder,
                seed=self.materials.loaded.experiment.seed,
                device=device,
                checkpoint_every=self.settings.checkpoint_every,
                report=report,
                validated=task.validated,
                stop=stop,
                counts=task.counts,
            )

    def _finish(self, task: ContrastiveTask, folder: Path, progress: Progress) -> dict[str, float]:
        """Compare once more with the kept weights; write the report; say how it went."""
        compared = task.compared()
        write_report(folder / "report.html", compared, progress.history, folder.name)
        counts = last_counts(progress.history)
        figures: dict[str, float] = {"epoch": float(progress.best_epoch + 1), **counts}
        self.reporter.say("  in the last epoch: " + ", ".join(f"{key} {count:,}" for key, count in counts.items()))
        for pair in compared:
            figures |= pair.figures()
            for direction, found in pair.found.items():
                self.reporter.say(
                    f"  {direction}: recall@1 {found.recall[1]:.3f} (chance {found.chance[1]:.3f}) among {pair.clips} "
                    f"clips, after epoch {progress.best_epoch + 1} of {len(progress.history)}"
                )
        return figures


@dataclass
class _Heard:
    """Says what is worth a line, once."""

    reporter: Reporter
    said: frozenset[str] = frozenset()

    def __call__(self, epoch: int, compared: Sequence[Compared], counts: Mapping[str, int]) -> None:
        lines = [
            f"  warning: the embedding of {name} has collapsed: {reason}"
            for pair in compared
            for name, reason in pair.collapsed.items()
            if epoch >= _SETTLING
        ]
        without = counts.get(LOST_BATCHES, 0)
        if without:
            lines.append(f"  warning: {without} batches had no valid negative and were left out")
        for line in lines:
            key = line.split(":")[1]
            if key not in self.said:
                self.said |= {key}
                self.reporter.say(line)


def _precision(settings: Pretrain, device: torch.device) -> Callable[[], torch.autocast]:
    low = settings.precision == "bfloat16" or (settings.precision == "auto" and device.type == "cuda")

    def context() -> torch.autocast:
        return torch.autocast(device.type, dtype=torch.bfloat16, enabled=low)

    return context
