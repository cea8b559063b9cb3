"""What components are checked on: small clips in pieces, made here or by a plugin's own decoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from fusion.contract import PICTURES, SOUND, WORDS, Clip, Decoder, Need, Pieces, Row, Span, Track, Want
from fusion.testing.faces import face_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Seconds of the clips that the kit makes: none is a multiple of another.
SECONDS = (Fraction(8, 5), Fraction(13, 10), Fraction(7, 10))
#: Samples per second of its sound: shares few factors with the rates that networks like.
SOUND_RATE = Fraction(22050)
#: Pictures per second where a modality takes them as they are.
PICTURE_RATE = Fraction(10)
#: (width, height) of its pictures.
PICTURE_SIZE = (120, 90)
_WORDS = ["kids", "are", "talking", "by", "the", "door", "while", "dogs", "are", "sitting", "near", "it"]
_EMOTIONS = ("neutral", "happy", "sad", "angry")


class ArrayPicture:
    """A ``Picture`` over an RGB array ``[height, width, 3]`` uint8."""

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self.image = image

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]

    def grey(self, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Luma ``[height, width]``, scaled to size (width, height)."""
        import cv2

        grey = cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY)
        return np.asarray(grey if size is None else cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)

    def rgb(
        self, box: tuple[float, float, float, float] | None = None, size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        """The box, its outside repeating the edge, scaled to size (width, height)."""
        import cv2

        left, top, width, height = (0, 0, *self.size) if box is None else box
        columns = np.clip(np.arange(round(left), round(left + width)), 0, self.size[0] - 1)
        rows = np.clip(np.arange(round(top), round(top + height)), 0, self.size[1] - 1)
        crop = np.ascontiguousarray(self.image[rows][:, columns])
        return np.asarray(crop if size is None else cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)


def made_pieces(kind: str, seconds: Fraction, rate: Fraction | None = None, seed: int = 0) -> Pieces:
    """Pieces of one of the engine's own media kinds, the same for the same arguments.

    Sound is a gliding tone in syllables over a little noise, pictures a drawn face that moves, words a sentence.

    Args:
        kind: ``sound``, ``pictures`` or ``words``.
        seconds: How long they last.
        rate: Pictures per second.
        seed: Another clip.
    """
    if kind == SOUND:
        return Pieces(_sound(seconds, seed), SOUND_RATE)
    if kind == PICTURES:
        rate = rate or PICTURE_RATE
        count = len(Span(Fraction(0), seconds).indices(rate))
        return Pieces([_picture(k, count, seed) for k in range(count)], rate)
    assert kind == WORDS, kind
    count = 2 + round(seconds * 4)
    said = [_WORDS[(seed + k) % len(_WORDS)] for k in range(count)]
    times = np.arange(count) * float(seconds) / count
    return Pieces(said, None, times=times, ends=np.append(times[1:], float(seconds)))


def _sound(seconds: Fraction, seed: int) -> NDArray[np.float32]:
    random = np.random.Generator(np.random.Philox(seed))
    time = np.arange(round(seconds * SOUND_RATE)) / float(SOUND_RATE)
    phase = 2 * np.pi * (110 + 40 * seed) * time + 8 * np.sin(2 * np.pi * time)
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    syllables = 0.1 + np.clip(np.sin(2 * np.pi * 2.5 * time), 0, None)
    return np.asarray(0.15 * voice * syllables + 0.01 * random.standard_normal(len(time)), np.float32)


def _picture(index: int, count: int, seed: int) -> ArrayPicture:
    share = index / max(count - 1, 1)
    emotion = _EMOTIONS[seed % len(_EMOTIONS)]
    drawn = face_picture(
        PICTURE_SIZE, identity=seed, emotion=emotion, strength=share, mouth=0.5 * share, right=0.2 * share - 0.1,
        scale=0.85,
    )  # fmt: skip
    return ArrayPicture(drawn)


def decoded(
    decoder: Decoder, tracks: Sequence[Track], want: Want, step: Fraction = Fraction(1)
) -> tuple[Pieces | None, Fraction]:
    """All pieces of a want, as a source hands them over in steps, and the clip's duration in seconds.

    None for a want of which nothing comes. Two hours without an end are one that never comes.
    """
    source = decoder.open(Clip("kit", tuple(tracks)), tracks, [want])
    parts: list[Pieces] = []
    until = Fraction(0)
    try:
        while not source.exhausted:
            until += step
            if until > 7200:
                raise RuntimeError("the source is not exhausted after two hours of a small clip")
            handed = source.advance(until).get(want)
            if handed is not None and len(handed):
                parts.append(handed)
        duration = source.duration
    finally:
        source.close()
    if duration is None:
        raise RuntimeError("the exhausted source does not say how long the clip is")
    return (joined(parts) if parts else None), duration


def joined(parts: Sequence[Pieces]) -> Pieces:
    """One run of pieces from parts that continue each other; raises ValueError where they do not."""
    held = [part for part in parts if len(part)] or list(parts[:1])
    for earlier, later in pairwise(held):
        if (earlier.rate, earlier.rate is None or earlier.first + len(earlier)) != (
            later.rate,
            later.rate is None or later.first,
        ):
            raise ValueError(f"pieces that end before item {earlier.first + len(earlier)} go on at item {later.first}")
    first = held[0]
    if isinstance(first.data, np.ndarray):
        data: Any = np.concatenate([part.data for part in held])
    else:
        data = [item for part in held for item in part.data]
    if first.rate is not None:
        return Pieces(data, first.rate, first.first)
    times = np.concatenate([part.times for part in held if part.times is not None])
    ends = None if first.ends is None else np.concatenate([part.ends for part in held if part.ends is not None])
    return Pieces(data, None, 0, times, ends)


def within(row: Row, span: Span) -> Row:
    """A row's pieces in a span."""
    return {name: pieces.within(span) for name, pieces in row.items()}


def end_of(row: Row) -> Fraction:
    """Where the last piece of a row ends, in seconds."""
    ends = [Fraction(0)]
    for pieces in row.values():
        if pieces.rate is not None:
            ends.append(pieces.span.end)
        elif len(pieces):
            last = pieces.times if pieces.ends is None else pieces.ends
            assert last is not None
            ends.append(Fraction(float(last[-1])).limit_denominator(1000))
    return max(ends)


def same_pieces(first: Pieces, second: Pieces) -> str | None:
    """In what two runs of pieces differ, or None; arrays are compared to the bit."""
    if (first.rate, len(first)) != (second.rate, len(second)):
        return f"{len(first)} items at rate {first.rate} against {len(second)} at {second.rate}"
    if len(first) == 0:
        return None
    if first.rate is not None and first.first != second.first:
        return f"item {first.first} comes first against item {second.first}"
    for name in ("times", "ends"):
        one, other = getattr(first, name), getattr(second, name)
        if (one is None) != (other is None) or (one is not None and not np.array_equal(one, other)):
            return f"other {name}"
    if isinstance(first.data, np.ndarray) and isinstance(second.data, np.ndarray):
        if (first.data.dtype, first.data.shape) != (second.data.dtype, second.data.shape):
            kinds = [f"{data.dtype} {data.shape}" for data in (first.data, second.data)]
            return " against ".join(kinds)
        if not np.array_equal(first.data, second.data, equal_nan=first.data.dtype.kind == "f"):
            return _first_difference(first, second)
        return None
    different = [k for k, (a, b) in enumerate(zip(first.data, second.data, strict=True)) if not _same_item(a, b)]
    return f"item {first.first + different[0]} is another" if different else None


def same_rows(first: Row, second: Row) -> str | None:
    """In what two rows differ, or None."""
    if first.keys() != second.keys():
        return f"{', '.join(first) or 'nothing'} against {', '.join(second) or 'nothing'}"
    for name, pieces in first.items():
        difference = same_pieces(pieces, second[name])
        if difference is not None:
            return f"'{name}': {difference}"
    return None


def _first_difference(first: Pieces, second: Pieces) -> str:
    differ = np.flatnonzero((first.data != second.data).reshape(len(first), -1).any(axis=1))
    place = int(differ[0])
    where = f"item {first.first + place}"
    if first.rate is not None:
        where += f" (second {float((first.first + place) / first.rate):.3f})"
    return f"{len(differ)} of {len(first)} items differ, first {where}"


def _same_item(first: Any, second: Any) -> bool:
    if first is second:
        return True
    if isinstance(first, ArrayPicture) and isinstance(second, ArrayPicture):
        return np.array_equal(first.image, second.image)
    return bool(np.array_equal(first, second))


def kept_row(row: Row) -> Row:
    """A copy of a row that shares no memory with it: to compare with afterwards."""

    def copy(data: Any) -> Any:
        if isinstance(data, np.ndarray):
            return data.copy()
        return [ArrayPicture(item.image.copy()) if isinstance(item, ArrayPicture) else item for item in data]

    return {
        name: Pieces(
            copy(pieces.data),
            pieces.rate,
            pieces.first,
            None if pieces.times is None else pieces.times.copy(),
            None if pieces.ends is None else pieces.ends.copy(),
        )
        for name, pieces in row.items()
    }


def made_rows(needs: Mapping[str, Need], decoders: Mapping[str, tuple[Decoder, Sequence[Track]]]) -> list[Row]:
    """Clips of different lengths with what a modality needs.

    Args:
        needs: By media kind.
        decoders: Of kinds that the engine does not read, a decoder and the tracks of a small clip; the clips are
            stretches of it, each moved to second 0.
    """
    rows: list[dict[str, Pieces]] = []
    for seed, seconds in enumerate(SECONDS):
        row = {}
        for kind, need in needs.items():
            if kind in decoders:
                decoder, tracks = decoders[kind]
                moved = [_moved(track, Fraction(seed, 4)) for track in tracks]
                pieces, _ = decoded(decoder, moved, Want(kind, need.rate))
                if pieces is not None:
                    row[kind] = pieces.within(Span(Fraction(0), seconds))
            else:
                row[kind] = made_pieces(kind, seconds, need.rate, seed)
        rows.append(row)
    return list(rows)


def _moved(track: Track, seconds: Fraction) -> Track:
    return Track(track.kind, track.file, track.stream, track.start + seconds, track.channel, track.region)
