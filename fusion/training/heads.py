"""Fitting fusion heads on the stored outputs of trained streams, and choosing among them on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from fusion.catalog import Catalog
from fusion.config.models import Experiment, LabelledComponent
from fusion.contract import StreamSpec
from fusion.data.randomness import generator, torch_seed
from fusion.training.files import write_state
from fusion.training.loop import Score, fit
from fusion.training.outputs import PartOutputs, head_logits, select
from fusion.training.tasks import HeadTask, Setting, score_windows

#: Parts into which validation clips are cut where heads are fitted on them.
CROSS_FITS = 5


@dataclass(frozen=True)
class FittedHead:
    """A head with its weights loaded, how it did on validation, and after how many epochs it was best."""

    row: str
    component: LabelledComponent | None
    head: nn.Module
    score: Score | None
    epochs: int


def build_head(
    component: LabelledComponent, streams: Sequence[StreamSpec], outputs: int, catalog: Catalog, seed: int
) -> nn.Module:
    """A head with new weights, drawn from (seed, its row)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, "head weights", component.row))
        head: nn.Module = catalog.build("head", {"name": component.name, **component.options}, streams, outputs)
    return head


def fit_heads(
    experiment: Experiment,
    catalog: Catalog,
    streams: Sequence[StreamSpec],
    train: PartOutputs,
    validation: PartOutputs,
    folder: Path,
    setting: Setting,
    *,
    epochs: Mapping[str, int] | None = None,
) -> list[FittedHead]:
    """Fit every head of the experiment; heads without parameters are only scored.

    Args:
        experiment: Names the heads and how they are trained.
        catalog: Components.
        streams: What the heads combine.
        train: Stored outputs of the training part.
        validation: Stored outputs of the validation part; empty for a final model.
        folder: One folder below it for each row.
        setting: Shared by the split.
        epochs: Epochs by ``head:ROW``, for a final model.
    """
    outputs = len(setting.target.names)
    setting = replace(setting, device=torch.device("cpu"),
                      class_weights=None if setting.class_weights is None else setting.class_weights.cpu())
    fitted = []
    for component in experiment.fusion:
        row = component.row
        head = build_head(component, streams, outputs, catalog, experiment.seed)
        where = folder / row
        if not any(parameter.requires_grad for parameter in head.parameters()):
            write_state(where / "best.safetensors", head.state_dict())
            fitted.append(FittedHead(row, component, head.eval(), _score(head, validation, setting), 0))
            continue
        stop = None if epochs is None else epochs.get(f"head:{row}")
        if experiment.finetune.heads_fitted_on == "validation" and len(validation.clips):
            fitted.append(_cross_fitted(experiment, catalog, streams, component, validation, where, setting))
            continue
        task = HeadTask(head, train, validation if len(validation.clips) else None, experiment.finetune.head, setting,
                        experiment.finetune.modality_dropout)
        progress = fit(task, experiment.finetune.head, where, seed=experiment.seed, device=setting.device,
                       validated=len(validation.clips) > 0, stop=stop)
        fitted.append(FittedHead(row, component, head.eval(), progress.best if len(validation.clips) else None,
                                 progress.best_epoch + 1))
    return fitted


def _score(head: nn.Module, part: PartOutputs, setting: Setting) -> Score | None:
    if not part.clips:
        return None
    return score_windows(head_logits(head, part), part.present.any(dim=1).numpy(), part, part.windows, setting)


def _cross_fitted(
    experiment: Experiment, catalog: Catalog, streams: Sequence[StreamSpec], component: LabelledComponent,
    part: PartOutputs, folder: Path, setting: Setting,
) -> FittedHead:
    """Fit on validation clips: scored by cross-fitting over them, then fitted on all of them."""
    outputs = len(setting.target.names)
    settings = experiment.finetune.head
    dropout = experiment.finetune.modality_dropout
    order = generator(experiment.seed, "cross-fit", component.row).permutation(len(part.clips))
    logits = torch.zeros(len(part.windows), outputs)
    owner = np.array([window.clip for window in part.windows])
    for number, held in enumerate(np.array_split(order, CROSS_FITS)):
        inside = np.isin(owner, held)
        head = build_head(component, streams, outputs, catalog, experiment.seed)
        task = HeadTask(head, _rows(part, ~inside), None, settings, setting, dropout)
        fit(task, settings, folder / f"cross_fit_{number}", seed=experiment.seed, device=setting.device, validated=False)
        if inside.any():
            logits[torch.from_numpy(np.flatnonzero(inside))] = head_logits(head, _rows(part, inside))
    head = build_head(component, streams, outputs, catalog, experiment.seed)
    fit(HeadTask(head, part, None, settings, setting, dropout), settings, folder, seed=experiment.seed,
        device=setting.device, validated=False)
    score = score_windows(logits, part.present.any(dim=1).numpy(), part, part.windows, setting)
    return FittedHead(component.row, component, head.eval(), score, settings.epochs)


def _rows(part: PartOutputs, keep: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> PartOutputs:
    """Some of a part's windows; clips keep their places."""
    rows = torch.from_numpy(np.flatnonzero(keep))
    return PartOutputs(
        part.clips, tuple(part.windows[int(row)] for row in rows), select(part.streams, rows), part.present[rows],
        part.targets, part.absent,
    )
