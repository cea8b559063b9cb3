"""Small cases with which protocols are checked (``fusion plugins check engine``), on the kit's own 24 speakers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fusion.contract import Clip, Example


def leave_one_group_out(folder: Path) -> Sequence[Example]:
    """By session, and by a detail."""
    return [Example("group"), Example("detail", options={"by": "room"})]


def held_out(folder: Path) -> Sequence[Example]:
    """Named speakers, and named values of a detail."""
    return [
        Example("speakers", options={"test": ["1", "2"], "validation": ["kit:03"]}),
        Example("detail", options={"by": "room", "test": ["a"], "validation": ["b"]}),
    ]


def speaker_sentence_folds(folder: Path) -> Sequence[Example]:
    """Six speakers who say the same four sentences, by speaker and by group."""
    clips = [
        Clip(
            f"{speaker}_{number}",
            (),
            labels={"emotion": emotion},
            speaker=f"kit:{speaker}",
            group=f"room{speaker % 3}",
            take=f"kit:{speaker}_{number}",
            transcript=f"sentence {number}",
        )
        for speaker in range(6)
        for number, emotion in enumerate(("neutral", "happy", "sad", "angry"))
    ]
    return [
        Example("speakers", options={"folds": 3}, clips=clips),
        Example("groups", options={"folds": 3, "by": "group"}, clips=clips),
    ]
