"""Thinning a corpus so that its classes stand in given proportions."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.contract import Clip, DataError
from fusion.corpora.selection import thin_clips

#: How often IEMOCAP has each.
PROPORTIONS = {"happy": 595.0, "angry": 1103.0, "sad": 1084.0, "neutral": 1708.0}


def clips(speakers: int, each: int, emotions: tuple[str, ...] = (*PROPORTIONS, "bored")) -> list[Clip]:
    return [
        Clip(f"{speaker}_{emotion}_{take}", (), labels={"emotion": emotion}, speaker=f"s{speaker}")
        for speaker in range(speakers)
        for emotion in emotions
        for take in range(each)
    ]


def thinned(own: list[Clip], proportions: dict[str, float] = PROPORTIONS, seed: int = 0) -> list[Clip]:
    return thin_clips(own, {"emotion": proportions}, corpus="lab", seed=seed)


def test_eight_speakers_with_four_clips_of_each_keep_the_proportions_of_iemocap() -> None:
    kept = thinned(clips(8, 4))
    assert Counter(clip.labels["emotion"] for clip in kept) == {"happy": 11, "angry": 21, "sad": 20, "neutral": 32}
    for emotion in PROPORTIONS:
        speakers = Counter(clip.speaker for clip in kept if clip.labels["emotion"] == emotion)
        assert len(speakers) == 8
        assert max(speakers.values()) - min(speakers.values()) <= 1


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(PROPORTIONS)), st.floats(0.5, 20), min_size=1),
    st.integers(1, 6),
    st.integers(1, 9),
    st.integers(0, 9),
    st.data(),
)
def test_as_many_as_possible_are_kept_and_the_choice_is_the_seeds(
    proportions: dict[str, float], speakers: int, each: int, seed: int, data: st.DataObject
) -> None:
    own = clips(speakers, each)
    kept = thinned(own, proportions, seed)
    counts = Counter(clip.labels["emotion"] for clip in kept)
    assert set(counts) == set(proportions)
    scale = speakers * each / max(proportions.values())
    for emotion, share in proportions.items():
        assert counts[emotion] == max(1, round(share * scale))
    assert max(counts.values()) == speakers * each
    again = thinned(data.draw(st.permutations(own)), proportions, seed)
    assert {clip.id for clip in again} == {clip.id for clip in kept}


def test_nothing_is_thinned_unless_asked() -> None:
    own = clips(2, 2)
    assert thin_clips(own, {}, corpus="lab", seed=0) == own


def test_values_that_do_not_occur_and_clips_with_several_are_refused() -> None:
    with pytest.raises(DataError, match=r"corpus lab: no clip has emotion 'proud'; correct corpus\.thin\.emotion"):
        thinned(clips(2, 2), {"happy": 1.0, "proud": 1.0})
    several = [Clip("a", (), labels={"emotion": ["happy", "sad"]})]
    with pytest.raises(DataError, match="clip a has several values of emotion"):
        thinned(several)
