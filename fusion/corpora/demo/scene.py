"""One generated clip before it is drawn: who says what, and what voice, face and words each show.

Each of the three shows the clip's emotion with a strength of its own, and now and then another emotion or none:
drawn independently, so that streams err on different clips and fusing them is worth something.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fusion.corpora.demo.face import Portrait
from fusion.corpora.demo.look import Look, Pose, expression_of
from fusion.corpora.demo.sounds import sounds_of
from fusion.corpora.demo.voice import CONTROL, Manner, Utterance, Voice, speak
from fusion.corpora.demo.words import sentence

EMOTIONS = ("neutral", "happy", "sad", "angry")
#: Chance that voice, or face, shows another emotion than the clip's, or none.
MISLEADING = 0.18
#: Chance that the words of an emotional clip tell its emotion, and that they tell a wrong one.
TELLING, MISSAYING = 0.6, 0.04
FRAMES_PER_SECOND = 25
SIZE = (240, 180)

MANNERS = {
    "neutral": Manner(),
    "happy": Manner(pitch=3.4, range=1.9, slope=0.8, tempo=1.06, energy=3.0, bright=1.2),
    "sad": Manner(pitch=-2.2, range=0.45, slope=-3.0, tempo=0.80, energy=-6.0, breath=0.36, bright=-2.5),
    "angry": Manner(pitch=1.6, range=1.2, slope=-2.5, tempo=1.14, energy=6.0, bright=4.0, rough=0.05),
}


@dataclass(frozen=True, slots=True)
class Speaker:
    """An invented person."""

    name: str
    female: bool
    voice: Voice
    look: Look


@dataclass(frozen=True, slots=True)
class Shown:
    """What one stream shows: an emotion and how strongly, 0 to about 1.2."""

    emotion: str
    strength: float


@dataclass(frozen=True, slots=True)
class Scene:
    """A clip's script."""

    id: str
    speaker: Speaker
    emotion: str
    voice: Shown
    face: Shown
    words: str
    transcript: str


def invent_speaker(index: int, seed: int, random: np.random.Generator) -> Speaker:
    """Speaker ``index`` of a corpus; women and men take turns, each with a pitch and a tract of their own."""
    female = index % 2 == 0
    voice = Voice(
        pitch=float(random.normal(205 if female else 118, 13 if female else 9)),
        formants=float(random.normal(1.15 if female else 1.0, 0.03)),
        breath=float(random.uniform(0.04, 0.16)),
        tempo=float(random.uniform(0.93, 1.07)),
    )
    look = Look.drawn(random, index=index + 3 * seed, female=female)
    return Speaker(f"s{index + 1:02d}", female, voice, look)


def write_scene(speaker: Speaker, emotion: str, number: int, random: np.random.Generator) -> Scene:
    """Decide what the clip shows."""
    voice, face = _shown(emotion, random), _shown(emotion, random)
    draw = random.random()
    words = emotion if draw < TELLING else "neutral"
    if draw > 1 - MISSAYING:
        words = EMOTIONS[int(random.integers(len(EMOTIONS)))]
    transcript = sentence(words, random)
    return Scene(f"{speaker.name}_{emotion}_{number:02d}", speaker, emotion, voice, face, words, transcript)


def _shown(emotion: str, random: np.random.Generator) -> Shown:
    strength = float(random.uniform(0.65, 1.2))
    if random.random() >= MISLEADING:
        return Shown(emotion, strength)
    others = [name for name in EMOTIONS if name != emotion]
    weights = np.array([2.0 if name == "neutral" else 1.0 for name in others])
    return Shown(others[int(random.choice(len(others), p=weights / weights.sum()))], strength)


def perform_voice(scene: Scene, random: np.random.Generator) -> Utterance:
    """The clip's sound, with a room's noise and a recording level of its own."""
    full, strength = MANNERS[scene.voice.emotion], scene.voice.strength
    rest = Manner()

    def towards(name: str, spread: float) -> float:
        calm, moved = getattr(rest, name), getattr(full, name)
        return float(calm + strength * (moved - calm) + random.normal(0, spread))

    manner = Manner(
        pitch=towards("pitch", 0.8),
        range=max(0.2, towards("range", 0.2)),
        slope=towards("slope", 0.9),
        tempo=float(np.clip(towards("tempo", 0.05), 0.7, 1.35)),
        energy=towards("energy", 1.4),
        breath=max(0.0, towards("breath", 0.04)),
        bright=towards("bright", 0.9),
        rough=max(0.005, towards("rough", 0.005)),
    )
    silence = random.uniform(0.25, 0.55, 2)
    said = speak(
        sounds_of(scene.transcript),
        scene.speaker.voice,
        manner,
        random,
        before=float(silence[0]),
        after=float(silence[1]),
    )
    hiss = random.standard_normal(len(said.samples))
    room = np.convolve(hiss, np.exp(-np.arange(12) / 3.0), mode="same")
    level = 10 ** (random.normal(0, 1.5) / 20)
    sound = level * (said.samples + 10 ** (random.uniform(-58, -46) / 20) * room)
    return Utterance(np.clip(sound, -0.98, 0.98), said.openness)


def perform_face(
    scene: Scene, portrait: Portrait, openness: NDArray[np.float64], random: np.random.Generator
) -> Iterator[NDArray[np.uint8]]:
    """The clip's pictures at 25 a second: a mouth that moves with the voice, and a head that moves with the mood."""
    seconds = len(openness) / CONTROL
    count = round(seconds * FRAMES_PER_SECOND)
    emotion, strength = scene.face.emotion, scene.face.strength
    times = np.arange(count) / FRAMES_PER_SECOND
    mouth = np.interp(times, np.arange(len(openness)) / CONTROL, openness)
    mouth = mouth * {"happy": 1.05, "sad": 0.7, "angry": 1.15}.get(emotion, 0.9) * random.uniform(0.85, 1.1)
    home = Pose(
        right=float(random.normal(0, 0.03)),
        down=float(random.normal(0, 0.015)) + (0.025 * strength if emotion == "sad" else 0.0),
        tilt=float(random.normal(0, 2.0)) + (4.0 * strength * random.choice([-1, 1]) if emotion == "sad" else 0.0),
        scale=float(random.uniform(0.84, 0.98)) * (1 + (0.05 * strength if emotion == "angry" else 0.0)),
    )
    lively = {"neutral": 0.5, "happy": 1.0, "sad": 0.3, "angry": 0.9}[emotion]
    lively = 0.5 + strength * (lively - 0.5)
    speed = {"neutral": 0.5, "happy": 1.5, "sad": 0.3, "angry": 1.1}[emotion]
    phases = random.uniform(0, 2 * np.pi, 4)
    blinks = np.cumsum(random.uniform(0.8, 3.0, 8))
    wander = random.normal(0, 0.10, 4)
    light = float(random.uniform(0.88, 1.06))
    for index, time in enumerate(times):
        swing = np.sin(2 * np.pi * speed * time * np.array([1.0, 1.7, 0.8, 1.3]) + phases)
        onset = min(1.0, 0.7 + 0.5 * time)
        expression = expression_of(
            emotion, strength * onset * (1 + 0.08 * float(swing[3])), float(min(mouth[index], 1.0))
        )
        blink = float(np.clip(1 - np.abs(blinks - time).min() / 0.10, 0, 1))
        expression = replace(
            expression,
            blink=blink,
            smile=expression.smile + float(wander[0]),
            brows=expression.brows + float(wander[1]) + 0.10 * float(swing[1]) * lively,
            inner=expression.inner + float(wander[2]),
        )
        pose = replace(
            home,
            right=home.right + 0.014 * lively * float(swing[0]),
            down=home.down + 0.010 * lively * float(swing[1]),
            tilt=home.tilt + 2.6 * lively * float(swing[2]),
        )
        yield portrait.frame(expression, pose, light)
