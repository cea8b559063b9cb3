"""Fitting fusion heads on the stored outputs of trained streams, and choosing among them on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fusion.catalog import Catalog
from fusion.config.models import LabelledComponent
from fusion.contract import Clip, StreamSpec
from fusion.data.randomness import generator, torch_seed
from fusion.inference.files import write_state
from fusion.training.job import SplitJob
from fusion.training.loop import Progress, Score, fit
from fusion.training.outputs import PartOutputs, head_logits, joined_parts, select
from fusion.training.processes import ALONE
from fusion.training.tasks import HeadTask, Setting, score_windows

#: Parts into which validation clips are cut where heads are fitted on them.
CROSS_FITS = 5


@dataclass(frozen=True)
class FittedHead:
    """A fitted head.

    Args:
        row: Its row in tables.
        component: As configured; None for a stream alone.
        head: With its weights loaded.
        score: How it did on validation.
        epochs: After how many epochs it was best.
        held_out: Logits ``[W, C]`` on validation windows by heads that were not fitted on their clips, where the head
            itself was fitted on validation.
    """

    row: str
    component: LabelledComponent | None
    head: nn.Module
    score: Score | None
    epochs: int
    held_out: Tensor | None = None


def build_head(
    component: LabelledComponent, streams: Sequence[StreamSpec], outputs: int, catalog: Catalog, seed: int
) -> nn.Module:
    """A head with new weights, drawn from (seed, its row)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, "head weights", component.row))
        head: nn.Module = catalog.build("head", {"name": component.name, **component.options}, streams, outputs)
    return head


def fit_heads(
    job: SplitJob, streams: Sequence[StreamSpec], train: PartOutputs, validation: PartOutputs
) -> list[FittedHead]:
    """Fit every head of the experiment, below the split's folder; heads without parameters are only scored.

    A process does this alone: stored outputs are small.

    Args:
        job: The split.
        streams: What the heads combine.
        train: Stored outputs of the training part.
        validation: Stored outputs of the validation part; empty for a final model.
    """
    weights = job.setting.class_weights
    weights = None if weights is None else weights.cpu()
    setting = replace(job.setting, device=torch.device("cpu"), class_weights=weights, world=ALONE)
    fitting = _Fitting(job, streams, setting)
    return [fitting.fit(component, train, validation) for component in job.experiment.fusion]


@dataclass(frozen=True)
class _Fitting:
    """Fits heads on stored outputs, on the processor."""

    job: SplitJob
    streams: Sequence[StreamSpec]
    setting: Setting

    def fit(self, component: LabelledComponent, train: PartOutputs, validation: PartOutputs) -> FittedHead:
        row = component.row
        folder = self.job.folder / "heads" / row
        head = self._new(component)
        validated = len(validation.clips) > 0
        if not (fits_itself(head) or any(parameter.requires_grad for parameter in head.parameters())):
            write_state(folder / "best.safetensors", head.state_dict())
            return FittedHead(row, component, head.eval(), self._score(head, validation) if validated else None, 0)
        part = component.fitted_on or self.job.experiment.finetune.heads_fitted_on
        tables = self.job.tables
        if part == "validation" and len(validation.clips) > 1:
            return self._cross_fitted(component, validation, tables.validation.clips, validation, folder)
        if part == "train_and_validation" and validated:
            clips = (*tables.train.clips, *tables.validation.clips)
            return self._cross_fitted(component, joined_parts(train, validation), clips, validation, folder)
        progress = self._fit(
            head, train, folder, validation=validation if validated else None, stop=self.job.stop(f"head:{row}")
        )
        best = self._score(head, validation) if validated and fits_itself(head) else progress.best
        return FittedHead(row, component, head.eval(), best if validated else None, progress.best_epoch + 1)

    def _new(self, component: LabelledComponent) -> nn.Module:
        experiment = self.job.experiment
        outputs = len(self.setting.target.names)
        return build_head(component, self.streams, outputs, self.job.catalog, experiment.seed)

    def _fit(
        self,
        head: nn.Module,
        part: PartOutputs,
        folder: Path,
        *,
        validation: PartOutputs | None = None,
        stop: int | None = None,
    ) -> Progress:
        finetune = self.job.experiment.finetune
        if fits_itself(head):
            return _fit_itself(head, part, folder)
        task = HeadTask(
            head, part, validation, settings=finetune.head, setting=self.setting, dropout=finetune.modality_dropout
        )
        return fit(
            task,
            finetune.head,
            folder,
            seed=self.job.experiment.seed,
            device=self.setting.device,
            validated=validation is not None,
            stop=stop,
            world=self.setting.world,
        )

    def _score(self, head: nn.Module, part: PartOutputs) -> Score:
        return score_windows(head_logits(head, part), part, self.setting)

    def _cross_fitted(
        self,
        component: LabelledComponent,
        part: PartOutputs,
        clips: Sequence[Clip],
        validation: PartOutputs,
        folder: Path,
    ) -> FittedHead:
        """Fit on validation clips, and maybe others before them: scored by cross-fitting, then fitted on all."""
        logits = torch.zeros(len(part.windows), len(self.setting.target.names))
        owner = np.array([window.clip for window in part.windows])
        random = generator(self.job.experiment.seed, "cross-fit", component.row)
        for number, held in enumerate(cross_fits(clips, random)):
            inside = np.isin(owner, held)
            head = self._new(component)
            self._fit(head, _rows(part, ~inside), folder / f"cross_fit_{number}")
            if inside.any():
                logits[torch.from_numpy(np.flatnonzero(inside))] = head_logits(head, _rows(part, inside))
        head = self._new(component)
        progress = self._fit(head, part, folder)
        logits = logits[len(part.windows) - len(validation.windows) :]
        score = score_windows(logits, validation, self.setting)
        return FittedHead(component.row, component, head.eval(), score, progress.best_epoch + 1, logits)


def fits_itself(head: nn.Module) -> bool:
    """Whether a head has a method ``fit`` in place of gradient steps."""
    return callable(getattr(head, "fit", None))


def _fit_itself(head: nn.Module, part: PartOutputs, folder: Path) -> Progress:
    usable = part.present.any(dim=1)
    owners = torch.tensor([window.clip for window in part.windows], dtype=torch.long)[usable]
    rows = usable.nonzero()[:, 0]
    head.fit(select(part.streams, rows), part.present[rows], torch.from_numpy(part.targets)[owners])  # type: ignore[operator]
    write_state(folder / "best.safetensors", head.state_dict())
    return Progress()


def cross_fits(clips: Sequence[Clip], random: np.random.Generator) -> list[NDArray[np.int64]]:
    """Places of the clips that are held out together: whole speakers where there are several, else single clips."""
    speakers = sorted({clip.speaker for clip in clips if clip.speaker})
    if len(speakers) < 2 or any(clip.speaker is None for clip in clips):
        return np.array_split(random.permutation(len(clips)), min(CROSS_FITS, len(clips)))
    groups = np.array_split(random.permutation(len(speakers)), min(CROSS_FITS, len(speakers)))
    owners = np.array([speakers.index(clip.speaker or "") for clip in clips])
    return [np.flatnonzero(np.isin(owners, group)) for group in groups]


def _rows(part: PartOutputs, keep: NDArray[np.bool_]) -> PartOutputs:
    """Some of a part's windows; clips keep their places."""
    rows = torch.from_numpy(np.flatnonzero(keep))
    return replace(
        part,
        windows=tuple(part.windows[int(row)] for row in rows),
        streams=select(part.streams, rows),
        present=part.present[rows],
    )
