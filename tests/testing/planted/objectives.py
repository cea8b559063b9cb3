"""Pretraining objectives, each with one fault."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from fusion.contract import NoOptions, ObjectiveOutput
from tests.testing.planted.planting import planted as plant
from tests.testing.planted.planting import sound


def planted(check: str, sentence: str) -> Any:
    return plant("objective", check, sentence)


@sound("objective")
class Good(nn.Module):
    """Squared distances of positives, minus a share of those of negatives that are near."""

    pairs: Any = "drawn"
    symmetric: Any = False

    def __init__(self, options: NoOptions, dims: Sequence[int]) -> None:
        super().__init__()
        self.sides = nn.ModuleList(nn.Linear(dim, 4) for dim in dims)

    def project(self, embedding: Tensor, side: int) -> Tensor:
        return functional.normalize(self.sides[side](embedding), dim=1)

    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        return -(first[:, None] - second[None]).square().sum(2)

    def forward(self, rows: Tensor, columns: Tensor, kinds: Tensor) -> Any:
        squared = -self.similarity(rows, columns)
        losses = torch.where(kinds == 1, squared, (1 - squared).clamp(min=0)) * (kinds > 0)
        return self.answer(losses.sum(), (kinds > 0).sum().to(losses.dtype), losses)

    def answer(self, total: Tensor, count: Tensor, losses: Tensor) -> Any:
        return ObjectiveOutput(total, count)


@planted("builds", "its pairs are None; give the class pairs = 'drawn' or 'all'")
class Pairless(Good):
    pairs = None


@planted("projects_and_compares", "a row's projection changes with other rows beside it")
class Sociable(Good):
    def project(self, embedding: Tensor, side: int) -> Tensor:
        projected = self.sides[side](embedding)
        return projected - projected.mean(0)


@planted("projects_and_compares", "similarities change with the stream that comes first")
class Onesided(Good):
    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        return super().similarity(first, second) + first[:, :1]


@planted("projects_and_compares", "a projection is more similar to another than to itself; let larger be nearer")
class Distance(Good):
    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        return -super().similarity(first, second)


@planted("answers_a_sum_and_a_count", "its total is no scalar tensor")
class Rowwise(Good):
    def answer(self, total: Tensor, count: Tensor, losses: Tensor) -> Any:
        return ObjectiveOutput(losses.sum(1), count)


@planted("answers_a_sum_and_a_count", "it answers a Tensor; answer a fusion.contract.ObjectiveOutput")
class Bare(Good):
    def answer(self, total: Tensor, count: Tensor, losses: Tensor) -> Any:
        return total / count


@planted("rows_add_up", "the total of all rows is")
class Averaging(Good):
    def answer(self, total: Tensor, count: Tensor, losses: Tensor) -> Any:
        return ObjectiveOutput(total / len(losses), count)


@planted("no_pairs_cost_nothing", "without a pair its total is")
class Regular(Good):
    def answer(self, total: Tensor, count: Tensor, losses: Tensor) -> Any:
        return ObjectiveOutput(total + len(losses), count)


@planted("nearer_positives_cost_less", "where they are other windows' embeddings; let the loss fall")
class Upside(Good):
    def answer(self, total: Tensor, count: Tensor, losses: Tensor) -> Any:
        return ObjectiveOutput(-total, count)


@planted("equal_embeddings_have_gradients", "equal embeddings make a gradient of NaN or infinity; guard roots")
class Rooted(Good):
    def project(self, embedding: Tensor, side: int) -> Tensor:
        return functional.normalize(self.sides[0](embedding), dim=1)

    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        return -(-super().similarity(first, second)).sqrt()


@planted("gradients_reach_every_parameter", "no gradient reaches temperature")
class Forgetful(Good):
    def __init__(self, options: NoOptions, dims: Sequence[int]) -> None:
        super().__init__(options, dims)
        self.temperature = nn.Parameter(torch.zeros(()))


@planted("saving_and_loading_agree", "after saving and loading")
class Unsaved(Good):
    def __init__(self, options: NoOptions, dims: Sequence[int]) -> None:
        super().__init__(options, dims)
        self.kept = float(torch.rand(()))

    def answer(self, total: Tensor, count: Tensor, losses: Tensor) -> Any:
        return ObjectiveOutput(total * self.kept, count)


@planted("global_randomness_stays", "building it changes the global state of random")
class Drawing(Good):
    def __init__(self, options: NoOptions, dims: Sequence[int]) -> None:
        super().__init__(options, dims)
        random.random()
