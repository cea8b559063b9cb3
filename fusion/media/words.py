"""Words: a transcript over the whole clip, or cues with times from a sidecar file."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from fusion.contract import WORDS, DataError, InputMissing, Pieces, Track, Want
from fusion.media.limits import LARGEST_SIDECAR

_ARROW = re.compile(r"^\s*(?P<start>[\d:.,]+)\s+-->\s+(?P<end>[\d:.,]+)(?:\s.*)?$")
_TIME = re.compile(r"^(?:(?P<hours>\d+):)?(?P<minutes>\d{1,2}):(?P<seconds>\d{1,2})[.,](?P<fraction>\d{1,9})$")
_MARKUP = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")
_BLOCKS = re.compile(r"\n[ \t]*\n+")
#: A frame of a word segmentation, in seconds.
FRAME = Fraction(1, 100)
_SEGMENT = re.compile(r"\s*(?P<first>\d+)\s+(?P<last>\d+)\s+-?\d+\s+(?P<word>\S+)\s*", re.ASCII)
_HEADING = re.compile(r"\s*(?:SFrm\s.*|Total score:.*)?", re.IGNORECASE)
#: Silences and noises (``<s>``, ``<sil>``, ``++LAUGHTER++``), and the number of a pronunciation (``THE(2)``).
_UNSPOKEN = re.compile(r"<.*>|\+\+.*\+\+")
_VARIANT = re.compile(r"\(\d+\)$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cue:
    """Words said from one second of the file to another."""

    start: Fraction
    end: Fraction
    text: str


def read_text(path: Path) -> str:
    """A text file in UTF-8, with or without a byte order mark.

    Raises:
        InputMissing: There is no such file.
        DataError: It is too large or not UTF-8; the message names the first bad byte.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_SIDECAR:
            raise DataError(f"{size:,} bytes of words are over the limit (LARGEST_SIDECAR)", where=str(path))
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputMissing("there is no such file", where=str(path)) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"not UTF-8: byte {error.start + 1} is 0x{error.object[error.start]:02x}",
            where=str(path),
            remedy="save the file as UTF-8",
        ) from None


def read_cues(path: Path) -> list[Cue] | str:
    """Timed cues of a .srt, .vtt or .wdseg file in order of time, or the whole text of any other.

    Raises:
        DataError: A cue's times cannot be read; the message names the line.
    """
    text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
    if path.suffix.lower() == ".wdseg":
        return _segments(path, text.split("\n"))
    if path.suffix.lower() not in {".srt", ".vtt"}:
        return text.strip()
    cues: list[Cue] = []
    line = 1
    position = 0
    for block in _BLOCKS.split(text):
        start = text.index(block, position)
        line += text.count("\n", position, start)
        position = start
        cue = _cue(path, block.split("\n"), line)
        if cue is not None and cue.text:
            cues.append(cue)
    return sorted(cues, key=lambda cue: (cue.start, cue.end))


class WordsTrack:
    """Words of a clip as irregular pieces: strings with times and ends, in seconds of the clip's clock.

    Args:
        transcript: Words without times; one piece over the whole clip.
        cues: Words with times of the file.
        start: Second of the file that is second 0 of the clip.
        end: Where the clip ends.
    """

    def __init__(self, transcript: str | None, cues: list[Cue], start: Fraction, end: Fraction) -> None:
        spans = [(Fraction(0), end, transcript)] if transcript is not None else []
        spans += [(max(cue.start - start, Fraction(0)), min(cue.end - start, end), cue.text) for cue in cues]
        self._spans = [span for span in spans if span[0] < span[1] and span[0] < end]
        self._given = 0

    @property
    def exhausted(self) -> bool:
        """True once all words have been taken."""
        return self._given == len(self._spans)

    def take(self, until: Fraction) -> Mapping[Want, Pieces]:
        """The words that begin before ``until`` and have not been taken yet."""
        stop = self._given
        while stop < len(self._spans) and self._spans[stop][0] < until:
            stop += 1
        taken, self._given = self._spans[self._given : stop], stop
        if not taken:
            return {}
        times, ends = (np.array([float(span[k]) for span in taken]) for k in (0, 1))
        return {Want(WORDS): Pieces([span[2] for span in taken], None, times=times, ends=ends)}


def open_words(transcript: str | None, track: Track | None, end: Fraction) -> WordsTrack | str:
    """The words of a sidecar, or else the transcript; a string says why there are none."""
    if track is not None:
        content = read_cues(track.file)
        if not content:
            return f"no words in {track.file.name}"
        if isinstance(content, str):
            return WordsTrack(content, [], Fraction(0), end)
        return WordsTrack(None, content, track.start, end)
    if transcript is None:
        return "the clip has no transcript"
    if not transcript.strip():
        return "the transcript is empty"
    return WordsTrack(transcript.strip(), [], Fraction(0), end)


def _cue(path: Path, lines: list[str], first: int) -> Cue | None:
    """One block of a subtitle file; None where it is no cue (a header, a note, a style)."""
    for number, line in enumerate(lines):
        if "-->" not in line:
            continue
        match = _ARROW.match(line)
        times = [_seconds(match[name]) for name in ("start", "end")] if match else [None, None]
        if times[0] is None or times[1] is None or times[1] < times[0]:
            raise DataError(
                f"line {first + number} holds no times such as 00:00:01,000 --> 00:00:02,500",
                where=str(path),
                remedy="correct the line",
            )
        text = " ".join(part.strip() for part in lines[number + 1 :])
        return Cue(times[0], times[1], html.unescape(_MARKUP.sub("", text)).strip())
    return None


def _segments(path: Path, lines: list[str]) -> list[Cue]:
    """Words of a segmentation as Sphinx writes it: first frame, last frame (included), score and word in a line."""
    cues = []
    for number, line in enumerate(lines, 1):
        if _HEADING.fullmatch(line):
            continue
        match = _SEGMENT.fullmatch(line)
        if match is None or int(match["last"]) < int(match["first"]):
            raise DataError(
                f"line {number} holds no first frame, last frame, score and word: '{line.strip()[:60]}'",
                where=str(path),
                remedy="correct the line",
            )
        if not _UNSPOKEN.fullmatch(match["word"]):
            start, end = int(match["first"]) * FRAME, (int(match["last"]) + 1) * FRAME
            cues.append(Cue(start, end, _VARIANT.sub("", match["word"])))
    return cues


def _seconds(text: str) -> Fraction | None:
    match = _TIME.match(text)
    if match is None:
        return None
    whole = int(match["hours"] or 0) * 3600 + int(match["minutes"]) * 60 + int(match["seconds"])
    return whole + Fraction(int(match["fraction"]), 10 ** len(match["fraction"]))
