from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from fusion_spectrogram import plugin

HOOKS = [name for name in vars(plugin) if name.startswith("register_")]


def registered():
    found = []
    for hook in HOOKS:

        def register(name, target, *, options=None, modality=None, summary="", examples=None, kind=hook):
            found.append((f"{kind}:{name}", target, options, modality, summary))

        getattr(plugin, hook)(register)
    return found


def load(path):
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def described(cls):
    return "".join(parent.__doc__ or "" for parent in cls.__mro__)


@pytest.mark.parametrize(("name", "target", "options", "modality", "summary"), registered())
def test_what_is_announced_is_there(name, target, options, modality, summary):
    assert isinstance(load(target), type)
    assert is_dataclass(load(options))
    assert load(options).__dataclass_params__.frozen
    assert summary.endswith(".")
    missing = [field.name for field in fields(load(options)) if f"{field.name}:" not in described(load(options))]
    assert missing in ([], ["chance"])  # the module says what a chance is
    kind = name.partition(":")[0]
    assert modality == ("audio" if kind in ("register_encoders", "register_augmentations") else None)
    if kind in ("register_modalities", "register_transforms"):
        assert isinstance(load(target).version, int)


def test_the_page_names_every_component():
    page = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    for name, *_ in registered():
        assert f"`{name.partition(':')[2]}`" in page


def test_announcing_and_reading_options_import_nothing_heavy():
    modules = sorted({options.partition(":")[0] for _, _, options, _, _ in registered()})
    code = (
        f"import sys, fusion_spectrogram.plugin, {', '.join(modules)}\n"
        "heavy = {'torch', 'numpy', 'scipy', 'torchaudio', 'pydantic', 'transformers', 'noisereduce'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
