"""Java-SED: acted emotional Javanese speech of eight speakers, as clips and as sound-only takes.

Arifin, Priambodo, Nasuha, Winursito, Gunawan (2022), "Development of Javanese Speech Emotion Database (Java-SED)".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from fusion.contract import PICTURES, Clip, DataError
from fusion.corpora.layout import MEDIA_FILES, files_below, listing, tracks_of_file, wrong_layout
from fusion.corpora.options import JavaSED as Options

RIGHTS = "MIT"
EMOTIONS = {"01": "neutral", "02": "sadness", "03": "happiness", "04": "surprise", "05": "fear", "06": "anger"}
#: By appearance, as the corpus's description has it; it does not say so of the other speakers.
SEXES = dict.fromkeys(("01", "02", "03", "04"), "female") | dict.fromkeys(("06", "07", "08", "09"), "male")
_NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)_(\d\d)", re.ASCII)
_EXPECTED = (
    "files named like video/01-04-06_01.mp4 or audio/01-04-06_02.flac (speaker, sentence, emotion, take) "
    "in the folders video and audio"
)


def parse_name(stem: str) -> tuple[str, str, str, str] | None:
    """(speaker, sentence, emotion, take), two digits each; None where the name is not of this scheme."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    speaker, sentence, emotion, take = match.groups()
    known = 1 <= int(speaker) <= 10 and 1 <= int(sentence) <= 4 and emotion in EMOTIONS and 1 <= int(take) <= 7
    return (speaker, sentence, emotion, take) if known else None


class JavaSED:
    """Eight speakers, four sentences, six emotions; the sentences are the same for all emotions."""

    about = (
        "Java-SED: eight Javanese speakers (four women, four men by appearance) act six emotions on four sentences, "
        "whose wording is not distributed; licence MIT"
    )

    def __init__(self, options: Options) -> None:
        self._options = options

    def clips(self, root: Path) -> Sequence[Clip]:
        """Clips of the chosen part, ordered by id; of a clip and a sound-only copy of it, the clip.

        Raises:
            DataError: Nothing below root has a name of the corpus's scheme, or some codes are out of range.
        """
        found: dict[str, Path] = {}
        odd: list[str] = []
        for path in files_below(root, MEDIA_FILES):
            if parse_name(path.stem) is None:
                if _NAME.fullmatch(path.stem):
                    odd.append(path.relative_to(root).as_posix())
                continue
            with_picture = any(track.kind == PICTURES for track in tracks_of_file(path))
            if self._options.part != "both" and with_picture != (self._options.part == "video"):
                continue
            if with_picture or path.stem not in found:
                found[path.stem] = path
        if odd:
            raise DataError(
                f"{len(odd)} file name{'s' * (len(odd) != 1)} not possible in Java-SED: {listing(odd, 5)}",
                where=str(root),
                remedy="restore the official names",
            )
        if not found:
            raise wrong_layout("Java-SED", root, _EXPECTED)
        return [self._clip(stem, found[stem]) for stem in sorted(found)]

    def _clip(self, stem: str, file: Path) -> Clip:
        fields = parse_name(stem)
        assert fields is not None
        speaker, sentence, emotion, take = fields
        return Clip(
            id=stem,
            tracks=tracks_of_file(file),
            labels={"emotion": EMOTIONS[emotion]},
            speaker=speaker,
            sex=SEXES.get(speaker),
            take=stem,
            rights=RIGHTS,
            details={"sentence": sentence, "repetition": take},
        )
