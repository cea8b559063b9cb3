"""Options of the engine's own corpora, as written beside a corpus's name in a config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Ravdess:
    """RAVDESS.

    Args:
        vocal: Which vocal channels are read; song has six of the eight emotions.
        join: One clip for each take, with the sound of one file and the picture of another where they lie apart;
            otherwise one clip for each file (twins then share their take).
        sound: Where a take has both, its sound comes from the file that holds its picture (one clock for certain)
            or from the audio-only twin.
        complete: Keep only takes with sound and picture.
    """

    vocal: tuple[Literal["speech", "song"], ...] = ("speech",)
    join: bool = True
    sound: Literal["same_file", "audio_only"] = "same_file"
    complete: bool = False


@dataclass(frozen=True, slots=True)
class JavaSED:
    """Java-SED.

    Args:
        part: The clips with picture and sound, the sound-only takes, or both.
    """

    part: Literal["video", "audio", "both"] = "video"


@dataclass(frozen=True, slots=True)
class Grid:
    """GRID.

    Args:
        known_speakers: Leave out clips whose speaker is not known.
    """

    known_speakers: bool = False


@dataclass(frozen=True, slots=True)
class Iemocap:
    """IEMOCAP.

    Args:
        classes: Which categories are the label ``emotion``: ``four_merged`` (angry, happy, sad, neutral, with excited
            counted as happy), ``four`` (excited is outside), ``six`` (with excited and frustrated), or ``all`` nine.
        outside: What becomes of turns outside these classes, among them those without agreement (xxx) and of another
            emotion (oth): ``drop`` them, leave them ``unlabelled``, or give each category as ``named``.
        media: What is read of the release.
        sound: The wav of the turn (``sentence``), or the sound track of the dialogue's ``video``.
        words: The ``transcript``, or the words with their ``times`` where the turn has been aligned.
        left: Who sits on the left of the picture: the actor that the dialogue is ``named`` after, or the ``other``.
            ``whole`` gives every turn the picture of both.
        partial: Go on with a release of which sessions, files or turns are missing or do not fit; a turn then lacks
            what it cannot have.
    """

    classes: Literal["four_merged", "four", "six", "all"] = "four_merged"
    outside: Literal["drop", "unlabelled", "named"] = "drop"
    media: tuple[Literal["pictures", "sound"], ...] = ("pictures", "sound")
    sound: Literal["sentence", "video"] = "sentence"
    words: Literal["transcript", "times"] = "transcript"
    left: Literal["named", "other", "whole"] = "named"
    partial: bool = False

    def __post_init__(self) -> None:
        if not self.media:
            raise ValueError("media names at least one of 'pictures' and 'sound'")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A table of clips.

    Args:
        file: The table below the root; by default manifest.csv, .jsonl or .parquet. A root may also be the table.
        label_columns: Columns that are labels; all columns without a meaning of their own are details.
        number_columns: Those labels whose values are numbers.
    """

    file: str | None = None
    label_columns: tuple[str, ...] = ("label", "emotion", "intensity", "valence", "arousal", "dominance")
    number_columns: tuple[str, ...] = ("valence", "arousal", "dominance")


@dataclass(frozen=True, slots=True)
class Demo:
    """The generated corpus.

    Args:
        count: Number of clips.
        speakers: Number of invented speakers, as evenly as possible over the clips.
        seed: Another seed gives other people and other clips.
    """

    count: int = 96
    speakers: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if self.speakers < 1 or self.count < self.speakers:
            raise ValueError("needs at least one speaker, and a clip for each of them")
        if self.seed < 0:
            raise ValueError("the seed is 0 or larger")
