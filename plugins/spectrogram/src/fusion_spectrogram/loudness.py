"""One loudness for every clip."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from fusion.contract import SOUND, Clip, Pieces, Row, Scope, Span
from fusion_spectrogram import options
from fusion_spectrogram.folds import Blocks, energy
from fusion_spectrogram.sound import held, sound_of

_BLOCK = 0.1
_ABSOLUTE_GATE = -70.0
_RELATIVE_GATE = -10.0


@dataclass
class LoudnessState:
    """Mean squares of the clip's blocks of 0.1 s (about 80 bytes a second)."""

    blocks: Blocks = field(default_factory=Blocks)
    powers: list[float] = field(default_factory=list)

    def measured(self) -> float | None:
        """Gated RMS in dBFS; None for silence."""
        powers = list(self.powers)
        if not powers and len(self.blocks.rest):
            powers = [energy(self.blocks.rest) / self.blocks.count]
        loud = np.array([power for power in powers if power > 10 ** (_ABSOLUTE_GATE / 10)])
        if len(loud) == 0:
            return None
        gated = loud[loud > loud.mean() * 10 ** (_RELATIVE_GATE / 10)]
        return float(10 * np.log10(gated.mean()))


class Loudness:
    """``sound`` with one gain for the clip, so that its gated RMS is ``target`` dBFS.

    Gated RMS: mean square of blocks of 0.1 s; blocks under -70 dBFS, then those more than 10 dB under the mean of
    the others, do not count (the gates of ITU-R BS.1770, without its frequency weighting). Silence keeps its gain.
    """

    version = 1
    scope: Scope = "clip"
    context = (Fraction(0), Fraction(0))

    def __init__(self, options: options.Loudness) -> None:
        self.options = options

    def start(self, clip: Clip) -> LoudnessState:  # noqa: ARG002
        return LoudnessState()

    def update(self, state: LoudnessState, pieces: Row) -> LoudnessState:
        for block in state.blocks.feed(pieces, _BLOCK):
            state.powers.append(energy(block) / len(block))
        return state

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        """The span's samples times the clip's gain."""
        sound = sound_of(pieces)
        if sound is None:
            return {}
        wanted = held(sound, span)
        samples = sound.data[wanted.start - sound.first : wanted.stop - sound.first]
        return {SOUND: Pieces(samples * np.float32(self._gain(state)), sound.rate, wanted.start)}

    def _gain(self, state: LoudnessState) -> float:
        measured = state.measured()
        if measured is None:
            return 1.0
        return float(10 ** (min(self.options.target - measured, self.options.most) / 20))
