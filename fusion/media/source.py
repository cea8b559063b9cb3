"""Opening a clip: all wanted kinds along one clock, each file read once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream

from fusion.catalog.faults import guarded
from fusion.contract import (
    PICTURES,
    SOUND,
    WORDS,
    Clip,
    ComponentError,
    DataError,
    Decoder,
    FusionError,
    Pieces,
    Source,
    Track,
    Want,
)
from fusion.media.container import decode_error, open_container, second_zero, stream_ends, streams_of
from fusion.media.limits import HIGHEST_PICTURE_RATE, INTERLEAVED, SEEK_FROM, WORDS_ALONE
from fusion.media.pictures import PictureTrack
from fusion.media.sound import SoundTrack
from fusion.media.words import WordsTrack, open_words, read_cues

_DECODED = (PICTURES, SOUND)
_REPORT = "report it to the decoder's authors; fusion plugins list says who they are"
#: Seconds before the wanted place that are sought: key frames are indexed by decoding time, a little earlier.
_SEEK_MARGIN = Fraction(1)


@dataclass(frozen=True, slots=True)
class _Located:
    """A track found in its file: its stream, the file's second 0, and the track's end on the clip's clock."""

    track: Track
    stream: Stream
    zero: Fraction
    end: Fraction


class _FileReader:
    """One opened file and the tracks that are decoded from it in one pass."""

    def __init__(self, path: Path, container: InputContainer, tracks: list[PictureTrack | SoundTrack]) -> None:
        self._path = path
        self._container = container
        self._tracks = {track.index: track for track in tracks}
        #: By stream, the decoding timestamps beyond which a track is over.
        self._over = {
            index: [
                (track, math.floor((track.file_end + INTERLEAVED) / (container.streams[index].time_base or 1)))
                for track in tracks
            ]
            for index in self._tracks
        }
        self._packets: Iterator[Packet[Stream]] | None = None

    def advance(self, until: Fraction) -> None:
        """Decode until every track is complete before ``until``, or the file ends."""
        marks = [(track, track.mark(until)) for track in self._tracks.values()]
        while any(not track.finished and track.reached < mark for track, mark in marks):
            if self._packets is None:
                self._packets = self._container.demux(*(self._container.streams[index] for index in self._tracks))
            try:
                packet = next(self._packets, None)
            except FFmpegError as error:
                heard = [track.heard for track in self._tracks.values() if track.heard is not None]
                raise decode_error(self._path, error, max(heard, default=None)) from None
            if packet is None:
                for track in self._tracks.values():
                    track.feed(None)
                return
            if packet.dts is None and packet.pts is None and packet.size == 0:
                continue  # PyAV's own mark of the end; the tracks are told once the packets have run out
            self._tracks[packet.stream_index].feed(packet)
            self._end_passed(packet)

    def _end_passed(self, packet: Packet[Stream]) -> None:
        """End the tracks that are over, so that a longer one beside them is not read ahead to the file's end."""
        if packet.dts is None or len(self._tracks) == 1:
            return
        for track, last in self._over[packet.stream_index]:
            if packet.dts > last and not track.finished:
                track.feed(None)

    def close(self) -> None:
        self._packets = None
        self._container.close()


class ClipSource:
    """The pieces of one clip; implements ``fusion.contract.Source``. Use ``open_clip``."""

    def __init__(
        self,
        clip: Clip,
        wants: Sequence[Want],
        plugin_decoders: Mapping[str, Decoder],
        threads: int,
        skip: bool,
    ) -> None:
        self._missing: dict[str, str] = {}
        self._readers: list[_FileReader] = []
        self._tracks: list[PictureTrack | SoundTrack] = []
        self._words: WordsTrack | None = None
        self._others: dict[str, Source] = {}
        self._containers: dict[Path, InputContainer] = {}
        self._ends: dict[Path, dict[int, Fraction]] = {}
        self._duration: Fraction | None = None
        self._closed = False
        wants = list(dict.fromkeys(wants))
        try:
            _check_wants(wants)
            located = self._locate(clip, {want.kind for want in wants})
            self._open_others(clip, wants, plugin_decoders)
            self._duration = self._settle(clip, located)
            self._open_words(clip, wants)
            self._open_media(located, wants, threads, skip)
        except BaseException:
            self.close()
            raise

    @property
    def duration(self) -> Fraction | None:
        """Seconds on the clip's clock: the clip's own, else where its last picture or sound ends."""
        if self._duration is not None:
            return self._duration
        ends = [source.duration for source in self._others.values()]
        known = [end for end in ends if end is not None]
        return max(known) if ends and len(known) == len(ends) else None

    @property
    def missing(self) -> Mapping[str, str]:
        """Wanted kinds that are not there, with the reason."""
        merged = dict(self._missing)
        for source in self._others.values():
            merged.update(source.missing)
        return merged

    @property
    def exhausted(self) -> bool:
        """True once everything before the clip's end has been handed over."""
        own = [*self._tracks, *([self._words] if self._words is not None else [])]
        if not all(part.exhausted for part in own):
            return False
        for where, source in self._others.items():
            with guarded("fails", where=where, remedy=_REPORT):
                if not source.exhausted:
                    return False
        return True

    def advance(self, until: Fraction) -> Mapping[Want, Pieces]:
        """Hand over all pieces before ``until`` that have not been handed over yet.

        Raises:
            DataError: A file cannot be decoded any further; the message names the place.
        """
        if self._closed:
            raise ValueError("the source is closed")
        for reader in self._readers:
            reader.advance(until)
        answer: dict[Want, Pieces] = {}
        for track in (*self._tracks, *([self._words] if self._words is not None else [])):
            answer.update(track.take(until))
        for where, source in self._others.items():
            with guarded("fails", where=where, remedy=_REPORT):
                answer.update(source.advance(until))
        return answer

    def close(self) -> None:
        """Release files and decoders; may be called twice."""
        self._closed = True
        for container in self._containers.values():
            container.close()
        for reader in self._readers:
            reader.close()
        for source in self._others.values():
            source.close()

    def _locate(self, clip: Clip, wanted: set[str]) -> dict[str, _Located]:
        """The first usable track of each decoded kind, wanted or not: all of them settle the clip's length."""
        located: dict[str, _Located] = {}
        for kind in _DECODED:
            if kind not in wanted and clip.duration is not None:
                continue
            reasons = []
            for track in clip.tracks_of(kind):
                try:
                    found = self._find(track)
                except FusionError:
                    if kind in wanted:
                        raise
                    continue  # another kind's bad file is reported by whoever wants that kind
                if isinstance(found, _Located):
                    located[kind] = found
                    break
                reasons.append(found)
            if kind in wanted and kind not in located:
                self._missing[kind] = "; ".join(reasons) or f"the clip has no track of {kind}"
        return located

    def _find(self, track: Track) -> _Located | str:
        """The track's elementary stream, or why there is none."""
        path = track.file
        if path not in self._containers:
            container = open_container(path)
            try:
                streams = [stream for kind in _DECODED for stream in streams_of(container, kind)]
                self._ends[path] = stream_ends(path, container, streams)
            except DataError:
                container.close()
                raise
            self._containers[path] = container
        container = self._containers[path]
        streams = streams_of(container, track.kind)
        number = track.stream or 0
        if not streams:
            return f"no {track.kind} in {path.name}"
        if not 0 <= number < len(streams):
            return f"{path.name} has {len(streams)} of {track.kind}, and number {number} was asked for"
        stream, zero = streams[number], second_zero(container)
        end = self._ends[path][stream.index]
        if end <= 0:
            return f"the {track.kind} of {path.name} last 0 seconds"
        if end <= track.start:
            return f"the {track.kind} of {path.name} end at {float(end):.3f} s, before the clip begins"
        return _Located(track, stream, zero, end - track.start)

    def _settle(self, clip: Clip, located: Mapping[str, _Located]) -> Fraction | None:
        """The clip's length: its own, else the end of its last track, else that of its words."""
        if clip.duration is not None:
            return clip.duration
        if located:
            return max(found.end for found in located.values())
        if self._others:
            return None
        ends = [WORDS_ALONE] if clip.transcript is not None else []
        for track in clip.tracks_of(WORDS):
            cues = read_cues(track.file)
            ends += [WORDS_ALONE] if isinstance(cues, str) else [cue.end - track.start for cue in cues]
        return max([Fraction(0), *ends])

    def _open_words(self, clip: Clip, wants: Sequence[Want]) -> None:
        if all(want.kind != WORDS for want in wants):
            return
        end = self.duration if self.duration is not None else WORDS_ALONE
        words = open_words(clip.transcript, next(iter(clip.tracks_of(WORDS)), None), end)
        if isinstance(words, str):
            self._missing[WORDS] = words
        else:
            self._words = words

    def _open_others(self, clip: Clip, wants: Sequence[Want], decoders: Mapping[str, Decoder]) -> None:
        """Kinds that plugins decode: each decoder once, with all of its wants."""
        chosen: dict[int, tuple[Decoder, list[Want]]] = {}
        for want in wants:
            if want.kind in (*_DECODED, WORDS):
                continue
            decoder = decoders.get(want.kind)
            if decoder is None:
                raise ComponentError(f"no decoder is installed for the media kind {want.kind!r}", where=clip.id)
            if clip.tracks_of(want.kind):
                chosen.setdefault(id(decoder), (decoder, []))[1].append(want)
            else:
                self._missing[want.kind] = f"the clip has no track of {want.kind}"
        for decoder, own in chosen.values():
            kinds = {want.kind for want in own}
            tracks = [track for track in clip.tracks if track.kind in kinds]
            where = f"decoder {' and '.join(sorted(kinds))} ({type(decoder).__name__})"
            with guarded("fails", where=where, remedy=_REPORT):
                self._others[where] = decoder.open(clip, tracks, own)

    def _open_media(self, located: Mapping[str, _Located], wants: Sequence[Want], threads: int, skip: bool) -> None:
        """Start one reader for each file, with the tracks that are wanted of it."""
        by_file: dict[Path, list[PictureTrack | SoundTrack]] = {}
        for kind, found in located.items():
            own = [want for want in wants if want.kind == kind]
            if not own:
                continue
            assert self._duration is not None
            ends = (found.end, self._duration)
            track: PictureTrack | SoundTrack
            if kind == SOUND:
                track = SoundTrack(found.track, found.stream, found.zero, ends, threads=threads)
            else:
                track = PictureTrack(found.track, found.stream, own, found.zero, ends, threads=threads, skip=skip)
            by_file.setdefault(found.track.file, []).append(track)
            self._tracks.append(track)
        for path, container in list(self._containers.items()):
            tracks = by_file.get(path, [])
            if len(tracks) == 1 and isinstance(tracks[0], PictureTrack):
                _seek(container, located[PICTURES])
            if tracks:
                self._readers.append(_FileReader(path, container, tracks))
            else:
                self._containers.pop(path).close()

    def __enter__(self) -> ClipSource:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _check_wants(wants: Sequence[Want]) -> None:
    for want in wants:
        if want.kind in (SOUND, WORDS) and want.rate is not None:
            raise ComponentError(
                f"{want.kind} are handed over as they are, not at {want.rate} items per second",
                remedy="leave the need's rate None; a transform may resample",
            )
        if want.kind == PICTURES and want.rate is not None and not 0 < want.rate <= HIGHEST_PICTURE_RATE:
            raise ComponentError(f"pictures cannot be sampled at {want.rate} per second (HIGHEST_PICTURE_RATE)")


def _seek(container: InputContainer, found: _Located) -> None:
    """Move to a key frame at or before the clip's second 0, where the container can; pictures are the same after it.

    Never for sound: AAC decodes differently after a seek.
    """
    track, stream = found.track, found.stream
    if track.start < SEEK_FROM or container.format.name.split(",")[0] not in ("mov", "matroska", "avi"):
        return
    assert stream.time_base is not None
    begin = found.zero + track.start
    target = int((begin - _SEEK_MARGIN) / stream.time_base)
    try:
        container.seek(target, stream=stream)
        packet = next(container.demux(stream), None)
        if (
            packet is not None
            and packet.is_keyframe
            and packet.pts is not None
            and packet.pts * stream.time_base <= begin
        ):
            container.seek(target, stream=stream)
            return
        container.seek(container.start_time or 0)
    except FFmpegError as error:
        raise decode_error(track.file, error, track.start) from None
