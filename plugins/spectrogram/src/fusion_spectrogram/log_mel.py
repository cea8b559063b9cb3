"""Log-mel frames."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.contract import DataError, Row, Span
from fusion_spectrogram import options
from fusion_spectrogram.frames import Power, reach, spectra
from fusion_spectrogram.sound import exact
from fusion_spectrogram.transforming import Local


@lru_cache(maxsize=16)
def _filters(options: options.LogMel, bins: int, rate: int) -> NDArray[np.float64]:
    """The triangular mel filters of torchaudio ``[bins, bands]``."""
    import warnings

    from torchaudio.functional import melscale_fbanks

    highest = min(options.highest, rate / 2)
    with warnings.catch_warnings():
        # Narrow bands between two bins of the FFT are empty; they stay at the floor, and a person cannot act on it.
        warnings.simplefilter("ignore", UserWarning)
        filters = melscale_fbanks(
            bins, options.lowest, highest, options.bands, rate, norm=None, mel_scale=options.scale
        )
    return np.asarray(filters.numpy(), dtype=np.float64)


class LogMel(Local):
    """Log-mel frames: ``sound`` becomes ``frames`` ``[N, bands]`` and ``level`` ``[N]``.

    Frame i is centred at i / rate: ``log(mel(|STFT|^2 / sum(window^2)) + floor)``, natural logarithm.
    """

    def __init__(self, options: options.LogMel) -> None:
        self.options = options
        self.rate = exact(options.rate)
        self.window = exact(options.window)

    @property
    def context(self) -> tuple[Fraction, Fraction]:
        return reach(self.window)

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:  # noqa: ARG002
        """Frames of the span; where there is no sound they are at the floor."""
        return spectra(pieces, span, rate=self.rate, window=self.window, picture=self._picture)

    def _picture(self, power: Power, rate: int, size: int) -> NDArray[np.float32]:
        options = self.options
        if min(options.highest, rate / 2) <= options.lowest:
            raise DataError(
                f"log_mel begins at {options.lowest:g} Hz, where sound at {rate} samples a second holds nothing",
                remedy="lower log_mel's option lowest",
            )
        filters = _filters(options, size // 2 + 1, rate)
        return np.asarray(np.log(power @ filters + options.floor), dtype=np.float32)
