"""One step of pretraining: local rows against global columns, divided by the global count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from contrastive.batches import PairBatch
from contrastive.mining import nearest_only
from contrastive.model import PretrainModel, check_finite
from contrastive.pairs import NEGATIVES, PairKind, RowFacts, among_present, pair_kinds, without
from contrastive.plan import DrawnPairs
from fusion.contract import Objective
from fusion.data.batches import ClipTable
from fusion.training.processes import World


@dataclass(frozen=True)
class PairRules:
    """What of a batch counts as a pair.

    Args:
        shift: Grains between windows of one clip that are negatives; None where they are no pair.
        unwanted: Kinds that do not take part (yet).
        mining: By kind, how many of the nearest negatives are kept.
        once: Streams of extent clip, of which a clip's further windows show the same again.
    """

    shift: int | None
    unwanted: frozenset[PairKind]
    mining: Mapping[PairKind, int]
    once: frozenset[str]


@dataclass(frozen=True)
class Encoded:
    """Projections of a batch for every pair of streams, in this process and in all.

    Args:
        own: By pair and side, ``[n, E]`` with gradient.
        whole: By pair and side, ``[N, E]`` with gradient.
        present: By stream, ``[N]`` bool.
    """

    own: Sequence[tuple[Tensor, Tensor]]
    whole: Sequence[tuple[Tensor, Tensor]]
    present: Mapping[str, Tensor]


def encode(
    model: PretrainModel, batch: PairBatch, table: ClipTable, world: World, precision: torch.autocast
) -> Encoded:
    """Encode this process's windows, project them, and gather all projections at once.

    Raises:
        DataError: An encoder answered something that is not a number; names stream and clips.
    """
    names = list(model.encoders)
    count = len(range(*batch.rows.indices(len(batch.facts.place))))
    device = next(model.parameters()).device
    embeddings: dict[str, Tensor] = {}
    present = torch.zeros(count, len(names), dtype=torch.uint8, device=device)
    for column, name in enumerate(names):
        part = batch.windows.streams.get(name)
        rows = torch.zeros(count, *model.shape(name), device=device, dtype=next(model.parameters()).dtype)
        if part is not None:
            with precision:
                answer = model.embeddings(name, part.tensors)
            check_finite(answer, name, batch.windows, table)
            places = batch.places.to(device)[part.places.to(device)]
            rows = rows.to(answer.dtype).index_copy(0, places, answer)
            present[places, column] = 1
        embeddings[name] = rows
    own: list[tuple[Tensor, Tensor]] = []
    for number, (first, second) in enumerate(model.pairs):
        own.append((model.projected(number, embeddings[first], 0), model.projected(number, embeddings[second], 1)))
    # One collective for all: backwards it is one too.
    flat = torch.cat([side for pair in own for side in pair], dim=1)
    gathered = world.gathered(flat, replicated=False)
    sizes = [side.shape[1] for pair in own for side in pair]
    columns = iter(torch.split(gathered, sizes, dim=1))
    whole = [(next(columns), next(columns)) for _ in own]
    shown = world.gathered(present, replicated=True).bool()
    return Encoded(own, whole, {name: shown[:, column] for column, name in enumerate(names)})


@dataclass(frozen=True)
class StepLoss:
    """A step's loss (None where the batch had no valid negative for any pair), and its pairs by kind."""

    loss: Tensor | None
    counts: Mapping[PairKind, int]


def step_loss(model: PretrainModel, encoded: Encoded, batch: PairBatch, rules: PairRules, world: World) -> StepLoss:
    """The mean over pairs of streams of what their objectives say, in the same way in any number of processes."""
    facts = batch.facts.to(encoded.whole[0][0].device)
    losses: list[Tensor] = []
    counted = torch.zeros(len(PairKind), dtype=torch.long, device=facts.place.device)
    for number, pair in enumerate(model.pairs):
        objective = cast("Objective", model.objectives[number])
        kinds = _kinds(objective, facts, batch, rules, once=bool(rules.once & set(pair)))
        present = _present(encoded, pair, facts, rules)
        own, whole = encoded.own[number], encoded.whole[number]
        # Kinds do not depend on which stream comes first; presence and nearness do.
        sides = ((0, 1), (1, 0)) if objective.symmetric else ((0, 1),)
        directions = []
        for one, other in sides:
            shown = among_present(kinds.pairs, present[one][batch.rows], present[other])
            if rules.mining:
                similarity = objective.similarity(own[one].detach(), whole[other].detach())
                candidates = among_present(kinds.candidates, present[one][batch.rows], present[other])
                mined = nearest_only(candidates, similarity, rules.mining)
                for kind in rules.mining:
                    shown = torch.where(mined == kind, mined, without(shown, [kind]))
            directions.append((own[one], whole[other], shown))
        counts = torch.bincount(directions[0][2].flatten().long(), minlength=len(PairKind))
        world.sum_([counts])
        counted += counts
        if not any(counts[kind] for kind in NEGATIVES):
            continue
        parts = []
        for rows, columns, shown in directions:
            output = objective(rows, columns, shown)
            count = output.count.detach().clone()
            world.sum_([count])
            parts.append(output.total / count.clamp_min(1))
        losses.append(torch.stack(parts).mean())
    counts_by_kind: dict[PairKind, int] = {kind: int(counted[kind]) for kind in PairKind if kind != PairKind.NONE}
    return StepLoss(torch.stack(losses).sum() / len(model.pairs) if losses else None, counts_by_kind)


@dataclass(frozen=True)
class _Kinds:
    """Kinds ``[n, N]`` of this process's rows before presence is known: the pairs, and what mining may choose from."""

    pairs: Tensor
    candidates: Tensor


def _kinds(objective: Objective, facts: RowFacts, batch: PairBatch, rules: PairRules, *, once: bool) -> _Kinds:
    """The kinds for one pair of streams; ``once`` where one of them shows the whole clip in each window."""
    unwanted = {*rules.unwanted, *getattr(objective, "leaves_out", ())}
    if once:
        # The clip's other window goes with the same words: they belong together.
        unwanted.add(PairKind.SAME_CLIP_SHIFTED)
    candidates = without(pair_kinds(facts[batch.rows], facts, shift=rules.shift), unwanted)
    if batch.pairs is None:
        return _Kinds(candidates, candidates)
    drawn = drawn_kinds(batch.pairs, batch.rows, len(facts.place)).to(facts.place.device)
    return _Kinds(without(drawn, unwanted), candidates)


def _present(encoded: Encoded, pair: tuple[str, str], facts: RowFacts, rules: PairRules) -> tuple[Tensor, Tensor]:
    """Which windows ``[N]`` each of two streams is compared in.

    A stream that shows the whole clip takes part once a clip: at the first window that has both.
    """
    both = encoded.present[pair[0]] & encoded.present[pair[1]]
    same = facts.clip[:, None] == facts.clip[None, :]
    earlier = facts.place[:, None] > facts.place[None, :]
    first = both & ~(same & earlier & both[None, :]).any(dim=1)
    one, other = (first if name in rules.once else encoded.present[name] for name in pair)
    return one, other


def drawn_kinds(pairs: DrawnPairs, rows: slice, count: int) -> Tensor:
    """The drawn pairs of some rows as a matrix ``[n, N]`` of kinds."""
    own = range(*rows.indices(count))
    row, column, kind = (torch.from_numpy(values) for values in (pairs.row, pairs.column, pairs.kind))
    mine = (row >= own.start) & (row < own.stop)
    kinds = torch.zeros(len(own), count, dtype=torch.int8)
    kinds[row[mine] - own.start, column[mine]] = kind[mine]
    return kinds
