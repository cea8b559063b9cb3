import csv
import gzip
import os
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.contract import PICTURES, SOUND, Clip, Split, Track
from fusion.corpora import alike as module
from fusion.corpora.alike import DISTANCE, alike, alike_stills, crossing, picture_hash
from fusion.testing.faces import face_picture


def face(identity: int) -> np.ndarray:
    picture = face_picture((120, 90), identity=identity)
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def bits_between(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.unpackbits(picture_hash(one) ^ picture_hash(other)).sum())


@pytest.mark.parametrize("identity", range(3))
def test_a_copy_looks_like_its_picture(identity):
    picture = face(identity)
    stored = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_GRAYSCALE)
    shrunk = cv2.resize(picture, (80, 60), interpolation=cv2.INTER_AREA)
    for copy in (stored, shrunk, (picture * 0.8 + 20).astype(np.uint8)):
        assert bits_between(picture, copy) <= DISTANCE


def test_other_people_do_not():
    pictures = [face(identity) for identity in range(4)]
    assert all(bits_between(a, b) > DISTANCE for a, b in combinations(pictures, 2))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(0, 40), min_size=1, max_size=12), st.integers(1, 4))
def test_groups_are_the_chains_of_near_pictures(seed, flips, rows):
    random = np.random.default_rng(seed)
    bits = random.integers(0, 2, (len(flips), 256), dtype=np.uint8)
    bits[:] = bits[0]
    for own, count in zip(bits, flips, strict=True):
        own[random.permutation(256)[:count]] ^= 1
    hashes = np.packbits(bits, axis=1)
    before = module._ROWS
    module._ROWS = rows
    try:
        found = alike(hashes)
    finally:
        module._ROWS = before
    expected = list(range(len(flips)))
    for a, b in combinations(range(len(flips)), 2):
        if (bits[a] != bits[b]).sum() <= DISTANCE:
            expected = [expected[a] if group == expected[b] else group for group in expected]
    for a, b in combinations(range(len(flips)), 2):
        assert (found[a] == found[b]) == (expected[a] == expected[b])


def test_stills_alone_are_looked_at(tmp_path):
    names = {"a": face(0), "b": face(1), "again": face(0)}
    for name, picture in names.items():
        cv2.imwrite(str(tmp_path / f"{name}.webp"), picture, [cv2.IMWRITE_WEBP_QUALITY, 80])
    (tmp_path / "broken.png").write_text("no picture")
    clips = [Clip(name, (Track(PICTURES, tmp_path / f"{name}.webp"),)) for name in names]
    clips += [
        Clip("broken", (Track(PICTURES, tmp_path / "broken.png"),)),
        Clip("film", (Track(PICTURES, tmp_path / "film.mp4"), Track(SOUND, tmp_path / "film.mp4"))),
    ]
    groups = alike_stills(clips)
    assert set(groups) == set(names)
    assert groups["a"] == groups["again"] != groups["b"]
    assert crossing(Split("s", ("a", "film"), ("b",), ("again", "broken")), groups) == {"again": "a"}
    assert crossing(Split("s", ("b",), ("film",), ("again", "a")), groups) == {}
    assert alike_stills(clips[4:]) == {}


@pytest.mark.skipif("FUSION_DATA" not in os.environ, reason="FUSION_DATA is not set")
def test_real_faces_that_are_tested_and_trained_on():
    """FER-2013's official parts: all byte-identical test images are found, and few others."""
    source = Path(os.environ["FUSION_DATA"]) / "fer2013"
    with gzip.open(source / "labels.csv.gz", "rt", encoding="utf-8") as file:
        parts = [{"Training": "train", "PrivateTest": "test"}.get(row["usage"]) for row in csv.DictReader(file)]
    sheets = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted(source.glob("faces_*.webp"))]
    faces = {}
    for number in range(len(parts)):
        down, across = divmod(number % 2000, 50)
        faces[number] = sheets[number // 2000][48 * down :, 48 * across :][:48, :48]
    chosen = [number for number, part in enumerate(parts) if part]
    groups = dict(zip(chosen, alike(np.stack([picture_hash(faces[k]) for k in chosen])).tolist(), strict=True))
    trained = {faces[k].tobytes() for k in chosen if parts[k] == "train"}
    same = {k for k in chosen if parts[k] == "test" and faces[k].tobytes() in trained}
    split = Split(
        "official",
        *(tuple(str(k) for k in chosen if parts[k] == part) for part in ("train", "validation", "test")),
    )
    found = crossing(split, {str(k): group for k, group in groups.items()})
    assert len(same) == 288
    assert {str(k) for k in same} <= set(found)
    assert len(found) == 321
