"""Opening media files: which streams they hold, how long these last, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream

from fusion.contract import PICTURES, SOUND, DataError, InputMissing
from fusion.media.limits import CONTAINERS, HIGHEST_SOUND_RATE, LARGEST_PICTURE, LONGEST_CLIP, MOST_CHANNELS, TRUNCATED

_TYPES = {PICTURES: "video", SOUND: "audio"}
#: Containers whose clock has a zero of its own; in all others second 0 is the first timestamp.
_OWN_ZERO = ("mov", "matroska", "avi")
#: What a wav header says when its writer did not know the length (a pipe).
_UNKNOWN_BYTES = 2**31 - 2**16
#: Most seconds by which a sound decoder trims the last packets.
_TRIMMED = Fraction(1, 10)


def open_container(path: Path) -> InputContainer:
    """Open a media file for reading.

    Raises:
        InputMissing: There is no such file.
        DataError: The file is empty, truncated or no media file.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise InputMissing("there is no such file", where=str(path)) from None
    if not path.is_file():
        raise DataError("not a file", where=str(path))
    if size == 0:
        raise DataError("the file is empty", where=str(path), remedy="copy or download it again")
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    try:
        container = av.open(str(path.absolute()), options=options, metadata_errors="ignore")
    except (FFmpegError, ValueError) as error:
        raise DataError(
            f"no media file that can be read, or truncated ({size:,} bytes: {_reason(error)})",
            where=str(path),
            remedy="copy it again, or convert it to mp4, mkv, wav or flac",
        ) from None
    try:
        _check_complete(container, path, size)
    except DataError:
        container.close()
        raise
    return container


def streams_of(container: InputContainer, kind: str) -> list[Stream]:
    """The file's elementary streams of a kind, cover pictures left out."""
    return [
        stream
        for stream in container.streams
        if stream.type == _TYPES[kind] and not stream.disposition & Disposition.attached_pic
    ]


def second_zero(container: InputContainer) -> Fraction:
    """The timestamp that is second 0 of the file."""
    if container.format.name.split(",")[0] in _OWN_ZERO:
        return Fraction(0)
    streams = [stream for kind in _TYPES for stream in streams_of(container, kind)]
    starts = [stream.start_time * stream.time_base for stream in streams if stream.start_time and stream.time_base]
    return min(starts) if len(starts) == len(streams) and starts else Fraction(0)


def stream_ends(path: Path, container: InputContainer, streams: Sequence[Stream]) -> dict[int, Fraction]:
    """When each stream ends, by index, in seconds of the file: from the header where that can be trusted.

    Otherwise the packets of a second opening of the file are read through, without decoding.
    """
    zero = second_zero(container)
    ends = {stream.index: end for stream in streams if (end := _header_end(container, stream, zero)) is not None}
    scanned = [stream.index for stream in streams if stream.index not in ends]
    if scanned:
        ends |= _scan(path, scanned, zero)
    for end in ends.values():
        if end > LONGEST_CLIP:
            raise DataError(
                f"lasts {float(end):,.0f} s, over the limit of {float(LONGEST_CLIP):,.0f} s (LONGEST_CLIP)",
                where=str(path),
                remedy="cut it into shorter files",
            )
    return ends


def check_limits(path: Path, stream: Stream) -> None:
    """Refuse streams beyond the named limits. Raises DataError."""
    context = cast("Any", stream.codec_context)
    if stream.type == "video" and context.width * context.height > LARGEST_PICTURE:
        raise DataError(
            f"pictures of {context.width}x{context.height} are over the limit of {LARGEST_PICTURE:,} pixels "
            "(LARGEST_PICTURE)",
            where=str(path),
        )
    if stream.type == "audio" and context.channels > MOST_CHANNELS:
        raise DataError(
            f"{context.channels} channels of sound are over the limit of {MOST_CHANNELS} (MOST_CHANNELS)",
            where=str(path),
        )
    if stream.type == "audio" and not 0 < context.sample_rate <= HIGHEST_SOUND_RATE:
        raise DataError(f"sound at {context.sample_rate} Hz cannot be used", where=str(path))


def decode_error(path: Path, error: Exception, second: Fraction | None) -> DataError:
    """The error of a stream that cannot be decoded any further."""
    place = "at its beginning" if second is None else f"near {float(second):.2f} s"
    return DataError(
        f"cannot be decoded {place} ({_reason(error)}; truncated or damaged?)",
        where=str(path),
        remedy="copy it again, or leave the clip out",
    )


def check_whole(path: Path, kind: str, reached: Fraction | None, end: Fraction) -> None:
    """Compare where decoding ended with where the file says the track ends, in seconds of the clip's clock."""
    if reached is None or reached < end - TRUNCATED:
        place = "before its beginning" if reached is None else f"at {float(reached):.2f} s"
        raise DataError(
            f"the {kind} end {place} of {float(end):.2f} s (truncated or damaged?)",
            where=str(path),
            remedy="copy the file again, or leave the clip out",
        )


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()


def _check_complete(container: InputContainer, path: Path, size: int) -> None:
    """Whether the bytes that the index or the header names are there."""
    promised = _wav_bytes(path) if container.format.name == "wav" else 0
    for stream in container.streams:
        if not container.format.name.startswith("mov") or len(stream.index_entries) == 0:
            continue
        last = stream.index_entries[-1]
        promised = max(promised, last.pos + last.size)
    if promised > size:
        raise DataError(
            f"the file ends after {size:,} bytes, but its header promises {promised:,} (truncated?)",
            where=str(path),
            remedy="copy it again",
        )


def _wav_bytes(path: Path) -> int:
    """Where the samples of a RIFF file end by its header, in bytes; 0 where its writer did not know (a pipe)."""
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return 0
        file.seek(12)
        while len(header := file.read(8)) == 8:
            size = int.from_bytes(header[4:], "little")
            if header[:4] == b"data":
                return file.tell() + size if size < _UNKNOWN_BYTES else 0
            file.seek(size + size % 2, 1)
    return 0


def _header_end(container: InputContainer, stream: Stream, zero: Fraction) -> Fraction | None:
    """The end that the header states, or None where it says nothing or only guesses."""
    if stream.duration is None or stream.time_base is None:
        return None
    name = container.format.name.split(",")[0]
    end = (Fraction(stream.start_time or 0) + stream.duration) * stream.time_base - zero
    if name == "mov":
        return end if stream.frames > 0 or stream.duration == 0 else None
    if name == "flac":
        return end if stream.duration > 0 else None
    return end if name == "wav" else None


def _scan(path: Path, indices: Sequence[int], zero: Fraction) -> dict[int, Fraction]:
    ends = dict.fromkeys(indices, Fraction(0))
    stated: dict[int, Fraction] = {}
    with open_container(path) as container:
        for index in indices:
            stream = container.streams[index]
            if stream.duration is not None and stream.time_base is not None:
                stated[index] = (Fraction(stream.start_time or 0) + stream.duration) * stream.time_base - zero
        for packet in container.demux(*(container.streams[index] for index in indices)):
            time = packet.pts if packet.pts is not None else packet.dts
            if time is not None:
                end = (time + (packet.duration or 0)) * packet.time_base - zero
                ends[packet.stream_index] = max(ends[packet.stream_index], end)
    # Packets count what decoders trim at the end of compressed sound; a header that is only that much shorter is right.
    return {
        index: stated[index] if 0 <= end - stated.get(index, end + 1) <= _TRIMMED else end
        for index, end in ends.items()
    }
