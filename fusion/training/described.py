"""What must travel with a stream's weights: what its modality fitted and what its encoder was built for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import torch

from fusion.catalog import Catalog
from fusion.config.models import Component, StreamSettings
from fusion.contract import DataError, Fitted, InputSpec
from fusion.data.batches import ClipTable
from fusion.data.plan import evaluation_windows
from fusion.data.randomness import torch_seed
from fusion.data.rows import Absent
from fusion.heads.model import StreamModel
from fusion.config.models import WindowSettings


@dataclass(frozen=True)
class StreamDescription:
    """A stream's fitted state and its encoder's input."""

    fitted: Fitted
    input: InputSpec

    def state(self) -> dict[str, Any]:
        """For ``write_state``."""
        return {"fitted": dict(self.fitted), "input": input_to_json(self.input)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> StreamDescription:
        """From ``read_state``."""
        return cls(state["fitted"], input_from_json(state["input"]))


def input_to_json(spec: InputSpec) -> dict[str, Any]:
    """An input spec as JSON values."""
    values = asdict(spec)
    values["shapes"] = {key: list(shape) for key, shape in spec.shapes.items()}
    values["rate"] = None if spec.rate is None else str(spec.rate)
    return values


def input_from_json(values: Mapping[str, Any]) -> InputSpec:
    """The inverse of ``input_to_json``."""
    return InputSpec(
        shapes={key: tuple(shape) for key, shape in values["shapes"].items()},
        rate=None if values["rate"] is None else Fraction(values["rate"]),
        size=values["size"],
        details=values["details"],
    )


def describe_stream(table: ClipTable, name: str, window: WindowSettings) -> StreamDescription:
    """Fit a stream's modality on the training part.

    Raises:
        DataError: The stream is absent from every training clip.
    """
    modality = table.plans[name].modality
    windows = evaluation_windows(table.durations, window)
    if modality.extent == "clip":
        windows = [one for one in windows if one.number == 0]
    rows = (row for one in windows if not isinstance(row := table.row(one, name), Absent))
    fitted = modality.fit(rows)
    example = next((row for one in windows if not isinstance(row := table.row(one, name), Absent)), None)
    if example is None:
        raise DataError("is absent from every training clip", where=f"stream {name!r}",
                        remedy="`fusion data inspect` says what the clips lack")
    return StreamDescription(fitted, modality.input(example, fitted))


def build_stream(
    settings: StreamSettings, description: StreamDescription, names: tuple[str, ...], catalog: Catalog, *, seed: int, name: str
) -> StreamModel:
    """A stream's encoder with new weights, drawn from (seed, stream name), and its linear layer."""
    return build_stream_model(settings.encoder, settings.modality.name, description.input, names, catalog, (seed, "weights", name))


def build_stream_model(
    encoder: Component, modality: str, spec: InputSpec, names: tuple[str, ...], catalog: Catalog, address: tuple[int | str, ...]
) -> StreamModel:
    """Build an encoder by its component; torch's generator is seeded for it and left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(*address))
        return StreamModel(catalog.build("encoder", encoder, spec, modality=modality), names)
