from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from fusion_video import augmentation_options as options
from fusion_video.augmentations import BrightnessContrast, Erase, Flip, ShiftCrop

from fusion.contract import Pieces, Span

WINDOW = Span(Fraction(0), Fraction(3))
CERTAIN = [
    Flip(options.Flip(chance=1)),
    ShiftCrop(options.ShiftCrop()),
    BrightnessContrast(options.BrightnessContrast()),
    Erase(options.Erase(chance=1)),
]
NEVER = [
    Flip(options.Flip(chance=0)),
    ShiftCrop(options.ShiftCrop(chance=0)),
    BrightnessContrast(options.BrightnessContrast(chance=0)),
    Erase(options.Erase(chance=0)),
]


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def still(crops, count=4):
    """A window whose pictures are all the same."""
    row = crops(count, size=(24, 40))
    frames = np.repeat(row["frames"].data[:1], count, axis=0)
    return {**row, "frames": Pieces(frames, row["frames"].rate)}


@pytest.mark.parametrize("augmentation", CERTAIN, ids=lambda value: type(value).__name__)
def test_every_picture_of_a_window_is_changed_alike_and_repeatably(crops, augmentation):
    row = still(crops)
    before = row["frames"].data.copy()
    changed = augmentation(row, WINDOW, generator(3))
    frames = changed["frames"].data
    assert frames.dtype == np.uint8
    assert frames.shape == before.shape
    assert (frames == frames[:1]).all()
    assert (frames != before).any()
    np.testing.assert_array_equal(row["frames"].data, before)
    np.testing.assert_array_equal(frames, augmentation(row, WINDOW, generator(3))["frames"].data)
    assert changed["face"] is row["face"]


@pytest.mark.parametrize("augmentation", NEVER, ids=lambda value: type(value).__name__)
def test_chance_zero_changes_nothing(crops, augmentation):
    row = still(crops)
    np.testing.assert_array_equal(augmentation(row, WINDOW, generator())["frames"].data, row["frames"].data)


@pytest.mark.parametrize(("certain", "never"), list(zip(CERTAIN, NEVER, strict=True)), ids=lambda v: type(v).__name__)
def test_as_many_numbers_are_drawn_whatever_happens(crops, certain, never):
    ends = []
    for augmentation, row in ((certain, still(crops)), (never, still(crops)), (certain, still(crops, 0))):
        random = generator(1)
        augmentation(row, WINDOW, random)
        ends.append(random.random())
    assert len(set(ends)) == 1


@pytest.mark.parametrize("augmentation", CERTAIN, ids=lambda value: type(value).__name__)
def test_pictures_without_a_face_stay_black(crops, augmentation):
    row = crops(4, [1, 0, 1, 1], size=(24, 40))
    frames = augmentation(row, WINDOW, generator(2))["frames"].data
    assert not frames[1].any()
    assert frames[0].any()


def test_flip_mirrors(crops):
    row = still(crops)
    np.testing.assert_array_equal(CERTAIN[0](row, WINDOW, generator())["frames"].data, row["frames"].data[:, :, ::-1])


def test_shift_moves_by_what_it_draws(crops):
    row = still(crops)
    ramp = np.broadcast_to(np.arange(24, dtype=np.uint8)[None, None, :, None] * 5, (4, 40, 24, 3))
    row = {**row, "frames": Pieces(ramp, row["frames"].rate)}
    shift = ShiftCrop(options.ShiftCrop(shift=0.25, zoom=0, tilt=0))
    moved = {int(shift(row, WINDOW, generator(seed))["frames"].data[0, 20, 12, 0]) for seed in range(12)}
    assert min(moved) < 60 < max(moved)
    assert all(60 - 31 <= value <= 60 + 31 for value in moved)


def test_erase_covers_one_rectangle(crops):
    row = still(crops)
    changed = (CERTAIN[3](row, WINDOW, generator(5))["frames"].data[0] != row["frames"].data[0]).any(2)
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    assert changed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean() > 0.95
    assert 0.15 * 40 - 1 <= len(rows) <= 0.4 * 40 + 1
