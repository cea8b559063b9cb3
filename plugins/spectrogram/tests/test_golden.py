"""A transform's output changes only with its version; ``python test_golden.py`` rewrites the outputs."""

from __future__ import annotations

import importlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from fusion_spectrogram import options, plugin

from fusion.contract import SOUND, Clip, Pieces, Row, Span
from fusion.testing.golden import changed, rewrite

FILE = Path(__file__).with_suffix(".json")
#: Options that show what the defaults hide on this input.
OPTIONS = {"band_pass": {"lowest": 200, "highest": 3000}, "trim": {"longest": 1.0}}


def announced() -> dict[str, str]:
    """The targets of all transforms, by name."""
    found: dict[str, str] = {}
    plugin.register_transforms(lambda name, target, **_: found.setdefault(name, target))
    return found


def sound() -> Row:
    """1.5 s at 22.05 kHz: three sines that begin one after another, over noise."""
    time = np.arange(33075) / 22050
    tones = sum(0.2 * np.sin(2 * np.pi * hz * time) * (time >= k / 3) for k, hz in enumerate((150, 1200, 6000)))
    noise = np.random.Generator(np.random.Philox(1)).standard_normal(len(time))
    return {SOUND: Pieces((tones + 0.0005 * noise).astype(np.float32), Fraction(22050))}


def frames() -> Row:
    """1.5 s of frames, 100 a second, loud in the middle."""
    time, band = np.meshgrid(np.arange(150) / 100, np.arange(64), indexing="ij")
    level = (np.exp(-(((time[:, 0] - 0.7) / 0.2) ** 2)) + 1e-6).astype(np.float32)
    noise = np.random.Generator(np.random.Philox(2)).standard_normal(time.shape)
    data = (np.sin(7 * time + band / 9) + np.log10(level)[:, None] + 0.1 * noise).astype(np.float32)
    return {"frames": Pieces(data, Fraction(100)), "level": Pieces(level, Fraction(100))}


def answer(name: str) -> tuple[dict[str, int], Row]:
    """The transform's version and its output."""
    module, cls = announced()[name].split(":")
    transform = getattr(importlib.import_module(module), cls)(getattr(options, cls)(**OPTIONS.get(name, {})))
    row = frames() if transform.scope == "window" else sound()
    state = transform.start(Clip("golden", ()))
    if transform.scope == "clip":
        state = transform.update(state, row)
    return {name: transform.version}, transform.apply(row, Span(Fraction(0), Fraction(3, 2)), state)


@pytest.mark.parametrize("name", announced())
def test_the_output_changes_only_with_the_version(name):
    problem = changed(FILE, name, *answer(name))
    assert problem is None, problem


if __name__ == "__main__":
    rewrite(FILE, {name: (lambda name=name: answer(name)) for name in announced()})
