"""Options of all components of this distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Text:
    """Options of the modality ``text``.

    Args:
        extent: ``clip``: all words of the clip with every window; ``window``: the words that are said in it, for
            words with times.
        tokeniser: ``words``: words and punctuation, with a vocabulary fitted on the training clips;
            ``transformer``: the tokeniser of a pretrained model, nothing fitted.
        path: For ``transformer``: a local folder or a name on the hub.
        size: Most words of the vocabulary.
        least: How often a word must occur to enter it.
        lower: Make letters lower case.
        longest: Most tokens of a row; what comes after is left out.
    """

    extent: Literal["clip", "window"] = "clip"
    tokeniser: Literal["words", "transformer"] = "words"
    path: str | None = None
    size: int = 20000
    least: int = 1
    lower: bool = True
    longest: int = 512

    def __post_init__(self) -> None:
        if self.tokeniser == "transformer" and not self.path:
            raise ValueError("the tokeniser 'transformer' needs a path: a local folder or a name on the hub")
        if min(self.size, self.least, self.longest) < 1:
            raise ValueError("size, least and longest are at least 1")


@dataclass(frozen=True)
class WordDropout:
    """Options of the augmentation ``word_dropout``.

    Args:
        chance: Of each word.
        mode: ``hide``: the word becomes an unknown one, so that the encoder learns what to make of those;
            ``remove``: it is left out. One word always stays.
    """

    chance: float = 0.1
    mode: Literal["hide", "remove"] = "hide"

    def __post_init__(self) -> None:
        if not 0 <= self.chance <= 1:
            raise ValueError(f"chance lies in 0 to 1, not at {self.chance}")


@dataclass(frozen=True)
class LSTM:
    """Options of the encoder ``lstm``.

    Args:
        width: Size of a word's embedding.
        convolution: Width in words of a convolution before the LSTM (odd); 0 for none.
        hidden: Size of the LSTM's state, in each direction.
        layers: LSTM layers.
        bidirectional: Read backwards as well.
        pooling: ``attention`` (learnt weights) or ``mean`` over the words.
        embedding: Outputs.
        dropout: After the word embedding, between layers and before the output.
    """

    width: int = 64
    convolution: int = 0
    hidden: int = 64
    layers: int = 1
    bidirectional: bool = True
    pooling: Literal["attention", "mean"] = "attention"
    embedding: int = 64
    dropout: float = 0.3

    def __post_init__(self) -> None:
        if self.convolution and self.convolution % 2 == 0:
            raise ValueError(f"a convolution {self.convolution} words wide has no middle; take an odd width")
        if min(self.width, self.hidden, self.layers, self.embedding) < 1 or self.convolution < 0:
            raise ValueError("sizes are at least 1, and convolution at least 0")
        if not 0 <= self.dropout <= 1:
            raise ValueError(f"dropout lies in 0 to 1, not at {self.dropout}")


@dataclass(frozen=True)
class Transformer:
    """Options of the encoder ``transformer``.

    Args:
        path: A local folder in the format of transformers, or a name on the hub.
        architecture: The model's configuration in place of a path, as saved models have it: builds it without weights.
        freeze: Leave the pretrained weights as they are.
        pooling: ``mean`` over the tokens, or ``cls``: the first one.
        embedding: Outputs of a linear layer; None gives the pooled state itself.
        dropout: Before that layer.
    """

    path: str | None = None
    architecture: dict[str, Any] | None = None
    freeze: bool = False
    pooling: Literal["mean", "cls"] = "mean"
    embedding: int | None = 256
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if (self.path is None) == (self.architecture is None):
            raise ValueError("give path: a local folder in the format of transformers, or a name on the hub")
        if self.embedding is not None and self.embedding < 1:
            raise ValueError("embedding is at least 1, or null for the pooled state itself")
        if not 0 <= self.dropout <= 1:
            raise ValueError(f"dropout lies in 0 to 1, not at {self.dropout}")
