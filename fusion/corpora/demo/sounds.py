"""From spelling to speech sounds: roughly what English letters stand for, with formants after Peterson and Barney.

Peterson GE, Barney HL (1952), "Control methods used in a study of the vowels", JASA 24(2).
"""

from __future__ import annotations

from dataclasses import dataclass

Formants = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Sound:
    """One stretch of speech.

    Args:
        seconds: At normal tempo.
        formants: The first three, in hertz, of a man's voice.
        voice: Strength of the voiced source.
        noise: Strength of friction.
        noise_at: Where the friction lies, in hertz.
        open: How far the mouth opens, 0 to 1.
    """

    seconds: float
    formants: Formants = (500.0, 1500.0, 2500.0)
    voice: float = 0.0
    noise: float = 0.0
    noise_at: float = 4000.0
    open: float = 0.0


_A, _E, _I, _O, _U = (
    (730.0, 1090.0, 2440.0),
    (530.0, 1840.0, 2480.0),
    (300.0, 2250.0, 2950.0),
    (570.0, 840.0, 2410.0),
    (
        320.0,
        900.0,
        2240.0,
    ),
)
PAUSE = Sound(0.05)
VOWELS = {
    "a": Sound(0.115, _A, voice=1.0, open=1.0),
    "e": Sound(0.090, _E, voice=0.9, open=0.6),
    "i": Sound(0.085, _I, voice=0.8, open=0.4),
    "o": Sound(0.110, _O, voice=0.95, open=0.75),
    "u": Sound(0.095, _U, voice=0.8, open=0.35),
    "ee": Sound(0.125, _I, voice=0.9, open=0.4),
    "oo": Sound(0.130, _U, voice=0.9, open=0.35),
    "ou": Sound(0.140, (600.0, 1000.0, 2400.0), voice=1.0, open=0.8),
    "ai": Sound(0.130, (600.0, 1700.0, 2450.0), voice=1.0, open=0.75),
}
CONSONANTS = {
    "m": Sound(0.065, (280.0, 1000.0, 2200.0), voice=0.35),
    "n": Sound(0.060, (280.0, 1600.0, 2500.0), voice=0.35, open=0.15),
    "l": Sound(0.055, (360.0, 1200.0, 2700.0), voice=0.5, open=0.3),
    "r": Sound(0.060, (380.0, 1200.0, 1650.0), voice=0.5, open=0.25),
    "w": Sound(0.055, (300.0, 700.0, 2200.0), voice=0.45, open=0.15),
    "y": Sound(0.055, (280.0, 2200.0, 2900.0), voice=0.5, open=0.3),
    "s": Sound(0.090, noise=0.55, noise_at=5800.0, open=0.12),
    "z": Sound(0.080, (300.0, 1700.0, 2600.0), voice=0.25, noise=0.35, noise_at=5600.0, open=0.12),
    "sh": Sound(0.095, noise=0.6, noise_at=3300.0, open=0.15),
    "ch": Sound(0.080, noise=0.6, noise_at=3500.0, open=0.15),
    "f": Sound(0.075, noise=0.28, noise_at=4800.0, open=0.05),
    "v": Sound(0.060, (300.0, 1200.0, 2400.0), voice=0.3, noise=0.12, open=0.05),
    "th": Sound(0.055, (320.0, 1500.0, 2600.0), voice=0.25, noise=0.14, noise_at=5000.0, open=0.15),
    "h": Sound(0.050, noise=0.22, noise_at=1600.0, open=0.4),
}
#: A stop is a closure and a burst.
STOPS = {
    "p": (Sound(0.045), Sound(0.020, noise=0.35, noise_at=1000.0, open=0.2)),
    "b": (Sound(0.040, (250.0, 900.0, 2200.0), voice=0.12), Sound(0.012, noise=0.2, noise_at=900.0, open=0.2)),
    "t": (Sound(0.040, open=0.1), Sound(0.025, noise=0.5, noise_at=4500.0, open=0.2)),
    "d": (
        Sound(0.035, (250.0, 1700.0, 2600.0), voice=0.12, open=0.1),
        Sound(0.014, noise=0.28, noise_at=4000.0, open=0.2),
    ),
    "k": (Sound(0.045, open=0.15), Sound(0.028, noise=0.45, noise_at=2200.0, open=0.25)),
    "g": (
        Sound(0.040, (250.0, 1900.0, 2300.0), voice=0.12, open=0.15),
        Sound(0.016, noise=0.25, noise_at=2000.0, open=0.25),
    ),
}
_SPELLINGS = {"ay": "ai", "ea": "ee", "ow": "ou", "gh": "", "c": "k", "q": "k", "j": "ch", "x": "k", "'": ""}


def sounds_of(text: str) -> list[Sound]:
    """The sounds of a sentence, word after word with short pauses between them."""
    sounds: list[Sound] = []
    for word in text.lower().split():
        index = 0
        while index < len(word):
            for length in (2, 1):
                letters = word[index : index + length]
                letters = _SPELLINGS.get(letters, letters)
                if letters in VOWELS or letters in CONSONANTS or letters in STOPS or letters == "":
                    break
            index += length
            if letters in STOPS:
                sounds += STOPS[letters]
            elif letters in VOWELS or letters in CONSONANTS:
                sounds.append(VOWELS.get(letters) or CONSONANTS[letters])
        sounds.append(PAUSE)
    return sounds[:-1]
