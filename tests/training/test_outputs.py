from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from fusion.contract import RunError, Span, StreamOutput
from fusion.data.plan import Window
from fusion.inference.files import read_json, write_json
from fusion.training.outputs import PartOutputs, read_part, select, write_stream
from fusion.training.outputs import _concatenate as concatenate


def output(rows: int, steps: int, start: float = 0.0) -> StreamOutput:
    return StreamOutput(
        embedding=start + torch.arange(rows * 2.0).reshape(rows, 2),
        sequence=start + torch.arange(rows * steps * 3.0).reshape(rows, steps, 3),
        mask=torch.ones(rows, steps, dtype=torch.bool),
        times=torch.arange(steps * 1.0).expand(rows, steps),
    )


def test_batches_of_unequal_length_are_padded() -> None:
    joined = concatenate([output(2, 3), output(1, 5, start=100.0)])
    assert joined.sequence is not None
    assert joined.mask is not None
    assert joined.sequence.shape == (3, 5, 3)
    assert joined.mask.sum(dim=1).tolist() == [3, 3, 5]
    assert torch.equal(joined.sequence[:2, :3], output(2, 3).sequence)  # type: ignore[arg-type]
    assert not joined.sequence[:2, 3:].any()
    assert joined.logits is None


def test_what_is_stored_comes_back(tmp_path: Path) -> None:
    kept = output(2, 3)
    write_stream(tmp_path, "voice", kept, torch.tensor([True, False]), {"silent": 1})
    write_json(
        tmp_path / "windows.json",
        {"clips": ["a"], "windows": [[0, "0", "3/2", 0], [0, "3/2", "3", 1]], "targets": [[0.25, None]]},
    )
    part = read_part(tmp_path, ["voice"])
    assert part.windows[1] == Window(0, Span(Fraction(3, 2), Fraction(3)), 1)
    assert part.present.tolist() == [[True], [False]]
    assert part.absent == {"voice": {"silent": 1}}
    np.testing.assert_array_equal(part.targets, np.array([[0.25, np.nan]], np.float32))
    assert torch.equal(part.streams["voice"].sequence, kept.sequence)  # type: ignore[arg-type]
    changed = read_json(tmp_path / "windows.json")
    write_json(tmp_path / "windows.json", {**changed, "windows": changed["windows"][:1]})
    with pytest.raises(RunError, match="belongs to other windows"):
        read_part(tmp_path, ["voice"])


def test_some_windows_and_some_streams() -> None:
    both = {"a": output(3, 2), "b": output(3, 4, start=50.0)}
    windows = tuple(Window(0, Span(Fraction(k), Fraction(k + 1)), k) for k in range(3))
    present = torch.tensor([[True, False], [True, True], [False, True]])
    part = PartOutputs(("x",), windows, both, present, np.zeros((1, 2), np.float32), {"a": {}, "b": {}})
    rows = select(part.streams, torch.tensor([2, 0]))
    assert torch.equal(rows["b"].embedding, both["b"].embedding[[2, 0]])  # type: ignore[arg-type, index]
    assert part.column("b").tolist() == [False, True, True]
    only = part.only(["b"])
    assert list(only.streams) == ["b"]
    assert only.present.tolist() == [[False], [True], [True]]
