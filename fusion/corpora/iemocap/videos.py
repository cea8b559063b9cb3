"""Whether the videos of IEMOCAP's dialogues can be used: by their headers, against the dialogues' sound and turns."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.stream import Stream

from fusion.contract import PICTURES, SOUND, DataError
from fusion.corpora.iemocap.release import SLACK, Recording
from fusion.corpora.iemocap.turns import Turn
from fusion.corpora.layout import listing
from fusion.media.container import open_container, streams_of


@dataclass(frozen=True, slots=True)
class Video:
    """The avi of a dialogue as its header describes it.

    Args:
        file: The avi.
        end: Where its pictures end, in seconds; None where the header does not say.
        sounding: Whether it has sound.
        problem: Why none of its turns can be cut from it, if so.
    """

    file: Path
    end: Fraction | None
    sounding: bool
    problem: str | None = None

    def covers(self, turn: Turn) -> bool:
        """Whether a turn lies in the video, give or take SLACK at its end."""
        return self.end is None or (turn.end <= self.end + SLACK and turn.start < self.end)


def look_at_video(recording: Recording) -> Video | None:
    """The dialogue's video; None where there is no file."""
    if recording.video is None:
        return None
    file = recording.video
    try:
        with open_container(file) as container:
            pictures = streams_of(container, PICTURES)
            sounding = bool(streams_of(container, SOUND))
            stream = pictures[0] if pictures else None
            end = _stated_end(stream) if stream is not None else None
    except DataError as error:
        return Video(file, None, False, f"{file.name}: {error.what}")
    if stream is None:
        return Video(file, None, sounding, f"{file.name} has no pictures")
    length = _seconds(recording.folder / "dialog/wav" / f"{recording.dialogue.name}.wav")
    if end is not None and length is not None and abs(end - length) > SLACK:
        said = f"{file.name} lasts {float(end):.1f} s, but its dialogue (dialog/wav) {float(length):.1f} s"
        return Video(file, end, sounding, said)
    return Video(file, end, sounding)


def unfit_videos(looked: Sequence[tuple[Recording, Video]], *, sound: bool) -> list[str]:
    """In a sentence each: videos that cannot be used, turns outside their video, videos without the wanted sound."""
    problems = [video.problem for _, video in looked if video.problem is not None]
    said = problems[:3]
    if len(problems) > 3:
        rest = len(problems) - 3
        said.append(f"{rest:,} more video{'s' * (rest != 1)} cannot be used")
    outside = [
        f"{turn.name} at {float(turn.start):.1f} to {float(turn.end):.1f} s, but {video.file.name} ends at "
        f"{float(video.end):.1f} s"
        for recording, video in looked
        if video.problem is None and video.end is not None
        for turn in recording.turns
        if not video.covers(turn)
    ]
    if outside:
        more = f" (and {len(outside) - 1:,} more)" if len(outside) > 1 else ""
        said.append(f"a turn lies outside its video: {outside[0]}{more}")
    silent = [video.file.name for _, video in looked if video.problem is None and not video.sounding]
    if sound and silent:
        said.append(
            f"{len(silent)} video{'s' * (len(silent) != 1)} without sound ({listing(silent, 3)}), "
            "which corpus.sound: sentence does not need"
        )
    return said


def _stated_end(stream: Stream) -> Fraction | None:
    return stream.duration * stream.time_base if stream.duration and stream.time_base else None


def _seconds(file: Path) -> Fraction | None:
    """How long a wav is by its header; None where there is none that can be read."""
    try:
        with wave.open(str(file), "rb") as sound:
            return Fraction(sound.getnframes(), sound.getframerate())
    except (OSError, EOFError, wave.Error):
        return None
