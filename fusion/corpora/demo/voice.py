"""A synthetic voice: pulses and noise through moving formants, all in NumPy.

The source is a train of Rosenberg pulses (Rosenberg 1971, "Effect of glottal pulse shape on the quality of natural
vowels", JASA 49) mixed with breath; the tract is a product of resonances, applied to overlapping frames' spectra.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusion.corpora.demo.sounds import Sound

RATE = 16000
#: Samples between two sets of parameters, in a frame, and in its spectrum.
STEP, FRAME, SPECTRUM = 80, 320, 512
#: Parameter sets a second.
CONTROL = RATE // STEP
#: Tempo at which a synthetic voice is still easy to follow.
PACE = 0.92
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks: middle pitch in hertz, formants relative to a man's, and how much breath is in it."""

    pitch: float = 120.0
    formants: float = 1.0
    breath: float = 0.08
    tempo: float = 1.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How something is said, relative to the speaker's habit.

    Args:
        pitch: Semitones up.
        range: Factor of the melody's excursions.
        slope: Semitones from beginning to end.
        tempo: Factor of speed.
        energy: Decibels.
        breath: Added share of breath.
        bright: Decibels an octave by which the upper spectrum rises.
        rough: Irregularity of the pulses.
    """

    pitch: float = 0.0
    range: float = 1.0
    slope: float = -1.5
    tempo: float = 1.0
    energy: float = 0.0
    breath: float = 0.0
    bright: float = 0.0
    rough: float = 0.01


@dataclass(frozen=True, slots=True)
class Utterance:
    """Sound ``[samples]`` at 16 kHz, and how far the mouth is open ``[frames]`` at 200 a second."""

    samples: Array
    openness: Array


def speak(
    sounds: list[Sound], voice: Voice, manner: Manner, random: np.random.Generator, *, before: float, after: float
) -> Utterance:
    """Say the sounds, with silence before and after in seconds. Full scale is 1; normal speech peaks near 0.3."""
    tempo = PACE * voice.tempo * manner.tempo
    lengths = [max(2, round(s.seconds / tempo * random.uniform(0.85, 1.15) * CONTROL)) for s in sounds]
    lead, tail = round(before * CONTROL), round(after * CONTROL)
    total = lead + sum(lengths) + tail

    def track(values: list[float], rest: float, width: int) -> Array:
        steps = np.concatenate([np.full(lead, rest), np.repeat(values, lengths), np.full(tail, rest)])
        kernel = np.hanning(width + 2)[1:-1]
        padded = np.pad(steps, width // 2, mode="edge")
        return np.convolve(padded, kernel / kernel.sum(), mode="valid")[:total]

    voiced = track([s.voice for s in sounds], 0.0, 7)
    friction = track([s.noise for s in sounds], 0.0, 3)
    friction_at = track([s.noise_at for s in sounds], 4000.0, 3)
    formants = [
        track([s.formants[k] for s in sounds], (500.0, 1500.0, 2500.0)[k], 9) * voice.formants for k in range(3)
    ]
    openness = track([s.open for s in sounds], 0.0, 11)
    melody = _melody(lengths, lead=lead, total=total, voice=voice, manner=manner, random=random)
    pulses = _pulses(np.repeat(melody, STEP), manner.rough, random)
    breath = min(0.9, voice.breath + max(0.0, manner.breath))
    hiss = random.standard_normal(total * STEP)
    source = pulses * (1 - breath) + 0.10 * breath * hiss
    loud = 10 ** (manner.energy / 20)
    tract = _tract(formants, voice.formants, manner.bright) * (voiced * loud)[:, None]
    sound = _filtered(source, tract) + _filtered(0.05 * hiss, _band(friction_at) * (friction * loud)[:, None])
    return Utterance(0.11 * sound, openness)


def _melody(
    lengths: list[int], *, lead: int, total: int, voice: Voice, manner: Manner, random: np.random.Generator
) -> Array:
    """Pitch in hertz at every parameter set: a slope with smooth accents on top."""
    along = np.clip((np.arange(total) - lead) / max(1, sum(lengths)), 0, 1)
    accents = random.normal(0, 1.6, 7)
    wave = np.interp(along, np.linspace(0, 1, 7), accents)
    smooth = np.convolve(np.pad(wave, 10, mode="edge"), np.hanning(21) / np.hanning(21).sum(), mode="valid")
    semitones = manner.pitch + manner.range * smooth + manner.slope * (along - 0.5)
    pitch: Array = voice.pitch * 2 ** (semitones / 12)
    return pitch


def _pulses(pitch: Array, rough: float, random: np.random.Generator) -> Array:
    """A train of differentiated Rosenberg pulses; roughness jitters the pitch from period to period."""
    wander = np.repeat(random.normal(0, 1, len(pitch) // 100 + 1), 100)[: len(pitch)]
    phase = np.cumsum(pitch * (1 + rough * wander) / RATE) % 1.0
    rise, fall = 0.42, 0.18
    opening = 0.5 * (1 - np.cos(np.pi * phase / rise))
    closing = np.cos(0.5 * np.pi * (phase - rise) / fall)
    flow = np.where(phase < rise, opening, np.where(phase < rise + fall, closing, 0.0))
    pulses: Array = np.diff(flow, prepend=flow[:1]) * (RATE / pitch) / 12
    return pulses


def _tract(formants: list[Array], scale: float, bright: float) -> Array:
    """Gain ``[sets, bins]`` of four resonances and a tilt."""
    hertz = np.fft.rfftfreq(SPECTRUM, 1 / RATE)[None, :]
    gain = np.ones((len(formants[0]), hertz.shape[1]))
    upper = np.full(len(formants[0]), 3500.0 * scale)
    for centre, width in zip([*formants, upper], (70.0, 90.0, 130.0, 220.0), strict=True):
        ratio = hertz / centre[:, None]
        gain /= np.sqrt((1 - ratio**2) ** 2 + (ratio * (width / centre)[:, None]) ** 2)
    # The product falls by 12 dB an octave above each formant; higher ones, left out, would hold it up.
    lift = 1 + (hertz / 2500.0) ** 2
    tilt = np.maximum(hertz, 100.0) / 700.0
    shaped: Array = gain * lift * tilt ** (bright / 6.02)
    return shaped


def _band(centre: Array) -> Array:
    hertz = np.fft.rfftfreq(SPECTRUM, 1 / RATE)[None, :]
    band: Array = 4.0 * np.exp(-(((hertz - centre[:, None]) / 1100.0) ** 2))
    return band


def _filtered(source: Array, gain: Array) -> Array:
    """Filter by a gain that changes every ``STEP`` samples: overlapping Hann frames, zero phase."""
    count = len(gain)
    padded = np.pad(source, FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::STEP][:count]
    window = np.hanning(FRAME + 1)[:-1] / (FRAME / STEP / 2)
    spectra = np.fft.rfft(frames * window, SPECTRUM, axis=1)
    # A zero-phase response reaches to both sides, and what reaches back has wrapped around.
    answers = np.roll(np.fft.irfft(spectra * gain, SPECTRUM, axis=1), (SPECTRUM - FRAME) // 2, axis=1)
    parts = -(-SPECTRUM // STEP)
    answers = np.pad(answers, ((0, 0), (0, parts * STEP - SPECTRUM))).reshape(count, parts, STEP)
    added = np.zeros((count + parts, STEP))
    for part in range(parts):
        added[part : part + count] += answers[:, part]
    return added.reshape(-1)[SPECTRUM // 2 :][: count * STEP]
