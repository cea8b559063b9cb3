"""Options of protocols; light, so that reading a config loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

#: The five folds by actor that Luna-Jimenez et al. (Applied Sciences 12(1):327, 2022) publish for RAVDESS.
LUNA_JIMENEZ = (
    ("2", "5", "14", "15", "16"),
    ("3", "6", "7", "13", "18"),
    ("10", "11", "12", "19", "20"),
    ("8", "17", "21", "23", "24"),
    ("1", "4", "9", "22"),
)


@dataclass(frozen=True, slots=True)
class SpeakerFolds:
    """Options of ``speaker_folds``: the number of folds, over which whole speakers are spread evenly by clips."""

    folds: int = 5


@dataclass(frozen=True, slots=True)
class SpeakerSentenceFolds:
    """Options of ``speaker_sentence_folds``.

    Args:
        folds: Of whole speakers, or of values of ``by``.
        sentences: Folds of whole sentences; there are ``folds`` times ``sentences`` splits.
        by: ``speaker``, ``group`` or a detail.
    """

    folds: int = 4
    sentences: int = 2
    by: str = "speaker"


@dataclass(frozen=True, slots=True)
class SpeakerDraws:
    """Options of ``speaker_draws``.

    Args:
        test: Share of the speakers that each split tests, rounded up to whole ones.
        validation: Likewise, of those that validate.
        draws: How many splits; fewer where there are not so many different choices of test speakers.
    """

    test: float = 0.2
    validation: float = 0.1
    draws: int = 10

    def __post_init__(self) -> None:
        if not (0 < self.test < 1 and 0 < self.validation < 1):
            raise ValueError("test and validation are shares above 0 and below 1")
        if self.draws < 1:
            raise ValueError("draws is at least 1")


@dataclass(frozen=True, slots=True)
class NamedFolds:
    """Options of ``ravdess_folds``: the test speakers of each fold, by the number or name after the corpus's."""

    folds: tuple[tuple[str, ...], ...] = LUNA_JIMENEZ


@dataclass(frozen=True, slots=True)
class LeaveOneGroupOut:
    """Options of ``leave_one_group_out``: what is left out in turn: ``group`` (session, dialogue) or a detail."""

    by: str = "group"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Options of ``held_out``: speakers (or values of ``by``) of the test and validation parts; the rest trains."""

    test: tuple[str, ...]
    validation: tuple[str, ...]
    by: str = "speaker"


@dataclass(frozen=True, slots=True)
class Shares:
    """Options of ``within_speaker``: test and validation, as shares below 1 or as numbers of clips.

    Args:
        test: Of each speaker's takes.
        validation: Likewise.
    """

    test: float = 0.2
    validation: float = 0.1


@dataclass(frozen=True, slots=True)
class Random(Shares):
    """Options of ``random``: shares as in ``within_speaker``, and how many such splits are drawn.

    Args:
        draws: Each is a split of its own.
    """

    draws: int = 1

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise ValueError("draws is at least 1")
