"""GRID: sentences of six words from small sets, in sound and picture, with word times and without emotions.

Cooke, Barker, Cunningham, Shao (2006), "An audio-visual corpus for speech perception and automatic speech
recognition", JASA 120(5).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from fusion.contract import Clip, DataError
from fusion.corpora.layout import MEDIA_FILES, files_below, tracks_of_file, wrong_layout
from fusion.corpora.options import Grid as Options

RIGHTS = "CC BY 4.0 (as third parties list it)"
COMMANDS = {"b": "bin", "l": "lay", "p": "place", "s": "set"}
COLOURS = {"b": "blue", "g": "green", "r": "red", "w": "white"}
PREPOSITIONS = {"a": "at", "b": "by", "i": "in", "w": "with"}
DIGITS = {
    "z": "zero",
    "1": "one",
    "2": "two",
    "3": "three",
    "4": "four",
    "5": "five",
    "6": "six",
    "7": "seven",
    "8": "eight",
    "9": "nine",
}
ADVERBS = {"a": "again", "n": "now", "p": "please", "s": "soon"}
#: Units of the .align files in a second.
ALIGN_RATE = 25000
_SENTENCE = re.compile(r"(?:.*_)?([blps])([bgrw])([abiw])([a-z])([z1-9])([anps])", re.ASCII)
_SPEAKER = re.compile(r"(?:s|id)([1-9]\d?)", re.ASCII)
_EXPECTED = "files named by their sentence, like s1/bbaf2n.mp4, in one folder for each speaker (s1 to s34)"


@dataclass(frozen=True, slots=True)
class Word:
    """A word and when it is said, in exact seconds."""

    text: str
    start: Fraction
    end: Fraction


def sentence_of(stem: str) -> str | None:
    """The six words that a file's name stands for: ``bbaf2n`` is "bin blue at f two now"; None if it is no name."""
    match = _SENTENCE.fullmatch(stem)
    if match is None:
        return None
    command, colour, preposition, letter, digit, adverb = match.groups()
    return " ".join(
        (COMMANDS[command], COLOURS[colour], PREPOSITIONS[preposition], letter, DIGITS[digit], ADVERBS[adverb])
    )


def read_align(file: Path) -> tuple[Word, ...]:
    """Words and times of an ``.align`` file, without silences.

    Raises:
        DataError: A line is not "start end word", or the times run backwards.
    """
    words = []
    for number, line in enumerate(file.read_text(encoding="ascii", errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        fields = line.split()
        if (
            len(fields) != 3
            or not fields[0].isdecimal()
            or not fields[1].isdecimal()
            or int(fields[1]) < int(fields[0])
        ):
            raise DataError(
                f"line {number} is not a start, an end and a word: '{line.strip()[:60]}'",
                where=str(file),
                remedy="restore the file from the corpus, or remove it to take the words from the clip's name",
            )
        if fields[2] not in {"sil", "sp"}:
            words.append(Word(fields[2], Fraction(int(fields[0]), ALIGN_RATE), Fraction(int(fields[1]), ALIGN_RATE)))
    return tuple(words)


class Grid:
    """34 speakers at most; the transcript comes from the ``.align`` file where there is one, else from the name."""

    about = (
        "GRID: speakers say sentences such as 'bin blue at f two now' before a camera; no emotion labels; "
        f"licence {RIGHTS}; layout: https://doi.org/10.5281/zenodo.3625687"
    )

    def __init__(self, options: Options) -> None:
        self._options = options

    def clips(self, root: Path) -> Sequence[Clip]:
        """All clips ordered by id, which is the speaker's (or folder's) name and the file's.

        Raises:
            DataError: Nothing below root is named by a sentence, or an ``.align`` file is broken.
        """
        aligns: dict[str, list[Path]] = {}
        for path in files_below(root, {".align"}):
            aligns.setdefault(path.stem, []).append(path)
        clips: dict[str, Clip] = {}
        for path in files_below(root, MEDIA_FILES):
            sentence = sentence_of(path.stem)
            if sentence is None:
                continue
            speaker = _speaker(path, root)
            if speaker is None and self._options.known_speakers:
                continue
            folder = path.relative_to(root).parent.parts[:1] or ("clip",)
            clip_id = f"{speaker or folder[0]}_{path.stem.rpartition('_')[2]}"
            if clip_id in clips:
                continue
            align = _nearest(aligns.get(path.stem, []), path, speaker)
            words = " ".join(word.text for word in read_align(align)) if align else sentence
            clips[clip_id] = Clip(
                id=clip_id,
                tracks=tracks_of_file(path),
                speaker=speaker,
                transcript=words,
                take=clip_id,
                rights=RIGHTS,
                details={"sentence": path.stem.rpartition("_")[2]},
            )
        if not clips:
            raise wrong_layout("GRID", root, _EXPECTED)
        return [clips[clip_id] for clip_id in sorted(clips)]


def _speaker(path: Path, root: Path) -> str | None:
    """From the name's beginning (``id2_...``) or the innermost folder that is named like a speaker."""
    places = [path.stem.split("_")[0] if "_" in path.stem else "", *reversed(path.relative_to(root).parent.parts)]
    for place in places:
        match = _SPEAKER.fullmatch(place)
        if match:
            return f"s{match[1]}"
    return None


def _nearest(candidates: Sequence[Path], clip: Path, speaker: str | None) -> Path | None:
    """The word times of this clip: several speakers say the same sentence, so a folder must tell them apart."""
    if len(candidates) == 1:
        return candidates[0]
    own = [path for path in candidates if path.parent == clip.parent or (speaker and speaker in path.parts)]
    return own[0] if own else None
