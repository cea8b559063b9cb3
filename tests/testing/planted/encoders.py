"""Encoders of the toy modality, each with one fault."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fusion.contract import Batch, InputSpec, NoOptions, OutputSpec, StreamOutput
from tests.testing.planted.planting import planted as plant
from tests.testing.planted.planting import sound


def planted(check: str, sentence: str) -> Any:
    return plant("encoder", check, sentence, modality="toy")


@sound("encoder", modality="toy")
class Good(nn.Module):
    """A hidden layer for each step, and the mean over the steps that there are."""

    SPEC = OutputSpec(5, sequence=6)

    def __init__(self, options: NoOptions, input: InputSpec) -> None:
        super().__init__()
        self.hidden = nn.Linear(3, 6)
        self.norm = nn.LayerNorm(6)
        self.output = nn.Linear(6, 5)
        self.dropout = nn.Dropout(0.2)

    @property
    def spec(self) -> OutputSpec:
        return self.SPEC

    def forward(self, batch: Batch) -> StreamOutput:
        mask = batch["mask"]
        steps = torch.tanh(self.norm(self.hidden(self.read(batch)))) * mask[..., None]
        times = (torch.arange(mask.shape[1]) / 10).expand(mask.shape)
        return self.answer(StreamOutput(self.output(self.dropout(self.pool(steps, mask))), steps, mask, times))

    def read(self, batch: Batch) -> Tensor:
        return batch["values"]

    def pool(self, steps: Tensor, mask: Tensor) -> Tensor:
        return steps.sum(1) / mask.sum(1, keepdim=True)

    def answer(self, output: StreamOutput) -> StreamOutput:
        return output


@sound("encoder", modality="toy")
class GoodForeign(Good):
    """With portable options that say how to build it again, and no claim to be exported."""

    SPEC = OutputSpec(5, sequence=6, exportable=False)
    portable: dict[str, Any] = {}


@planted("builds", "it has no spec")
class Specless(Good):
    spec: Any = None


@planted("builds", "its spec declares neither an embedding nor logits")
class Answerless(Good):
    SPEC = OutputSpec(None)


@planted("builds", "cannot be built: TypeError")
class Unbuildable(Good):
    def __init__(self, options: NoOptions) -> None:
        super().__init__(options, InputSpec({}))


@planted("builds", "it is a Plain")
class Plain:
    spec = OutputSpec(5)

    def __init__(self, options: NoOptions, input: InputSpec) -> None: ...


@planted("answers_as_declared", "embedding has shape (3, 5), not (3, 7)")
class Misshapen(Good):
    SPEC = OutputSpec(7, sequence=6)


@planted("answers_as_declared", "embedding is torch.float64, not torch.float32")
class Doubled(Good):
    def answer(self, output: StreamOutput) -> StreamOutput:
        assert output.embedding is not None
        return replace(output, embedding=output.embedding.double())


@planted("answers_as_declared", "embedding is on meta, its input on cpu")
class Elsewhere(Good):
    def answer(self, output: StreamOutput) -> StreamOutput:
        assert output.embedding is not None
        return replace(output, embedding=output.embedding.to("meta"))


@planted("answers_as_declared", "embedding holds NaN or infinity")
class Numberless(Good):
    def answer(self, output: StreamOutput) -> StreamOutput:
        assert output.embedding is not None
        return replace(output, embedding=output.embedding / 0)


@planted("answers_as_declared", "its spec declares a sequence, but it answers none")
class Sequenceless(Good):
    def answer(self, output: StreamOutput) -> StreamOutput:
        return StreamOutput(output.embedding)


@planted("answers_as_declared", "it answers a logits that its spec does not declare")
class Undeclared(Good):
    def answer(self, output: StreamOutput) -> StreamOutput:
        return replace(output, logits=output.embedding)


@planted("answers_as_declared", "it answers a Tensor; answer a fusion.contract.StreamOutput")
class Bare(Good):
    def answer(self, output: StreamOutput) -> Any:
        return output.embedding


@planted("answers_as_declared", "raises RuntimeError: out of paper")
class Raising(Good):
    def read(self, batch: Batch) -> Tensor:
        raise RuntimeError("out of paper")


@planted("inputs_stay_as_they_are", "encoding changes the batch's values; read the batch without writing to it")
class Writing(Good):
    def read(self, batch: Batch) -> Tensor:
        return batch["values"].mul_(0.5)


@planted("neighbours_do_not_count", "a row's embedding changes by")
class BatchNormed(Good):
    def pool(self, steps: Tensor, mask: Tensor) -> Tensor:
        pooled = super().pool(steps, mask)
        return pooled - pooled.mean(0, keepdim=True)


@planted("padding_does_not_count", "when it is padded to a longer one; apply the mask before")
class Padded(Good):
    def pool(self, steps: Tensor, mask: Tensor) -> Tensor:
        return steps.mean(1)


@planted("what_lies_in_padding_does_not_count", "when its padding is")
class Peeking(Good):
    def __init__(self, options: NoOptions, input: InputSpec) -> None:
        super().__init__(options, input)
        self.look = nn.Conv1d(3, 3, 3, padding=1)

    def read(self, batch: Batch) -> Tensor:
        # Zeros behind the row's end are what a convolution pads with, so that padding alone does not show it.
        return self.look(batch["values"].transpose(1, 2)).transpose(1, 2)


@planted("gradients_reach_every_parameter", "no gradient reaches forgotten.bias, forgotten.weight")
class Forgetful(Good):
    def __init__(self, options: NoOptions, input: InputSpec) -> None:
        super().__init__(options, input)
        self.forgotten = nn.Linear(2, 2)


@planted("gradients_reach_every_parameter", "its answers have no gradient")
class Detached(Good):
    def forward(self, batch: Batch) -> StreamOutput:
        with torch.no_grad():
            return super().forward(batch)


@planted("one_row_trains", "a batch of one does not train: ValueError: Expected more than 1 value per channel")
class Crowded(Good):
    def __init__(self, options: NoOptions, input: InputSpec) -> None:
        super().__init__(options, input)
        self.crowd = nn.BatchNorm1d(6)

    def pool(self, steps: Tensor, mask: Tensor) -> Tensor:
        return self.crowd(super().pool(steps, mask))


@planted("training_and_evaluation_agree", "between train() and eval()")
class Moody(Good):
    def pool(self, steps: Tensor, mask: Tensor) -> Tensor:
        return super().pool(steps, mask) * (2.0 if self.training else 1.0)


@planted("saving_and_loading_agree", "embedding differs by")
class Unsaved(Good):
    def __init__(self, options: NoOptions, input: InputSpec) -> None:
        super().__init__(options, input)
        self.kept = torch.randn(5)

    def answer(self, output: StreamOutput) -> StreamOutput:
        assert output.embedding is not None
        return replace(output, embedding=output.embedding * self.kept)


@planted("saving_and_loading_agree", "its portable options are no JSON values")
class Unportable(Good):
    portable = {"model": object()}


@planted("saving_and_loading_agree", "its saved weights do not fit when it is built anew")
class Growing(Good):
    built = 0

    def __init__(self, options: NoOptions, input: InputSpec) -> None:
        super().__init__(options, input)
        Growing.built += 1
        setattr(self, f"layer{Growing.built}", nn.Parameter(torch.zeros(1)))


@planted("one_seed_gives_one_answer", "between two networks that were built and run after the same seed")
class Fickle(Good):
    def pool(self, steps: Tensor, mask: Tensor) -> Tensor:
        chance = torch.Generator()
        chance.seed()
        noise = torch.rand(1, generator=chance) if self.training else 1.0
        return super().pool(steps, mask) * noise


@planted("global_randomness_stays", "building it seeds torch's global generator; leave the seed to the engine")
class Seeding(Good):
    def __init__(self, options: NoOptions, input: InputSpec) -> None:
        torch.manual_seed(0)
        super().__init__(options, input)


@planted("global_randomness_stays", "building it changes the global state of random and numpy.random")
class DrawingElsewhere(Good):
    def __init__(self, options: NoOptions, input: InputSpec) -> None:
        super().__init__(options, input)
        self.size = random.random() + np.random.random()


@planted("global_randomness_stays", "evaluating it changes the global state of torch")
class DrawingOnce(Good):
    def pool(self, steps: Tensor, mask: Tensor) -> Tensor:
        torch.rand(1)
        return super().pool(steps, mask)


@planted("bfloat16_runs", "does not run under autocast to bfloat16: RuntimeError")
class Stiff(Good):
    def pool(self, steps: Tensor, mask: Tensor) -> Tensor:
        mixed = torch.zeros(steps.shape[0], 6)
        mixed.index_copy_(0, torch.arange(len(steps)), self.mix(super().pool(steps, mask)))
        return mixed

    def __init__(self, options: NoOptions, input: InputSpec) -> None:
        super().__init__(options, input)
        self.mix = nn.Linear(6, 6)


@planted("exports_as_declared", "its spec says exportable, but torch.export fails")
class Branching(Good):
    def pool(self, steps: Tensor, mask: Tensor) -> Tensor:
        pooled = super().pool(steps, mask)
        return pooled if float(pooled.sum()) > 0 else pooled * 2
