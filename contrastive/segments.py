"""Streams compared part by part: what they answer in equal parts of the window, in place of one embedding."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor
from torch.nn import functional

from contrastive.settings import Pretrain
from fusion.config.models import Experiment
from fusion.contract import ComponentError, StreamOutput
from fusion.data.streams import StreamPlan

#: Seconds by which a step's time may fall short of a part's beginning through rounding.
_ROUNDING = 1e-4


@dataclass(frozen=True)
class Segments:
    """Equal parts of a window.

    Args:
        count: How many.
        seconds: Length of the window.
    """

    count: int
    seconds: float

    def of(self, output: StreamOutput, stream: str) -> Tensor:
        """The mean of a sequence ``[B, T, E]`` over the valid steps of each part: ``[B, count, E]``, zeros without any.

        Raises:
            ComponentError: The sequence does not say when its items are.
        """
        sequence, mask, times = output.sequence, output.mask, output.times
        if sequence is None or mask is None or times is None:
            raise ComponentError(
                "its encoder answers no sequence with times, which could be compared part by part",
                where=f"stream {stream!r}",
                remedy="leave it out of pretrain.between, or leave pretrain.segments out",
            )
        part = ((times + _ROUNDING) * (self.count / self.seconds)).long().clamp(0, self.count - 1)
        member = functional.one_hot(part, self.count).to(sequence.dtype) * mask.to(sequence.dtype)[:, :, None]
        sums = member.transpose(1, 2) @ sequence
        return sums / member.sum(dim=1).clamp_min(1)[:, :, None]


def segments_of(settings: Pretrain, experiment: Experiment) -> Segments | None:
    """The parts of the experiment's windows that are compared; None where embeddings are."""
    seconds = experiment.window.seconds
    if settings.segments is None or seconds == "clip":
        return None
    return Segments(settings.segments, float(seconds))


def changes(parts: Tensor, present: Tensor) -> Tensor:
    """What parts ``[N, S, E]`` have that their window's mean has not, side by side: ``[N, S * E]``.

    A voice and a face are the same all along; what they do together is what moves.

    Args:
        parts: Of windows.
        present: ``[N, S]`` which parts hold anything; the others stay zeros and do not count.
    """
    there = present.to(parts.dtype)[:, :, None]
    mean = (parts * there).sum(dim=1, keepdim=True) / there.sum(dim=1, keepdim=True).clamp_min(1)
    return ((parts - mean) * there).flatten(1)


def at_their_time(plan: StreamPlan) -> tuple[StreamPlan, list[str]]:
    """A stream without the augmentations that move it in time, which would part it from the others; and their names."""
    moved = [step.name for step in plan.live if getattr(step.instance, "moves_time", False)]
    return replace(plan, live=tuple(step for step in plan.live if step.name not in moved)), moved
