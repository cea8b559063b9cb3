"""Loading pretrained models and tokenisers of transformers, from a local folder or the hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusion.contract import DataError, InputMissing


def load_tokeniser(path: str) -> str:
    """The tokeniser in a local folder or of that name on the hub, as JSON of the package tokenizers.

    Raises:
        InputMissing: There is no such folder or name within reach.
        DataError: It holds no tokeniser, or none that can be written as JSON.
    """
    from transformers import AutoTokenizer

    tokeniser = _load(AutoTokenizer, path, "tokeniser")
    backend = getattr(tokeniser, "backend_tokenizer", None)
    if backend is None:
        raise DataError(
            f"the tokeniser is a {type(tokeniser).__name__}, which cannot be written as tokenizer.json",
            where=path,
            remedy="convert it to a fast tokeniser of transformers",
        )
    return str(backend.to_str())


def load_model(path: str) -> Any:
    """The model in a local folder or of that name on the hub, in evaluation mode.

    Code that comes with a model is never run, and weights are read as safetensors or as weights only.

    Raises:
        InputMissing: There is no such folder or name within reach.
        DataError: It holds no model.
    """
    from transformers import AutoModel

    return _load(AutoModel, path, "model")


def build_model(architecture: Mapping[str, Any]) -> Any:
    """The model of a configuration, with weights by chance."""
    from transformers import AutoConfig, AutoModel

    values = dict(architecture)
    config = AutoConfig.for_model(str(values.pop("model_type", None)), **values)
    return AutoModel.from_config(config, trust_remote_code=False).eval()


def _load(kind: Any, path: str, what: str) -> Any:
    local = Path(path).expanduser()
    looks_local = local.is_absolute() or path.startswith((".", "~")) or path.count("/") > 1
    if looks_local and not local.is_dir():
        raise InputMissing(
            f"the folder {path} does not exist",
            where="text",
            remedy=f"name a folder with a {what} in transformers' format",
        )
    try:
        return kind.from_pretrained(str(local) if local.is_dir() else path, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        if local.is_dir():
            raise DataError(
                f"the folder {path} holds no usable {what} ({reason})",
                where="text",
                remedy="save it anew with save_pretrained",
            ) from error
        raise InputMissing(
            f"{path} is neither a folder nor within reach on the hub ({reason})",
            where="text",
            remedy="download it once and name the local folder",
        ) from error
