"""The modality ``text``: what is said, as symbols."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fusion.contract import WORDS, Batch, Extent, Fitted, InputSpec, Need, Row, Span
from fusion_text.options import Text as TextOptions
from fusion_text.pretrained import load_tokeniser
from fusion_text.words import HIDDEN, text_of, tokens_of

#: Symbols that stand before the words of a vocabulary.
PADDING, UNKNOWN = 0, 1
_FIRST_WORD = 2


class Text:
    """Words as symbols: ``tokens`` ``[B, T]`` int64 and ``mask`` ``[B, T]`` (True for tokens, which come first).

    With the tokeniser ``words`` the vocabulary is fitted on training rows: the most frequent words, equally
    frequent ones in the order of their letters. Padding is 0 and an unknown word 1. With ``transformer`` the ids
    are those of the pretrained tokeniser, special ones included.
    """

    version = 1

    def __init__(self, options: TextOptions) -> None:
        self.options = options
        self._pretrained: tuple[str, Any] | None = None
        self._indices: tuple[list[str], dict[str, int]] | None = None

    @property
    def needs(self) -> Mapping[str, Need]:
        return {WORDS: Need()}

    @property
    def extent(self) -> Extent:
        return self.options.extent

    @property
    def mixable(self) -> tuple[str, ...]:
        return ()

    def absence(self, row: Row) -> str | None:
        """``no words`` where there is neither a letter nor any other sign."""
        return None if tokens_of(text_of(row)) else "no words"

    def fit(self, rows: Iterable[Row]) -> Fitted:
        """The vocabulary: ``{"vocabulary": [...]}``.

        Of a pretrained tokeniser nothing is fitted, but all of it is handed over (``{"tokeniser": JSON}``), so that a
        saved model does not depend on the folder that it came from.
        """
        if self.options.tokeniser == "transformer":
            assert self.options.path is not None
            return {"tokeniser": load_tokeniser(self.options.path)}
        counts: Counter[str] = Counter()
        for row in rows:
            counts.update(tokens_of(text_of(row), self.options.lower))
        del counts[HIDDEN]
        known = sorted((-count, word) for word, count in counts.items() if count >= self.options.least)
        return {"vocabulary": [word for _, word in known[: self.options.size]]}

    def input(self, row: Row, fitted: Fitted) -> InputSpec:  # noqa: ARG002 (rows have no shape of their own)
        """Shapes of ``tokens`` and ``mask``; ``size`` is the number of symbols."""
        if self.options.tokeniser == "transformer":
            size = int(self._tokeniser(fitted).get_vocab_size(with_added_tokens=True))
        else:
            size = _FIRST_WORD + len(_vocabulary(fitted))
        details = {"tokeniser": self.options.tokeniser, "path": self.options.path}
        return InputSpec({"tokens": (None,), "mask": (None,)}, size=size, details=details)

    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:  # noqa: ARG002
        """Symbols of rows, padded to the longest with 0."""
        import torch

        symbols = [self._symbols(text_of(row), fitted)[: self.options.longest] for row in rows]
        length = max(1, *(len(row) for row in symbols))
        tokens = torch.full((len(rows), length), PADDING, dtype=torch.int64)
        mask = torch.zeros((len(rows), length), dtype=torch.bool)
        for item, row in enumerate(symbols):
            tokens[item, : len(row)] = torch.tensor(row, dtype=torch.int64)
            mask[item, : len(row)] = True
        return {"tokens": tokens, "mask": mask}

    def _symbols(self, text: str, fitted: Fitted) -> list[int]:
        if self.options.tokeniser == "transformer":
            return [int(symbol) for symbol in self._tokeniser(fitted).encode(text).ids]
        vocabulary = _vocabulary(fitted)
        # Batches come by the thousand with one vocabulary: its table is kept.
        if self._indices is None or self._indices[0] is not vocabulary:
            self._indices = (vocabulary, {word: place for place, word in enumerate(vocabulary, _FIRST_WORD)})
        return [self._indices[1].get(word, UNKNOWN) for word in tokens_of(text, self.options.lower)]

    def _tokeniser(self, fitted: Fitted) -> Any:
        """The tokeniser (of the package tokenizers) that was handed over."""
        text = fitted["tokeniser"]
        assert isinstance(text, str)
        if self._pretrained is None or self._pretrained[0] != text:
            from tokenizers import Tokenizer

            tokeniser = Tokenizer.from_str(text)
            tokeniser.no_padding()
            tokeniser.enable_truncation(self.options.longest)
            self._pretrained = (text, tokeniser)
        return self._pretrained[1]


def _vocabulary(fitted: Fitted) -> list[str]:
    vocabulary = fitted["vocabulary"]
    assert isinstance(vocabulary, list)
    return vocabulary
