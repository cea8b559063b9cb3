"""Small cases with which the components are checked (``fusion plugins check spectrogram``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fusion.contract import Example

_FRAMES: tuple[Mapping[str, Any], ...] = ({"name": "log_mel", "bands": 12, "rate": 50},)
_SIZES = {"width": 4, "dim": 12, "groups": 2, "heads": 2}


def audio(folder: Path) -> Sequence[Example]:
    """Frames, standardised in every way, and raw sound."""
    return [
        Example("frames", transforms=_FRAMES),
        Example("by clip", options={"standardise": "clip"}, transforms=_FRAMES),
        Example("centred", options={"standardise": "none", "centre": True}, transforms=_FRAMES),
        Example("raw", transforms=({"name": "resample", "rate": 4000},)),
    ]


def resample(folder: Path) -> Sequence[Example]:
    """Down, up, and to a rate that shares no factor with the sound's."""
    return [Example(str(rate), options={"rate": rate}) for rate in (8000, 24000, 7993)]


def band_pass(folder: Path) -> Sequence[Example]:
    return [Example(options={"lowest": 200, "highest": 3000, "reach": 0.05})]


def windowed(folder: Path) -> Sequence[Example]:
    """For transforms of a window's frames."""
    return [Example(transforms=_FRAMES)]


def trim(folder: Path) -> Sequence[Example]:
    return [Example(options={"range_db": 10, "margin": 0.05, "longest": 0.5}, transforms=_FRAMES)]


def cnn(folder: Path) -> Sequence[Example]:
    """Both normalisations and both poolings."""
    return [
        Example("attention", options=_SIZES),
        Example("mean", options={**_SIZES, "norm": "group", "pooling": "mean", "segments": 2, "deltas": True}),
    ]


def cnn_lstm(folder: Path) -> Sequence[Example]:
    return [Example(options={**_SIZES, "hidden": 5})]


def cnn_rnn(folder: Path) -> Sequence[Example]:
    return [Example(form, options={**_SIZES, "hidden": 5, "rnn": form}) for form in ("gru", "plain")]


def functionals(folder: Path) -> Sequence[Example]:
    return [Example(options={"dim": 7, "smooth": 0.06})]


def wav2vec2(folder: Path) -> Sequence[Example]:
    """A tiny model by its architecture, as saved models have it."""
    architecture = {
        "model_type": "wav2vec2",
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "conv_dim": [8, 8],
        "conv_kernel": [10, 8],
        "conv_stride": [8, 8],
        "num_conv_pos_embeddings": 8,
        "num_conv_pos_embedding_groups": 2,
    }
    transforms = ({"name": "resample", "rate": 16000},)
    return [
        Example(freeze, options={"architecture": architecture, "freeze": freeze}, transforms=transforms)
        for freeze in ("none", "features", "all")
    ]
