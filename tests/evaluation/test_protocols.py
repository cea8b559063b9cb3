import itertools
import math
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.contract import Clip, DataError, NoOptions, SplitProtocol
from fusion.evaluation import options, protocols
from fusion.evaluation.splits import check_split, split_hash
from tests.evaluation.clips import clip, corpora, corpus, whole

HONEST = [
    protocols.SpeakerFolds(options.SpeakerFolds(folds=3)),
    protocols.SpeakerFolds(options.SpeakerFolds(folds=5)),
    protocols.LeaveOneSpeakerOut(NoOptions()),
    protocols.SpeakerDraws(options.SpeakerDraws(test=0.3, validation=0.1, draws=4)),
    protocols.HeldOut(options.HeldOut(test=("0", "1"), validation=("2",))),
]
LEAKING = [
    protocols.WithinSpeaker(options.Shares(test=0.3, validation=0.2)),
    protocols.Random(options.Random(test=0.3, validation=0.2)),
    protocols.Random(options.Random(test=0.3, validation=0.2, draws=3)),
]


@pytest.mark.parametrize("protocol", HONEST, ids=lambda p: type(p).__name__)
@settings(max_examples=25, deadline=None)
@given(clips=corpora(), seed=st.integers(0, 5), data=st.data())
def test_no_speaker_and_no_take_crosses_parts(
    protocol: SplitProtocol, clips: list[Clip], seed: int, data: st.DataObject
) -> None:
    splits = protocol.splits(clips, seed)
    whole(splits, clips)
    for split in splits:
        check_split(split, {c.id: c for c in clips}, leaking=False)
    shuffled = data.draw(st.permutations(clips))
    assert split_hash(protocol.splits(shuffled, seed)) == split_hash(splits)


@settings(max_examples=40, deadline=None)
@given(
    speakers=st.integers(4, 12),
    test=st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.4]),
    validation=st.sampled_from([0.1, 0.2]),
    draws=st.integers(1, 12),
    seed=st.integers(0, 5),
)
def test_draws_are_of_whole_speakers_rounded_up_and_no_two_are_alike(
    speakers: int, test: float, validation: float, draws: int, seed: int
) -> None:
    clips = corpus(speakers, each=2)
    splits = protocols.SpeakerDraws(options.SpeakerDraws(test, validation, draws)).splits(clips, seed)
    tested = [{i[:2] for i in split.test} for split in splits]
    count = math.ceil(Fraction(str(test)) * speakers)
    assert len(splits) == min(draws, math.comb(speakers, count))
    assert {len(one) for one in tested} == {count}
    assert len({frozenset(one) for one in tested}) == len(splits)
    held = math.ceil(Fraction(str(validation)) * speakers)
    assert {len({i[:2] for i in split.validation}) for split in splits} == {held}


def test_eight_speakers_are_drawn_eight_ten_and_ten_times_about_as_often_each() -> None:
    clips = corpus(8, each=3)
    for share, count, draws in ((0.1, 1, 8), (0.2, 2, 10), (0.3, 3, 10)):
        splits = protocols.SpeakerDraws(options.SpeakerDraws(test=share)).splits(clips, 0)
        times = Counter(i[:2] for split in splits for i in split.test)
        assert [len(splits), sum(times.values()) // 3] == [draws, draws * count]
        assert len(times) == 8
        assert max(times.values()) - min(times.values()) <= 3
    one = protocols.SpeakerDraws(options.SpeakerDraws())
    assert split_hash(one.splits(clips, 0)) != split_hash(one.splits(clips, 1))


def test_draws_that_leave_nobody_to_train_are_refused() -> None:
    with pytest.raises(DataError, match="3 and 1 of 4 speakers leave none to train"):
        protocols.SpeakerDraws(options.SpeakerDraws(test=0.6)).splits(corpus(4), 0)
    with pytest.raises(ValueError, match="shares above 0 and below 1"):
        options.SpeakerDraws(test=2)
    with pytest.raises(ValueError, match="draws is at least 1"):
        options.Random(draws=0)


@pytest.mark.parametrize("protocol", [*HONEST[:3]], ids=lambda p: type(p).__name__)
def test_folds_test_every_clip_once_and_validate_on_the_next_fold(protocol: SplitProtocol) -> None:
    clips = corpus(8)
    splits = protocol.splits(clips, 0)
    assert sorted(itertools.chain(*(split.test for split in splits))) == sorted(c.id for c in clips)
    for split, after in zip(splits, [*splits[1:], splits[0]], strict=True):
        assert split.validation == after.test


@pytest.mark.parametrize("protocol", LEAKING, ids=lambda p: type(p).__name__)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 5), data=st.data())
def test_leaking_protocols_say_so_and_keep_takes_whole(protocol: SplitProtocol, seed: int, data: st.DataObject) -> None:
    clips = corpus(5, each=10, twins=2)
    assert protocol.leaking
    splits = protocol.splits(clips, seed)
    whole(splits, clips)
    for split in splits:
        check_split(split, {c.id: c for c in clips}, leaking=True)
    assert split_hash(protocol.splits(data.draw(st.permutations(clips)), seed)) == split_hash(splits)
    speakers = {c.id: c.speaker for c in clips}
    assert {speakers[i] for i in splits[0].test} & {speakers[i] for i in splits[0].train}


def test_within_speaker_takes_the_same_share_of_everyone() -> None:
    clips = corpus(4, each=10)
    split = protocols.WithinSpeaker(options.Shares(test=0.2, validation=0.1)).splits(clips, 0)[0]
    for speaker in range(1, 5):
        assert sum(i.startswith(f"{speaker:02d}") for i in split.test) == 2
        assert sum(i.startswith(f"{speaker:02d}") for i in split.validation) == 1


def test_speaker_folds_are_even_and_drawn_from_the_seed() -> None:
    clips = corpus(20, each=4)
    protocol = protocols.SpeakerFolds(options.SpeakerFolds(folds=5))
    assert {len(split.test) for split in protocol.splits(clips, 0)} == {16}
    assert split_hash(protocol.splits(clips, 0)) != split_hash(protocol.splits(clips, 1))


def test_the_published_folds_of_ravdess() -> None:
    clips = corpus(24, each=2)
    splits = protocols.NamedFolds(options.NamedFolds()).splits(clips, 7)
    tested = [sorted({int(i[:2]) for i in split.test}) for split in splits]
    assert tested == [
        [2, 5, 14, 15, 16],
        [3, 6, 7, 13, 18],
        [10, 11, 12, 19, 20],
        [8, 17, 21, 23, 24],
        [1, 4, 9, 22],
    ]


def test_named_folds_refuse_speakers_that_stand_in_none() -> None:
    with pytest.raises(DataError, match="lab:25 stand in no fold"):
        protocols.NamedFolds(options.NamedFolds()).splits(corpus(25, each=1), 0)


def test_named_folds_refuse_a_fold_without_clips() -> None:
    with pytest.raises(DataError, match="no clips for fold_4"):
        protocols.NamedFolds(options.NamedFolds()).splits(
            [c for c in corpus(24, each=1) if c.speaker not in ("lab:01", "lab:04", "lab:09", "lab:22")], 0
        )


@pytest.mark.parametrize(("by", "groups"), [("group", 4), ("room", 3)])
def test_groups_and_details_are_left_out_in_turn(by: str, groups: int) -> None:
    clips = corpus(6)
    splits = protocols.LeaveOneGroupOut(options.LeaveOneGroupOut(by=by)).splits(clips, 0)
    assert len(splits) == groups
    known = {c.id: c.group if by == "group" else c.details["room"] for c in clips}
    for split in splits:
        assert len({known[i] for i in split.test}) == 1
        assert not {known[i] for i in split.test} & {known[i] for i in (*split.train, *split.validation)}


def test_leaving_out_what_some_clips_lack_names_one() -> None:
    with pytest.raises(DataError, match="clip x has no group"):
        protocols.LeaveOneGroupOut(options.LeaveOneGroupOut()).splits([*corpus(4), clip("x", "lab:9")], 0)


def test_held_out_speakers_are_named_with_or_without_zeros() -> None:
    split = protocols.HeldOut(options.HeldOut(test=("01", "lab:02"), validation=("3",))).splits(corpus(5), 0)[0]
    assert {i[:2] for i in split.test} == {"01", "02"}
    assert {i[:2] for i in split.validation} == {"03"}
    assert {i[:2] for i in split.train} == {"04", "05"}


def test_held_out_refuses_strangers_and_speakers_named_twice() -> None:
    with pytest.raises(DataError, match=r"no clips of nobody.*the corpus has 1, 2"):
        protocols.HeldOut(options.HeldOut(test=("nobody",), validation=("2",))).splits(corpus(5), 0)
    with pytest.raises(DataError, match="1 stand in both"):
        protocols.HeldOut(options.HeldOut(test=("1",), validation=("01",))).splits(corpus(5), 0)


@pytest.mark.parametrize("speakers", [1, 2])
def test_too_few_speakers_are_refused_with_a_way_out(speakers: int) -> None:
    with pytest.raises(DataError, match="at least three are needed"):
        protocols.LeaveOneSpeakerOut(NoOptions()).splits(corpus(speakers), 0)
    with pytest.raises(DataError, match="do not fill 5 folds"):
        protocols.SpeakerFolds(options.SpeakerFolds()).splits(corpus(speakers), 0)


def test_a_single_speaker_can_be_split_within() -> None:
    clips = corpus(1, each=10)
    split = protocols.WithinSpeaker(options.Shares()).splits(clips, 0)[0]
    assert (len(split.train), len(split.validation), len(split.test)) == (7, 1, 2)


def test_shares_that_leave_nothing_to_train_on_are_refused() -> None:
    with pytest.raises(DataError, match="leave none to train"):
        protocols.Random(options.Random(test=8, validation=4)).splits(corpus(1, each=12), 0)


def test_clips_without_a_speaker_are_grouped_by_take() -> None:
    clips = [clip(f"{take}_{twin}", None, f"lab:{take}") for take in range(9) for twin in range(3)]
    for split in protocols.SpeakerFolds(options.SpeakerFolds(folds=3)).splits(clips, 0):
        assert not {i[0] for i in split.test} & {i[0] for i in (*split.train, *split.validation)}
