"""A generated tree in IEMOCAP's layout: dialogues of two drawn faces, side by side, that take turns to talk."""

from __future__ import annotations

import wave
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Which of the demo's expressions stands for each category.
_SHOWN = {"hap": "happy", "exc": "happy", "sad": "sad", "ang": "angry", "fru": "angry"}
_LINES = ("Did you get the mail?", "I saw a letter for you.", "Where is it?", "Well, he never answered.")
_PAUSE = 0.4


@dataclass(frozen=True)
class _Said:
    """One turn as it is written: where it lies, what it says, its sound and the speaker's pictures."""

    name: str
    actor: str
    category: str
    start: float
    end: float
    words: str
    samples: NDArray[np.float64]
    pictures: Sequence[NDArray[np.uint8]]


def write_iemocap_tree(
    root: Path,
    *,
    sessions: Iterable[int] = range(1, 6),
    dialogues: Sequence[str] = ("F_impro01", "M_script01_1"),
    categories: Sequence[str] = ("neu", "hap", "ang", "sad"),
    size: tuple[int, int] = (160, 120),
    video: bool = True,
) -> int:
    """Write a small release with everything that its reader looks at, and files it must leave alone.

    The actor that a dialogue is named after sits on the left. Whoever's turn it is talks; the other one sits still.
    Scripted dialogues have the same words in every session.

    Args:
        root: The corpus's folder.
        sessions: Numbers of sessions, 1 to 5.
        dialogues: Of each session: the named actor's letter and the scene.
        categories: One turn for each, woman and man in alternation.
        size: (width, height) of one actor's half of the picture.
        video: Whether the dialogues' avis are written.

    Returns:
        The number of turns.
    """
    count = 0
    for session in sessions:
        for dialogue in dialogues:
            name = f"Ses{session:02d}{dialogue}"
            said, still = _perform(name, session, categories, size)
            folder = root / f"Session{session}"
            _write_tables(folder, name, said)
            _write_sound(folder, name, said)
            if video:
                _write_video(folder / "dialog/avi/DivX" / f"{name}.avi", name, said, still)
            count += len(said)
    return count


def _perform(
    name: str, session: int, categories: Sequence[str], size: tuple[int, int]
) -> tuple[list[_Said], dict[str, NDArray[np.uint8]]]:
    """The turns of a dialogue, and each actor's face at rest."""
    from dataclasses import replace

    from fusion.corpora.demo.face import Portrait
    from fusion.corpora.demo.look import Pose, expression_of
    from fusion.corpora.demo.scene import Shown, invent_speaker, perform_face, perform_voice, write_scene
    from fusion.corpora.demo.voice import RATE
    from fusion.data.randomness import generator

    people = {
        actor: invent_speaker(2 * session + (actor == "M"), 0, generator("iemocap_tree", session, actor))
        for actor in "FM"
    }
    portraits = {actor: Portrait(person.look, size) for actor, person in people.items()}
    still = {actor: p.frame(expression_of("neutral", 0.0, 0.0), Pose(scale=0.9)) for actor, p in portraits.items()}
    said: list[_Said] = []
    time = _PAUSE
    for index, category in enumerate(categories):
        actor = "FM"[index % 2]
        random = generator("iemocap_tree", name, index)
        shown = Shown(_SHOWN.get(category, "neutral"), 1.0)
        scene = replace(write_scene(people[actor], shown.emotion, index, random), voice=shown, face=shown)
        if "_script" in name:
            scene = replace(scene, transcript=_LINES[index % len(_LINES)])
        uttered = perform_voice(scene, random)
        pictures = list(perform_face(scene, portraits[actor], uttered.openness, random))
        end = time + len(uttered.samples) / RATE
        turn = f"{name}_{actor}{index // 2:03d}"
        said.append(_Said(turn, actor, category, time, end, scene.transcript, uttered.samples, pictures))
        time = end + _PAUSE
    return said, still


def _write_tables(folder: Path, name: str, said: Sequence[_Said]) -> None:
    """Evaluations, transcriptions and word times, with what else stands in such files."""
    evaluations = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""]
    transcriptions = []
    for number, turn in enumerate(said):
        ratings = f"[{2 + number % 3:.4f}, {2.5:.4f}, {3 + number % 2:.4f}]"
        evaluations += [
            f"[{turn.start:.4f} - {turn.end:.4f}]\t{turn.name}\t{turn.category}\t{ratings}",
            "C-E2:\tNeutral;\t()",
            f"C-{turn.actor}1:\tHappiness; Excited;\t(amused)",
            "A-E3:\tval 3; act 2; dom  2;\t()",
            "",
        ]
        transcriptions.append(f"{turn.name} [{turn.start:08.4f}-{turn.end:08.4f}]: {turn.words}")
        _write(folder / "sentences/ForcedAlignment" / name / f"{turn.name}.wdseg", _alignment(turn))
    transcriptions.append(f"{name}_FXX0 [000.0000-000.1000]: [BREATHING]")
    _write(folder / "dialog/EmoEvaluation" / f"{name}.txt", "\n".join(evaluations) + "\n")
    _write(folder / "dialog/EmoEvaluation" / f"._{name}.txt", "not a table\n")
    _write(folder / "dialog/EmoEvaluation/Categorical" / f"{name}_e2_cat.txt", f"{said[0].name} :Neutral; ()\n")
    _write(folder / "dialog/transcriptions" / f"{name}.txt", "\n".join(transcriptions) + "\n")


def _alignment(turn: _Said) -> str:
    """Words of one length, between a silence and a silence, in frames of 10 ms."""
    frames = int((turn.end - turn.start) * 100)
    words = ["<s>", *turn.words.upper().rstrip("?.!").split(), "</s>"]
    step = frames // len(words)
    lines = [f"{k * step:8d} {(k + 1) * step - 1:8d} {-1000 * (k + 1):10d} {word}" for k, word in enumerate(words)]
    return "\n".join(["\t SFrm\t EFrm\t  SegAScr Word", *lines, " Total score:     -869440", ""])


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _write_sound(folder: Path, name: str, said: Sequence[_Said]) -> None:
    """One wav for each turn and one for the dialogue."""
    for turn in said:
        _write_wav(folder / "sentences/wav" / name / f"{turn.name}.wav", turn.samples)
    _write(folder / "sentences/wav" / name / f"._{said[0].name}.wav", "no sound\n")
    _write_wav(folder / "dialog/wav" / f"{name}.wav", _dialogue_sound(said))


def _dialogue_sound(said: Sequence[_Said]) -> NDArray[np.float64]:
    import numpy as np

    from fusion.corpora.demo.voice import RATE

    samples = np.zeros(round((said[-1].end + _PAUSE) * RATE))
    for turn in said:
        first = round(turn.start * RATE)
        samples[first : first + len(turn.samples)] = turn.samples
    return samples


def _write_wav(file: Path, samples: NDArray[np.float64]) -> None:
    import numpy as np

    from fusion.corpora.demo.voice import RATE

    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes((samples * 32767).astype(np.dtype("<i2")).tobytes())


def _write_video(file: Path, name: str, said: Sequence[_Said], still: dict[str, NDArray[np.uint8]]) -> None:
    """An avi of both, with their sound."""
    import numpy as np

    from fusion.corpora.demo.scene import FRAMES_PER_SECOND

    sound = _dialogue_sound(said)
    left, right = ("F", "M") if name[5] == "F" else ("M", "F")
    pictures = []
    for index in range(round((said[-1].end + _PAUSE) * FRAMES_PER_SECOND)):
        shown = dict(still)
        for turn in said:
            place = index - round(turn.start * FRAMES_PER_SECOND)
            if 0 <= place < len(turn.pictures):
                shown[turn.actor] = turn.pictures[place]
        pictures.append(np.concatenate([shown[left], shown[right]], axis=1))
    write_avi(file, pictures, sound, fps=Fraction(FRAMES_PER_SECOND))


def write_avi(
    file: Path,
    pictures: Sequence[NDArray[np.uint8]],
    sound: NDArray[np.float64] | None,
    *,
    fps: Fraction,
    options: Mapping[str, str] | None = None,
) -> Path:
    """Write an avi of MPEG-4 pictures, as DivX makes them, and 16-bit sound.

    Args:
        file: Where to; its folder is made.
        pictures: RGB ``[height, width, 3]``, one for each frame.
        sound: Samples ``[N]`` in -1 to 1 at the rate of the demo's voices; None for no sound.
        fps: Frames per second.
        options: Further options of the video encoder (``{"bf": "2"}``).

    Returns:
        file.
    """
    import av
    import numpy as np

    from fusion.corpora.demo.voice import RATE

    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w", format="avi", options={"fflags": "+bitexact"}) as container:
        video: Any = container.add_stream("mpeg4", rate=fps, options={"qscale": "3", "g": "50", **(options or {})})
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = "yuv420p"
        video.codec_context.thread_count = 1
        audio: Any = container.add_stream("pcm_s16le", rate=RATE, layout="mono") if sound is not None else None
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, 1 / fps
            container.mux(video.encode(frame))
            if audio is not None and sound is not None:
                first, last = (int(k / fps * RATE) for k in (index, index + 1))
                block = (np.clip(sound[first:last], -1, 1) * 32767).astype(np.int16)[None]
                if block.size:
                    heard = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
                    heard.sample_rate, heard.pts, heard.time_base = RATE, first, Fraction(1, RATE)
                    container.mux(audio.encode(heard))
        container.mux(video.encode(None))
        if audio is not None:
            container.mux(audio.encode(None))
    return file
