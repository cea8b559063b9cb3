"""Reading pretrained weights from a local file."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fusion.contract import DataError, InputMissing

_REMEDY = "give the weights of the same network (width and depth included) as pytorchvideo names its layers"


def load_backbone(blocks: nn.ModuleList, path: str) -> None:
    """Load the weights of a pytorchvideo network into its blocks; those of its head are left aside.

    Args:
        blocks: The network's blocks without its head, which was the next one.
        path: A .safetensors file, or a .pt, .pth or .pyth file of weights (read as weights only), plain or below
            ``model_state`` or ``state_dict``.

    Raises:
        InputMissing: There is no such file.
        DataError: It is no file of weights, or holds those of another network.
    """
    state = _read(path)
    head = f"blocks.{len(blocks)}."
    found = {name.removeprefix("blocks."): tensor for name, tensor in state.items() if not name.startswith(head)}
    wanted = blocks.state_dict()
    missing = sorted(wanted.keys() - found.keys())
    # A counter of batches that no frozen statistics need; older files lack it.
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    strange = sorted(found.keys() - wanted.keys())
    if missing or strange:
        reasons = [
            f"{len(names)} {what} (such as {names[0]})"
            for what, names in (("missing", missing), ("unknown", strange))
            if names
        ]
        raise DataError(f"the weights do not fit the network: {' and '.join(reasons)}", where=path, remedy=_REMEDY)
    for name, tensor in found.items():
        shape, expected = tuple(tensor.shape), tuple(wanted[name].shape)
        if shape != expected:
            raise DataError(
                f"the weights do not fit the network: blocks.{name} is {shape}, not {expected}",
                where=path,
                remedy=_REMEDY,
            )
    blocks.load_state_dict(found, strict=False)


def _read(path: str) -> dict[str, Tensor]:
    file = Path(path).expanduser()
    if not file.is_file():
        raise InputMissing(
            "the file of weights does not exist", where=path, remedy="check the encoder's option weights"
        )
    if file.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(file)
        except SafetensorError as error:
            raise DataError(f"not a safetensors file ({error})", where=path, remedy=_REMEDY) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content: Any = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise DataError(
            "not a file of weights only",
            where=path,
            remedy="save the network's state_dict(), as safetensors for choice",
        ) from error
    for key in ("model_state", "state_dict"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise DataError("holds something else than named tensors", where=path, remedy=_REMEDY)
    return content
