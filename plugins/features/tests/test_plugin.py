from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import fields, is_dataclass

import pytest
from fusion_features import plugin

HOOKS = [name for name in vars(plugin) if name.startswith("register_")]


def registered() -> list[tuple[str, str, str | None, str | None, str]]:
    found: list[tuple[str, str, str | None, str | None, str]] = []
    for hook in HOOKS:

        def register(name, target, *, options=None, modality=None, summary="", examples=None, kind=hook):
            found.append((f"{kind}:{name}", target, options, modality, summary))

        getattr(plugin, hook)(register)
    return found


def load(path: str):
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(("name", "target", "options", "modality", "summary"), registered())
def test_what_is_announced_is_there(name, target, options, modality, summary):
    assert isinstance(load(target), type)
    assert summary.endswith(".")
    if options is not None:
        assert is_dataclass(load(options))
        assert load(options).__dataclass_params__.frozen
        assert all(field.name in load(options).__doc__ for field in fields(load(options)))
    encoders = {"mlp": "features", "gru": "features", "scores": "scores"}
    kind, _, own = name.partition(":")
    assert modality == (encoders[own] if kind == "register_encoders" else None)


def test_announcing_and_reading_options_import_nothing_heavy():
    modules = sorted({options.partition(":")[0] for _, _, options, _, _ in registered() if options})
    code = (
        f"import sys, fusion_features.plugin, {', '.join(modules)}\n"
        "heavy = {'torch', 'numpy', 'cv2', 'av', 'pydantic', 'transformers', 'pytorchvideo'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
