"""What lies in a copy of IEMOCAP: its dialogues and their files, and in a sentence each what is missing or unfit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from fusion.contract import DataError
from fusion.corpora.iemocap.turns import Dialogue, Turn, parse_dialogue, read_evaluation, read_transcription
from fusion.corpora.layout import files_below, listing, wrong_layout

SESSIONS = ("Session1", "Session2", "Session3", "Session4", "Session5")
#: Turns of the whole release by category, as its evaluation files have them; 10,039 together.
TURNS = {
    "ang": 1103,
    "hap": 595,
    "exc": 1041,
    "sad": 1084,
    "neu": 1708,
    "fru": 1849,
    "fea": 40,
    "sur": 107,
    "dis": 2,
    "oth": 3,
    "xxx": 2507,
}
#: Most seconds by which a video may be shorter or longer than its dialogue, or a turn may end after it.
SLACK = Fraction(1)
_EXPECTED = "Session1 to Session5, each with dialog/EmoEvaluation/Ses01F_impro01.txt and the like"


@dataclass(frozen=True, slots=True)
class Recording:
    """One dialogue of the copy: its turns and what there is of its files.

    Args:
        dialogue: What its name says.
        folder: Of its session.
        turns: In the order of their names.
        transcripts: By turn.
        video: The avi with both actors; None where it is missing or does not fit.
        wavs: By turn, the wavs that are there.
        alignments: By turn, the word segmentations that are there.
    """

    dialogue: Dialogue
    folder: Path
    turns: tuple[Turn, ...]
    transcripts: dict[str, str]
    video: Path | None
    wavs: dict[str, Path]
    alignments: dict[str, Path]


def read_release(root: Path) -> list[Recording]:
    """All evaluated dialogues below root, ordered by name.

    Raises:
        DataError: There is no session with evaluations, or an evaluation file is broken.
    """
    recordings = []
    for session in SESSIONS:
        folder = root / session
        for file in _files(folder / "dialog/EmoEvaluation", ".txt"):
            dialogue = parse_dialogue(file.stem)
            if dialogue is None or file.parent.name != "EmoEvaluation":
                continue  # single annotators' files lie in folders below
            if f"Session{int(dialogue.session)}" != session:
                raise DataError(f"a dialogue of another session stands in {session}", where=str(file))
            recordings.append(_recording(dialogue, folder, read_evaluation(file)))
    if not any(recording.turns for recording in recordings):
        deeper = sorted(session.parent for session in root.glob("*/Session[1-5]"))
        if deeper:
            raise DataError(
                "the sessions of IEMOCAP lie one folder deeper",
                where=str(root),
                remedy=f"set corpus.root to {deeper[0]}",
            )
        raise wrong_layout("IEMOCAP", root, _EXPECTED)
    return sorted(recordings, key=lambda recording: recording.dialogue.name)


def _recording(dialogue: Dialogue, folder: Path, turns: Sequence[Turn]) -> Recording:
    name = dialogue.name
    transcription = folder / "dialog/transcriptions" / f"{name}.txt"
    video = folder / "dialog/avi/DivX" / f"{name}.avi"
    return Recording(
        dialogue,
        folder,
        tuple(sorted(turns, key=lambda turn: turn.name)),
        read_transcription(transcription) if transcription.is_file() else {},
        video if video.is_file() else None,
        {path.stem: path for path in _files(folder / "sentences/wav" / name, ".wav")},
        {path.stem: path for path in _files(folder / "sentences/ForcedAlignment" / name, ".wdseg")},
    )


def _files(folder: Path, suffix: str) -> list[Path]:
    return files_below(folder, {suffix}) if folder.is_dir() else []


def lacking_sessions(root: Path, recordings: Iterable[Recording]) -> list[str]:
    """Sessions without evaluations, and dialogues that have other files but no evaluation."""
    known = {recording.dialogue.name for recording in recordings}
    present = {recording.folder.name for recording in recordings}
    said = []
    absent = [session for session in SESSIONS if session not in present]
    if absent:
        said.append(f"{_and(absent)} {'is' if len(absent) == 1 else 'are'} missing, or without dialog/EmoEvaluation")
    others = set()
    for session in sorted(present):
        for place, suffix in (("dialog/transcriptions", ".txt"), ("dialog/avi/DivX", ".avi")):
            others |= {path.stem for path in _files(root / session / place, suffix) if parse_dialogue(path.stem)}
        wavs = root / session / "sentences/wav"
        others |= {path.name for path in wavs.iterdir() if parse_dialogue(path.name)} if wavs.is_dir() else set()
    if others - known:
        said.append(f"{_count(sorted(others - known), 'dialogue')} without an evaluation")
    return said


def lacking_transcripts(recordings: Sequence[Recording]) -> list[str]:
    """Sessions without transcriptions, and turns without a transcript."""
    return _lacking(
        recordings,
        "transcriptions (dialog/transcriptions)",
        [recording for recording in recordings if not recording.transcripts],
        [turn.name for r in recordings for turn in r.turns if turn.name not in r.transcripts],
        "transcript",
    )


def lacking_wavs(recordings: Sequence[Recording]) -> list[str]:
    """Sessions without sentence wavs, and turns whose wav is missing."""
    return _lacking(
        recordings,
        "sound of the turns (sentences/wav)",
        [recording for recording in recordings if not recording.wavs],
        [turn.name for r in recordings for turn in r.turns if turn.name not in r.wavs],
        "wav in sentences/wav",
    )


def lacking_videos(recordings: Sequence[Recording]) -> list[str]:
    """Sessions without video, and dialogues whose avi is missing."""
    without = [recording for recording in recordings if recording.video is None]
    return _lacking(
        recordings,
        "video (dialog/avi/DivX)",
        without,
        [recording.dialogue.name for recording in without],
        "avi in dialog/avi/DivX",
        unit="dialogue",
    )


def _lacking(
    recordings: Sequence[Recording],
    what: str,
    without: Sequence[Recording],
    names: Sequence[str],
    file: str,
    *,
    unit: str = "turn",
) -> list[str]:
    """What whole sessions lack, then what is lacking singly in the others."""
    sessions = sorted({recording.folder.name for recording in recordings})
    bare = [s for s in sessions if all(r in without for r in recordings if r.folder.name == s)]
    said = []
    if bare:
        said.append(f"{_and(bare)} {'has' if len(bare) == 1 else 'have'} no {what}")
    single = [name for name in names if f"Session{int(name[3:5])}" not in bare]
    if single:
        said.append(f"{_count(single, unit)} without {'an' if file.startswith('avi') else 'a'} {file}")
    return said


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _count(names: Sequence[str], unit: str) -> str:
    return f"{len(names):,} {unit}{'s' * (len(names) != 1)} ({listing(names, 3)})"
