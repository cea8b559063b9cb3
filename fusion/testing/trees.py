"""Generated trees in the layout of real corpora, with drawn faces and synthetic voices."""

from __future__ import annotations

import wave
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

#: Which of the demo's expressions stands for each of RAVDESS's emotion codes.
_SHOWN = {
    "01": "neutral",
    "02": "neutral",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "sad",
    "07": "angry",
    "08": "happy",
}


def write_ravdess_tree(
    root: Path,
    *,
    actors: Iterable[int] = range(1, 25),
    emotions: Sequence[str] = tuple(_SHOWN),
    modalities: Sequence[str] = ("01", "02", "03"),
    repetitions: int = 1,
    size: tuple[int, int] = (160, 120),
) -> int:
    """Write RAVDESS speech in its official layout, as short generated clips; returns the number of takes.

    Args:
        root: The corpus's folder.
        actors: Numbers of actors, 1 to 24.
        emotions: Emotion codes, ``01`` to ``08``.
        modalities: ``01`` audio-video, ``02`` video-only, ``03`` audio-only.
        repetitions: Takes of each actor and emotion, 1 or 2.
        size: (width, height) of the pictures.
    """
    import numpy as np

    from fusion.corpora.demo.face import Portrait
    from fusion.corpora.demo.scene import (
        FRAMES_PER_SECOND,
        Shown,
        invent_speaker,
        perform_face,
        perform_voice,
        write_scene,
    )
    from fusion.corpora.demo.voice import RATE
    from fusion.corpora.demo.writing import write_talking_clip
    from fusion.data.randomness import generator

    takes = 0
    for actor in actors:
        person = invent_speaker(actor + 1, 0, generator("ravdess_tree", actor))
        portrait = Portrait(person.look, size)
        for emotion in emotions:
            for repetition in range(1, repetitions + 1):
                code = f"01-{emotion}-01-01-{repetition:02d}-{actor:02d}"
                random = generator("ravdess_tree", code)
                shown = Shown(_SHOWN[emotion], 1.0)
                scene = replace(
                    write_scene(person, shown.emotion, 1, random), voice=shown, face=shown, transcript="kids"
                )
                said = perform_voice(scene, random)
                pictures = list(perform_face(scene, portrait, said.openness, random))
                video = root / f"Video_Speech_Actor_{actor:02d}" / f"Actor_{actor:02d}"
                for modality in {"01", "02"} & set(modalities):
                    video.mkdir(parents=True, exist_ok=True)
                    write_talking_clip(
                        video / f"{modality}-{code}.mp4",
                        pictures,
                        said.samples if modality == "01" else None,
                        size=size,
                        fps=FRAMES_PER_SECOND,
                        rate=RATE,
                        title=code,
                    )
                if "03" in modalities:
                    audio = root / "Audio_Speech_Actors_01-24" / f"Actor_{actor:02d}"
                    audio.mkdir(parents=True, exist_ok=True)
                    with wave.open(str(audio / f"03-{code}.wav"), "wb") as sound:
                        sound.setnchannels(1)
                        sound.setsampwidth(2)
                        sound.setframerate(RATE)
                        sound.writeframes((said.samples * 32767).astype(np.dtype("<i2")).tobytes())
                takes += 1
    return takes
