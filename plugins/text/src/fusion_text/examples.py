"""Small cases with which the components are checked (``fusion plugins check text``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fusion.contract import Example

_SYMBOLS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "kids", "are", "talking", "by", "the", "door", "dogs", "##s")


def text(folder: Path) -> Sequence[Example]:
    """Both tokenisers."""
    return [
        Example("words"),
        Example("window", options={"extent": "window"}),
        Example("transformer", options=_tokenised(folder)),
    ]


def lstm(folder: Path) -> Sequence[Example]:
    """Every form of reading and pooling."""
    sizes = {"width": 8, "hidden": 6, "embedding": 5}
    return [
        Example("attention", options=sizes),
        Example("mean", options={**sizes, "pooling": "mean", "bidirectional": False}),
        Example("convolution", options={**sizes, "convolution": 3, "layers": 2}),
    ]


def transformer(folder: Path) -> Sequence[Example]:
    """A tiny model by its architecture, as saved models have it, with a tokeniser to fit."""
    architecture = {
        "model_type": "bert",
        "vocab_size": len(_SYMBOLS),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "max_position_embeddings": 64,
    }
    modality = {"name": "text", **_tokenised(folder)}
    return [
        Example("mean", options={"architecture": architecture, "embedding": 6}, modality=modality),
        Example("cls", options={"architecture": architecture, "embedding": None, "pooling": "cls"}, modality=modality),
        Example("frozen", options={"architecture": architecture, "embedding": 6, "freeze": True}, modality=modality),
    ]


def _tokenised(folder: Path) -> dict[str, str]:
    """Options of the modality for a tokeniser of a few symbols, written in the format of transformers."""
    from transformers import BertTokenizerFast

    place = folder / "tokeniser"
    place.mkdir(exist_ok=True)
    (place / "vocab.txt").write_text("\n".join(_SYMBOLS), encoding="utf-8")
    BertTokenizerFast(vocab=str(place / "vocab.txt")).save_pretrained(place)
    return {"tokeniser": "transformer", "path": str(place)}
