"""Holding the clips of a part against each other, by every pair of streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, cast

import torch
from torch import Tensor

from contrastive.model import PretrainModel, check_finite
from contrastive.pairs import PairKind, RowFacts, pair_kinds
from contrastive.plan import ClipFacts
from contrastive.retrieval import Retrieval, alignment, collapse, distances, retrieval, uniformity
from fusion.contract import Fitted, Objective, Span
from fusion.data.batches import ClipTable, evaluation_batches
from fusion.data.plan import Window
from fusion.data.windows import GRAIN


@dataclass(frozen=True)
class Compared:
    """What validation found for one pair of streams.

    Args:
        pair: The streams.
        clips: Clips that have both.
        found: By direction ("voice→face"), the retrieval.
        distances: By kind of pair.
        alignment: Of partners.
        uniformity: By stream.
        collapsed: By stream, what is wrong; only where something is.
    """

    pair: tuple[str, str]
    clips: int
    found: Mapping[str, Retrieval]
    distances: Mapping[PairKind, float]
    alignment: float
    uniformity: Mapping[str, float]
    collapsed: Mapping[str, str]

    def figures(self) -> dict[str, float]:
        """As numbers by name, for logs."""
        name = "+".join(self.pair)
        values: dict[str, float] = {}
        for direction, found in self.found.items():
            values |= {f"{direction} recall@{rank}": value for rank, value in found.recall.items()}
            values |= {f"{direction} chance@{rank}": value for rank, value in found.chance.items()}
        values |= {f"{name} distance {kind.name.lower()}": value for kind, value in self.distances.items()}
        values[f"{name} alignment"] = self.alignment
        values |= {f"{stream} uniformity ({name})": value for stream, value in self.uniformity.items()}
        return values


@torch.no_grad()
def compare(
    model: PretrainModel,
    table: ClipTable,
    facts: ClipFacts,
    windows: Sequence[Window],
    fitted: Mapping[str, Fitted],
    *,
    precision: Callable[[], torch.autocast],
    batch: int = 32,
) -> list[Compared]:
    """Hold one window of each clip against all others, for every pair of streams."""
    embeddings, present = embed(model, table, windows, fitted, precision=precision, batch=batch)
    return [
        compare_pair(
            model,
            number,
            (embeddings[first], embeddings[second]),
            present[first] & present[second],
            window_facts(facts, windows),
        )
        for number, (first, second) in enumerate(model.pairs)
        if int((present[first] & present[second]).sum()) >= 2
    ]


@torch.no_grad()
def embed(
    model: PretrainModel,
    table: ClipTable,
    windows: Sequence[Window],
    fitted: Mapping[str, Fitted],
    *,
    precision: Callable[[], torch.autocast],
    batch: int = 32,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Embeddings (as the model has them) on the processor, zeros where absent, and presence ``[W]``, by stream."""
    device = next(model.parameters()).device
    embeddings: dict[str, list[Tensor]] = {name: [] for name in model.encoders}
    present: dict[str, list[Tensor]] = {name: [] for name in model.encoders}
    for part in evaluation_batches(table, windows, fitted, batch):
        moved = part.to(device)
        for column, name in enumerate(model.encoders):
            rows = torch.zeros(len(part.windows), *model.shape(name), device=device)
            stream = moved.streams.get(name)
            if stream is not None:
                with precision():
                    answer = model.embeddings(name, stream.tensors)
                check_finite(answer, name, part, table)
                rows[stream.places] = answer.to(rows.dtype)
            embeddings[name].append(rows.cpu())
            present[name].append(part.present[:, column])
    return {k: torch.cat(v) for k, v in embeddings.items()}, {k: torch.cat(v) for k, v in present.items()}


def window_facts(facts: ClipFacts, windows: Sequence[Window]) -> RowFacts:
    """What decides the kinds of pairs of evaluation windows."""
    clip = torch.tensor([window.clip for window in windows])
    return RowFacts(
        torch.arange(len(windows)),
        clip,
        torch.from_numpy(facts.content)[clip],
        torch.from_numpy(facts.label)[clip],
        torch.zeros(len(windows), dtype=torch.long),
    )


def compare_pair(
    model: PretrainModel,
    number: int,
    embeddings: tuple[Tensor, Tensor],
    both: Tensor,
    facts: RowFacts,
) -> Compared:
    """Figures of one pair of streams, by its number, over the windows ``[W]`` that have both."""
    pair, objective = model.pairs[number], cast("Objective", model.objectives[number])
    device = next(model.parameters()).device
    rows = both.nonzero()[:, 0]
    chosen = RowFacts(*(getattr(facts, name)[rows] for name in ("place", "clip", "content", "label", "start")))
    kinds = pair_kinds(chosen, chosen, shift=None)
    first = model.projected(number, embeddings[0][rows].to(device), 0).cpu()
    second = model.projected(number, embeddings[1][rows].to(device), 1).cpu()
    similarity = objective.similarity(first, second)
    collapsed = {
        name: reason
        for name, values in zip(pair, (first, second), strict=True)
        if (reason := collapse(values)) is not None
    }
    return Compared(
        pair,
        len(rows),
        {
            f"{pair[0]}→{pair[1]}": retrieval(similarity, kinds),
            f"{pair[1]}→{pair[0]}": retrieval(similarity.T, kinds.T),
        },
        distances(first, second, kinds),
        alignment(first, second),
        dict(zip(pair, (uniformity(first), uniformity(second)), strict=True)),
        collapsed,
    )


def central_windows(table: ClipTable, seconds: Fraction | Literal["clip"]) -> list[Window]:
    """One window from the middle of each clip, or the whole clip where it is not longer."""
    windows = []
    for clip, duration in enumerate(table.durations):
        if seconds == "clip" or duration <= seconds:
            windows.append(Window(clip, Span(GRAIN * 0, duration), 0))
            continue
        start = (duration - seconds) / 2 // GRAIN * GRAIN
        windows.append(Window(clip, Span(start, start + seconds), 0))
    return windows
