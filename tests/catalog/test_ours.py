"""What our plugins announce is there, says what its options are, stands on its page, and is read without weight."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from fusion.catalog import KINDS, catalog
from fusion.catalog.discovery import Registration

ROOT = Path(__file__).parents[2]
PLUGINS = ("video", "spectrogram", "text", "features")
OURS = [one for kind in KINDS for one in catalog().registrations(kind) if one.plugin in PLUGINS]
HEAVY = {
    "torch",
    "torchaudio",
    "numpy",
    "scipy",
    "cv2",
    "av",
    "pydantic",
    "transformers",
    "pytorchvideo",
    "noisereduce",
}


def load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("announced", OURS, ids=lambda one: f"{one.plugin}-{one.kind}-{one.name}")
def test_what_is_announced_is_there(announced: Registration) -> None:
    component = load(announced.target)
    assert isinstance(component, type)
    assert announced.summary.endswith(".")
    assert f"`{announced.name}`" in (ROOT / "plugins" / announced.plugin / "README.md").read_text(encoding="utf-8")
    if announced.options is not None:
        options = load(announced.options)
        described = "".join(parent.__doc__ or "" for parent in options.__mro__)
        missing = [field.name for field in fields(options) if field.name not in described]
        assert missing in ([], ["chance"])  # the module of augmentations says what a chance is
    if announced.kind in ("modality", "transform", "detector"):
        assert isinstance(getattr(component, "version", None), int)


def test_encoders_and_augmentations_are_for_their_own_modality() -> None:
    own = {one.plugin: set[str]() for one in OURS}
    for one in OURS:
        if one.kind == "modality":
            own[one.plugin].add(one.name)
    for one in OURS:
        if one.kind in ("encoder", "augmentation"):
            assert one.modality in own[one.plugin], one.name
        else:
            assert one.modality is None, one.name


@pytest.mark.parametrize("plugin", PLUGINS)
def test_announcing_and_reading_options_import_nothing_heavy(plugin: str) -> None:
    modules = sorted({one.options.partition(":")[0] for one in OURS if one.plugin == plugin and one.options})
    code = (
        f"import sys, fusion_{plugin}.plugin, {', '.join(modules)}\n"
        f"heavy = {HEAVY!r} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
