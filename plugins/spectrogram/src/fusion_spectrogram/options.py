"""Options of the modality and of the transforms of sound; light, so that reading a config loads no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Audio:
    """How rows of sound become batches.

    Args:
        standardise: ``training``: by the mean and deviation of each band over the training rows; ``clip``: by those
            of the row itself; ``none``. Raw waveforms know no bands: ``training`` uses one mean and deviation.
        centre: Also take each row's mean over time and bands away, so that loudness does not count.
        shortest: Seconds under which a row counts as absent.
        silent: Peak amplitude (full scale is 1) under which a raw waveform counts as silent.
    """

    standardise: Literal["training", "clip", "none"] = "training"
    centre: bool = False
    shortest: float = 0.1
    silent: float = 1e-5


@dataclass(frozen=True, slots=True)
class Resample:
    """Change the sampling rate.

    Args:
        rate: Samples per second of the result.
        zeros: Zero crossings of the windowed sinc on each side; more is sharper.
        rolloff: Cut-off as a share of the lower Nyquist frequency.
    """

    rate: int = 16000
    zeros: int = 16
    rolloff: float = 0.95


@dataclass(frozen=True, slots=True)
class BandPass:
    """Keep a band of frequencies.

    Args:
        lowest: Lower edge in Hz; 0 for none.
        highest: Upper edge in Hz; at or above the Nyquist frequency for none.
        reach: Seconds of the filter on each side; transitions are about ``2 / reach`` Hz wide.
    """

    lowest: float = 1.0
    highest: float = 30000.0
    reach: float = 0.25


@dataclass(frozen=True, slots=True)
class Loudness:
    """Bring every clip to one loudness.

    Args:
        target: Loudness wanted, in dBFS of gated RMS.
        most: Largest gain in dB, so that hiss is not blown up to speech.
    """

    target: float = -26.0
    most: float = 40.0


@dataclass(frozen=True, slots=True)
class AddNoise:
    """Mix white noise in.

    Args:
        snr: Power of the clip over power of the noise, in dB; 0 makes them equal.
        seed: Another seed is another noise.
    """

    snr: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Denoise:
    """Stationary spectral gating (noisereduce).

    Args:
        deviations: Deviations of the clip's level in dB above its mean at which the gate of a frequency opens.
        share: How much of what is below the gate is taken away, 0 to 1.
        smooth_hz: Width of the mask's smoothing over frequency.
        smooth_ms: Width of the mask's smoothing over time, in milliseconds.
    """

    deviations: float = 1.5
    share: float = 1.0
    smooth_hz: float = 500.0
    smooth_ms: float = 50.0


@dataclass(frozen=True, slots=True)
class LogMel:
    """Log-mel frames.

    Args:
        bands: Mel bands.
        rate: Frames per second; frame i is centred at i / rate.
        window: Seconds of the Hann window.
        lowest: Lower edge of the lowest band in Hz.
        highest: Upper edge of the highest band in Hz; clamped to the Nyquist frequency.
        floor: Power added before the logarithm.
        scale: Formula of the mel scale.
    """

    bands: int = 64
    rate: float = 100.0
    window: float = 0.025
    lowest: float = 60.0
    highest: float = 7600.0
    floor: float = 1e-7
    scale: Literal["htk", "slaney"] = "htk"


@dataclass(frozen=True, slots=True)
class DbSpectrogram:
    """Spectrogram in dB on a fixed scale.

    Args:
        rows: Frequency rows, from 0 Hz up.
        rate: Columns per second; 100 makes 300 of 3 seconds.
        window: Seconds of the Hann window.
        highest_hz: Frequency of the top row; None for the Nyquist frequency.
        limit: Values are clipped to plus and minus so many dB.
    """

    rows: int = 200
    rate: float = 100.0
    window: float = 0.025
    highest_hz: float | None = None
    limit: float = 60.0


@dataclass(frozen=True, slots=True)
class Resize:
    """Scale a window's frames to a picture of fixed size.

    Args:
        rows: Frequency rows; None leaves them.
        columns: Frames along time.
    """

    columns: int = 300
    rows: int | None = 200


@dataclass(frozen=True, slots=True)
class Trim:
    """Cut quiet frames off both ends of a window.

    Args:
        range_db: Frames so far below the loudest count as quiet.
        margin: Seconds kept around the rest.
        longest: Seconds kept around its middle; None for all.
    """

    range_db: float = 35.0
    margin: float = 0.064
    longest: float | None = None


@dataclass(frozen=True, slots=True)
class FitLength:
    """Cut or fill a window to one length.

    Args:
        seconds: Length of every row.
    """

    seconds: float = 3.0
