"""An answer for a clip: probabilities, each stream's opinion and contribution, and what was missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fusion.contract import FusionError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class StreamAnswer:
    """One stream's part in an answer.

    Args:
        opinion: Probabilities with all other streams masked; None where the stream is absent.
        contribution: Log-probability of the answer with all present streams, minus the same without this one;
            None where it is absent or the only one.
        absent: Why it is absent; for a clip, reasons with the number of windows.
        embedding: ``[D]``, where asked for.
        notes: What its modality says of windows in which it is present, with the number of windows.
    """

    opinion: Mapping[str, float] | None
    contribution: float | None
    absent: Mapping[str, int] = field(default_factory=dict)
    embedding: NDArray[np.float32] | None = None
    notes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class WindowAnswer:
    """The answer for one window, from ``start`` to ``end`` seconds; no probabilities where every stream is absent."""

    start: float
    end: float
    probabilities: Mapping[str, float] | None
    streams: Mapping[str, StreamAnswer]

    @property
    def label(self) -> str | None:
        """The likeliest class."""
        return None if self.probabilities is None else max(self.probabilities, key=self.probabilities.__getitem__)


@dataclass(frozen=True)
class Answer:
    """The answer for a clip.

    Args:
        clip: Its id or file name.
        seconds: How long it is.
        kind: The target's kind; ``label`` is None for several classes and for dimensions.
        probabilities: By class, or values by dimension; None where every stream is absent throughout.
        streams: By stream.
        windows: In order.
        failed: Streams that could not be read, with the reason.
    """

    clip: str
    seconds: float
    kind: str
    probabilities: Mapping[str, float] | None
    streams: Mapping[str, StreamAnswer]
    windows: tuple[WindowAnswer, ...]
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str | None:
        """The likeliest class; None where nothing is known or several may hold."""
        if self.probabilities is None or self.kind in ("several", "dimensions"):
            return None
        return max(self.probabilities, key=self.probabilities.__getitem__)

    def to_json(self) -> dict[str, Any]:
        """JSON values; embeddings as lists."""
        return {
            "clip": self.clip,
            "seconds": round(self.seconds, 6),
            "label": self.label,
            "probabilities": self.probabilities,
            "streams": {k: _stream(v) for k, v in self.streams.items()},
            "failed": dict(self.failed),
            "windows": [
                {
                    "start": w.start,
                    "end": w.end,
                    "label": w.label,
                    "probabilities": w.probabilities,
                    "streams": {k: _stream(v) for k, v in w.streams.items()},
                }
                for w in self.windows
            ],
        }

    def rows(self) -> list[dict[str, Any]]:
        """One flat row a window: times, label, probabilities, each stream's opinion, contribution and notes."""
        table = []
        for window in self.windows:
            row: dict[str, Any] = {"clip": self.clip, "start": window.start, "end": window.end, "label": window.label}
            row |= dict(window.probabilities or {})
            for name, stream in window.streams.items():
                opinion = stream.opinion
                row[f"{name}_label"] = None if opinion is None else max(opinion, key=opinion.__getitem__)
                row[f"{name}_contribution"] = stream.contribution
                row[f"{name}_absent"] = "; ".join(stream.absent) or None
                row[f"{name}_notes"] = "; ".join(stream.notes) or None
            table.append(row)
        return table

    def to_frame(self) -> pd.DataFrame:
        """``rows()`` as a pandas table.

        Raises:
            FusionError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError:
            raise FusionError(
                "needs pandas", where="Answer.to_frame", remedy="pip install pandas, or use rows()"
            ) from None
        return pd.DataFrame(self.rows())


def _stream(stream: StreamAnswer) -> dict[str, Any]:
    values: dict[str, Any] = {
        "opinion": stream.opinion,
        "contribution": stream.contribution,
        "absent": dict(stream.absent),
        "notes": dict(stream.notes),
    }
    if stream.embedding is not None:
        values["embedding"] = stream.embedding.tolist()
    return values
