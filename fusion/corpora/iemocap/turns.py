"""Turns of IEMOCAP: what their names say, and the release's two tables of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from fusion.contract import DataError, Region

#: Categories by the code in evaluation files.
CATEGORIES = {
    "ang": "angry",
    "hap": "happy",
    "exc": "excited",
    "sad": "sad",
    "neu": "neutral",
    "fru": "frustrated",
    "fea": "fearful",
    "sur": "surprised",
    "dis": "disgust",
    "oth": "other",
    "xxx": "undecided",
}
SEXES = {"F": "female", "M": "male"}
_DIALOGUE = re.compile(r"Ses(0[1-5])([FM])_((?:impro|script)\d\d(?:_\d)?[a-z]?)", re.ASCII)
_TURN = re.compile(r"(Ses0[1-5][FM]_(?:impro|script)\d\d(?:_\d)?[a-z]?)_([FM])(\d+)", re.ASCII)
_NUMBER = r"\d{1,9}(?:\.\d{1,9})?"
_EVALUATION = re.compile(
    rf"\[({_NUMBER})\s*-\s*({_NUMBER})\]\s+(\S+)\s+(\w+)\s+\[(-?{_NUMBER}),\s*(-?{_NUMBER}),\s*(-?{_NUMBER})\]",
    re.ASCII,
)
_ANNOTATOR = re.compile(r"[\w-]+\s*:.*", re.ASCII)
_TRANSCRIPTION = re.compile(r"(\S+)\s+\[\s*[\d.]+\s*-\s*[\d.]+\s*\]:\s*(.*\S)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What a dialogue's name says.

    Args:
        name: Such as ``Ses01F_impro01``.
        session: ``01`` to ``05``.
        named: The letter of the actor it is named after, who wore the markers: ``F`` or ``M``.
        scene: Such as ``impro01`` or ``script01_3``.
    """

    name: str
    session: str
    named: str
    scene: str

    @property
    def performance(self) -> str:
        """``improvised`` or ``scripted``."""
        return "improvised" if self.scene.startswith("impro") else "scripted"

    def speaker(self, actor: str) -> str:
        """The one woman or man of the session, by letter: ``01F``."""
        return f"{self.session}{actor}"


@dataclass(frozen=True, slots=True)
class Turn:
    """A line of an evaluation file: one person's turn, in seconds of the dialogue, with ratings of 1 to 5."""

    name: str
    actor: str
    start: Fraction
    end: Fraction
    category: str
    valence: float
    arousal: float
    dominance: float


def parse_dialogue(name: str) -> Dialogue | None:
    """The fields of a dialogue's name; None where it is not of this scheme."""
    match = _DIALOGUE.fullmatch(name)
    return None if match is None else Dialogue(name, *match.groups())


def parse_turn(name: str) -> tuple[str, str] | None:
    """(dialogue, actor's letter) of a turn's name such as ``Ses01F_impro01_M003``; None where it is none."""
    match = _TURN.fullmatch(name)
    return None if match is None else (match[1], match[2])


def actor_region(dialogue: Dialogue, actor: str, left: str = "named") -> Region | None:
    """The part of a dialogue's picture in which an actor sits.

    Args:
        dialogue: Whose picture shows both, side by side.
        actor: ``F`` or ``M``.
        left: Who sits on the left: the actor that the dialogue is ``named`` after, or the ``other``;
            ``whole`` gives None, the picture of both.
    """
    if left == "whole":
        return None
    return Region.named("left" if (actor == dialogue.named) == (left == "named") else "right")


def read_evaluation(file: Path) -> list[Turn]:
    """The turns of a file in ``dialog/EmoEvaluation``, in its order; annotators' lines and comments are passed over.

    Raises:
        DataError: A line is none of these, or its turn is impossible; the message names the first such line.
    """
    turns: dict[str, Turn] = {}
    for number, line in enumerate(_lines(file), 1):
        text = line.strip()
        if not text or text.startswith("%") or _ANNOTATOR.fullmatch(text):
            continue
        found = _turn(text, file.stem)
        if isinstance(found, Turn) and found.name in turns:
            found = f"names turn {found.name} a second time"
        if isinstance(found, str):
            raise DataError(
                f"line {number} {found}: '{text[:80]}'", where=str(file), remedy="restore the file from the release"
            )
        turns[found.name] = found
    return list(turns.values())


def _turn(text: str, dialogue: str) -> Turn | str:
    """The turn of one line, or what is wrong with it."""
    match = _EVALUATION.fullmatch(text)
    if match is None:
        return "is no turn such as '[6.2901 - 8.2357] Ses01F_impro01_F000 neu [2.5000, 2.5000, 2.5000]'"
    name, category = match[3], match[4].lower()
    parsed = parse_turn(name)
    if parsed is None or parsed[0] != dialogue:
        return "names no turn of this dialogue"
    if category not in CATEGORIES:
        return f"has the unknown category '{match[4]}'"
    start, end = Fraction(match[1]), Fraction(match[2])
    if end <= start:
        return "ends before it begins"
    valence, arousal, dominance = (float(match[k]) for k in (5, 6, 7))
    return Turn(name, parsed[1], start, end, category, valence, arousal, dominance)


def read_transcription(file: Path) -> dict[str, str]:
    """Transcripts by turn of a file in ``dialog/transcriptions``; lines of another form are remarks."""
    found: dict[str, str] = {}
    for line in _lines(file):
        match = _TRANSCRIPTION.fullmatch(line)
        if match is not None and parse_turn(match[1]) is not None:
            found.setdefault(match[1], match[2])
    return found


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
