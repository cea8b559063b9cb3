"""The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS).

Livingstone SR, Russo FA (2018), PLoS ONE 13(5): e0196391, https://doi.org/10.5281/zenodo.1188976
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fusion.contract import PICTURES, SOUND, Clip, DataError, Track
from fusion.corpora.layout import MEDIA_FILES, VIDEO_FILES, files_below, listing, wrong_layout
from fusion.corpora.options import Ravdess as Options

RIGHTS = "CC BY-NC-SA 4.0"
MODALITIES = {"01": "audio-video", "02": "video-only", "03": "audio-only"}
VOCAL = {"01": "speech", "02": "song"}
EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgust",
    "08": "surprised",
}
INTENSITIES = {"01": "normal", "02": "strong"}
STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}
ACTORS = 24
_NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)", re.ASCII)
_EXPECTED = (
    "files named like 03-01-06-01-02-01-12.wav (modality, vocal channel, emotion, intensity, statement, repetition, "
    "actor) in folders such as Audio_Speech_Actors_01-24/Actor_12 or Video_Speech_Actor_12/Actor_12"
)


@dataclass(frozen=True, slots=True)
class Name:
    """The seven fields of an official file name, as their two digits."""

    modality: str
    vocal: str
    emotion: str
    intensity: str
    statement: str
    repetition: str
    actor: str

    @property
    def take(self) -> str:
        """What the twins of one take share: every field but the first."""
        return "-".join((self.vocal, self.emotion, self.intensity, self.statement, self.repetition, self.actor))

    @property
    def code(self) -> str:
        return f"{self.modality}-{self.take}"

    @property
    def sex(self) -> str:
        """Actors with odd numbers are men, those with even numbers women."""
        return "male" if int(self.actor) % 2 else "female"


def parse_name(stem: str) -> Name | None:
    """The fields of a file's name without suffix; None where it is no official name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    name = Name(*match.groups())
    known = (
        name.modality in MODALITIES
        and name.vocal in VOCAL
        and name.emotion in EMOTIONS
        and name.intensity in INTENSITIES
        and name.statement in STATEMENTS
        and name.repetition in {"01", "02"}
        and 1 <= int(name.actor) <= ACTORS
    )
    if not known or (name.emotion == "01" and name.intensity == "02"):
        return None
    if VOCAL[name.vocal] == "song" and int(name.emotion) > 6:
        return None
    return name


class Ravdess:
    """24 actors, two statements, eight emotions, spoken and sung, in sound and picture."""

    about = (
        "RAVDESS: 24 professional actors (12 women, 12 men) speak and sing two statements in eight emotions and two "
        f"intensities; licence {RIGHTS}; layout: https://doi.org/10.5281/zenodo.1188976"
    )

    def __init__(self, options: Options) -> None:
        self._options = options

    def clips(self, root: Path) -> Sequence[Clip]:
        """One clip for each take (or file), ordered by id.

        Raises:
            DataError: Nothing below root has an official name, or some names contradict themselves.
        """
        files = self._files(root)
        takes: dict[str, dict[str, Path]] = {}
        names: dict[str, Name] = {}
        for name, file in files:
            if VOCAL[name.vocal] not in self._options.vocal:
                continue
            names[name.take] = name
            takes.setdefault(name.take, {})[MODALITIES[name.modality]] = file
        clips = []
        for take, twins in sorted(takes.items()):
            if self._options.join:
                clips.append(self._clip(take, names[take], self._joined(twins)))
            else:
                clips += [
                    self._clip(file.stem, names[take], self._joined({modality: file}))
                    for modality, file in twins.items()
                ]
        if self._options.complete:
            clips = [clip for clip in clips if clip.tracks_of(PICTURES) and clip.tracks_of(SOUND)]
        return sorted(clips, key=lambda clip: clip.id)

    def _files(self, root: Path) -> list[tuple[Name, Path]]:
        """Officially named files, one for each name: the least deep one, then the first by path."""
        found: dict[str, tuple[Name, Path]] = {}
        odd: list[str] = []
        media = sorted(files_below(root, MEDIA_FILES), key=lambda path: (len(path.parts), path.relative_to(root).parts))
        for path in media:
            name = parse_name(path.stem)
            relative = path.relative_to(root).as_posix()
            if name is None:
                if _NAME.fullmatch(path.stem):
                    odd.append(relative)
                continue
            folder = re.fullmatch(r"Actor_(\d\d)", path.parent.name, re.ASCII)
            if folder and folder[1] != name.actor:
                odd.append(relative)
                continue
            found.setdefault(name.code, (name, path))
        if odd:
            raise DataError(
                f"{len(odd)} file name{'s' * (len(odd) != 1)} not possible in RAVDESS: {listing(odd, 5)}",
                where=str(root),
                remedy="restore the official names (a code out of range, or an actor in another actor's folder)",
            )
        if not found:
            raise wrong_layout("RAVDESS", root, _EXPECTED)
        return [found[code] for code in sorted(found)]

    def _joined(self, twins: dict[str, Path]) -> tuple[Track, ...]:
        """Pictures and sound of one take from its twins, which start at the same moment."""
        pictures = twins.get("audio-video") or twins.get("video-only")
        together, apart = twins.get("audio-video"), twins.get("audio-only")
        sound = (together or apart) if self._options.sound == "same_file" else (apart or together)
        tracks = []
        if pictures is not None and pictures.suffix.lower() in VIDEO_FILES:
            tracks.append(Track(PICTURES, pictures))
        if sound is not None:
            tracks.append(Track(SOUND, sound))
        return tuple(tracks)

    def _clip(self, clip_id: str, name: Name, tracks: tuple[Track, ...]) -> Clip:
        return Clip(
            id=clip_id,
            tracks=tracks,
            labels={"emotion": EMOTIONS[name.emotion], "intensity": INTENSITIES[name.intensity]},
            speaker=name.actor,
            sex=name.sex,
            transcript=STATEMENTS[name.statement],
            take=name.take,
            rights=RIGHTS,
            details={"vocal": VOCAL[name.vocal], "statement": name.statement, "repetition": name.repetition},
        )
