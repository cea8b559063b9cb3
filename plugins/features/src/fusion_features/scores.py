"""The modality ``scores``: what another model answered for each clip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fusion.contract import Batch, DataError, Extent, Fitted, InputSpec, Need, Row, Span
from fusion_features.decoder import Question
from fusion_features.modality import kind_of
from fusion_features.options import Scores as ScoresOptions

#: How far a row of probabilities may be from a sum of 1: tables are rounded.
ROUNDING = 0.02
#: Probabilities below this count as this: a table's 0 is a rounded number, and no evidence is infinite.
SMALLEST = 1e-7

CAUTIONS = {
    "unknown": "nothing says what the models behind these scores were trained on; if it was these clips, a head fitted "
    "on the training part trusts them too much: fit it on validation (fitted_on: validation), or use scores by "
    "cross-fitting (origin: out_of_fold)",
    "out_of_fold": "these scores are out of fold: a clip's model had not met its speaker, but those of the tested part "
    "are among the people behind the scores of other clips, so heads and temperatures fitted on them are ordinary "
    "stacking and not blind to the tested speakers",
}


class Scores:
    """Logits by class: ``scores`` ``[B, C]`` float32, one row for the whole clip. Nothing is fitted."""

    version = 1

    def __init__(self, options: ScoresOptions) -> None:
        self.options = options
        self._kind = kind_of(options.source)

    @property
    def needs(self) -> Mapping[str, Need]:
        options = self.options
        return {self._kind: Need(options=Question(options.id, options.id_column, options.named_columns).options())}

    @property
    def extent(self) -> Extent:
        return "clip"

    @property
    def mixable(self) -> tuple[str, ...]:
        return ()

    @property
    def cautions(self) -> Sequence[str]:
        """What fitting anything on such scores means."""
        return tuple(CAUTIONS[name] for name in (self.options.origin,) if name in CAUTIONS)

    def absence(self, row: Row) -> str | None:
        """``no scores`` where the table has none of the clip."""
        return None if self._kind in row and len(row[self._kind]) else "no scores"

    def fit(self, rows: Iterable[Row]) -> Fitted:
        """Fit nothing, but look at the numbers: probabilities that are called logits would be squashed twice.

        Raises:
            DataError: Probabilities are none, or all logits look like probabilities.
        """
        alike = None
        for row in rows:
            values = self._values(row)
            alike = _is_distribution(values) and alike is not False
        if self.options.values == "logits" and alike:
            raise DataError(
                "every row lies in 0 to 1 and sums to 1, as probabilities do",
                where="scores",
                remedy="write values: probabilities",
            )
        return {}

    def input(self, row: Row, fitted: Fitted) -> InputSpec:  # noqa: ARG002 - the options say all
        """The shape of ``scores``; ``details`` name the classes."""
        return InputSpec({"scores": (len(self.options.classes),)}, details={"classes": list(self.options.classes)})

    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:  # noqa: ARG002
        """Logits as they are; of probabilities their logarithms."""
        import torch

        return {"scores": torch.from_numpy(np.stack([self._logits(self._values(row)) for row in rows]))}

    def _values(self, row: Row) -> NDArray[np.float32]:
        values: NDArray[np.float32] = np.asarray(row[self._kind].data, np.float32)[0]
        count = len(self.options.classes)
        if len(values) != count:
            raise DataError(
                f"there are {len(values)} scores of {count} classes", where="scores", remedy="correct classes"
            )
        if self.options.values == "probabilities" and not _is_distribution(values):
            shown = ", ".join(f"{value:.3g}" for value in values)
            raise DataError(
                f"{shown} are no probabilities (they sum to {values.sum():.3g})",
                where="scores",
                remedy="name the columns of all classes and divide each row by its sum; if they are logits, write "
                "values: logits",
            )
        return values

    def _logits(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.options.values == "logits":
            return values
        return np.asarray(np.log(np.maximum(values, SMALLEST)), np.float32)


def _is_distribution(values: NDArray[np.float32]) -> bool:
    inside = bool((values >= 0).all() and (values <= 1 + ROUNDING).all())
    return inside and abs(float(values.sum()) - 1) <= ROUNDING
