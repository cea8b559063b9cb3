"""Predictions of a run's rows on test clips, derived from stored outputs: the only road from a model to a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fusion.catalog import Catalog
from fusion.config.models import Experiment
from fusion.contract import Fitted, RunError
from fusion.data.batches import ClipTable
from fusion.data.plan import evaluation_windows
from fusion.evaluation.answers import clip_probabilities
from fusion.heads.model import SingleStream, StreamModel, stream_specs
from fusion.inference.described import build_stream
from fusion.inference.files import read_json, read_state
from fusion.training.heads import build_head
from fusion.training.job import AGGREGATIONS, TUNED
from fusion.training.outputs import PartOutputs, head_logits, read_part, stream_outputs, write_stream, write_windows
from fusion.training.start import read_description
from fusion.training.tasks import Setting


@dataclass(frozen=True)
class RowPredictions:
    """One row of a table on one split's test clips.

    Args:
        row: ``voice`` (a stream trained alone), ``late_average`` (a head), ``late_average[voice]`` (a head with the
            other streams masked).
        head: The head's row; None for a stream alone.
        streams: The streams that were shown.
        probabilities: ``[N, C]``.
        answered: ``[N]``: whether any shown stream was present; other clips got the training prior.
    """

    row: str
    head: str | None
    streams: tuple[str, ...]
    probabilities: NDArray[np.float64]
    answered: NDArray[np.bool_]


def load_streams(
    folder: Path, experiment: Experiment, names: tuple[str, ...], catalog: Catalog
) -> dict[str, StreamModel]:
    """A split's trained streams."""
    streams = {}
    for name, settings in experiment.streams.items():
        own = folder / "streams" / name
        model = build_stream(settings, read_description(own).input, names, catalog, address=(0, "weights", name))
        model.load_state_dict(read_state(own / "best.safetensors"))
        streams[name] = model.eval()
    return streams


def stored_outputs(
    folder: Path, streams: Mapping[str, StreamModel], table: ClipTable, setting: Setting, part: str
) -> PartOutputs:
    """Outputs on a part: computed once, stored, and only read from then on."""
    where = folder / "outputs" / part
    windows = evaluation_windows(table.durations, setting.window)
    if not (where / "windows.json").exists():
        write_windows(where, table, windows)
    missing = [name for name in streams if not (where / f"{name}.safetensors").exists()]
    for name in missing:
        output, present, absent = stream_outputs(
            streams[name], table, windows, name, setting.fitted[name], device=setting.device
        )
        write_stream(where, name, output, present, absent)
    outputs = read_part(where, list(streams))
    if outputs.clips != tuple(clip.id for clip in table.clips):
        raise RunError("has stored outputs of other clips", where=str(where), remedy="delete that folder and repeat")
    return outputs


def rows_of_split(
    folder: Path, experiment: Experiment, catalog: Catalog, table: ClipTable, setting: Setting, *, part: str = "test"
) -> Iterator[RowPredictions]:
    """Every row of a split: streams alone, then every head with every non-empty subset of streams."""
    target = setting.target
    streams = load_streams(folder, experiment, target.names, catalog)
    for name in streams:
        setting.fitted[name] = read_description(folder / "streams" / name).fitted
    outputs = stored_outputs(folder, streams, table, setting, part)
    aggregations = read_state(folder / AGGREGATIONS)
    specs = stream_specs(streams)
    for name in streams:
        own = outputs.only([name])
        alone = SingleStream(stream_specs({name: streams[name]}))
        yield _predict(name, None, (name,), alone, own, setting=setting, aggregation=aggregations[name])
    for component in experiment.fusion:
        head = build_head(component, specs, len(target.names), catalog, 0)
        head.load_state_dict(read_state(folder / "heads" / component.row / "best.safetensors"))
        yield from _subsets(component.row, head, outputs, setting, aggregations[component.row])
    if (folder / TUNED / "best.safetensors").exists():
        yield from _tuned(
            folder / TUNED,
            experiment,
            catalog,
            streams,
            table,
            setting=setting,
            aggregation=aggregations[TUNED],
            part=part,
        )


def _tuned(
    folder: Path,
    experiment: Experiment,
    catalog: Catalog,
    streams: dict[str, StreamModel],
    table: ClipTable,
    *,
    setting: Setting,
    aggregation: Fitted,
    part: str,
) -> Iterator[RowPredictions]:
    """The rows of the model whose encoders and head were tuned together."""
    state = read_state(folder / "best.safetensors")
    for name, model in streams.items():
        prefix = f"streams.{name}."
        model.load_state_dict({key.removeprefix(prefix): v for key, v in state.items() if key.startswith(prefix)})
    row = read_json(folder / "head.json")["row"]
    component = next(component for component in experiment.fusion if component.row == row)
    head = build_head(component, stream_specs(streams), len(setting.target.names), catalog, 0)
    head.load_state_dict({key.removeprefix("head."): v for key, v in state.items() if key.startswith("head.")})
    outputs = stored_outputs(folder, streams, table, setting, part)
    yield from _subsets(TUNED, head, outputs, setting, aggregation)


def _subsets(
    row: str, head: nn.Module, outputs: PartOutputs, setting: Setting, aggregation: Fitted
) -> Iterator[RowPredictions]:
    names = tuple(outputs.streams)
    for size in range(len(names), 0, -1):
        for shown in combinations(names, size):
            label = row if size == len(names) else f"{row}[{'+'.join(shown)}]"
            yield _predict(label, row, shown, head, outputs, setting=setting, aggregation=aggregation)


def _predict(
    label: str,
    head_row: str | None,
    shown: Sequence[str],
    head: nn.Module,
    outputs: PartOutputs,
    *,
    setting: Setting,
    aggregation: Fitted,
) -> RowPredictions:
    mask = torch.tensor([name in shown for name in outputs.streams])
    present = outputs.present & mask
    logits = head_logits(head, outputs, present)
    probabilities = setting.target.probabilities(logits).numpy().astype(np.float64)
    clips, answered = clip_probabilities(
        probabilities,
        present.any(dim=1).numpy(),
        outputs.windows,
        len(outputs.clips),
        setting.aggregator,
        aggregation,
        setting.prior,
    )
    return RowPredictions(label, head_row, tuple(shown), clips, answered)
