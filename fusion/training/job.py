"""One split about to be trained: everything that its stages share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fusion.catalog import Catalog
from fusion.config.models import Experiment
from fusion.contract import Split
from fusion.training.report import Reporter
from fusion.training.split_data import SplitTables
from fusion.training.start import Held
from fusion.training.tasks import Setting

#: Row of the model whose encoders and head were tuned together.
TUNED = "tuned"
#: File of a split with what the aggregator fitted for each row.
AGGREGATIONS = "aggregations.safetensors"


@dataclass(frozen=True)
class SplitJob:
    """One split about to be trained.

    Args:
        experiment: The settings.
        catalog: Components.
        tables: The split's clips.
        split: Its name and parts.
        folder: Of this split.
        setting: What all stages share.
        reporter: Hears what happens.
        split_hash: Of the whole protocol.
        guarantee: What the split guarantees, for the model's card.
        held: The validation and test clips, for leaks from a run to start from.
        start: A run to start streams from.
        epochs: Epochs by stage (``stream:NAME``, ``head:ROW``, ``tuned``), for a final model without validation.
        headline: The row to save, for a final model.
        tuned: The head to tune, for a final model.
        cautions: What modalities say about what scores of their streams mean, for the model's card.
    """

    experiment: Experiment
    catalog: Catalog
    tables: SplitTables
    split: Split
    folder: Path
    setting: Setting
    reporter: Reporter
    split_hash: str
    guarantee: str
    held: Sequence[Held]
    start: Path | None = None
    epochs: Mapping[str, int] | None = None
    headline: str | None = None
    tuned: str | None = None
    cautions: Sequence[str] = ()

    @property
    def validated(self) -> bool:
        """Whether there are validation clips to choose epochs and heads by."""
        return len(self.tables.validation.clips) > 0

    @property
    def named(self) -> str | None:
        """The row that was named as the headline; None lets validation choose."""
        return self.headline or self.experiment.headline

    def stop(self, stage: str) -> int | None:
        """After how many epochs a stage ends; None leaves it to its settings."""
        return None if self.epochs is None else self.epochs.get(stage)
