from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from fusion_video.haar import Haar
from fusion_video.options import Haar as Options

from fusion.testing.faces import face_picture


def test_a_drawn_face_is_found_in_the_pixels_of_the_picture(array_picture):
    small, large = face_picture((320, 240)), face_picture((640, 480))
    (first,) = Haar(Options()).detect(array_picture(small))
    (second,) = Haar(Options()).detect(array_picture(large))
    left, top, width, height = first.box
    assert 0 < left < left + width < 320
    assert 0 < top < top + height < 240
    assert first.score > 0
    np.testing.assert_allclose(np.array(second.box) / 2, first.box, atol=8)


def test_nothing_is_found_where_there_is_nothing(array_picture):
    for image in (np.zeros((120, 160, 3), np.uint8), np.full((10, 12, 3), 90, np.uint8)):
        assert Haar(Options()).detect(array_picture(image)) == []


def test_two_faces_are_two_detections(array_picture):
    image = np.concatenate([face_picture((240, 180)), face_picture((240, 180), identity=3)], axis=1)
    boxes = sorted(detection.box for detection in Haar(Options()).detect(array_picture(image)))
    assert len(boxes) == 2
    assert boxes[0][0] < 240 < boxes[1][0]


def test_threads_of_opencv_are_left_alone_until_something_is_detected():
    code = (
        "import cv2; cv2.setNumThreads(3); before = cv2.getNumThreads()\n"
        "import fusion_video.haar\n"
        "assert cv2.getNumThreads() == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.skipif("FUSION_DATA" not in os.environ, reason="FUSION_DATA is not set: no real clips")
def test_faces_of_real_people_are_found(array_picture):
    files = sorted(Path(os.environ["FUSION_DATA"], "java_sed", "video").glob("*-02_01.mp4"))[::8]
    found = []
    for file in files:
        with av.open(str(file)) as container:
            frame = next(frame for frame in container.decode(video=0) if frame.time >= 1.0)
            found.append(len(Haar(Options()).detect(array_picture(frame.to_ndarray(format="rgb24")))))
    assert len(found) >= 3
    assert np.mean(np.array(found) >= 1) >= 0.75
