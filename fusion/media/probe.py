"""What a file holds, from its headers and first picture."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Stream

from fusion.contract import PICTURES, SOUND, WORDS
from fusion.media.container import check_limits, decode_error, open_container, second_zero, stream_ends, streams_of
from fusion.media.picture import FramePicture
from fusion.media.words import read_cues

_WORDS_SUFFIXES = frozenset({".txt", ".srt", ".vtt", ".wdseg"})


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """A stream of pictures: upright size (width, height), mean frames per second, end in seconds of the file."""

    size: tuple[int, int]
    rate: Fraction | None
    end: Fraction
    codec: str
    pixel_format: str


@dataclass(frozen=True, slots=True)
class SoundInfo:
    """A stream of sound: samples per second, channels, end in seconds of the file."""

    rate: int
    channels: int
    end: Fraction
    codec: str


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file holds; the duration is where its last stream ends (None for words without times)."""

    path: Path
    duration: Fraction | None
    pictures: tuple[PictureInfo, ...] = ()
    sound: tuple[SoundInfo, ...] = ()
    words: int = 0

    @property
    def kinds(self) -> tuple[str, ...]:
        """Media kinds that the file holds."""
        held = ((PICTURES, self.pictures), (SOUND, self.sound), (WORDS, self.words))
        return tuple(kind for kind, what in held if what)


def probe(path: Path) -> MediaInfo:
    """Look into a media file or a sidecar of words. Raises what open_clip raises."""
    if path.suffix.lower() in _WORDS_SUFFIXES:
        cues = read_cues(path)
        if isinstance(cues, str):
            return MediaInfo(path, None, words=1 if cues else 0)
        return MediaInfo(path, max((cue.end for cue in cues), default=Fraction(0)), words=len(cues))
    with open_container(path) as container:
        seen, heard = streams_of(container, PICTURES), streams_of(container, SOUND)
        for stream in (*seen, *heard):
            check_limits(path, stream)
        ends = stream_ends(path, container, [*seen, *heard])
        return MediaInfo(
            path,
            max(ends.values(), default=Fraction(0)),
            tuple(_picture_info(path, container, stream, ends[stream.index]) for stream in seen),
            tuple(_sound_info(stream, ends[stream.index]) for stream in heard),
        )


def _sound_info(stream: Stream, end: Fraction) -> SoundInfo:
    context = cast("Any", stream.codec_context)
    return SoundInfo(context.sample_rate, context.channels, end, context.name)


def _picture_info(path: Path, container: InputContainer, stream: Stream, end: Fraction) -> PictureInfo:
    context = cast("Any", stream.codec_context)
    size = (context.width, context.height)
    try:
        container.seek(int(second_zero(container)))
        # The display matrix travels with the frames.
        frame = next(container.decode(cast("Any", stream)), None)
    except FFmpegError as error:
        raise decode_error(path, error, None) from None
    if frame is not None:
        size = FramePicture(cast("Any", frame)).size
    return PictureInfo(size, stream.average_rate, end, context.name, context.pix_fmt or "unknown")
