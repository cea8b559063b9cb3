"""White noise at a ratio to the clip's power."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from fusion.contract import SOUND, Clip, Pieces, Row, Scope, Span, View
from fusion_spectrogram import options
from fusion_spectrogram.folds import Blocks, energy
from fusion_spectrogram.sound import Samples, blocks_of, held, sound_of

_BLOCK = 4096


@dataclass
class NoiseState:
    """The clip's id and the energy of its samples so far."""

    clip: str
    blocks: Blocks = field(default_factory=Blocks)
    energy: float = 0.0

    def power(self) -> float:
        """Mean square of the clip."""
        return (self.energy + energy(self.blocks.rest)) / max(1, self.blocks.count)


class AddNoise:
    """``sound`` with Gaussian white noise whose power is the clip's divided by ``10 ** (snr / 10)``.

    Each block of 4,096 samples of the clip has noise of its own, addressed by seed, clip id and the block's place
    (Philox, Salmon et al. 2011): neither the cuts nor other clips change it. Silence stays silent.
    """

    version = 1
    scope: Scope = "clip"
    context = (Fraction(0), Fraction(0))

    def __init__(self, options: options.AddNoise) -> None:
        self.options = options

    def start(self, clip: Clip) -> NoiseState:
        return NoiseState(clip.id)

    def update(self, state: NoiseState, pieces: Row) -> NoiseState:
        for block in state.blocks.feed(pieces, _BLOCK):
            state.energy += energy(block)
        return state

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        """The span's samples plus noise."""
        sound = sound_of(pieces)
        if sound is None:
            return {}
        wanted = held(sound, span)
        samples = sound.data[wanted.start - sound.first : wanted.stop - sound.first]
        return {SOUND: Pieces(samples + self._scaled_noise(state, wanted), sound.rate, wanted.start)}

    def explain(self, pieces: Row, span: Span, state: Any) -> Mapping[str, View | None]:
        """The noise by itself."""
        sound = sound_of(pieces)
        if sound is None:
            return {}
        wanted = held(sound, span)
        noise = Pieces(self._scaled_noise(state, wanted), sound.rate, wanted.start)
        return {"noise": View("the noise", noise), SOUND: View("sound with noise")}

    def _scaled_noise(self, state: NoiseState, wanted: range) -> Samples:
        """The noise that is added at absolute sample indices."""
        return np.float32(np.sqrt(state.power() / 10 ** (self.options.snr / 10))) * self._noise(state.clip, wanted)

    def _noise(self, clip: str, wanted: range) -> Samples:
        """Unit noise at absolute sample indices."""
        address = hashlib.sha256(f"add_noise\0{self.options.seed}\0{clip}".encode()).digest()
        key = np.frombuffer(address[:16], dtype=np.uint64)
        parts = [np.zeros(0, np.float32)]
        for block in blocks_of(wanted, _BLOCK):
            # The block stands in the counter's upper half, so that no two blocks share a stretch of it.
            random = np.random.Generator(np.random.Philox(key=key, counter=[0, 0, block % 2**64, 0]))
            first = block * _BLOCK
            noise = random.standard_normal(_BLOCK).astype(np.float32)
            parts.append(noise[max(wanted.start - first, 0) : wanted.stop - first])
        return np.concatenate(parts)
