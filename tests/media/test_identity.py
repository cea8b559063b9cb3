from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import pytest

from fusion.contract import PICTURES, SOUND, WORDS, Clip, InputMissing, Region, Track
from fusion.media import content_hash, track_identity


def test_content_is_hashed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc" * 100_000)
    assert content_hash(path) == hashlib.sha256(b"abc" * 100_000).hexdigest()
    with pytest.raises(InputMissing):
        content_hash(tmp_path / "gone")


def test_everything_that_changes_the_pieces_changes_the_identity(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    clip = Clip("one", ())
    tracks = [
        Track(PICTURES, file),
        Track(SOUND, file),
        Track(WORDS, file),
        Track(SOUND, file, stream=1),
        Track(SOUND, file, channel=0),
        Track(SOUND, file, start=Fraction(1, 3)),
        Track(PICTURES, file, region=Region.named("left")),
    ]
    identities = [track_identity(clip, track) for track in tracks]
    identities.append(track_identity(Clip("one", (), duration=Fraction(3)), tracks[0]))
    assert len({tuple(sorted(identity.items())) for identity in identities}) == len(identities)
    assert track_identity(clip, Track(PICTURES, tmp_path / "elsewhere.mp4")) == identities[0]
    assert {"pyav", "libavcodec", "libavformat", "opencv"} <= set(identities[0])
    assert "pyav" not in identities[2]
