"""Rows of words, and a tiny random model of the BERT family saved in the real format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fusion.contract import Pieces, Row

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "kids",
    "are",
    "talking",
    "by",
    "the",
    "door",
    "dogs",
    "##s",
    ".",
]


@pytest.fixture
def spoken() -> Callable[..., Row]:
    """A row of pieces, a second each."""

    def row(*pieces: str) -> Row:
        times = np.arange(len(pieces), dtype=np.float64)
        return {"words": Pieces(list(pieces), None, times=times, ends=times + 1)}

    return row


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """config.json, model.safetensors and tokeniser files, as save_pretrained writes them."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("models") / "tiny_bert"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(WORDS),
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=24,
            max_position_embeddings=32,
        )
        BertModel(config).save_pretrained(folder)
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder
