"""Fusion heads, each with one fault."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from fusion.contract import HeadOutput, NoOptions, StreamOutput, StreamSpec
from tests.testing.planted.planting import planted as plant
from tests.testing.planted.planting import sound


def planted(check: str, sentence: str) -> Any:
    return plant("head", check, sentence)


@sound("head")
class Good(nn.Module):
    """The mean of the present streams' logits, from their embeddings and the mean of their sequences."""

    needs_sequence: Any = True
    needs_logits: Any = True

    def __init__(self, options: NoOptions, streams: Sequence[StreamSpec], outputs: int) -> None:
        super().__init__()
        self.streams, self.outputs = list(streams), outputs
        self.layers = nn.ModuleList(
            nn.Linear((one.output.dim or outputs) + (one.output.sequence or 0), outputs) for one in streams
        )
        self.dropout = nn.Dropout(0.1)

    def forward(self, outputs: Mapping[str, StreamOutput], present: Tensor) -> HeadOutput:
        votes = torch.stack([self.vote(k, outputs) for k in range(len(self.streams))], dim=1)
        weights = self.weights(present)
        logits = (votes * weights[:, :, None]).sum(1)
        return self.answer(HeadOutput(logits, weights), votes)

    def vote(self, place: int, outputs: Mapping[str, StreamOutput]) -> Tensor:
        spec = self.streams[place]
        output = outputs[spec.name]
        features = output.embedding if spec.output.dim is not None else output.logits
        assert features is not None
        if output.sequence is not None:
            features = torch.cat([features, self.mean(output)], dim=1)
        vote: Tensor = self.layers[place](self.dropout(features))
        return vote

    def mean(self, output: StreamOutput) -> Tensor:
        assert output.sequence is not None
        assert output.mask is not None
        there = output.mask[:, :, None]
        return (output.sequence * there).sum(1) / there.sum(1).clamp(min=1)

    def weights(self, present: Tensor) -> Tensor:
        return present / present.sum(1, keepdim=True)

    def answer(self, output: HeadOutput, votes: Tensor) -> HeadOutput:
        return output


@planted("builds", "it does not say needs_logits; give the class needs_logits = True or False")
class Unsaid(Good):
    needs_logits = None


@planted("suits_some_target", "it suits no kind of target")
class Unsuited(Good):
    @staticmethod
    def suits(options: Any, kind: str) -> bool:
        return False


@planted("suits_some_target", "of targets of the kind single its suits says None")
class Undecided(Good):
    @staticmethod
    def suits(options: Any, kind: str) -> Any:
        return None


@planted("answers_as_declared", "logits has shape (7, 3, 4), not (7, 4)")
class Misshapen(Good):
    def answer(self, output: HeadOutput, votes: Tensor) -> HeadOutput:
        return HeadOutput(votes)


@planted("answers_as_declared", "holds NaN or infinity where of 3 streams only voice is present")
class Needy(Good):
    def answer(self, output: HeadOutput, votes: Tensor) -> HeadOutput:
        assert output.weights is not None
        others = output.weights[:, 1:].sum(1, keepdim=True)
        return HeadOutput(output.logits / (others > 0))


@planted("answers_as_declared", "an absent stream has a weight")
class Generous(Good):
    def answer(self, output: HeadOutput, votes: Tensor) -> HeadOutput:
        assert output.weights is not None
        return replace(output, weights=output.weights + 0.1)


@planted("absent_streams_have_no_influence", "with what stands in place of an absent stream")
class Unmasked(Good):
    def weights(self, present: Tensor) -> Tensor:
        return torch.ones(present.shape) / present.shape[1]

    def answer(self, output: HeadOutput, votes: Tensor) -> HeadOutput:
        return HeadOutput(output.logits)


@planted("one_stream_will_do", "with one stream it raises IndexError")
class Paired(Good):
    def vote(self, place: int, outputs: Mapping[str, StreamOutput]) -> Tensor:
        return super().vote(place, outputs) + 0 * outputs[self.streams[1].name].embedding.sum()  # type: ignore[union-attr]


@planted("streams_of_logits_alone_will_do", "with a stream of logits alone it raises AttributeError")
class Embedded(Good):
    def vote(self, place: int, outputs: Mapping[str, StreamOutput]) -> Tensor:
        return super().vote(place, outputs) + 0 * outputs[self.streams[place].name].embedding.sum()  # type: ignore[union-attr]


@planted("streams_of_logits_alone_will_do", "a stream of logits alone has no influence")
class Deaf(Good):
    def vote(self, place: int, outputs: Mapping[str, StreamOutput]) -> Tensor:
        vote = super().vote(place, outputs)
        return vote if self.streams[place].output.dim is not None else torch.zeros_like(vote)


@planted("neighbours_do_not_count", "with other rows beside it; combine streams, never rows")
class Sociable(Good):
    def answer(self, output: HeadOutput, votes: Tensor) -> HeadOutput:
        return replace(output, logits=output.logits - output.logits.mean(0))


@planted("padding_does_not_count", "with what stands where a sequence's mask is False")
class Unpadded(Good):
    def mean(self, output: StreamOutput) -> Tensor:
        assert output.sequence is not None
        return output.sequence.mean(1)


@planted("order_of_the_mapping_does_not_count", "when the mapping lists the streams in another order")
class Ordered(Good):
    def answer(self, output: HeadOutput, votes: Tensor) -> HeadOutput:
        return replace(output, logits=output.logits + self.first)

    def forward(self, outputs: Mapping[str, StreamOutput], present: Tensor) -> HeadOutput:
        self.first = float(next(iter(outputs)) == self.streams[0].name)
        return super().forward(outputs, present)


@planted("inputs_stay_as_they_are", "it changes the embedding of a stream; clone before writing")
class Writing(Good):
    def vote(self, place: int, outputs: Mapping[str, StreamOutput]) -> Tensor:
        vote = super().vote(place, outputs)
        with torch.no_grad():
            for output in outputs.values():
                if output.embedding is not None:
                    output.embedding += 0.5
        return vote


@planted("gradients_reach_every_parameter", "no gradient reaches forgotten")
class Forgetful(Good):
    def __init__(self, options: NoOptions, streams: Sequence[StreamSpec], outputs: int) -> None:
        super().__init__(options, streams, outputs)
        self.forgotten = nn.Parameter(torch.zeros(2))


@planted("one_row_trains", "a batch of one does not train: ValueError")
class Crowded(Good):
    def __init__(self, options: NoOptions, streams: Sequence[StreamSpec], outputs: int) -> None:
        super().__init__(options, streams, outputs)
        self.crowd = nn.BatchNorm1d(outputs)

    def answer(self, output: HeadOutput, votes: Tensor) -> HeadOutput:
        return replace(output, logits=self.crowd(output.logits))


@planted("training_and_evaluation_agree", "logits differs by")
class Moody(Good):
    def answer(self, output: HeadOutput, votes: Tensor) -> HeadOutput:
        return replace(output, logits=output.logits * (1 + self.training))


@planted("saving_and_loading_agree", "after saving and loading")
class Unsaved(Good):
    def __init__(self, options: NoOptions, streams: Sequence[StreamSpec], outputs: int) -> None:
        super().__init__(options, streams, outputs)
        self.kept = torch.randn(outputs)

    def answer(self, output: HeadOutput, votes: Tensor) -> HeadOutput:
        return replace(output, logits=output.logits * self.kept)


@planted("one_seed_gives_one_answer", "between two networks that were built and run after the same seed")
class Fickle(Good):
    made = 0

    def __init__(self, options: NoOptions, streams: Sequence[StreamSpec], outputs: int) -> None:
        super().__init__(options, streams, outputs)
        Fickle.made += 1
        self.scale = nn.Parameter(torch.tensor(float(Fickle.made)))

    def answer(self, output: HeadOutput, votes: Tensor) -> HeadOutput:
        return replace(output, logits=output.logits * self.scale)


@planted("global_randomness_stays", "building it changes the global state of random")
class Drawing(Good):
    def __init__(self, options: NoOptions, streams: Sequence[StreamSpec], outputs: int) -> None:
        super().__init__(options, streams, outputs)
        random.random()


@planted("bfloat16_runs", "does not run under autocast to bfloat16: RuntimeError")
class Stiff(Good):
    def answer(self, output: HeadOutput, votes: Tensor) -> HeadOutput:
        mixed = torch.zeros(output.logits.shape)
        return replace(output, logits=mixed.index_copy_(0, torch.arange(len(votes)), votes[:, 0]))
