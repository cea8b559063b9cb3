"""Reading a finished pretraining back: encoders and objectives with the weights that were kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contrastive.model import PretrainModel, build_objectives
from contrastive.pretrain import stream_pairs
from contrastive.segments import segments_of
from contrastive.settings import Pretrain
from fusion.catalog import Catalog
from fusion.catalog.single_files import require_files
from fusion.config.experiment import experiment_from
from fusion.config.models import Experiment
from fusion.contract import Fitted, RunError
from fusion.inference.described import build_stream
from fusion.inference.files import read_state
from fusion.training.run import Record
from fusion.training.start import read_description

_ANY_CLASSES = ("one", "other")


@dataclass(frozen=True)
class Pretrained:
    """One fold of a pretraining.

    Args:
        experiment: What it was trained by.
        model: In evaluation mode.
        fitted: By stream.
    """

    experiment: Experiment
    model: PretrainModel
    fitted: Mapping[str, Fitted]


def load_pretrained(run: Path, fold: str, catalog: Catalog) -> Pretrained:
    """Read a fold of a run.

    Raises:
        RunError: The run holds no such fold, or it is not finished.
    """
    record = Record(run).read()
    folder = run / fold
    if not (folder / "result.json").exists():
        known = ", ".join(record["folds"])
        raise RunError(f"has no finished fold {fold!r}", where=str(run), remedy=f"its folds are {known}")
    require_files(record.get("plugins", {}), catalog.files, str(run))
    experiment = experiment_from(record["config"], str(run), catalog=catalog)
    settings: Pretrain = catalog.options("command", "pretrain", experiment.pretrain)
    pairs = stream_pairs(settings, list(experiment.streams), str(run))
    fitted: dict[str, Fitted] = {}
    encoders = {}
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        description = read_description(folder / "streams" / name)
        fitted[name] = description.fitted
        stream = build_stream(
            experiment.streams[name], description.input, _ANY_CLASSES, catalog, address=(experiment.seed, "read", name)
        )
        encoders[name] = stream.encoder
    objectives = build_objectives(settings, encoders, pairs, catalog, experiment.seed)
    model = PretrainModel(encoders, objectives, pairs, segments_of(settings, experiment))
    model.load_state_dict(read_state(folder / "best.safetensors"))
    return Pretrained(experiment, model.eval(), fitted)
