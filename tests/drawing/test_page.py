from __future__ import annotations

import base64
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fusion.contract import Axis, Pieces, View
from fusion.data.rows import Absent
from fusion.data.tracing import ClipTrace, StepTrace
from fusion.drawing.page import page_of
from fusion.drawing.panels import Panel, panel_of
from fusion.drawing.plots import TimeAxis
from fusion.drawing.rasters import colours, levels, over_time
from fusion.drawing.scales import Scale, labels

SVG = "{http://www.w3.org/2000/svg}"
TIME = TimeAxis(0.0, 2.0, 730.0)


def drawn(view: View) -> tuple[Panel, ET.Element]:
    panel = panel_of(view, TIME, 1.0)
    return panel, ET.fromstring(f'<svg xmlns="{SVG[1:-1]}">{panel.body}</svg>')


def images(root: ET.Element) -> list[NDArray[np.uint8]]:
    found = []
    for image in root.iter(f"{SVG}image"):
        data = base64.b64decode(image.attrib["href"].partition(",")[2])
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        found.append(np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8))
    return found


def texts(root: ET.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SVG}text")]


def test_the_page_of_the_recipe(trace: ClipTrace) -> None:
    page = page_of(trace, "lbher.yaml")
    root = ET.fromstring(page)
    said = texts(root)
    for title in (
        "the media", "1  resample", "rate: 44100", "sound, 16 kHz", "3  add_noise", "the noise, 44.1 kHz",
        "sound with noise, 44.1 kHz", "the gate's threshold", "frequency, kHz", "its smoothing filter", "time, ms",
        "masked spectrogram, 51", "recovered sound, 44.1 kHz", "spectrogram, 300 by 200", "60 dB",
        "\N{MINUS SIGN}60 dB", "pictures: 20, of 160 by 120 pixels", "detected faces: 3, of 160 by 120 pixels",
        "crops: 20, of 60 by 100 pixels", "3.0 s",
    ):  # fmt: skip
        assert any(title in text for text in said), title
    # The window lasts three seconds already: fit_length has nothing to do.
    assert said.count("changes nothing in this window") == 1
    assert any("in training crop_top, rotate may come between" in text for text in said)
    assert set(re.findall(r'href="(.{0,11})', page)) == {"data:image/"}
    assert set(re.findall(r'href="data:image/(\w+)', page)) == {"jpeg", "png"}
    assert page.count("http") == 1, "nothing but the name space points anywhere"
    boxes = [element for element in root.iter(f"{SVG}rect") if element.get("class") == "box"]
    assert len(boxes) >= 6


def test_a_map_shows_its_numbers_where_and_when_they_are() -> None:
    values = np.zeros((20, 8))
    values[10:, :4] = 1.0  # from second 1 on, in the lower half
    view = View("some", Pieces(values, Fraction(10)), (Axis("frequency", "Hz", 0, 8000),), "dB", (0, 1))
    panel, root = drawn(view)
    (image,) = images(root)
    height, width = image.shape[:2]
    corners = {
        (row, column): image[height // 4 + row * height // 2, width // 4 + column * width // 2]
        for row in (0, 1)
        for column in (0, 1)
    }
    for place, colour in corners.items():
        expected = colours()[255 if place == (1, 1) else 0]
        np.testing.assert_allclose(colour.astype(int), expected.astype(int), atol=12)
    assert panel.title == "some, 20 by 8"
    assert {"kHz", "1 dB", "0 dB"} <= set(texts(root))


def test_a_tone_stands_at_its_frequency_and_level() -> None:
    time = np.arange(32000) / 16000
    tone = np.sin(2 * np.pi * 1000 * time)
    spectrum = levels(tone, 16000, np.array([0.5, 1.0]))
    assert np.argmax(spectrum[0]) == 1000 * 400 / 16000
    assert spectrum[0].max() == pytest.approx(20 * np.log10(400 / 4), abs=0.05)  # half of the window's sum
    _, root = drawn(View("tone", Pieces(tone.astype(np.float32), Fraction(16000))))
    (image,) = images(root)
    dark = np.argmin(image.sum(axis=(1, 2)))
    assert 1 - (dark + 0.5) / image.shape[0] == pytest.approx(1000 / 8000, abs=0.02)


def test_a_transform_of_a_stranger_is_drawn_by_the_shape_of_what_it_makes(trace: ClipTrace) -> None:
    """Numbers of any shape, words, things nobody knows, and pieces that are empty."""
    rate = Fraction(10)
    row = {
        "line": Pieces(np.arange(20.0), rate),
        "tensor": Pieces(np.random.default_rng(0).normal(size=(20, 3, 4)), rate),
        "irregular": Pieces(np.arange(3.0), None, 0, np.array([0.1, 0.9, 1.2])),
        "said": Pieces(["<oh>", "& so"], None, 0, np.array([0.0, 0.1]), np.array([0.4, 0.9])),
        "things": Pieces([object()], None, 0, np.array([0.0])),
        "nothing": Pieces(np.zeros((0, 5)), rate),
        "grey": Pieces(np.full((20, 12, 16), 90, np.uint8), rate),
        "constant": Pieces(np.full(20, np.nan), rate),
    }
    views = {
        "inside": View("an inside", np.arange(7.0)),
        "table": View("a table", np.eye(4)),
        "cube": View("a cube", np.zeros((2, 2, 2))),
    }
    voice = trace.streams[0]
    strange = replace(voice, steps=[voice.steps[0], StepTrace("resample", "local", row, views)])
    said = texts(ET.fromstring(page_of(replace(trace, streams=[strange]), "strange")))
    for title in (
        "line", "tensor, 20 by 3 by 4", "irregular", "said, 2", "<oh>", "& so", "things: 1 items of object",
        "nothing: nothing in this window", "grey: 10 of 20, of 16 by 12 pixels", "constant", "an inside", "a table",
        "a cube: an array of shape (2, 2, 2)",
    ):  # fmt: skip
        assert title in said, title


def test_an_absent_stream_says_why(trace: ClipTrace) -> None:
    voice = replace(trace.streams[0], steps=trace.streams[0].steps[:1], result=Absent("the sound is <silent>"))
    said = texts(ET.fromstring(page_of(replace(trace, streams=[voice]), "absent")))
    assert "absent: the sound is <silent>" in said


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 9))
def test_ticks_are_round_few_and_inside(first: float, reach: float, most: int) -> None:
    scale = Scale(first, first + reach, 0, 100)
    ticks = scale.ticks(most)
    assert len(ticks) <= most
    assert all(first - 1e-6 * reach <= tick <= first + reach + 1e-6 * reach for tick in ticks)
    assert len(set(labels(ticks))) == len(ticks) or reach < 1e-4 * abs(first)


@given(st.lists(st.floats(0, 2), min_size=1, max_size=30, unique=True))
def test_columns_hold_the_items_of_their_time(times: list[float]) -> None:
    starts = np.sort(np.array(times))
    edges = np.linspace(0, 2, 11)
    columns = over_time(np.arange(len(starts), dtype=float)[:, None], starts, edges)[0]
    for column, value in enumerate(columns):
        inside = [k for k, start in enumerate(starts) if edges[column] <= start + 1e-9 < edges[column + 1]]
        if inside and abs(starts - edges[column]).min() > 1e-6 and abs(starts - edges[column + 1]).min() > 1e-6:
            assert value == pytest.approx(np.mean(inside))
        elif edges[column + 1] <= starts[0] - 1e-6:
            assert np.isnan(value)


def test_any_type_of_numbers_is_drawn() -> None:
    kinds: tuple[Any, ...] = (np.bool_, np.int16, np.uint8, np.float16, np.float64)
    for kind in kinds:
        values = np.array([[0, 1]] * 20).astype(kind)
        _, root = drawn(View("numbers", Pieces(values, Fraction(10))))
        assert len(images(root)) == 1


def test_the_committed_picture_is_of_a_generated_clip_and_small() -> None:
    picture = (Path(__file__).parents[2] / "docs/clip-path.svg").read_text()
    assert len(picture) < 450_000
    assert any(text.startswith("generated clip, configs/systems/lbher.yaml") for text in texts(ET.fromstring(picture)))
