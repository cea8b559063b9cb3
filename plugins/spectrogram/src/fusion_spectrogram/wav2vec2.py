"""Pretrained speech models of transformers on raw sound."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fusion.contract import Batch, ComponentError, InputMissing, InputSpec, OutputSpec, StreamOutput
from fusion_spectrogram import encoder_options

#: Samples per second that the models of this family were trained on.
RATE = 16000


class Wav2Vec2(nn.Module):
    """A wav2vec 2.0, HuBERT or WavLM model (Baevski et al. 2020 and after) and the mean of its steps.

    Rows of one length go through the model together and without padding, because several models of the family
    normalise over time and would let padding into the answer.
    """

    def __init__(self, options: encoder_options.Wav2Vec2, input: InputSpec) -> None:  # noqa: A002 (the contract's name)
        super().__init__()
        if "values" not in input.shapes or input.rate != RATE:
            found = "frames" if "frames" in input.shapes else f"{float(input.rate or 0):g} samples a second"
            raise ComponentError(
                f"this encoder reads raw sound at {RATE} samples a second, but the stream holds {found}",
                where="wav2vec2",
                remedy="let the stream's transforms end with resample at rate 16000",
            )
        self.options = options
        self.model = _pretrained(options) if options.architecture is None else _untrained(options.architecture)
        config = self.model.config
        self.strides = tuple(int(stride) for stride in config.conv_stride)
        self.kernels = tuple(int(kernel) for kernel in config.conv_kernel)
        self.frozen = options.freeze
        if hasattr(self.model, "masked_spec_embed"):
            self.model.masked_spec_embed.requires_grad_(False)
        if options.freeze == "all":
            self.model.requires_grad_(False)
        elif options.freeze == "features":
            self.model.feature_extractor.requires_grad_(False)
        layers = int(config.num_hidden_layers) + 1
        self.layers = nn.Parameter(torch.zeros(layers)) if options.average_layers else None
        self.dropout = nn.Dropout(options.dropout)
        size = int(config.hidden_size)
        self._spec = OutputSpec(dim=size, sequence=size, exportable=False)

    @property
    def portable(self) -> dict[str, Any]:
        """Options that build the same network without the pretrained weights."""
        architecture = json.loads(self.model.config.to_json_string(use_diff=False))
        architecture.pop("_name_or_path", None)  # where it lay on somebody's machine
        return {**asdict(self.options), "path": None, "revision": None, "architecture": architecture}

    @property
    def spec(self) -> OutputSpec:
        return self._spec

    @property
    def reach(self) -> int:
        """Samples that one step sees."""
        reach = 1
        for kernel, stride in zip(reversed(self.kernels), reversed(self.strides), strict=True):
            reach = (reach - 1) * stride + kernel
        return reach

    def train(self, mode: bool = True) -> Wav2Vec2:
        """A model that is frozen as a whole keeps its dropout off."""
        super().train(mode)
        if self.frozen == "all":
            self.model.eval()
        return self

    def forward(self, batch: Batch) -> StreamOutput:
        values = batch["values"]
        valid = batch.get("mask")
        lengths = [values.shape[1]] * len(values) if valid is None else [int(n) for n in valid.sum(dim=1).tolist()]
        rows: list[Tensor | None] = [None] * len(values)
        for length in sorted(set(lengths)):
            members = [row for row, other in enumerate(lengths) if other == length]
            part = values[members, :length]
            part = F.pad(part, (0, max(0, self.reach - length)))
            for row, steps in zip(members, self._steps(part), strict=True):
                rows[row] = steps
        steps = [row for row in rows if row is not None]
        sequence = nn.utils.rnn.pad_sequence(steps, batch_first=True)
        counts = torch.tensor([len(row) for row in steps], device=values.device)
        positions = torch.arange(sequence.shape[1], device=values.device)
        mask = positions[None, :] < counts[:, None]
        weights = mask.to(sequence.dtype) / counts[:, None]
        times = (positions * prod(self.strides) + self.reach / 2) / RATE
        return StreamOutput(
            embedding=self.dropout((sequence * weights[:, :, None]).sum(dim=1)),
            sequence=sequence,
            mask=mask,
            times=times[None, :].expand(mask.shape),
            attention=weights,
        )

    def _steps(self, values: Tensor) -> Tensor:
        """Samples ``[B, N]`` of one length to steps ``[B, T, D]``."""
        answer = self.model(values, output_hidden_states=self.layers is not None)
        if self.layers is None:
            last: Tensor = answer.last_hidden_state
            return last
        weights = torch.softmax(self.layers, dim=0)
        return torch.stack([weight * state for weight, state in zip(weights, answer.hidden_states, strict=True)]).sum(0)


def _pretrained(options: encoder_options.Wav2Vec2) -> Any:
    """The saved model. Code that comes with weights is never run."""
    from transformers import AutoConfig, AutoModel

    assert options.path is not None
    where: dict[str, Any] = {"revision": options.revision, "local_files_only": options.local}
    try:
        config = AutoConfig.from_pretrained(options.path, trust_remote_code=False, **where)
        _settle(config)
        return AutoModel.from_pretrained(options.path, config=config, trust_remote_code=False, **where)
    except (OSError, ValueError) as error:
        raise InputMissing(
            f"no speech model can be loaded from {options.path!r}: {str(error).splitlines()[0].rstrip('.')}",
            where="wav2vec2",
            remedy="give the folder of a saved model, or local: false to ask the hub",
        ) from error


def _untrained(architecture: Mapping[str, Any]) -> Any:
    """The model of a configuration, with weights by chance."""
    from transformers import AutoConfig, AutoModel

    values = dict(architecture)
    config = AutoConfig.for_model(str(values.pop("model_type", None)), **values)
    _settle(config)
    return AutoModel.from_config(config, trust_remote_code=False)


def _settle(config: Any) -> None:
    """The model's own masking draws from NumPy's global generator; skipped layers would go untrained."""
    config.apply_spec_augment = False
    config.layerdrop = 0.0
