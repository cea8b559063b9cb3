"""Streams that clips do not have, in words: what is absent, from how many clips, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fusion.contract import Clip, DataError
from fusion.data.streams import StreamPlan
from fusion.store.failures import Failure, by_reason
from fusion.store.store import Store

#: Most reasons of a stream that are listed.
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Absence:
    """A stream that some clips do not have.

    Args:
        stream: Its name.
        reasons: The clips' ids, in order, and why; clips of several corpora may have one id.
        clips: Clips in all.
    """

    stream: str
    reasons: tuple[tuple[str, str], ...]
    clips: int

    @property
    def everywhere(self) -> bool:
        """Whether no clip has it."""
        return len(self.reasons) == self.clips

    @property
    def lines(self) -> list[str]:
        """How many clips lack it, and which for what reason, the commonest first."""
        counted = by_reason(Failure(clip, self.stream, reason) for clip, reason in self.reasons)
        lines = [f"{self.stream}: absent from {len(self.reasons)} of {self.clips} clips"]
        lines += [f"  {line}" for line in counted[:SHOWN]]
        return lines + ([f"  and {len(counted) - SHOWN} other reasons"] if len(counted) > SHOWN else [])


def absences(clips: Sequence[Clip], plans: Mapping[str, StreamPlan], store: Store) -> list[Absence]:
    """The streams that are absent from some of prepared clips, those that failed among them."""
    found = []
    for name, plan in plans.items():
        asked = ((clip.id, store.lookup(clip, plan).absence) for clip in clips)
        reasons = tuple((clip, reason) for clip, reason in asked if reason is not None)
        if reasons:
            found.append(Absence(name, reasons, len(clips)))
    return found


def require_some(found: Sequence[Absence], corpus: str) -> None:
    """Refuse streams that no clip has: nothing can be learnt from them.

    Raises:
        DataError: There is such a stream.
    """
    for absence in found:
        if absence.everywhere:
            _, reason = absence.reasons[0]
            raise DataError(
                f"stream '{absence.stream}' is absent from all {absence.clips} clips: {reason}",
                where=f"corpus {corpus}",
                remedy="correct the stream, or what corpus.attach names for it, or leave the stream out",
            )
