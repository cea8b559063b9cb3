"""Pictures of one track, sampled by presentation time; frames that nobody wants are not decoded where possible."""

from __future__ import annotations

import bisect
import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame

from fusion.contract import Pieces, Track, Want
from fusion.media.clock import Clock
from fusion.media.container import check_limits, check_whole, decode_error
from fusion.media.limits import HOLD, MOST_HELD
from fusion.media.picture import FramePicture, orientation_of

#: Codecs whose decoder leaves out non-reference frames without touching the others.
_SKIPPING_CODECS = frozenset({"h264", "hevc"})


class _Sampler:
    """One want: which pictures of the clip's grid are made, and which come next."""

    def __init__(self, want: Want, end: Fraction) -> None:
        self.want = want
        self.rate = want.rate
        self.stop = 0 if want.rate is None else max(math.ceil(end * want.rate), 0)
        self.next = 0  # the next index of the grid
        self.first = 0  # index of the first item not yet taken
        self.items: deque[FramePicture] = deque()
        self.times: deque[Fraction] = deque()  # of irregular items

    def show(self, picture: FramePicture | None, before: Fraction) -> None:
        """The picture is on display from the next index's time until ``before``; None: nothing is."""
        if self.rate is None or self.next >= self.stop:
            return
        stop = min(math.ceil(before * self.rate), self.stop)
        while self.next < stop:
            if picture is not None:
                self.items.append(picture)
            else:
                self.first = self.next + 1
            self.next += 1

    def take(self, until: Fraction) -> Pieces | None:
        if self.rate is None:
            count = bisect.bisect_left(self.times, until)
            items = [self.items.popleft() for _ in range(count)]
            times = np.array([float(self.times.popleft()) for _ in range(count)])
            return Pieces(items, None, times=times) if items else None
        count = min(math.ceil(until * self.rate) - self.first, len(self.items))
        if count <= 0:
            return None
        pieces = Pieces([self.items.popleft() for _ in range(count)], self.rate, self.first)
        self.first += count
        return pieces


class PictureTrack:
    """Decodes one stream of pictures for any number of wants.

    Item i at rate r is the picture on display at i/r of the clip's clock: the latest frame with a presentation
    time at or before it. Without a rate, every frame is handed over with its time.

    A packet whose frame no want asks for is given to the decoder with ``skip_frame`` set to non-reference: the
    decoder leaves the frame out if no other depends on it, so pictures are the same as without. For that, packets
    wait until enough of the later presentation times are known.

    Args:
        track: Region and start are used.
        stream: The elementary stream.
        wants: At which rates.
        zero: Timestamp that is second 0 of the file.
        ends: Seconds of the clip's clock at which the track and the clip end.
        threads: Decoding threads.
        skip: Whether frames may be left out.
    """

    def __init__(
        self,
        track: Track,
        stream: Stream,
        wants: Sequence[Want],
        zero: Fraction,
        ends: tuple[Fraction, Fraction],
        *,
        threads: int,
        skip: bool,
    ) -> None:
        self.path: Path = track.file
        self.index = stream.index
        check_limits(track.file, stream)
        self._context = cast("Any", stream.codec_context)
        self._context.thread_count = threads
        assert stream.time_base is not None
        self._region = track.region
        self._offset = zero + track.start
        self._clock = Clock(stream.time_base, self._offset)
        self._track_end, clip_end = ends
        end = min(self._track_end + HOLD, clip_end)
        self._end = end
        self._last_tick = self._clock.first_at(end)
        self._samplers = [_Sampler(want, end) for want in wants]
        rates = [want.rate for want in wants]
        self._grids = [self._clock.grid(rate) for rate in rates if rate is not None]
        self._skip = skip and None not in rates and self._context.name in _SKIPPING_CODECS
        self._skipping = "DEFAULT"
        self._held: list[Packet[Stream]] | None = []  # since the last key frame before the clip
        self._waiting: deque[Packet[Stream]] = deque()
        self._known: list[int] = []  # presentation times of packets read, ascending
        self._latest: FramePicture | None = None
        self._orientation: tuple[int, bool] | None = None  # of the latest frame
        self._rotation = 0  # what PyAV calls its rotation, in degrees
        self._shown = 0  # timestamp of the latest frame
        self._covered: int | None = None  # timestamp at which the last packet's frame ends
        self.finished = end <= 0

    @property
    def heard(self) -> Fraction | None:
        """Clip time of the latest decoded frame."""
        return None if self._latest is None else self._clock.time(self._shown)

    @property
    def file_end(self) -> Fraction:
        """Where the track ends, as a timestamp of the file in seconds."""
        return self._track_end + self._offset

    @property
    def exhausted(self) -> bool:
        """True once every picture has been taken."""
        return self.finished and not any(sampler.items for sampler in self._samplers)

    def mark(self, until: Fraction) -> int:
        """How far ``reached`` must come for every picture before ``until`` to be ready."""
        return self._clock.first_at(until) if until > 0 else self._clock.zero - 1

    @property
    def reached(self) -> int:
        """How far decoding has come, to be compared with a mark."""
        before = self._clock.zero - 1
        return before if self._latest is None else max(self._shown, before)

    def feed(self, packet: Packet[Stream] | None) -> None:
        """Take one packet; None at the end of the file."""
        if self.finished:
            return
        if packet is None:
            self._release()
            self._decode_waiting(at_end=True)
            self._decode(None)
            self._close()
            covered = None if self._covered is None else self._clock.time(self._covered)
            check_whole(self.path, "pictures", covered, self._track_end)
            return
        time = packet.pts if packet.pts is not None else packet.dts
        if time is not None:
            ends = time + (packet.duration or 0)
            self._covered = ends if self._covered is None else max(self._covered, ends)
        if self._held is not None:
            self._hold(packet)
        else:
            self._enqueue([packet])
        if self._latest is not None and self._shown >= self._last_tick:
            self.finished = True

    def take(self, until: Fraction) -> Mapping[Want, Pieces]:
        """The pictures before ``until`` that have not been taken yet."""
        taken = {sampler.want: sampler.take(until) for sampler in self._samplers}
        return {want: pieces for want, pieces in taken.items() if pieces is not None}

    def _hold(self, packet: Packet[Stream]) -> None:
        """Keep packets from the last key frame at or before the clip's second 0; earlier ones are not decoded."""
        assert self._held is not None
        early = packet.pts is not None and packet.pts <= self._clock.last_at_zero
        if packet.is_keyframe and early:
            self._held.clear()
        self._held.append(packet)
        # Decoding times do not exceed presentation times: once they pass second 0 no earlier key frame can come.
        passed = packet.dts is None or packet.pts is None or packet.dts > self._clock.last_at_zero
        if passed or len(self._held) >= MOST_HELD:
            self._release()

    def _release(self) -> None:
        held, self._held = self._held, None
        self._enqueue(held or [])

    def _enqueue(self, packets: Iterable[Packet[Stream]]) -> None:
        for packet in packets:
            if packet.pts is None or packet.dts is None or packet.pts < packet.dts:
                self._skip = False
            elif self._skip and not packet.is_discard:
                bisect.insort(self._known, packet.pts)
            self._waiting.append(packet)
        self._decode_waiting(at_end=False)

    def _decode_waiting(self, at_end: bool) -> None:
        while self._waiting:
            wanted = self._wanted(self._waiting[0], at_end)
            if wanted is None:
                return
            mode = "DEFAULT" if wanted else "NONREF"
            if mode != self._skipping:
                self._context.skip_frame = self._skipping = mode
            self._decode(self._waiting.popleft())

    def _wanted(self, packet: Packet[Stream], at_end: bool) -> bool | None:
        """Whether a packet's frame is on display at a wanted time; None while that is not known."""
        if not self._skip or packet.is_discard:
            return True
        assert packet.pts is not None
        last, first = min(grid.around_next(packet.pts) for grid in self._grids)
        after = bisect.bisect_right(self._known, packet.pts)
        if after < len(self._known) and self._known[after] <= last:
            return False
        newest = self._waiting[-1].dts
        if at_end or (newest is not None and newest >= first):
            return True
        return None

    def _decode(self, packet: Packet[Stream] | None) -> None:
        try:
            frames = cast("list[VideoFrame]", self._context.decode(packet))
        except EOFError:
            frames = []
        except FFmpegError as error:
            raise decode_error(self.path, error, self.heard) from None
        for frame in frames:
            self._add(frame)

    def _add(self, frame: VideoFrame) -> None:
        ticks = frame.pts if frame.pts is not None else frame.dts
        if ticks is None:
            return
        if self._latest is not None and ticks <= self._shown:
            return
        time = self._clock.time(ticks)
        # A display matrix belongs to the stream; only a turn in the middle of it is looked out for.
        if self._orientation is None or frame.rotation != self._rotation:
            self._orientation, self._rotation = orientation_of(frame), frame.rotation
        picture = FramePicture(frame, self._region, self._orientation)
        # The first frame also stands for the moments before it that containers lose by rounding.
        before = picture if self._latest is None and time <= HOLD else self._latest
        for sampler in self._samplers:
            sampler.show(before, time)
            if sampler.rate is None and 0 <= time < self._end:
                sampler.items.append(picture)
                sampler.times.append(time)
        self._latest, self._shown = picture, ticks
        self._forget(ticks)

    def _forget(self, ticks: int) -> None:
        """Drop presentation times that no waiting packet can need."""
        if len(self._known) > 4096:
            del self._known[: max(bisect.bisect_left(self._known, ticks) - 1, 0)]

    def _close(self) -> None:
        if self._latest is not None:
            for sampler in self._samplers:
                sampler.show(self._latest, self._end)
        self._shown = max(self._shown, self._last_tick)
        self.finished = True
