"""Options of the encoders of sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Cnn:
    """A small residual CNN over frames, a convolution along time, and pooling.

    Args:
        width: Channels of the first stage; every further stage has twice as many.
        layers: Stages; all but the first halve frequency.
        blocks: Residual blocks in each stage.
        stride: Frames that the first convolution moves on; it always halves frequency.
        step: Frames between two steps of the sequence: ``stride`` times a power of two; the last stages halve time.
        norm: ``group``: group normalisation of activations; ``weights``: standardised weights instead.
        bands: Frequency rows that are left when the channels are joined.
        dim: Features of each step after that.
        groups: Groups of the group normalisation.
        deltas: Add the frames' slope along time as a second channel.
        block_dropout: Share of a block's channels that are dropped.
        dropout: Share of each step's features that are dropped, and of the embedding.
        pooling: How steps become the embedding.
        heads: Heads of the attention.
        segments: Equal parts of a row that ``mean`` pools one by one; 1 forgets when things happen.
    """

    width: int = 16
    layers: int = 3
    blocks: int = 1
    stride: int = 4
    step: int = 8
    norm: Literal["group", "weights"] = "weights"
    bands: int = 4
    dim: int = 128
    groups: int = 4
    deltas: bool = False
    block_dropout: float = 0.05
    dropout: float = 0.3
    pooling: Literal["attention", "mean"] = "attention"
    heads: int = 4
    segments: int = 1

    def __post_init__(self) -> None:
        if self.segments < 1:
            raise ValueError("segments is at least 1")
        if self.segments > 1 and self.pooling != "mean":
            raise ValueError("segments goes with pooling: mean")


@dataclass(frozen=True, slots=True, kw_only=True)
class CnnLstm(Cnn):
    """The CNN followed by a bidirectional LSTM.

    Args:
        hidden: Features of each direction.
        depth: Recurrent layers.
    """

    hidden: int = 64
    depth: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CnnRnn(Cnn):
    """The CNN followed by a bidirectional recurrent layer.

    Args:
        rnn: ``gru``, or ``plain`` for the recurrent layer without gates.
        hidden: Features of each direction.
        depth: Recurrent layers.
    """

    rnn: Literal["gru", "plain"] = "gru"
    hidden: int = 64
    depth: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Functionals:
    """Statistics of each band over the row, and one layer on them.

    Args:
        dim: Features of the embedding.
        smooth: Seconds over which frames are averaged before the highest and lowest are taken.
        dropout: Share of the statistics that are dropped, and of the embedding.
    """

    dim: int = 64
    smooth: float = 0.1
    dropout: float = 0.3

    def __post_init__(self) -> None:
        if self.smooth < 0:
            raise ValueError("smooth is a time in seconds, 0 or longer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wav2Vec2:
    """A pretrained speech model of transformers (wav2vec 2.0, HuBERT, WavLM).

    Args:
        path: Local folder in the format of ``save_pretrained``, or a hub id.
        architecture: The model's configuration in place of a path, as saved models have it: builds it without weights.
        revision: Branch, tag or commit on the hub.
        local: Never ask the hub.
        freeze: ``features``: the convolutions; ``all``: the whole model; ``none``.
        average_layers: Learn a weighted sum of all layers instead of taking the last one.
        dropout: Share of the embedding's features that are dropped.
    """

    path: str | None = None
    architecture: dict[str, Any] | None = None
    revision: str | None = None
    local: bool = True
    freeze: Literal["none", "features", "all"] = "features"
    average_layers: bool = True
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if (self.path is None) == (self.architecture is None):
            raise ValueError("give path: the folder of a saved model, or a hub id")
