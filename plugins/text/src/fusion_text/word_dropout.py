"""Hiding or removing words in training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fusion.contract import Row, Span
from fusion_text.options import WordDropout as WordDropoutOptions
from fusion_text.words import HIDDEN

if TYPE_CHECKING:
    import numpy as np


class WordDropout:
    """Every word is hidden or removed by chance (Iyyer et al., 2015); one word of the row always stays.

    Words are what stands between spaces, so that it works for any tokeniser. A piece (a caption) stays a piece,
    with its times, even when all its words are removed.
    """

    def __init__(self, options: WordDropoutOptions) -> None:
        self.options = options

    def __call__(self, pieces: Row, span: Span, random: np.random.Generator) -> Row:  # noqa: ARG002
        words = pieces.get("words")
        if words is None:
            return pieces
        lines = [str(piece).split() for piece in words.data]
        count = sum(len(line) for line in lines)
        if count == 0:
            return pieces
        dropped = random.random(count) < self.options.chance
        dropped[int(random.integers(count))] = False
        changed: list[str] = []
        first = 0
        for line in lines:
            kept = zip(line, dropped[first : first + len(line)], strict=True)
            if self.options.mode == "remove":
                changed.append(" ".join(word for word, gone in kept if not gone))
            else:
                changed.append(" ".join(HIDDEN if gone else word for word, gone in kept))
            first += len(line)
        return {**pieces, "words": replace(words, data=changed)}
