"""Who is drawn, what the face does, and where the head is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = tuple[int, int, int]

SKINS: tuple[Colour, ...] = (
    (240, 205, 182),
    (229, 188, 158),
    (214, 168, 134),
    (194, 146, 112),
    (168, 120, 88),
    (150, 104, 76),
)
HAIRS: tuple[Colour, ...] = (
    (38, 30, 28),
    (70, 46, 32),
    (112, 74, 44),
    (172, 128, 74),
    (120, 52, 34),
    (132, 128, 126),
)
CLOTHES: tuple[Colour, ...] = (
    (54, 84, 118),
    (128, 58, 62),
    (62, 104, 84),
    (98, 84, 122),
    (148, 116, 64),
    (70, 74, 82),
    (46, 108, 116),
    (140, 88, 104),
)
WALLS: tuple[Colour, ...] = (
    (206, 209, 206),
    (196, 204, 214),
    (214, 206, 194),
    (190, 202, 194),
    (208, 198, 206),
    (182, 190, 198),
)
IRISES: tuple[Colour, ...] = ((74, 50, 34), (58, 82, 96), (70, 92, 62), (48, 36, 30))
HAIRCUTS = ("short", "long", "parted", "bun", "curls")


@dataclass(frozen=True, slots=True)
class Look:
    """A face's identity; proportions are factors around 1."""

    skin: Colour = SKINS[1]
    hair: Colour = HAIRS[1]
    haircut: str = "short"
    clothes: Colour = CLOTHES[0]
    wall: Colour = WALLS[0]
    iris: Colour = IRISES[0]
    width: float = 1.0
    jaw: float = 1.0
    eye_distance: float = 1.0
    eye_size: float = 1.0
    brow_weight: float = 1.0
    nose_width: float = 1.0
    nose_length: float = 1.0
    mouth_width: float = 1.0
    lip_fullness: float = 1.0
    glasses: bool = False
    beard: bool = False

    @classmethod
    def drawn(cls, random: np.random.Generator, *, index: int = 0, female: bool = True) -> Look:
        """An invented person; ``index`` steps through tones and cuts so that neighbours never look alike."""

        def factor(spread: float) -> float:
            return float(random.uniform(1 - spread, 1 + spread))

        return cls(
            skin=SKINS[(index * 5 + int(random.integers(2))) % len(SKINS)],
            hair=HAIRS[(index + index // len(HAIRS)) % len(HAIRS)],
            haircut=("long", "parted", "bun", "curls")[(index // 2) % 4]
            if female
            else ("short", "curls")[index // 2 % 2],
            clothes=CLOTHES[(index * 3 + 1) % len(CLOTHES)],
            wall=WALLS[(index * 5 + 2) % len(WALLS)],
            iris=IRISES[int(random.integers(len(IRISES)))],
            width=factor(0.07) * (0.97 if female else 1.03),
            jaw=factor(0.08) * (0.94 if female else 1.06),
            eye_distance=factor(0.05),
            eye_size=factor(0.10) * (1.06 if female else 0.97),
            brow_weight=factor(0.2) * (0.8 if female else 1.25),
            nose_width=factor(0.14),
            nose_length=factor(0.08),
            mouth_width=factor(0.09),
            lip_fullness=factor(0.15) * (1.12 if female else 0.88),
            glasses=index % 5 == 3,
            beard=not female and index % 4 == 1,
        )


@dataclass(frozen=True, slots=True)
class Expression:
    """What the face does; every field is 0 at rest and about 1 at full strength (corners and brows -1 to 1).

    Args:
        smile: Mouth corners up (positive) or down (negative).
        brows: Whole brows raised (positive) or lowered.
        inner: Inner brow ends raised as in grief (positive) or drawn down and together as in anger (negative).
        open: The mouth, from closed to wide open.
        squeeze: Lids narrowed.
        press: Lips pressed thin.
        blink: Eyes shut.
        gaze: Where the eyes look, (right, down).
    """

    smile: float = 0.0
    brows: float = 0.0
    inner: float = 0.0
    open: float = 0.0
    squeeze: float = 0.0
    press: float = 0.0
    blink: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the head is: shifts in head heights, tilt in degrees (positive: towards the right shoulder)."""

    right: float = 0.0
    down: float = 0.0
    tilt: float = 0.0
    scale: float = 1.0


#: The four emotions of the demo at full strength.
EXPRESSIONS: dict[str, Expression] = {
    "neutral": Expression(),
    "happy": Expression(smile=1.0, brows=0.25, squeeze=0.45),
    "sad": Expression(smile=-0.75, brows=0.1, inner=0.9, squeeze=0.35, gaze=(0.0, 0.5)),
    "angry": Expression(smile=-0.35, brows=-0.55, inner=-1.0, squeeze=0.15, press=0.8),
}


def expression_of(emotion: str, strength: float = 1.0, mouth: float = 0.0) -> Expression:
    """An emotion's expression at a strength, with the mouth opened so far; lips cannot be pressed while it is open."""
    full = EXPRESSIONS[emotion]
    return Expression(
        smile=full.smile * strength,
        brows=full.brows * strength,
        inner=full.inner * strength,
        open=mouth,
        squeeze=full.squeeze * strength,
        press=full.press * strength * (1 - mouth),
        gaze=(full.gaze[0] * strength, full.gaze[1] * strength),
    )
