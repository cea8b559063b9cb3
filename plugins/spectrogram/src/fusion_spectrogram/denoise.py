"""Stationary spectral gating as noisereduce does it, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fusion.contract import SOUND, Axis, Clip, Pieces, Row, Scope, Span, View
from fusion_spectrogram import options
from fusion_spectrogram.folds import Blocks
from fusion_spectrogram.sound import LOWEST_RATE, Samples, blocks_of, exact, held, read, sound_of

if TYPE_CHECKING:
    from noisereduce.spectralgate.stationary import SpectralGateStationary

_FFT = 1024
_HOP = _FFT // 4
_BINS = _FFT // 2 + 1
#: Range below each frequency's loudest frame in which levels are told apart, as noisereduce has it.
_RANGE = 80.0
#: The histogram of levels: 1 dB steps from the level that noisereduce gives to digital silence.
_LOWEST, _LEVELS = -320, 400
#: Seconds of the blocks that pass the gate at once.
_BLOCK = Fraction(1)
#: Seconds of half a window twice, and of two frames, at the lowest rate.
_MARGIN = Fraction(_FFT + 3 * _HOP, LOWEST_RATE)
#: Samples that are folded at once.
_FOLD = 64 * _HOP
#: From levels of a window of sum 1, as scipy has them, to those of the window itself, in dB.
_UNNORMALISED = 20 * np.log10(_FFT / 2)
#: noisereduce pads its input by 30,000 samples, which decides where its frames lie.
_OFFSET = 30000 % _HOP


@dataclass
class DenoiseState:
    """Levels of every frequency so far, as a histogram with sums: as large for an hour as for a second.

    noisereduce takes the mean and deviation of levels that are first raised to 80 dB below each frequency's loudest
    frame, which is known only at the end; the histogram can still be raised then.
    """

    blocks: Blocks = field(default_factory=Blocks)
    tail: Samples = field(default_factory=lambda: np.zeros(_FFT // 2, np.float32))
    counts: NDArray[np.float64] = field(default_factory=lambda: np.zeros((_BINS, _LEVELS)))
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros((_BINS, _LEVELS)))
    squares: NDArray[np.float64] = field(default_factory=lambda: np.zeros((_BINS, _LEVELS)))
    loudest: NDArray[np.float64] = field(default_factory=lambda: np.full(_BINS, float(_LOWEST)))
    threshold: tuple[int, NDArray[np.float64]] | None = None

    def fold(self, samples: Samples) -> None:
        """Count the frames that end in these samples (a multiple of the hop, with what went before)."""
        _count(self.counts, self.sums, self.squares, self.loudest, np.concatenate([self.tail, samples]))
        self.tail = np.concatenate([self.tail, samples])[-(_FFT - _HOP) :]

    def gate(self, deviations: float) -> NDArray[np.float64]:
        """The level in dB ``[bins]`` at which each frequency opens."""
        if self.threshold is not None and self.threshold[0] == self.blocks.count:
            return self.threshold[1]
        counts, sums, squares, loudest = (
            self.counts.copy(),
            self.sums.copy(),
            self.squares.copy(),
            self.loudest.copy(),
        )
        # Like noisereduce, the last frame is centred within the clip, zeros behind its end.
        last = np.concatenate([self.tail, self.blocks.rest, np.zeros(_FFT // 2, np.float32)])
        _count(counts, sums, squares, loudest, last)
        floor = (loudest - _RANGE)[:, None]
        raised = np.maximum(sums / np.maximum(counts, 1.0), floor)
        low = raised <= floor
        sums = np.where(low, counts * raised, sums)
        squares = np.where(low, counts * raised**2, squares)
        number = np.maximum(counts.sum(axis=1), 1.0)
        mean = sums.sum(axis=1) / number
        variance = np.maximum(squares.sum(axis=1) / number - mean**2, 0.0)
        result: NDArray[np.float64] = mean + deviations * np.sqrt(variance)
        self.threshold = (self.blocks.count, result)
        return result


def _count(
    counts: NDArray[np.float64],
    sums: NDArray[np.float64],
    squares: NDArray[np.float64],
    loudest: NDArray[np.float64],
    samples: Samples,
) -> None:
    """Add the levels of all whole frames in samples, scaled as scipy's stft scales them."""
    frames = max(0, (len(samples) - _FFT) // _HOP + 1)
    if frames == 0:
        return
    window = _window()
    cuts = np.lib.stride_tricks.sliding_window_view(samples, _FFT)[::_HOP][:frames] * window
    spectrum = np.fft.rfft(cuts, axis=1) / window.sum()
    levels = 20 * np.log10(np.abs(spectrum) + np.finfo(np.float64).eps)
    place = np.clip(np.floor(levels).astype(np.int64) - _LOWEST, 0, _LEVELS - 1)
    # Only the stretch of the histogram that these frames reach.
    first, last = int(place.min()), int(place.max()) + 1
    cells = (place - first + np.arange(_BINS) * (last - first)).reshape(-1)
    for total, weights in ((counts, None), (sums, levels.reshape(-1)), (squares, (levels**2).reshape(-1))):
        added = np.bincount(cells, weights, minlength=_BINS * (last - first))
        total[:, first:last] += added.reshape(_BINS, -1)
    np.maximum(loudest, levels.max(axis=0), out=loudest)


def _gate(rate: float, share: float, smooth_hz: float, smooth_ms: float) -> SpectralGateStationary:
    """The gate of noisereduce for one rate, of which the smoothing filter is used; its threshold is set afterwards."""
    from noisereduce.spectralgate.stationary import SpectralGateStationary

    return SpectralGateStationary(
        y=np.zeros(_FFT, np.float32),
        sr=rate,
        y_noise=None,
        n_std_thresh_stationary=0.0,
        chunk_size=None,
        clip_noise_stationary=False,
        padding=0,
        n_fft=_FFT,
        win_length=None,
        hop_length=None,
        time_constant_s=2.0,
        # Below one bin or one frame, noisereduce refuses; that much is no smoothing at all.
        freq_mask_smooth_hz=max(smooth_hz, np.ceil(rate / (_FFT / 2))),
        time_mask_smooth_ms=max(smooth_ms, np.ceil(_HOP / rate * 1000)),
        tmp_folder=None,
        prop_decrease=share,
        use_tqdm=False,
        n_jobs=1,
    )


class Denoise:
    """``sound`` through a stationary gate as noisereduce has it, its noise statistics folded over the whole clip.

    The same as ``noisereduce.reduce_noise(y, sr, stationary=True)`` for a clip up to its chunk of 600,000 samples
    (within 1e-3 of full scale, see the tests); beyond it the statistics are those of the whole clip. Its own gate gives
    the same sound to 1e-12 in five times the time.
    """

    version = 1
    scope: Scope = "clip"

    def __init__(self, options: options.Denoise) -> None:
        self.options = options

    @property
    def context(self) -> tuple[Fraction, Fraction]:
        seconds = _BLOCK + _MARGIN + exact(self.options.smooth_ms) / 1000
        return seconds, seconds

    def start(self, clip: Clip) -> DenoiseState:  # noqa: ARG002
        return DenoiseState()

    def update(self, state: DenoiseState, pieces: Row) -> DenoiseState:
        for block in state.blocks.feed(pieces, _FOLD):
            state.fold(block)
        return state

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        """The span's samples, gated."""
        sound = sound_of(pieces)
        if sound is None:
            return {}
        wanted = held(sound, span)
        parts = [np.zeros(0, np.float32)]
        gate = self._gate(sound, state)
        for first, size, margin, run in self._runs(sound, wanted):
            spectrum = _spectrum(run)
            gated = _sound(spectrum * _mask(gate, spectrum))[margin : margin + size].astype(np.float32)
            parts.append(gated[max(wanted.start - first, 0) : wanted.stop - first])
        return {SOUND: Pieces(np.concatenate(parts), sound.rate, wanted.start)}

    def explain(self, pieces: Row, span: Span, state: Any) -> Mapping[str, View | None]:
        """What the gate works with: threshold, smoothing filter, mask, and the spectrogram under the mask.

        Levels are those of a Hann window of 1,024 samples, not normalised, as ``db_spectrogram`` has them.
        """
        sound = sound_of(pieces)
        if sound is None or sound.rate is None:
            return {}
        gate, rate = self._gate(sound, state), float(sound.rate)
        frequency = Axis("frequency", "Hz", 0, rate / 2)
        opens = gate.noise_thresh + _UNNORMALISED
        views: dict[str, View | None] = {
            "threshold": View("the gate's threshold", opens, (frequency,), "dB"),
        }
        if gate.smooth_mask:
            smooth = gate._smoothing_filter
            hertz, seconds = (smooth.shape[0] // 2) * rate / _FFT, (smooth.shape[1] // 2) * _HOP / rate
            axes = (Axis("frequency", "Hz", -hertz, hertz), Axis("time", "ms", -1000 * seconds, 1000 * seconds))
            views["smoothing"] = View("its smoothing filter", smooth, axes)
        times, masks, masked = [np.zeros(0)], [np.zeros((0, _BINS))], [np.zeros((0, _BINS))]
        for first, size, margin, run in self._runs(sound, held(sound, span)):
            spectrum = _spectrum(run)
            mask = _mask(gate, spectrum)
            centres = first - margin + _FFT // 2 + _HOP * np.arange(len(spectrum))
            inside = (centres >= first) & (centres < first + size)
            inside &= (centres / rate >= float(span.start)) & (centres / rate < float(span.end))
            times.append(centres[inside] / rate)
            masks.append(mask[inside])
            masked.append(np.abs(spectrum * mask)[inside])
        clock = np.concatenate(times)
        heard = 20 * np.log10(np.concatenate(masked) + np.finfo(np.float64).eps)
        views["mask"] = View(
            "the smoothed mask", Pieces(np.concatenate(masks), None, 0, clock), (frequency,), "", (0, 1)
        )
        views["masked"] = View("masked spectrogram", Pieces(heard, None, 0, clock), (frequency,), "dB", (-60, 60))
        views[SOUND] = View("recovered sound")
        return views

    def _gate(self, sound: Pieces, state: DenoiseState) -> SpectralGateStationary:
        assert sound.rate is not None
        options = self.options
        gate = _gate(float(sound.rate), options.share, options.smooth_hz, options.smooth_ms)
        gate.noise_thresh = state.gate(options.deviations)
        return gate

    def _runs(self, sound: Pieces, wanted: range) -> Iterator[tuple[int, int, int, NDArray[np.float64]]]:
        """Of each block: its first sample, its size, and the margin on both sides, and the samples with it."""
        assert sound.rate is not None
        size = _HOP * max(1, int(_BLOCK * sound.rate) // _HOP)
        smooth = int(exact(self.options.smooth_ms) / 1000 * sound.rate) // _HOP
        margin = _FFT + (smooth + 1) * _HOP + _OFFSET
        for block in blocks_of(wanted, size):
            first = block * size
            yield first, size, margin, read(sound, first - margin, first + size + margin).astype(np.float64)


def _window() -> NDArray[np.float64]:
    """A periodic Hann window."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT))


def _spectrum(run: NDArray[np.float64]) -> NDArray[np.complex128]:
    """``[frames, bins]`` of all whole frames, the first at the run's beginning."""
    return np.fft.rfft(np.lib.stride_tricks.sliding_window_view(run, _FFT)[::_HOP] * _window(), axis=1)


def _mask(gate: SpectralGateStationary, spectrum: NDArray[np.complex128]) -> NDArray[np.float64]:
    """What the gate lets through of each frame and bin, as noisereduce has it: open or shut, then smoothed."""
    from scipy.ndimage import convolve1d

    level = np.abs(spectrum)
    level = np.maximum(level, level.max(axis=0) * 10 ** (-_RANGE / 20))
    share = gate._prop_decrease
    mask = (level > 10 ** ((gate.noise_thresh + _UNNORMALISED) / 20)) * share + (1.0 - share)
    if gate.smooth_mask:
        # The filter [bins, frames] is the product of its two sums: one axis after the other is much less work.
        for axis, along in ((0, gate._smoothing_filter.sum(axis=0)), (1, gate._smoothing_filter.sum(axis=1))):
            mask = convolve1d(mask, along, axis=axis, mode="constant")
    return np.asarray(mask)


def _sound(spectrum: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Samples of frames ``[frames, bins]``, overlapped and added; right where as many frames meet as can."""
    overlaps = _FFT // _HOP
    window = _window()
    # The squares of windows that meet at a sample add up to the same everywhere.
    parts = np.fft.irfft(spectrum, axis=1) * (window * _HOP / np.sum(window**2))
    samples = np.zeros((len(parts) + overlaps - 1, _HOP))
    for place in range(overlaps):
        samples[place : place + len(parts)] += parts[:, place * _HOP : (place + 1) * _HOP]
    return samples.reshape(-1)
