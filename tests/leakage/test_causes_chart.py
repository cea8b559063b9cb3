"""Bars of causes: each begins where the one above it ends."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from fusion.leakage.causes_chart import Ladder, causes_chart
from fusion.leakage.figures import Score

SVG = "{http://www.w3.org/2000/svg}"


def _score(value: float) -> Score:
    return Score(value, value + np.linspace(-0.05, 0.05, 101))


def _ladder(*values: float) -> Ladder:
    steps = [("honest", {"score": _score(values[0])})]
    for before, after in pairwise(values):
        steps.append(("+ a cause", {"score": _score(after), "adds": _score(after) - _score(before)}))
    return steps


def test_a_bar_begins_where_the_last_one_ended_and_says_what_it_adds() -> None:
    ladders = {"voice": _ladder(0.4, 0.5, 0.45, 0.8, 0.9), "a <face>": _ladder(0.3, 0.3, 0.3, 0.6, 0.8)}
    page = ET.fromstring(causes_chart(ladders, size="80-20", chances=(0.25, 0.625)))
    bars = [bar for bar in page.iter(f"{SVG}rect") if bar.get("height") == "14"]
    assert len(bars) == 10
    ends = [(float(bar.get("x", "")), float(bar.get("x", "")) + float(bar.get("width", ""))) for bar in bars[:5]]
    scale = (ends[0][1] - ends[0][0]) / 0.4
    where = [((low - ends[0][0]) / scale, (high - ends[0][0]) / scale) for low, high in ends]
    wanted = [(0, 0.4), (0.4, 0.5), (0.45, 0.5), (0.5 - 0.05, 0.8), (0.8, 0.9)]
    assert np.array(where) == pytest.approx(np.array(wanted), abs=1e-3)
    assert len({bars[1].get("fill"), bars[2].get("fill")}) == 2  # what adds and what takes away
    words = [text.text for text in page.iter(f"{SVG}text")]
    assert {"voice", "a <face>", "0.40", "0.50  (+0.10)", "0.45  (-0.05)", "0.90  (+0.10)"} <= set(words)
