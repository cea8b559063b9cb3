"""The parts of a face that move: eyes, brows and mouth, drawn anew for every frame."""

from __future__ import annotations

import numpy as np

from fusion.corpora.demo.look import Expression, Look
from fusion.corpora.demo.shapes import EYES, MIDDLE, MOUTH, Brush, band, curve, darker, lip_colour


def draw_eyes(brush: Brush, look: Look, expression: Expression) -> None:
    """Whites, irises, lids and lashes."""
    half = 13.5 * look.eye_size
    opening = float(np.clip(1 + 0.30 * expression.brows - 0.45 * expression.squeeze, 0.25, 1.5))
    opening *= 1 - float(np.clip(expression.blink, 0, 1))
    # A grieving lid hangs on the outside, an angry one is cut by the brow on the inside.
    slope = 3.0 * expression.inner
    lid, lash = darker(look.skin, 0.72), darker(look.hair, 0.55)
    for side in (-1, 1):
        x = MIDDLE + side * 29 * look.eye_distance
        across = np.linspace(-1, 1, 13)
        arch = 1 - across**2
        lean = slope * across * side
        upper = np.column_stack([x + half * across, EYES - 7.6 * look.eye_size * opening * arch + lean * arch**0.5])
        lower = np.column_stack([x + half * across, EYES + 5.2 * look.eye_size * min(opening, 1.0) * arch + 0.8])
        if opening > 0.12:
            brush.polygon(np.concatenate([upper, lower[::-1]]), (236, 232, 228))
            iris = (x + 3.6 * expression.gaze[0], EYES - 0.6 + 2.6 * expression.gaze[1])
            brush.disc(*iris, 6.7 * look.eye_size, look.iris)
            brush.disc(*iris, 3.3 * look.eye_size, (16, 14, 14))
            brush.disc(iris[0] - 2, iris[1] - 2.2, 1.3, (250, 250, 250))
        above = np.column_stack([x + (half + 1) * across, EYES - 12.5 * look.eye_size * arch - 0.5])
        brush.polygon(np.concatenate([above, upper[::-1]]), lid)
        below = np.column_stack([x + half * across, EYES + 9.0 * arch + 1])
        brush.polygon(np.concatenate([lower, below[::-1]]), darker(look.skin, 0.88))
        brush.line(upper, lash, 2.0)
        brush.line(lower[2:-2], darker(look.skin, 0.62), 0.8)
        if expression.smile > 0.3:
            crease = np.array([(x + side * (half + 2), EYES + 2), (x + side * (half + 8), EYES - 1)])
            brush.line(crease, darker(look.skin, 1 - 0.3 * min(expression.smile, 1)), 1.0)


def draw_brows(brush: Brush, look: Look, expression: Expression) -> None:
    """Brows, and a furrow between them when they are drawn together."""
    tone = darker(look.hair, 0.70)
    height = EYES - 20 - 7.5 * expression.brows
    for side in (-1, 1):
        x = MIDDLE + side * 29 * look.eye_distance
        inner_x = x - side * (17 + 3.0 * max(-expression.inner, 0))
        inner_y = height + 2 - 8.5 * expression.inner
        middle = (x + side * 2, height - 5.0 + 0.8 * expression.inner)
        outer = (x + side * 20, height + 3 + 4.0 * max(expression.inner, 0) - 2.5 * max(-expression.inner, 0))
        ridge = curve([(inner_x, inner_y), middle, outer])
        taper = np.linspace(1.0, 0.35, len(ridge))[:, None] * 2.9 * look.brow_weight
        shape = np.concatenate([ridge - [0, 1] * taper, (ridge + [0, 1] * taper)[::-1]])
        brush.polygon(shape, tone)
    if expression.inner < -0.25:
        depth = min(-expression.inner, 1.2)
        for side in (-1, 1):
            furrow = np.array([(MIDDLE + side * 4.5, EYES - 24), (MIDDLE + side * 3.2, EYES - 11)])
            brush.line(furrow, darker(look.skin, 1 - 0.38 * depth), 1.4)


def draw_mouth(brush: Brush, look: Look, expression: Expression) -> None:
    """Lips, what an open mouth shows, and the creases beside it."""
    opening = float(np.clip(expression.open, 0, 1))
    smile = float(np.clip(expression.smile, -1.3, 1.3))
    half = (23 + 6.5 * max(smile, 0) - 1.5 * max(-smile, 0) - 4.0 * opening) * look.mouth_width
    thick = 5.2 * look.lip_fullness * (1 - 0.6 * min(max(expression.press, 0.0), 1.0))
    across = np.linspace(-1, 1, 17)
    arch, corners = 1 - across**2, MOUTH - 8.0 * smile * across**2 + 2.4 * smile
    gap = 0.5 + 15.0 * opening
    x = MIDDLE + half * across
    # The upper lip's bow: two peaks beside a notch.
    bow = arch * (0.88 + 0.22 * np.cos((np.abs(across) - 0.24) * 5.2))
    upper_in, lower_in = corners - 0.25 * gap * arch, corners + 0.75 * gap * arch
    upper_out, lower_out = upper_in - thick * bow - 0.4, lower_in + 1.25 * thick * arch + 0.4
    lip = lip_colour(look.skin)
    brush.polygon(band(x, upper_out, lower_out), lip)
    brush.polygon(band(x, upper_out, upper_in), darker(lip, 0.86))
    if opening > 0.04:
        inside = x[1:-1]
        brush.polygon(band(inside, upper_in[1:-1], lower_in[1:-1]), (62, 26, 28))
        teeth = np.minimum(upper_in + np.minimum(4.4, 0.6 * gap) * arch**0.5, lower_in)
        brush.polygon(band(inside, upper_in[1:-1], teeth[1:-1]), (234, 229, 220))
        if opening > 0.35:
            tongue = np.maximum(lower_in - 4.0 * arch, teeth)[4:-4]
            brush.polygon(band(x[4:-4], tongue, lower_in[4:-4]), (152, 82, 82))
    else:
        brush.line(np.column_stack([x, upper_in + 0.3]), darker(lip, 0.5), 1.3)
    fold = abs(smile) if abs(smile) > 0.15 else 0.0
    for side in (-1, 1):
        corner = (MIDDLE + side * half, float(corners[-1]))
        brush.disc(*corner, 1.3, darker(lip, 0.6))
        if fold:
            droop = max(-smile, 0)
            crease: list[tuple[float, float]] = [
                (MIDDLE + side * 18, 157),
                (MIDDLE + side * (half + 2 - 3 * droop), 166),
            ]
            crease.append((MIDDLE + side * (half + 6 - 2 * droop), corner[1] - 1 + 6 * droop))
            brush.line(curve(crease), darker(look.skin, 1 - 0.26 * min(fold, 1.0)), 1.2)
