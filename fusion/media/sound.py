"""Sound of one track as float samples on the clip's clock."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
from av.audio.frame import AudioFrame
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from numpy.typing import NDArray

from fusion.contract import SOUND, DataError, Pieces, Track, Want
from fusion.media.clock import Clock, Grid
from fusion.media.container import check_limits, check_whole, decode_error
from fusion.media.limits import JITTER

_FULL_SCALE = {"u8": 2**7, "s16": 2**15, "s32": 2**31, "s64": 2**63}


class SoundTrack:
    """Decodes one stream of sound from the file's beginning, mono, at its own rate.

    Sample i lies at i/rate of the clip's clock, rounded to the nearest sample. Before the track begins and in its
    gaps there are zeros; after its end there is nothing.

    Args:
        track: Channel and start are used.
        stream: The elementary stream, of a container that has not been read yet.
        zero: Timestamp that is second 0 of the file.
        ends: Seconds of the clip's clock at which the track and the clip end.
        threads: Decoding threads.
    """

    def __init__(
        self, track: Track, stream: Stream, zero: Fraction, ends: tuple[Fraction, Fraction], *, threads: int
    ) -> None:
        self.path: Path = track.file
        self.index = stream.index
        check_limits(track.file, stream)
        context = cast("Any", stream.codec_context)
        context.thread_count = threads
        if track.channel is not None and not 0 <= track.channel < context.channels:
            raise DataError(
                f"channel {track.channel} was asked for, but the sound has {context.channels}",
                where=str(track.file),
                remedy=f"use 0 to {context.channels - 1}",
            )
        self.rate = Fraction(context.sample_rate)
        self._stream = stream
        self._channel = track.channel
        self._offset = zero + track.start
        self._ticked: tuple[Fraction, Grid] | None = None  # the time base of the last frame
        self._track_end = ends[0]
        self._count = max(math.ceil(min(ends) * self.rate), 0)
        self._next: int | None = None  # index of the sample that would continue the last frame
        self._decoded = 0  # samples on the clip's grid that are ready or handed over
        self._given = 0
        self._ready: deque[NDArray[np.float32]] = deque()
        self._tolerance = math.ceil(JITTER * self.rate)
        self.finished = self._count == 0

    @property
    def file_end(self) -> Fraction:
        """Where the track ends, as a timestamp of the file in seconds."""
        return self._track_end + self._offset

    @property
    def exhausted(self) -> bool:
        """True once every sample has been taken."""
        return self.finished and self._given == self._decoded

    @property
    def heard(self) -> Fraction | None:
        """End of the last decoded frame on the clip's clock."""
        return None if self._next is None else self._next / self.rate

    def mark(self, until: Fraction) -> int:
        """How far ``reached`` must come for every sample before ``until`` to be ready."""
        return math.ceil(until * self.rate)

    @property
    def reached(self) -> int:
        """How far decoding has come, to be compared with a mark."""
        return self._decoded

    def feed(self, packet: Packet[Stream] | None) -> None:
        """Decode one packet; None at the end of the file."""
        if self.finished:
            return
        try:
            frames = cast("list[AudioFrame]", self._stream.codec_context.decode(packet))  # type: ignore[attr-defined]
        except EOFError:
            frames = []
        except FFmpegError as error:
            raise decode_error(self.path, error, self.heard) from None
        for frame in frames:
            self._add(frame)
        if packet is None:
            check_whole(self.path, "sound", self.heard, self._track_end)
        if packet is None or self._decoded >= self._count:
            self.finished = True

    def take(self, until: Fraction) -> Mapping[Want, Pieces]:
        """The samples before ``until`` that have not been taken yet."""
        wanted = min(math.ceil(until * self.rate), self._decoded) - self._given
        if wanted <= 0:
            return {}
        parts: list[NDArray[np.float32]] = []
        missing = wanted
        while missing:
            block = self._ready.popleft()
            if len(block) > missing:
                self._ready.appendleft(block[missing:])
                block = block[:missing]
            parts.append(block)
            missing -= len(block)
        pieces = Pieces(np.concatenate(parts), self.rate, self._given)
        self._given += wanted
        return {Want(SOUND): pieces}

    def _add(self, frame: AudioFrame) -> None:
        if frame.sample_rate != self.rate:
            raise DataError(
                f"the sound changes from {self.rate} to {frame.sample_rate} Hz within the file",
                where=str(self.path),
                remedy="convert it to one rate",
            )
        first = self._next
        if frame.pts is not None:
            stamped = self._grid(frame.time_base or 1 / self.rate).nearest(frame.pts)
            if first is None or abs(stamped - first) > self._tolerance:
                first = stamped
        first = 0 if first is None else first
        samples = self._mono(frame, first)
        self._next = max(first + len(samples), self._next if self._next is not None else first)
        if first > self._decoded:
            self._append(np.zeros(min(first, self._count) - self._decoded, np.float32))
        self._append(samples[max(self._decoded - first, 0) : max(self._count - first, 0)])

    def _grid(self, tick: Fraction) -> Grid:
        if self._ticked is None or self._ticked[0] != tick:
            self._ticked = (tick, Clock(tick, self._offset).grid(self.rate))
        return self._ticked[1]

    def _append(self, samples: NDArray[np.float32]) -> None:
        if len(samples):
            self._ready.append(samples)
            self._decoded += len(samples)

    def _mono(self, frame: AudioFrame, first: int) -> NDArray[np.float32]:
        """Float32 samples ``[N]`` of one channel or the mean of all."""
        channels = frame.layout.nb_channels
        array: NDArray[Any] = frame.to_ndarray()
        array = array if frame.format.is_planar else array.reshape(-1, channels).T
        scale = _FULL_SCALE.get(frame.format.packed.name)
        if scale is not None:
            array = array.astype(np.float64 if scale > 2**15 else np.float32)
            array = (array - scale if scale == 2**7 else array) / array.dtype.type(scale)
        if self._channel is not None or channels == 1:
            samples = np.ascontiguousarray(array[self._channel or 0], np.float32)
        else:
            total = array[0].astype(np.float64)
            for channel in array[1:]:
                total += channel
            samples = (total / channels).astype(np.float32)
        if not np.isfinite(samples).all():
            at = float((first + int(np.argmin(np.isfinite(samples)))) / self.rate)
            raise DataError(
                f"the sound at {at:.3f} s is not a number (NaN or infinity)",
                where=str(self.path),
                remedy="export the sound again, or leave the clip out",
            )
        return samples
