"""What must travel with a stream's weights: what its modality fitted and what its encoder was built for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import torch

from fusion.catalog import Catalog
from fusion.config.models import StreamSettings
from fusion.contract import Fitted, InputSpec
from fusion.data.randomness import torch_seed
from fusion.heads.model import StreamModel


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


def build_stream(
    settings: StreamSettings,
    spec: InputSpec,
    names: Sequence[str],
    catalog: Catalog,
    *,
    address: tuple[int | str, ...],
) -> StreamModel:
    """A stream's encoder and linear layer with new weights.

    Args:
        settings: The stream's.
        spec: What its batches look like.
        names: The target's outputs, in order.
        catalog: Components.
        address: What the weights are drawn from; torch's own generator is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(*address))
        encoder = catalog.build("encoder", settings.encoder, spec, modality=settings.modality.name)
        return StreamModel(encoder, names)
