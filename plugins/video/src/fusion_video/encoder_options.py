"""Options of the encoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fusion_video.checks import require_least, require_share


@dataclass(frozen=True)
class CNN3D:
    """Options of the encoder ``cnn3d``. The LbHER paper (Nukathati et al. 2024) gives no sizes; these are ours.

    Args:
        widths: Filters of the four convolutions.
        stride: Step in space of the first convolution.
        step: Step in time of the first convolution.
        pools: Length in time of the three poolings (in space all are 2 x 2).
        grid: Cells (rows, columns) over which the last features are averaged in space.
        groups: Channels in a group of the normalisation.
        pooling: What the fully connected layers read of all steps: ``mean``, ``max``, standard ``deviation``.
        segments: Equal parts of a window that are pooled one by one; 1 forgets when things happen.
        hidden: Outputs of the first fully connected layer.
        embedding: Outputs of the second.
        dropout: Before either fully connected layer.
    """

    widths: tuple[int, int, int, int] = (16, 24, 32, 48)
    stride: int = 3
    step: int = 2
    pools: tuple[int, int, int] = (1, 2, 1)
    grid: tuple[int, int] = (3, 2)
    groups: int = 8
    pooling: tuple[Literal["mean", "max", "deviation"], ...] = ("mean", "deviation")
    segments: int = 1
    hidden: int = 64
    embedding: int = 64
    dropout: float = 0.1

    def __post_init__(self) -> None:
        require_least(1, stride=self.stride, step=self.step, groups=self.groups, segments=self.segments)
        require_least(1, hidden=self.hidden, embedding=self.embedding)
        for option in ("widths", "pools", "grid"):
            require_least(1, **{option: min(getattr(self, option))})
        require_share(self.dropout, "dropout")
        if not self.pooling:
            raise ValueError("pooling names at least one form")


@dataclass(frozen=True)
class X3D:
    """Options of the encoder ``x3d``.

    Args:
        weights: A local file (.pt, .pth, .pyth or .safetensors); None starts from chance.
        width: Factor of the channels; 2.0 in X3D-XS, -S, -M and -L.
        depth: Factor of the blocks; 2.2 in X3D-XS, -S and -M, 5.0 in -L.
        embedding: Outputs.
        dropout: Before the last layer.
        mean: Grey level (0 to 1) subtracted from pictures, as in the weights' training.
        deviation: What they are then divided by.
    """

    weights: str | None = None
    width: float = 2.0
    depth: float = 2.2
    embedding: int = 192
    dropout: float = 0.5
    mean: float = 0.45
    deviation: float = 0.225

    def __post_init__(self) -> None:
        require_least(1, embedding=self.embedding)
        require_share(self.dropout, "dropout")
        if not (self.width > 0 and self.deviation > 0):
            raise ValueError("width and deviation are above 0")


@dataclass(frozen=True)
class SlowR50:
    """Options of the encoder ``slow_r50``.

    Args:
        weights: A local file (.pt, .pth, .pyth or .safetensors); None starts from chance.
        width: Channels of the stem; 64 in published weights.
        embedding: Outputs.
        dropout: Before the last layer.
        mean: Grey level (0 to 1) subtracted from pictures, as in the weights' training.
        deviation: What they are then divided by.
    """

    weights: str | None = None
    width: int = 64
    embedding: int = 256
    dropout: float = 0.5
    mean: float = 0.45
    deviation: float = 0.225

    def __post_init__(self) -> None:
        require_least(1, embedding=self.embedding)
        require_share(self.dropout, "dropout")
        if not (self.width > 0 and self.deviation > 0):
            raise ValueError("width and deviation are above 0")
