import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.evaluation.calibration import calibration_error, fit_temperature, reliability, tempered


def drawn(seed: int, clips: int = 4000, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are right: targets are drawn from them."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(classes, 0.7), clips)
    cumulated = probabilities.cumsum(axis=1)
    return probabilities, np.eye(classes)[(random.random((clips, 1)) > cumulated).sum(axis=1).clip(0, classes - 1)]


@pytest.mark.parametrize("sharpened", [0.4, 1.0, 3.0])
def test_the_temperature_undoes_sharpening(sharpened: float) -> None:
    probabilities, targets = drawn(0)
    wrong = tempered(probabilities, 1 / sharpened)
    found = fit_temperature(wrong, targets)
    assert found == pytest.approx(sharpened, rel=0.12)
    assert calibration_error(tempered(wrong, found), targets) < 0.03
    if sharpened != 1.0:
        assert calibration_error(wrong, targets) > 0.08


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(0.05, 20))
def test_a_temperature_changes_no_answer(seed: int, temperature: float) -> None:
    probabilities, _ = drawn(seed, 20)
    scaled = tempered(probabilities, temperature)
    assert (scaled.argmax(1) == probabilities.argmax(1)).all()
    assert scaled.sum(axis=1) == pytest.approx(np.ones(20))


def test_certain_answers_stay_finite() -> None:
    certain, targets = np.eye(3)[[0, 1, 2]], np.eye(3)[[0, 1, 1]]
    assert 0.05 <= fit_temperature(certain, targets) <= 20
    assert np.isfinite(tempered(certain, 0.05)).all()


def test_without_clips_there_is_no_temperature_to_fit() -> None:
    assert fit_temperature(np.zeros((0, 3)), np.zeros((0, 3))) == 1.0


def test_the_calibration_error_of_a_known_case() -> None:
    probabilities = np.array([[0.9, 0.1]] * 10)
    targets = np.eye(2)[[0] * 6 + [1] * 4]
    assert calibration_error(probabilities, targets) == pytest.approx(0.3)


def test_reliability_cells_hold_every_clip_once() -> None:
    probabilities, targets = drawn(1, 300)
    cells = reliability(probabilities, targets)
    assert sum(cell["clips"] for cell in cells) == 300
    assert all(0 <= cell["accuracy"] <= 1 for cell in cells)
    certain = reliability(np.eye(2)[[0, 0]], np.eye(2)[[0, 1]])
    assert certain == [{"confidence": 1.0, "accuracy": 0.5, "clips": 2.0}]
