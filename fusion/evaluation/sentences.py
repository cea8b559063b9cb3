"""What is said: sentences that stand on both sides of a split, so that a score may be of the script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from unicodedata import category, normalize

from fusion.contract import Clip, Split

#: Left out within words: apostrophes, however they are typed, and characters without a width of their own.
_SILENT = re.compile("['`\u00b4\u2018\u2019\u201b\u02bc\u2032\uff07\u00ad\u200b-\u200d\u2060\ufeff]")
#: The detail that names a sentence, by the corpus's own names.
DETAIL = "sentence"


def sentences_of(clip: Clip) -> frozenset[str]:
    """What a clip says, comparable over clips: by its words, and by the corpus's name of the sentence.

    Clips that have one of these in common say the same. Empty where neither is known, or there is no word.
    """
    words = None if clip.transcript is None else _words(clip.transcript)
    named = clip.details.get(DETAIL)
    keys = (words or None, None if named is None else f"{DETAIL}:{named}")
    return frozenset(key for key in keys if key is not None)


def _words(transcript: str) -> str:
    """Letters, their marks and digits in one form of writing; marks alone are no word."""
    text = normalize("NFKC", normalize("NFKC", _SILENT.sub("", transcript)).casefold())
    words = "".join(c if category(c)[0] in "LMN" else " " for c in text).split()
    return " ".join(word for word in words if any(c.isalnum() for c in word))


def same_sentences(clips: Iterable[Clip]) -> dict[str, str]:
    """By the id of every clip whose sentence is known a name of it, equal for clips that say the same."""
    said = {clip.id: sorted(sentences_of(clip)) for clip in clips}
    parents: dict[str, str] = {}

    def name(key: str) -> str:
        while (parent := parents.setdefault(key, key)) != key:
            key = parent
        return key

    for keys in said.values():
        for key in keys[1:]:
            first, second = sorted((name(keys[0]), name(key)))
            parents[second] = first
    return {clip: name(keys[0]) for clip, keys in said.items() if keys}


def said_before(tested: Sequence[Clip], known: Iterable[Clip]) -> list[bool | None]:
    """Of each tested clip, whether a known one says the same; None where it is not known what it says.

    Args:
        tested: Clips of a test part.
        known: Clips of the training and validation parts.
    """
    before = {key for clip in known for key in sentences_of(clip)}
    return [None if not (keys := sentences_of(clip)) else not keys.isdisjoint(before) for clip in tested]


def said_before_in(split: Split, clips: Mapping[str, Clip]) -> list[bool | None]:
    """The same of a split's test part, in its order."""
    known = (clips[i] for i in (*split.train, *split.validation))
    return said_before([clips[i] for i in split.test], known)
