"""Cutting text into words and punctuation, in any script."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from fusion.contract import DataError, Row

#: What ``word_dropout`` puts in place of a hidden word: in no vocabulary, and unknown to any tokeniser.
HIDDEN = "\N{REPLACEMENT CHARACTER}"

_APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}"
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
_IDEOGRAPHS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))


def tokens_of(text: str, lower: bool = True) -> list[str]:
    """Words, and every other visible character on its own.

    Text is brought to one spelling first (NFKC). Marks belong to the letter before them (Devanagari, Arabic,
    combining accents), an apostrophe between letters to its word (``don't``), and ideographs, which are written
    without spaces, stand one by one.

    Args:
        text: Anything.
        lower: Make letters lower case.
    """
    normal = unicodedata.normalize("NFKC", text)
    return list(_tokens(unicodedata.normalize("NFKC", normal.lower()) if lower else normal))


def _tokens(text: str) -> Iterator[str]:
    word = ""
    for place, character in enumerate(text):
        if not _is_ideograph(character) and _belongs(word, character, text[place + 1 : place + 2]):
            word += character
            continue
        if word:
            yield word
        word = ""
        if character == HIDDEN or unicodedata.category(character)[0] not in "CZM":
            yield character
    if word:
        yield word


def _belongs(word: str, character: str, following: str) -> bool:
    """Whether a character begins a word or goes on with the one before it."""
    if character.isalnum() or character == "_":
        return True
    if not word:
        return False
    if unicodedata.category(character).startswith("M") or character in _JOINERS:
        return True
    return character in _APOSTROPHES and following.isalpha()


def _is_ideograph(character: str) -> bool:
    code = ord(character)
    return code >= _IDEOGRAPHS[0][0] and any(first <= code <= last for first, last in _IDEOGRAPHS)


def text_of(row: Row) -> str:
    """A row's pieces of text, joined by spaces.

    Raises:
        DataError: The row holds no words.
    """
    words = row.get("words")
    if words is None:
        raise DataError(
            f"a row has {', '.join(row) or 'nothing'} where words are needed",
            where="text",
            remedy="leave the transforms of a text stream empty, or end them with words",
        )
    return " ".join(str(piece) for piece in words.data)
