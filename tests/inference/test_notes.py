"""What a modality notes about a clip reaches the answer and the people who asked for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusion.catalog import catalog
from fusion.cli.predict import show
from fusion.config.models import Component
from fusion.inference import Answer, Predictor, StreamAnswer
from fusion.testing.faces import face_picture
from fusion.testing.media import write_clip


def following(predictor: Predictor) -> Predictor:
    """The same networks behind pictures that are cut around faces, in the size that they know."""
    experiment = predictor.checkpoint.experiment
    components: list[dict[str, Any]] = [{"name": "face_boxes"}, {"name": "face_crop", "width": 12, "height": 16}]
    transforms = tuple(Component.model_validate(component) for component in components)
    pictures = experiment.streams["pictures"].model_copy(update={"transforms": transforms})
    experiment = experiment.model_copy(update={"streams": {**experiment.streams, "pictures": pictures}})
    return Predictor(replace(predictor.checkpoint, experiment=experiment), catalog())


@pytest.mark.parametrize("faces", [1, 2])
def test_several_faces_are_reported(
    predictor: Predictor, tmp_path: Path, capsys: pytest.CaptureFixture[str], faces: int
) -> None:
    still = np.concatenate([face_picture((200, 180), identity=k, scale=1 - 0.2 * k) for k in range(faces)], axis=1)
    size = (still.shape[1], still.shape[0])
    file = write_clip(tmp_path / "talk.mp4", seconds=1.5, size=size, fps=8, pictures=lambda _: still, sound_rate=8000)
    answer = following(predictor)(file)
    show(answer)
    printed = " ".join(capsys.readouterr().out.split())
    assert answer.streams["pictures"].opinion is not None
    assert not answer.streams["sound"].notes
    if faces == 1:
        assert not answer.streams["pictures"].notes
        assert "followed" not in printed
        return
    note = "2 faces in 4 of 4 pictures; the largest was followed"
    assert answer.streams["pictures"].notes == {note: len(answer.windows)}
    assert answer.to_json()["streams"]["pictures"]["notes"] == {note: len(answer.windows)}
    assert all(window.streams["pictures"].notes == {note: 1} for window in answer.windows)
    assert answer.rows()[0]["pictures_notes"] == note
    assert f"{len(answer.windows)} of {len(answer.windows)} windows: {note}" in printed


def test_only_the_most_frequent_notes_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    notes = {f"{k} [odd] pictures": k for k in range(1, 6)}
    show(Answer("a.mp4", 9.0, "single", None, {"v": StreamAnswer(None, None, notes=notes)}, ()))
    printed = capsys.readouterr().out
    assert "5 of 0 windows: 5 [odd] pictures" in printed
    assert "2 [odd] pictures" not in printed
    assert "... 2 more notes" in printed
