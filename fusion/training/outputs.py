"""Stored outputs of trained streams on the windows of a part: what heads are fitted on and scores are made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fusion.contract import Fitted, RunError, Span, StreamOutput
from fusion.data.batches import ClipTable, evaluation_batches
from fusion.data.plan import Window
from fusion.heads.model import StreamModel, encode_stream
from fusion.inference.files import read_json, read_state, write_json, write_state


@dataclass
class PartOutputs:
    """Outputs of S streams on the W evaluation windows of N clips.

    Args:
        clips: Ids of the clips.
        windows: The windows, referring to clips by place.
        streams: By stream, outputs ``[W, ...]``; rows where the stream is absent are zeros.
        present: ``[W, S]``, columns in the order of ``streams``.
        targets: ``[N, C]``.
        absent: By stream, the reasons for absence and how many windows each concerns.
    """

    clips: tuple[str, ...]
    windows: tuple[Window, ...]
    streams: dict[str, StreamOutput]
    present: Tensor
    targets: NDArray[np.float32]
    absent: dict[str, dict[str, int]]

    def column(self, stream: str) -> Tensor:
        """``[W]``: where one stream is present."""
        return self.present[:, list(self.streams).index(stream)]

    def only(self, names: Sequence[str]) -> PartOutputs:
        """The same windows with some of the streams."""
        columns = [list(self.streams).index(name) for name in names]
        return PartOutputs(
            self.clips,
            self.windows,
            {name: self.streams[name] for name in names},
            self.present[:, columns],
            self.targets,
            {name: self.absent[name] for name in names},
        )


@torch.no_grad()
def stream_outputs(
    model: StreamModel,
    table: ClipTable,
    windows: Sequence[Window],
    name: str,
    fitted: Fitted,
    *,
    device: torch.device,
    batch: int = 32,
) -> tuple[StreamOutput, Tensor, dict[str, int]]:
    """One stream's outputs on windows: ``[W, ...]`` on the processor, presence ``[W]``, and reasons for absence.

    A stream of extent clip is encoded once a clip and repeated for the clip's other windows.
    """
    own = table.subset([name])
    once = own.plans[name].modality.extent == "clip"
    encoded = [window for window in windows if window.number == 0] if once else list(windows)
    model = model.to(device).eval()
    outputs: list[StreamOutput] = []
    present: list[Tensor] = []
    absent: dict[str, int] = {}
    for part in evaluation_batches(own, encoded, {name: fitted}, batch):
        moved = part.to(device)
        outputs.append(_to_cpu(encode_stream(model, moved, name)))
        present.append(part.present[:, 0])
        for reason in part.absent.values():
            absent[reason] = absent.get(reason, 0) + 1
    output, shown = _concatenate(outputs), torch.cat(present) if present else torch.zeros(0, dtype=torch.bool)
    if once:
        place = {window.clip: position for position, window in enumerate(encoded)}
        rows = torch.tensor([place[window.clip] for window in windows], dtype=torch.long)
        output = StreamOutput(**{key: value[rows] for key, value in _tensors(output).items()})
        shown = shown[rows]
    return output, shown, absent


def write_stream(folder: Path, name: str, output: StreamOutput, present: Tensor, absent: Mapping[str, int]) -> None:
    """Store one stream's outputs of a part."""
    write_state(
        folder / f"{name}.safetensors", {"output": _tensors(output), "present": present, "absent": dict(absent)}
    )


def write_windows(folder: Path, table: ClipTable, windows: Sequence[Window]) -> None:
    """Store which windows of which clips a part's outputs belong to."""
    write_json(
        folder / "windows.json",
        {
            "clips": [clip.id for clip in table.clips],
            "windows": [[w.clip, str(w.span.start), str(w.span.end), w.number] for w in windows],
            "targets": [[None if np.isnan(v) else float(v) for v in row] for row in table.targets],
        },
    )


def read_part(folder: Path, streams: Sequence[str]) -> PartOutputs:
    """Read the stored outputs of a part.

    Raises:
        RunError: A stream's outputs are missing or do not fit the windows.
    """
    index = read_json(folder / "windows.json")
    windows = tuple(Window(c, Span(Fraction(s), Fraction(e)), n) for c, s, e, n in index["windows"])
    outputs: dict[str, StreamOutput] = {}
    columns: list[Tensor] = []
    absent: dict[str, dict[str, int]] = {}
    for name in streams:
        state = read_state(folder / f"{name}.safetensors")
        if len(state["present"]) != len(windows):
            raise RunError(
                "belongs to other windows",
                where=str(folder / f"{name}.safetensors"),
                remedy="delete the run's outputs and repeat the command",
            )
        outputs[name] = StreamOutput(**state["output"])
        columns.append(state["present"])
        absent[name] = state["absent"]
    targets = np.array([[np.nan if v is None else v for v in row] for row in index["targets"]], dtype=np.float32)
    return PartOutputs(tuple(index["clips"]), windows, outputs, torch.stack(columns, dim=1), targets, absent)


@torch.no_grad()
def head_logits(head: nn.Module, part: PartOutputs, present: Tensor | None = None, batch: int = 256) -> Tensor:
    """A head's logits ``[W, C]`` on stored outputs; ``present`` may hide streams."""
    head = head.eval()
    shown = part.present if present is None else part.present & present
    answers = []
    for start in range(0, len(part.windows), batch):
        rows = slice(start, start + batch)
        answers.append(head(select(part.streams, torch.arange(len(part.windows))[rows]), shown[rows]).logits)
    return torch.cat(answers)


def select(streams: Mapping[str, StreamOutput], rows: Tensor) -> dict[str, StreamOutput]:
    """Some windows' outputs."""
    return {
        name: StreamOutput(**{key: value[rows] for key, value in _tensors(output).items()})
        for name, output in streams.items()
    }


def joined_parts(first: PartOutputs, second: PartOutputs) -> PartOutputs:
    """The windows of two parts one after the other; the second part's clips come after the first's."""
    shift = len(first.clips)
    absent = {name: dict(Counter(reasons) + Counter(second.absent[name])) for name, reasons in first.absent.items()}
    return PartOutputs(
        (*first.clips, *second.clips),
        (*first.windows, *(replace(window, clip=window.clip + shift) for window in second.windows)),
        {name: _concatenate([output, second.streams[name]]) for name, output in first.streams.items()},
        torch.cat([first.present, second.present]),
        np.concatenate([first.targets, second.targets]),
        absent,
    )


def _tensors(output: StreamOutput) -> dict[str, Tensor]:
    return {f.name: value for f in fields(output) if (value := getattr(output, f.name)) is not None}


def _to_cpu(output: StreamOutput) -> StreamOutput:
    return StreamOutput(
        **{
            key: value.to("cpu", torch.float32) if value.is_floating_point() else value.to("cpu")
            for key, value in _tensors(output).items()
        }
    )


def _concatenate(outputs: Sequence[StreamOutput]) -> StreamOutput:
    """Stack batches; sequences of unequal length are padded with zeros."""
    if not outputs:
        return StreamOutput()
    keys = set.union(*(set(_tensors(output)) for output in outputs))
    joined: dict[str, Tensor] = {}
    for key in sorted(keys):
        parts = [_tensors(output).get(key) for output in outputs]
        if any(part is None for part in parts):
            continue
        tensors = [part for part in parts if part is not None]
        if key in ("sequence", "mask", "times", "attention"):
            longest = max(tensor.shape[1] for tensor in tensors)
            tensors = [_padded(tensor, longest) for tensor in tensors]
        joined[key] = torch.cat(tensors)
    return StreamOutput(**joined)


def _padded(tensor: Tensor, length: int) -> Tensor:
    short = length - tensor.shape[1]
    if not short:
        return tensor
    return torch.cat([tensor, tensor.new_zeros((tensor.shape[0], short, *tensor.shape[2:]))], dim=1)
