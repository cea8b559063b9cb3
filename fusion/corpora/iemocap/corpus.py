"""The reader of IEMOCAP: one clip for each evaluated turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fusion.contract import PICTURES, SOUND, WORDS, Clip, DataError, Track
from fusion.corpora.iemocap import release
from fusion.corpora.iemocap.release import Recording, read_release
from fusion.corpora.iemocap.turns import CATEGORIES, SEXES, Turn, actor_region
from fusion.corpora.iemocap.videos import Video, look_at_video, unfit_videos
from fusion.corpora.options import Iemocap as Options

RIGHTS = "IEMOCAP release licence: research use, not to be passed on"
_FOUR = {code: CATEGORIES[code] for code in ("ang", "hap", "sad", "neu")}
#: By set of classes, the emotion that each category counts as.
CLASSES: Mapping[str, Mapping[str, str]] = {
    "four": _FOUR,
    "four_merged": {**_FOUR, "exc": "happy"},
    "six": {code: CATEGORIES[code] for code in ("ang", "hap", "exc", "sad", "neu", "fru")},
    "all": {code: name for code, name in CATEGORIES.items() if code not in ("oth", "xxx")},
}


class Iemocap:
    """Ten actors in 151 dialogues of two, 10,039 turns with nine categories and ratings of three dimensions."""

    about = (
        "IEMOCAP: ten actors (five women, five men) in five sessions of scripted and improvised dialogues, each turn "
        f"with a category and ratings; {RIGHTS}; layout: https://sail.usc.edu/iemocap"
    )

    def __init__(self, options: Options) -> None:
        self._options = options

    def clips(self, root: Path) -> Sequence[Clip]:
        """The turns of the chosen classes, ordered by name.

        Raises:
            DataError: This is no release, an evaluation file is broken, or (unless ``partial``) something that is
                to be read is missing or does not fit; the message says all of it.
        """
        options = self._options
        recordings, looked = self._survey(root)
        said = [] if options.partial else self._lacking(root, recordings, looked)
        if said:
            raise DataError(
                f"this release of IEMOCAP is not whole: {'; '.join(said)}",
                where=str(root),
                remedy=self._remedy(recordings, looked),
            )
        clips = []
        for recording in recordings:
            video = looked.get(recording.dialogue.name)
            clips += [
                self._clip(recording, turn, video)
                for turn in recording.turns
                if options.outside != "drop" or turn.category in CLASSES[options.classes]
            ]
        return sorted(clips, key=lambda clip: clip.id)

    def findings(self, root: Path) -> Sequence[str]:
        """In a sentence each, what the release lacks, or what does not fit, of what is to be read."""
        return self._lacking(root, *self._survey(root))

    @property
    def _sound_of_video(self) -> bool:
        return "sound" in self._options.media and self._options.sound == "video"

    def _survey(self, root: Path) -> tuple[list[Recording], dict[str, Video | None]]:
        """The release's dialogues and, where anything is read of them, their videos."""
        recordings = read_release(root)
        needs_video = "pictures" in self._options.media or self._sound_of_video
        return recordings, {r.dialogue.name: look_at_video(r) for r in recordings} if needs_video else {}

    def _lacking(self, root: Path, recordings: Sequence[Recording], looked: Mapping[str, Video | None]) -> list[str]:
        said = release.lacking_sessions(root, recordings) + release.lacking_transcripts(recordings)
        if looked:
            videos = [(r, video) for r in recordings if (video := looked[r.dialogue.name]) is not None]
            said += release.lacking_videos(recordings) + unfit_videos(videos, sound=self._sound_of_video)
        if "sound" in self._options.media and not self._sound_of_video:
            said += release.lacking_wavs(recordings)
        if self._options.words == "times" and not any(recording.alignments for recording in recordings):
            said.append("there are no word times (sentences/ForcedAlignment)")
        return said or _other_counts(recordings)

    def _remedy(self, recordings: Sequence[Recording], looked: Mapping[str, Video | None]) -> str:
        remedies = ["restore what is missing"]
        if looked and not self._sound_of_video and release.lacking_videos(recordings):
            remedies.append("write corpus.media: [sound] for a release without video")
        return f"{', or '.join(remedies)}, or go on without it with corpus.partial: true"

    def _clip(self, recording: Recording, turn: Turn, video: Video | None) -> Clip:
        dialogue = recording.dialogue
        return Clip(
            id=turn.name,
            tracks=self._tracks(recording, turn, video),
            duration=turn.end - turn.start,
            labels=self._labels(turn),
            speaker=dialogue.speaker(turn.actor),
            sex=SEXES[turn.actor],
            transcript=recording.transcripts.get(turn.name),
            group=f"Session{int(dialogue.session)}",
            take=turn.name,
            rights=RIGHTS,
            details={
                "dialogue": dialogue.name,
                "performance": dialogue.performance,
                "scene": dialogue.scene,
                "category": CATEGORIES[turn.category],
            },
        )

    def _labels(self, turn: Turn) -> dict[str, Any]:
        ratings = {"valence": turn.valence, "arousal": turn.arousal, "dominance": turn.dominance}
        emotion = CLASSES[self._options.classes].get(turn.category)
        if emotion is None and self._options.outside == "named":
            emotion = CATEGORIES[turn.category]
        return ratings if emotion is None else {"emotion": emotion, **ratings}

    def _tracks(self, recording: Recording, turn: Turn, video: Video | None) -> tuple[Track, ...]:
        tracks = []
        usable = video if video is not None and video.problem is None and video.covers(turn) else None
        if "pictures" in self._options.media and usable is not None:
            region = actor_region(recording.dialogue, turn.actor, self._options.left)
            tracks.append(Track(PICTURES, usable.file, start=turn.start, region=region))
        if self._sound_of_video:
            if usable is not None and usable.sounding:
                tracks.append(Track(SOUND, usable.file, start=turn.start))
        elif "sound" in self._options.media and turn.name in recording.wavs:
            tracks.append(Track(SOUND, recording.wavs[turn.name]))
        if self._options.words == "times" and turn.name in recording.alignments:
            tracks.append(Track(WORDS, recording.alignments[turn.name]))
        return tuple(tracks)


def _other_counts(recordings: Sequence[Recording]) -> list[str]:
    """What differs from the counts of the whole release, which hide behind files that are there but cut short."""
    found = Counter(turn.category for recording in recordings for turn in recording.turns)
    if found == release.TURNS:
        return []
    differing = ", ".join(
        f"{code} {found[code]:,} of {count:,}" for code, count in release.TURNS.items() if found[code] != count
    )
    return [f"it has {found.total():,} of {sum(release.TURNS.values()):,} turns ({differing})"]
