"""State on disk: safetensors and JSON, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from fusion.contract import RunError

#: Marks a tensor's place in the JSON tree of a state.
_TENSOR = "__tensor__"
_ARRAY = "__array__"


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file whole: a reader sees the old content or the new, and a crash leaves no trace.

    Raises:
        RunError: The disk is full or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(path) as (descriptor, name):
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
    except OSError as error:
        raise RunError(
            f"cannot be written ({error.strerror})",
            where=str(path),
            remedy="free disk space or choose another folder, then repeat the command",
        ) from error


@contextmanager
def _temporary(path: Path) -> Iterator[tuple[int, str]]:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        yield descriptor, name
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()


def write_json(path: Path, value: Any) -> None:
    """Write a JSON value, readable by people, atomically."""
    write_atomic(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read JSON; a RunError names the file where it is missing or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError("is missing", where=str(path), remedy="is this the folder of a finished run?") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"is not readable as JSON ({error})", where=str(path), remedy="restore the file") from None


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a tree of mappings, lists, tensors, arrays and JSON values as one safetensors file."""
    tensors: dict[str, Tensor] = {}
    tree = _flatten(state, "", tensors)
    write_atomic(path, save(tensors, {"tree": json.dumps(tree)}))


def read_state(path: Path) -> dict[str, Any]:
    """Read what ``write_state`` wrote.

    Raises:
        RunError: The file is missing, cut short or not of this kind.
    """
    if not path.exists():
        raise RunError("is missing", where=str(path), remedy="is this the folder of a finished run?")
    try:
        with safe_open(str(path), framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
            tree = json.loads((file.metadata() or {})["tree"])
        return dict(_restore(tree, tensors))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"is damaged ({error})", where=str(path), remedy="restore it, or delete it and repeat the command"
        ) from None


def _flatten(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        tensors[path] = value.detach().to("cpu").contiguous().clone()
        return {_TENSOR: path}
    if isinstance(value, np.ndarray):
        tensors[path] = torch.from_numpy(np.ascontiguousarray(value).copy())
        return {_ARRAY: path}
    if isinstance(value, Mapping):
        pairs = [[key, _flatten(item, f"{path}/{key}", tensors)] for key, item in value.items()]
        return {"pairs": pairs}  # keys may be integers, as in an optimiser's state
    if isinstance(value, list | tuple):
        return [_flatten(item, f"{path}/{number}", tensors) for number, item in enumerate(value)]
    return value


def _restore(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_restore(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if _TENSOR in value:
        return tensors[value[_TENSOR]]
    if _ARRAY in value:
        array: NDArray[Any] = tensors[value[_ARRAY]].numpy()
        return array
    return {key: _restore(item, tensors) for key, item in value["pairs"]}
