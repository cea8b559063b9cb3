"""Clips for tests of splits and tables: known by what protocols look at, without media."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from fusion.contract import Clip, Split


def clip(name: str, speaker: str | None = None, take: str | None = None, **more: object) -> Clip:
    return Clip(name, (), speaker=speaker, take=take, **more)  # type: ignore[arg-type]


def corpus(speakers: int, each: int = 6, twins: int = 1) -> list[Clip]:
    """Clips of a corpus ``lab``; every take exists ``twins`` times."""
    return [
        clip(f"{speaker:02d}_{take:02d}_{twin}", f"lab:{speaker:02d}", f"lab:{speaker:02d}_{take:02d}",
             group=f"session{speaker // 2}", details={"room": "abc"[speaker % 3]})
        for speaker in range(1, speakers + 1) for take in range(each) for twin in range(twins)
    ]  # fmt: skip


def whole(splits: Sequence[Split], clips: Sequence[Clip]) -> None:
    """Every split covers the clips once."""
    for split in splits:
        ids = [*split.train, *split.validation, *split.test]
        assert sorted(ids) == sorted(clip.id for clip in clips)


@st.composite
def corpora(draw: st.DrawFn, least: int = 5) -> list[Clip]:
    """Corpora of uneven speakers, takes with twins, and in part clips without a speaker."""
    clips = []
    for speaker in range(draw(st.integers(least, 9))):
        for take in range(draw(st.integers(1, 5))):
            twins = range(draw(st.integers(1, 3)))
            clips += [clip(f"{speaker}_{take}_{twin}", f"lab:{speaker}", f"lab:{speaker}_{take}") for twin in twins]
    for take in range(draw(st.integers(0, 3))):
        clips += [clip(f"u_{take}_{twin}", None, f"lab:u_{take}") for twin in range(draw(st.integers(1, 2)))]
    return clips
