import csv
import hashlib
import os
import subprocess
import sys
from collections import Counter
from contextlib import nullcontext

import av
import cv2
import numpy as np
import pytest

from fusion.contract import DataError
from fusion.corpora.demo import generating
from fusion.corpora.demo.corpus import Demo
from fusion.corpora.demo.generating import generate
from fusion.corpora.demo.scene import EMOTIONS, MISLEADING, invent_speaker, write_scene
from fusion.corpora.demo.writing import COMMENT
from fusion.corpora.manifest import read_manifest
from fusion.corpora.options import Demo as Options
from fusion.data.randomness import generator


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "clips"
    generate(folder, clips=8, speakers=4, seed=5)
    return folder


def contents(folder):
    return {p.relative_to(folder): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def test_same_numbers_same_bytes_however_many_clips_there_are(folder, tmp_path):
    generate(tmp_path / "few", clips=4, speakers=4, seed=5)
    few, many = contents(tmp_path / "few"), contents(folder)
    clips = {name for name in few if name.suffix == ".mp4"}
    assert (len(clips), len(many)) == (4, 10)
    assert all(few[name] == many[name] for name in clips)
    rows = (folder / "manifest.csv").read_text().splitlines()
    assert set((tmp_path / "few/manifest.csv").read_text().splitlines()) <= set(rows)


def test_another_seed_gives_other_clips(folder, tmp_path):
    generate(tmp_path / "other", clips=2, speakers=2, seed=6)
    assert not set(contents(tmp_path / "other").values()) & set(contents(folder).values())


def test_files_are_h264_and_aac_and_say_that_they_are_generated(folder):
    for file in sorted((folder / "clips").glob("*.mp4"))[:3]:
        with av.open(str(file)) as container:
            assert container.metadata["comment"] == COMMENT
            (video,), (sound,) = container.streams.video, container.streams.audio
            assert (video.codec_context.name, video.average_rate, video.width, video.height) == ("h264", 25, 240, 180)
            assert (sound.codec_context.name, sound.rate, sound.channels) == ("aac", 16000, 1)
            assert abs(float(video.duration * video.time_base) - float(sound.duration * sound.time_base)) < 0.1


def test_manifest(folder):
    clips = read_manifest(folder / "manifest.csv")
    assert Counter(clip.labels["emotion"] for clip in clips) == dict.fromkeys(EMOTIONS, 2)
    assert {clip.speaker for clip in clips} == {"s01", "s02", "s03", "s04"}
    assert all(clip.generated and clip.transcript and clip.rights for clip in clips)
    assert {clip.sex for clip in clips} == {"female", "male"}
    with (folder / "manifest.csv").open() as stream:
        assert all("generated" in row["comment"] for row in csv.DictReader(stream))


def test_faces_are_found_and_the_mouth_moves_with_the_voice(folder):
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    found = total = 0
    agreement = []
    for file in sorted((folder / "clips").glob("*.mp4")):
        with av.open(str(file)) as container:
            grey = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
        with av.open(str(file)) as container:
            sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
        boxes = [cascade.detectMultiScale(picture, 1.1, 3, minSize=(40, 40)) for picture in grey[::8]]
        total += len(boxes)
        found += sum(len(box) > 0 for box in boxes)
        x, y, w, h = np.median([box[0] for box in boxes if len(box)], axis=0)
        mouths = [p[int(y + 0.65 * h) : int(y + 0.97 * h), int(x + 0.28 * w) : int(x + 0.72 * w)] for p in grey]
        teeth = np.array([np.percentile(mouth, 98) for mouth in mouths])
        loud = np.array([np.sqrt((sound[k * 640 : k * 640 + 640] ** 2).mean()) for k in range(len(grey))])
        agreement.append([np.corrcoef(np.roll(loud, shift), teeth)[0, 1] for shift in (-6, 0, 6)])
    assert found / total >= 0.95
    early, together, late = np.mean(agreement, axis=0)
    assert together > 0.6
    assert max(early, late) < 0.3


def test_streams_mislead_independently_and_words_tell_only_sometimes():
    speaker = invent_speaker(0, 0, generator("speaker"))
    scenes = [write_scene(speaker, EMOTIONS[k % 4], k, generator("scene", k)) for k in range(1200)]
    wrong = np.array([[s.voice.emotion != s.emotion, s.face.emotion != s.emotion] for s in scenes])
    assert wrong.mean(axis=0) == pytest.approx([MISLEADING] * 2, abs=0.04)
    assert abs(np.corrcoef(wrong.T)[0, 1]) < 0.1
    moved = [s for s in scenes if s.emotion != "neutral"]
    assert np.mean([s.words == s.emotion for s in moved]) == pytest.approx(0.61, abs=0.05)


def test_a_folder_with_other_things_is_left_alone(folder, tmp_path):
    (tmp_path / "precious.txt").write_text("x")
    with pytest.raises(DataError, match="already holds other things"):
        generate(tmp_path, clips=4, speakers=4)
    with pytest.raises(DataError, match="other numbers"):
        generate(folder, clips=4, speakers=4)
    before = contents(folder)
    generate(folder, clips=8, speakers=4, seed=5)
    assert contents(folder) == before


def following(step):
    """A progress that calls step after every clip."""
    return lambda total: nullcontext(step)


def test_an_interrupted_run_leaves_nothing(tmp_path):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "half", clips=4, speakers=4, progress=following(stop))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_removed_and_what_another_one_writes_is_not(tmp_path):
    folder = tmp_path / "demo"
    code = (
        "import os; from contextlib import nullcontext; from pathlib import Path\n"
        "from fusion.corpora.demo.generating import generate\n"
        f"killed = lambda total: nullcontext(lambda: os._exit(9))\n"
        f"generate(Path({str(folder)!r}), clips=2, speakers=2, progress=killed)"
    )
    killed = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert killed.returncode == 9
    (left,) = tmp_path.iterdir()
    assert list((left / "clips").iterdir())
    (tmp_path / ".demo.notes").mkdir()
    (tmp_path / ".demo2.abc.unfinished").mkdir()
    seen = []

    def look():
        if not seen:
            seen.append({path.name for path in tmp_path.iterdir()} - {".demo.notes", ".demo2.abc.unfinished"})
            generate(folder, clips=2, speakers=2)  # another one is faster

    generate(folder, clips=2, speakers=2, progress=following(look))
    assert left.name not in seen[0]
    assert len(seen[0]) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"demo", ".demo.notes", ".demo2.abc.unfinished"}


def test_corpus_generates_itself_once(tmp_path, monkeypatch):
    corpus = Demo(Options(count=2, speakers=2))
    clips = corpus.clips(tmp_path / "demo")
    monkeypatch.setattr(generating, "_clips", None)
    assert corpus.clips(tmp_path / "demo") == clips
    assert corpus.home == "demo-2-clips-2-speakers-seed-0"


@pytest.mark.parametrize("options", [{"count": 3, "speakers": 4}, {"speakers": 0}, {"seed": -1}])
def test_impossible_options(options):
    with pytest.raises(ValueError, match=r"speaker|seed"):
        Options(**options)
