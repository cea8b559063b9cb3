from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fusion.contract import RunError
from fusion.inference.files import read_json, read_state, write_json, write_state

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.builds(lambda n: torch.arange(n, dtype=torch.float64) / 3, st.integers(0, 4)),
    st.builds(lambda n: np.arange(n, dtype=np.float32) * 1.5, st.integers(0, 4)),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(max_size=5), st.integers(0, 9)), inner, max_size=3),
    ),
    max_leaves=8,
)


def same(first: Any, second: Any) -> bool:
    if isinstance(first, torch.Tensor):
        return isinstance(second, torch.Tensor) and first.dtype == second.dtype and torch.equal(first, second)
    if isinstance(first, np.ndarray):
        return isinstance(second, np.ndarray) and first.dtype == second.dtype and np.array_equal(first, second)
    if isinstance(first, dict):
        return (
            isinstance(second, dict) and list(first) == list(second) and all(same(first[k], second[k]) for k in first)
        )
    if isinstance(first, list):
        return isinstance(second, list) and len(first) == len(second) and all(map(same, first, second))
    return type(first) is type(second) and bool(first == second)


@given(state=st.dictionaries(st.text(max_size=6), trees, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_state_comes_back_as_it_was(tmp_path: Path, state: dict[str, Any]) -> None:
    write_state(tmp_path / "state.safetensors", state)
    assert same(state, read_state(tmp_path / "state.safetensors"))


def test_an_optimisers_state_comes_back(tmp_path: Path) -> None:
    layer = torch.nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    write_state(tmp_path / "a.safetensors", optimizer.state_dict())
    other = torch.optim.AdamW(layer.parameters())
    other.load_state_dict(read_state(tmp_path / "a.safetensors"))
    for first, second in zip(optimizer.state.values(), other.state.values(), strict=True):
        assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("content", [b"", b"text", b"\xff" * 64, b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_damaged_state_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.safetensors"
    path.write_bytes(content)
    with pytest.raises(RunError, match="is damaged"):
        read_state(path)
    with pytest.raises(RunError, match="is missing; is this the folder of a finished run"):
        read_state(tmp_path / "other.safetensors")


def test_a_tree_that_names_no_tensor_is_damaged(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    for tree in ('{"__tensor__": "x"}', '{"pairs": 3}', '{"odd": 1}', "[1]", "7"):
        save_file({"y": torch.ones(1)}, tmp_path / "state.safetensors", {"tree": tree})
        with pytest.raises(RunError, match="is damaged"):
            read_state(tmp_path / "state.safetensors")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "a.json"
    write_json(path, {"old": 1})

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"a.json: cannot be written \(No space left on device\); free disk space"):
        write_json(path, {"new": 2})
    assert read_json(path) == {"old": 1}
    assert list(path.parent.iterdir()) == [path]


def test_json_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(RunError, match="is not readable as JSON"):
        read_json(tmp_path / "a.json")
    with pytest.raises(RunError, match="is missing"):
        read_json(tmp_path / "b.json")
