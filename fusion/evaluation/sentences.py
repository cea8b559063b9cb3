"""What is said: sentences that stand on both sides of a split, so that a score may be of the script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from fusion.contract import Clip, Split

_WORD = re.compile(r"[^\W_]+")
#: The detail that names a sentence whose wording is not known.
DETAIL = "sentence"


def sentence_of(clip: Clip) -> str | None:
    """What a clip says, comparable over clips: its words in lower case, else the corpus's name of the sentence.

    None where neither is known, or there is no word.
    """
    if clip.transcript is not None:
        return " ".join(_WORD.findall(clip.transcript.casefold())) or None
    named = clip.details.get(DETAIL)
    return None if named is None else f"{DETAIL}:{named}"


def said_before(tested: Sequence[Clip], known: Iterable[Clip]) -> list[bool | None]:
    """Of each tested clip, whether a known one says the same; None where it is not known what it says.

    Args:
        tested: Clips of a test part.
        known: Clips of the training and validation parts.
    """
    sentences = {sentence_of(clip) for clip in known}
    return [None if (sentence := sentence_of(clip)) is None else sentence in sentences for clip in tested]


def said_before_in(split: Split, clips: Mapping[str, Clip]) -> list[bool | None]:
    """The same of a split's test part, in its order."""
    known = (clips[i] for i in (*split.train, *split.validation))
    return said_before([clips[i] for i in split.test], known)
