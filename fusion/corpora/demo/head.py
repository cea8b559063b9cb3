"""The parts that do not move, painted once for each person: wall, shoulders, head, hair, nose, glasses."""

from __future__ import annotations

import math

import cv2
import numpy as np

from fusion.corpora.demo.look import Look
from fusion.corpora.demo.shapes import (
    CANVAS,
    CHIN,
    EYES,
    MIDDLE,
    MOUTH,
    Brush,
    Image,
    Points,
    curve,
    darker,
    ellipse,
    mirrored,
)


def paint_wall(look: Look, size: tuple[int, int], scale: float) -> Image:
    """Wall and shoulders, RGB ``[height, width, 3]``; a light from the upper left. ``scale`` is pixels per unit."""
    width, height = size
    down, across = np.mgrid[0:height, 0:width].astype(np.float64)
    fall = 1.06 - 0.16 * across / width - 0.14 * down / height
    wall = np.clip(np.array(look.wall)[None, None] * fall[:, :, None], 0, 255).astype(np.uint8)
    canvas = np.dstack([wall, np.full((height, width), 255, np.uint8)])
    middle, base = width / 2 / scale, height / scale
    shoulders = curve(
        [(middle - 122, base + 8), (middle - 104, base - 16), (middle - 40, base - 36), (middle, base - 38)]
    )
    mirrored = np.column_stack([2 * middle - shoulders[::-1, 0], shoulders[::-1, 1]])
    Brush(canvas, scale).polygon(np.concatenate([shoulders, mirrored]), look.clothes)
    soft: Image = cv2.GaussianBlur(np.ascontiguousarray(canvas[:, :, :3]), (0, 0), 0.8)
    return soft


def paint_head(look: Look, unit: float) -> Image:
    """Head without brows, eyes and mouth: ``[h, w, 4]``, colours already multiplied by the last channel."""
    width, height = (round(side * unit) for side in CANVAS)
    canvas = np.zeros((height, width, 4), np.uint8)
    brush = Brush(canvas, unit)
    _paint_hair_behind(brush, look)
    skin, shade = look.skin, darker(look.skin, 0.80)
    neck = np.array([(71, 180), (129, 180), (130, 240), (118, 252), (100, 257), (82, 252), (70, 240)], float)
    brush.polygon(neck, darker(skin, 0.86))
    for side in (-1, 1):
        ear = ellipse(MIDDLE + side * 67 * look.width, EYES + 14, 10, 20)
        brush.polygon(ear, darker(skin, 0.92))
        brush.polygon(ellipse(MIDDLE + side * 68 * look.width, EYES + 14, 5, 12), shade)
    jaw_shadow = _outline(look) + np.array([0.0, 7.0])
    brush.polygon(jaw_shadow[jaw_shadow[:, 1] > 160], darker(skin, 0.66))
    blurred = cv2.GaussianBlur(canvas, (0, 0), 1.6 * unit)
    below = slice(round(165 * unit), None)
    keep = canvas[below, :, 3:] > 0
    canvas[below] = np.where(keep, np.concatenate([blurred[below, :, :3], canvas[below, :, 3:]], axis=2), 0)
    face = canvas.copy()
    brush = Brush(face, unit)
    brush.polygon(_outline(look), skin)
    _shade(brush, look)
    if look.beard:
        _paint_beard(brush, look)
    _paint_nose(brush, look)
    _paint_hair_before(brush, look)
    if look.glasses:
        _paint_glasses(brush, look)
    alpha = face[:, :, 3:].astype(np.float32) / 255
    colours = face[:, :, :3].astype(np.float32)
    return np.concatenate([colours * alpha, alpha * 255], axis=2).astype(np.uint8)


def _outline(look: Look) -> Points:
    """The face's contour: a forehead's arc, temples, cheeks and a chin whose breadth is the jaw's."""
    half: list[tuple[float, float]] = [
        (0, 44),
        (34, 48),
        (58, 72),
        (65, 108),
        (63, 140),
        (57 * (look.jaw + 1) / 2, 168),
    ]
    half += [(40 * look.jaw, 195), (20 * look.jaw, 208), (0, CHIN)]
    right = curve([(x * look.width, y) for x, y in half])
    return np.concatenate(
        [
            np.column_stack([MIDDLE + right[:, 0], right[:, 1]]),
            np.column_stack([MIDDLE - right[::-1, 0], right[::-1, 1]]),
        ]
    )


def _shade(brush: Brush, look: Look) -> None:
    """Light and shadow as soft spots: sockets, cheeks, forehead, nose, under the lip, the far cheek."""
    canvas = brush.image
    height, width = canvas.shape[:2]
    down, across = np.mgrid[0:height, 0:width] / brush.unit
    light = np.ones((height, width))

    def spot(x: float, y: float, wide: float, high: float, strength: float) -> None:
        nonlocal light
        light += strength * np.exp(-(((across - x) / wide) ** 2) - ((down - y) / high) ** 2)

    eye = 29 * look.eye_distance
    for side in (-1, 1):
        spot(MIDDLE + side * eye, EYES - 4, 19, 11, -0.25)
        spot(MIDDLE + side * (eye + 4), EYES + 27, 17, 12, 0.12)
        spot(MIDDLE + side * 62, 150, 15, 52, -0.20)
        spot(MIDDLE + side * 8 * look.nose_width, EYES + 14, 5, 20, -0.11)
    spot(MIDDLE - 8, 80, 40, 20, 0.12)
    spot(MIDDLE, EYES + 6, 5, 30, 0.16)
    spot(MIDDLE, MOUTH + 13, 20, 5, -0.13)
    spot(MIDDLE, CHIN - 10, 13, 8, 0.07)
    spot(MIDDLE, CHIN + 2, 50, 9, -0.16)
    spot(MIDDLE + 48, 140, 34, 80, -0.08)
    inside = np.zeros(canvas.shape, np.uint8)
    Brush(inside, brush.unit).polygon(_outline(look), (255, 255, 255))
    weight = inside[:, :, 3] / 255.0
    # Shadows on skin turn redder, as light that has been through it does.
    tint = np.array([0.75, 1.0, 1.12])
    factor = 1 + (light - 1)[:, :, None] * tint * weight[:, :, None]
    canvas[:, :, :3] = np.clip(canvas[:, :, :3] * factor, 0, 255).astype(np.uint8)
    blush = np.exp(-(((np.abs(across - MIDDLE) - 38) / 15) ** 2) - ((down - 150) / 11) ** 2) * weight
    canvas[:, :, 1:3] = (canvas[:, :, 1:3] * (1 - 0.10 * blush[:, :, None])).astype(np.uint8)


def _paint_nose(brush: Brush, look: Look) -> None:
    canvas = brush.image
    tip = EYES + 36 * look.nose_length
    shade, deep = darker(look.skin, 0.76), darker(look.skin, 0.45)
    layer = canvas.copy()
    wing = 12.5 * look.nose_width
    for side in (-1, 1):
        flank = curve(
            [(MIDDLE + side * wing, tip - 9), (MIDDLE + side * (wing + 2), tip - 2), (MIDDLE + side * 8, tip + 3)]
        )
        Brush(layer, brush.unit).line(flank, shade, 1.8)
        Brush(layer, brush.unit).polygon(ellipse(MIDDLE + side * 6 * look.nose_width, tip + 1.5, 3.2, 1.7), deep)
    Brush(layer, brush.unit).line(curve([(MIDDLE - 7, tip + 4), (MIDDLE, tip + 6), (MIDDLE + 7, tip + 4)]), shade, 2.0)
    soft = cv2.GaussianBlur(layer, (0, 0), 0.9 * brush.unit)
    # The blur must not fray the head's edge: outside the face the sharp canvas stays.
    inside = cv2.erode(canvas[:, :, 3], np.ones((5, 5), np.uint8)) == 255
    canvas[:, :, :3] = np.where(inside[:, :, None], soft[:, :, :3], layer[:, :, :3])


def _paint_beard(brush: Brush, look: Look) -> None:
    canvas = brush.image
    outline = _outline(look)
    lower = outline[outline[:, 1] > 150]
    inner = curve([(MIDDLE - 52, 150), (MIDDLE - 36, 166), (MIDDLE, 165), (MIDDLE + 36, 166), (MIDDLE + 52, 150)])
    area = np.zeros(canvas.shape, np.uint8)
    order = lower[np.argsort(np.arctan2(lower[:, 1] - 130, lower[:, 0] - MIDDLE))]
    Brush(area, brush.unit).polygon(np.concatenate([inner, order]), (255, 255, 255))
    weight = cv2.GaussianBlur(area[:, :, 3], (0, 0), 3 * brush.unit).astype(np.float32)[:, :, None] / 255 * 0.62
    beard = np.array(look.hair, np.float32)
    inside = (canvas[:, :, 3:] == 255).astype(np.float32) * weight
    canvas[:, :, :3] = (canvas[:, :, :3] * (1 - inside) + beard * inside).astype(np.uint8)


def _paint_hair_behind(brush: Brush, look: Look) -> None:
    dark = darker(look.hair, 0.72)
    half = 76 * look.width
    if look.haircut in {"long", "parted"}:
        bottom = 236 if look.haircut == "long" else 196
        fall = curve([(half - 14, 60), (half + 4, 120), (half + 2, bottom - 26), (half - 22, bottom)])
        brush.polygon(mirrored(fall), dark)
    elif look.haircut == "curls":
        for step in np.linspace(-math.pi * 1.12, math.pi * 0.12, 17):
            brush.disc(MIDDLE + math.cos(step) * half * 0.88, 100 + math.sin(step) * 62, 19, dark)
    elif look.haircut == "bun":
        brush.disc(MIDDLE, 26, 22, dark)
        brush.polygon(ellipse(MIDDLE, 96, half * 0.95, 66), dark)
    else:
        brush.polygon(ellipse(MIDDLE, 94, half * 0.94, 62), dark)


def _paint_hair_before(brush: Brush, look: Look) -> None:
    """A cap from the crown to the hairline, with strands of other tones."""
    w = look.width
    crown = {"short": 34, "long": 28, "parted": 28, "bun": 34, "curls": 32}[look.haircut]
    outer = [(0, crown), (40, crown + 6), (66, 64), (71, 104), (67, 122)]
    inner = {
        "short": [(62, 100), (58, 76), (46, 66), (22, 63), (0, 63)],
        "long": [(64, 104), (61, 86), (48, 68), (24, 60), (0, 58)],
        "parted": [(64, 112), (60, 88), (46, 70), (22, 60), (0, 54)],
        "bun": [(63, 96), (58, 74), (42, 62), (20, 58), (0, 57)],
        "curls": [(62, 96), (57, 76), (40, 64), (20, 62), (0, 62)],
    }[look.haircut]
    brush.polygon(mirrored(curve([(x * w, y) for x, y in outer]), curve([(x * w, y) for x, y in inner])), look.hair)
    light, dark = darker(look.hair, 1.30), darker(look.hair, 0.74)
    for side in (-1, 1):
        for k, tone in enumerate((light, dark, light, dark)):
            start, bend = 8 + 13 * k, 18 + 12 * k
            strand = [(MIDDLE + side * start * w, crown + 6 + 2.2 * k * k), (MIDDLE + side * bend * w, 52 + 8 * k)]
            strand.append((MIDDLE + side * (bend + 7) * w, 62 + 11 * k))
            brush.line(curve(strand), tone, 1.2)
    if look.haircut == "curls":
        for k, x in enumerate(np.linspace(-54, 54, 9)):
            brush.disc(
                MIDDLE + x * w,
                50 + 0.007 * x * x - 4 * (k % 2),
                11,
                (look.hair, darker(look.hair, 0.86))[k % 2],
            )


def _paint_glasses(brush: Brush, look: Look) -> None:
    frame = (58, 52, 56)
    eye = 29 * look.eye_distance
    for side in (-1, 1):
        ring = ellipse(MIDDLE + side * eye, EYES + 3, 21, 17)
        brush.line(np.concatenate([ring, ring[:1]]), frame, 1.7)
        brush.line(np.array([(MIDDLE + side * (eye + 21), EYES), (MIDDLE + side * 65, EYES - 3)]), frame, 1.7)
    brush.line(curve([(MIDDLE - eye + 20, EYES), (MIDDLE, EYES - 4), (MIDDLE + eye - 20, EYES)]), frame, 1.7)
