"""Derived manifests: which rows are made of clips, and what is read of them."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.catalog import catalog
from fusion.config.experiment import LoadedExperiment
from fusion.config.models import CopySettings, WindowSettings
from fusion.contract import Clip, ConfigError, Pieces, Span
from fusion.data.batches import ClipTable, make_batch
from fusion.data.copies import CopiedClip, origin_of, original, split_rows
from fusion.data.plan import evaluation_windows
from fusion.data.rows import Absent
from fusion.data.windows import windows_of
from fusion.heads.options import Classes as Options
from fusion.heads.targets import Classes
from fusion.training.finetune import Materials, gather
from fusion.training.report import Silent
from tests.evaluation.small import TONES, experiment_in, write_corpus

TARGET = Classes(Options(classes=tuple(TONES)))
QUARTER = WindowSettings(seconds=Fraction(1, 4))
AUGMENTED = [{"name": "gain", "deviation": 0.3, "chance": 1.0}, {"name": "noise", "deviation": 0.5, "chance": 1.0}]


def clips(counts: dict[str, list[float]]) -> list[Clip]:
    return [
        Clip(
            f"{emotion}_{number}", (), Fraction(str(seconds)), {"emotion": emotion}, f"s{number % 3}", take=f"t{number}"
        )
        for emotion, lengths in counts.items()
        for number, seconds in enumerate(lengths)
    ]


class Copying:
    """The part of an experiment that rows are made by."""

    def __init__(self, seed: int = 0, **chosen: object) -> None:
        self.copies = CopySettings.model_validate(chosen)
        self.seed = seed


def rows(own: list[Clip], seed: int = 0, **chosen: object) -> list[CopiedClip]:
    made = split_rows(Copying(seed, **chosen), own, TARGET)  # type: ignore[arg-type]
    assert all(isinstance(row, CopiedClip) for row in made)
    return made  # type: ignore[return-value]


lengths = st.lists(st.floats(0.1, 12).map(lambda x: round(x, 3)), min_size=1, max_size=6)


@given(st.fixed_dictionaries(dict.fromkeys(TONES, lengths)), st.sampled_from([(), ("gain",), ("gain", "noise")]))
@settings(max_examples=60, deadline=None)
def test_every_piece_is_repeated_up_to_the_largest_class_and_copied_once_by_each_augmentation(
    counts: dict[str, list[float]], augmentations: tuple[str, ...]
) -> None:
    own = clips(counts)
    made = rows(own, pieces=3, repeat=True, augmentations=augmentations)
    assert len({row.id for row in made}) == len(made)
    assert {row.take for row in made} == {None}
    by_id = {clip.id: clip for clip in own}
    pieces: Counter[str] = Counter()
    for clip in own:
        assert clip.duration is not None
        spans = windows_of(clip.duration, WindowSettings(seconds=Fraction(3)))
        pieces[clip.labels["emotion"]] += len(spans)
        mine = {row.span for row in made if row.origin is clip}
        assert mine == (set(spans) if len(spans) > 1 else {None})
    classes = Counter(row.labels["emotion"] for row in made)
    assert set(classes.values()) == {max(pieces.values()) * (1 + len(augmentations))}
    assert set(Counter(row.augmentation for row in made).values()) == {max(pieces.values()) * len(TONES)}
    for row in made:
        assert by_id[origin_of(row.id)] is row.origin is original(row)
        assert (row.labels, row.speaker, row.tracks) == (row.origin.labels, row.origin.speaker, row.origin.tracks)
    # repetitions are spread: no row of a class stands there twice more often than another
    for emotion in TONES:
        times = Counter(
            (row.origin.id, row.span) for row in made if row.labels["emotion"] == emotion and row.augmentation is None
        )
        assert max(times.values()) - min(times.values()) <= 1


@given(st.fixed_dictionaries(dict.fromkeys(TONES, lengths)), st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_rows_depend_on_clips_and_seed_alone(counts: dict[str, list[float]], seed: int) -> None:
    own = clips(counts)
    assert rows(own, seed, pieces=3, repeat=True) == rows(own, seed, pieces=3, repeat=True)


def test_no_row_is_made_of_clips_where_none_is_asked_for() -> None:
    own = clips({"calm": [1.0], "happy": [7.0]})
    experiment = Copying()
    experiment.copies = None  # type: ignore[assignment]
    assert split_rows(experiment, own, TARGET) == own  # type: ignore[arg-type]


def test_repeating_by_class_needs_classes() -> None:
    several = Classes(Options(classes=tuple(TONES), kind="several"))
    with pytest.raises(ConfigError, match=r"copies\.repeat +needs a target of one class of several"):
        split_rows(Copying(repeat=True), clips({"calm": [1.0]}), several)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def copying(tmp_path_factory: pytest.TempPathFactory) -> Materials:
    """Half-second clips as pieces of a quarter, repeated and augmented in two ways, split at random."""
    folder = write_corpus(tmp_path_factory.mktemp("copies"))
    return gather(copying_experiment(folder), catalog(), Silent())


def copying_experiment(folder: Path, **changes: object) -> LoadedExperiment:
    streams = {
        "voice": {
            "modality": {"name": "audio", "standardise": "training"},
            "transforms": [{"name": "log_mel", "bands": 16, "rate": 50, "highest": 3900}],
            "augmentations": AUGMENTED,
            "encoder": {"name": "cnn", "width": 4, "layers": 2, "bands": 2, "dim": 8, "heads": 2},
        },
        "words": {"modality": {"name": "text"}, "encoder": {"name": "lstm"}},
    }
    given = {
        "window": {"seconds": "1/4"}, "streams": streams, "protocol": {"name": "random"}, "leaking": True,
        "copies": {"pieces": "1/4", "repeat": True, "augmentations": ["gain", "noise"]}, **changes,
    }  # fmt: skip
    return experiment_in(folder, **given)


def table(materials: Materials, ids: list[str]) -> ClipTable:
    return ClipTable([materials.clips[i] for i in ids], materials.plans, materials.store, materials.target)


def frames(own: ClipTable, *, training: bool, address: tuple[int, ...] = ()) -> list[np.ndarray]:
    found = []
    for window in evaluation_windows(own.durations, QUARTER):
        row = own.row(window, "voice", training=training, address=address)
        assert not isinstance(row, Absent)
        assert isinstance(row["frames"], Pieces)
        found.append(np.asarray(row["frames"].data))
    return found


def test_a_copy_is_augmented_in_every_part_and_the_same_each_time(copying: Materials) -> None:
    first = next(iter(copying.clips)).partition("~")[0] + "~piece_0"
    own = table(copying, [first, f"{first}~gain", f"{first}~noise"])
    plain, gained, noisy = frames(own, training=False)
    # gain adds one number to all of a row, noise another to each value
    assert float(np.std(gained - plain)) < 1e-5
    assert abs(float((gained - plain).mean())) > 0.01
    assert float(np.std(noisy - plain)) > 1e-3
    for training, address in ((False, ()), (True, (0, 1)), (True, (5, 2))):
        again = frames(own, training=training, address=address)
        for a, b in zip((plain, gained, noisy), again, strict=True):
            np.testing.assert_array_equal(a, b)
    assert copying.clips[f"{first}~gain"].id in {
        i for split in copying.splits.splits for i in (*split.test, *split.train)
    }


def test_pieces_read_what_their_clip_has_there(copying: Materials) -> None:
    name = next(iter(copying.clips)).partition("~")[0]
    clip = original(copying.clips[f"{name}~piece_1"])
    pieces = table(copying, [f"{name}~piece_0", f"{name}~piece_1"])
    whole = ClipTable([clip], copying.plans, copying.store, copying.target)
    assert pieces.durations == (Fraction(1, 4), Fraction(1, 4))
    windows = evaluation_windows(whole.durations, QUARTER)
    fitted = {
        stream: plan.modality.fit(
            [row for window in windows if not isinstance(row := whole.row(window, stream), Absent)]
        )
        for stream, plan in copying.plans.items()
    }
    cut = make_batch(pieces, evaluation_windows(pieces.durations, copying.loaded.experiment.window), fitted)
    uncut = make_batch(whole, windows, fitted)
    assert [window.span for window in cut.windows] == [window.span for window in uncut.windows] == [
        Span(Fraction(0), Fraction(1, 4)), Span(Fraction(1, 4), Fraction(1, 2)),
    ]  # fmt: skip
    for stream in copying.plans:
        ours, theirs = cut.streams[stream], uncut.streams[stream]
        assert ours is not None
        assert theirs is not None
        for key, tensor in ours.tensors.items():
            assert tensor.equal(theirs.tensors[key]), (stream, key)


def test_rows_without_augmented_copies_are_augmented_in_training_as_ever(copying: Materials, tmp_path: Path) -> None:
    folder = write_corpus(tmp_path)
    own = gather(copying_experiment(folder, copies={"pieces": "1/4"}), catalog(), Silent())
    pieces = table(own, [next(iter(own.clips))])
    (plain,) = frames(pieces, training=False)
    (one,), (other,) = (frames(pieces, training=True, address=(0, epoch)) for epoch in (1, 2))
    assert not np.array_equal(plain, one)
    assert not np.array_equal(one, other)


def test_copies_cross_parts_only_where_leaking_is_asked_for(copying: Materials, tmp_path: Path) -> None:
    assert copying.splits.leaking
    assert copying.splits.guarantee == "LEAKING: random lets speakers, and copies of one clip, cross parts"
    assert "108 rows were made of 18 clips before the split" in copying.splits.notes
    (split,) = copying.splits.splits
    origins = [{origin_of(i) for i in part} for part in (split.train, split.test)]
    assert origins[0] & origins[1]
    folder = write_corpus(tmp_path)
    with pytest.raises(
        ConfigError, match=r"copies +copies of one clip may stand in several parts; write leaking: true"
    ):
        copying_experiment(folder, leaking=False, protocol={"name": "speaker_folds", "folds": 3})
    # whole speakers keep copies together, but what is tested are copies all the same
    apart = gather(copying_experiment(folder, protocol={"name": "speaker_folds", "folds": 3}), catalog(), Silent())
    assert apart.splits.leaking


def test_copies_are_named_after_augmentations_that_change_every_row(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path)
    with pytest.raises(ConfigError, match=r"copies\.augmentations +there is no augmentation 'rotat'   \(instal"):
        copying_experiment(folder, copies={"augmentations": ["rotat"]})
    streams = {
        "voice": {
            "modality": {"name": "audio"},
            "transforms": [{"name": "log_mel"}],
            "augmentations": [{"name": "noise", "chance": 0.5}],
            "encoder": {"name": "cnn"},
        }
    }
    with pytest.raises(
        ConfigError, match=r"streams\.voice\.augmentations\.0\.chance +copies named noise always go through it"
    ):
        copying_experiment(folder, streams=streams, copies={"augmentations": ["noise"]})
