import cv2
import numpy as np
import pytest

from fusion.corpora.demo.face import Portrait
from fusion.corpora.demo.look import EXPRESSIONS, Expression, Look, Pose, expression_of
from fusion.testing.faces import face_picture


@pytest.fixture(scope="module")
def cascade():
    return cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")


def faces(cascade, picture):
    return cascade.detectMultiScale(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), 1.1, 4, minSize=(40, 40))


@pytest.mark.parametrize("identity", range(8))
def test_faces_are_found(cascade, identity):
    missed = [
        (emotion, mouth, tilt)
        for emotion in EXPRESSIONS
        for mouth, tilt in ((0.0, 0.0), (0.8, 7.0), (0.3, -7.0))
        if len(
            faces(
                cascade,
                face_picture(identity=identity, female=identity % 2 == 0, emotion=emotion, mouth=mouth, tilt=tilt),
            )
        )
        != 1
    ]
    assert len(missed) <= 1, missed


def test_shifts_move_the_face(cascade):
    ((left, *_),) = faces(cascade, face_picture(right=-0.2, scale=0.7))
    ((right, *_),) = faces(cascade, face_picture(right=0.2, scale=0.7))
    assert 50 < right - left < 90


def test_sizes_and_identities():
    assert face_picture((321, 241)).shape == (241, 321, 3)
    assert face_picture().dtype == np.uint8
    assert np.array_equal(face_picture(identity=3), face_picture(identity=3))
    assert np.abs(face_picture(identity=0).astype(int) - face_picture(identity=2)).mean() > 10


def test_expressions_change_brows_and_mouth_only():
    portrait = Portrait(Look(), (240, 180))
    calm = portrait.frame(Expression(), Pose()).astype(int)
    for emotion in ("happy", "sad", "angry"):
        changed = np.abs(portrait.frame(expression_of(emotion), Pose()) - calm).max(axis=2) > 24
        rows = np.flatnonzero(changed.any(axis=1))
        assert changed.sum() > 100, emotion
        assert not changed[:, :70].any()
        assert not changed[:, 170:].any()
        assert rows[0] > 40


def test_mouth_opens():
    portrait = Portrait(Look(), (240, 180))
    shut = portrait.frame(Expression(), Pose()).astype(int)

    def height(mouth):
        changed = np.abs(portrait.frame(Expression(open=mouth), Pose()) - shut).max(axis=2) > 24
        rows = np.flatnonzero(changed.any(axis=1))
        return rows[-1] - rows[0] + 1

    assert 2 <= height(0.2) < height(0.6) < height(1.0) <= 24
