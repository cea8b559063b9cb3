"""A prediction gives the numbers of training and evaluation; and every answer has its reasons."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from fusion.catalog import catalog
from fusion.contract import Clip, DataError, InputMissing, RunError
from fusion.corpora import load_corpus
from fusion.data.assemble import AssembledWindow, ClipRows, clip_windows
from fusion.data.batches import ClipTable, make_batch
from fusion.data.plan import evaluation_windows
from fusion.data.rows import Absent
from fusion.data.streams import plan_streams
from fusion.evaluation.calibration import tempered
from fusion.heads.model import FusionModel
from fusion.inference import Predictor
from fusion.inference.checkpoint import read_checkpoint
from fusion.store.store import Store
from fusion.testing.media import tone, write_clip, write_sound
from fusion.training.finetune import finetune
from fusion.training.outputs import head_logits, read_part
from tests.inference.conftest import ALL, OPTIONS
from tests.training.worlds import World, picture


def clips_of(world: World) -> dict[str, Clip]:
    loaded = world.load(*OPTIONS, streams=ALL)
    corpus = load_corpus(loaded.experiment.corpus, catalog=catalog(), base=loaded.source.parent)
    return {clip.id: clip for clip in corpus}


def table_of(world: World, clips: list[Clip]) -> ClipTable:
    plans = plan_streams(world.load(*OPTIONS, streams=ALL).experiment, catalog())
    return ClipTable(clips, plans, Store(world.store), None)


@pytest.mark.parametrize("name", ["c00", "c02", "c03", "c09", "c11"])
def test_rows_are_those_of_training_exactly(world: World, predictor: Predictor, name: str) -> None:
    clip = clips_of(world)[name]
    table = table_of(world, [clip])
    settings = predictor.checkpoint.experiment.window
    windows = evaluation_windows(table.durations, settings)
    plans = list(plan_streams(predictor.checkpoint.experiment, catalog()).values())
    shared: dict[str, object] = {}
    place = 0
    for event in clip_windows(clip, plans, settings, step=Fraction(1, 3)):
        if isinstance(event, ClipRows):
            shared = dict(event.rows)
        elif isinstance(event, AssembledWindow):
            assert event.span == windows[place].span
            for stream in ALL:
                live, stored = {**shared, **event.rows}[stream], table.row(windows[place], stream)
                if isinstance(stored, Absent):
                    assert isinstance(live, Absent)
                    continue
                assert not isinstance(live, Absent)
                assert live.keys() == stored.keys()  # type: ignore[attr-defined]
                for key, pieces in stored.items():
                    other = live[key]  # type: ignore[index]
                    assert (other.rate, other.first if other.rate else 0) == (
                        pieces.rate,
                        pieces.first if pieces.rate else 0,
                    )
                    if isinstance(pieces.data, np.ndarray):
                        np.testing.assert_array_equal(other.data, pieces.data)
                    else:
                        assert list(other.data) == list(pieces.data)
            place += 1
    assert place == len(windows) >= 1


def test_answers_are_those_of_the_stored_outputs(world: World, run: Path, predictor: Predictor) -> None:
    part = read_part(run / "held_out" / "outputs" / "train", list(ALL))
    checkpoint = predictor.checkpoint
    stored = torch.softmax(head_logits(checkpoint.head, part), 1).numpy().astype(np.float64)
    clips = clips_of(world)
    owners = np.array([window.clip for window in part.windows])
    for place, name in enumerate(part.clips):
        answer = predictor(clips[name])
        own = np.flatnonzero(owners == place)
        assert [window.start for window in answer.windows] == [float(part.windows[k].span.start) for k in own]
        found = np.array([list(window.probabilities.values()) for window in answer.windows])  # type: ignore[union-attr]
        np.testing.assert_allclose(found, tempered(stored[own], checkpoint.temperature), atol=1e-6)
        seconds = [float(part.windows[k].span.seconds) for k in own]
        whole = tempered(np.average(stored[own], axis=0, weights=seconds)[None], checkpoint.temperature)[0]
        np.testing.assert_allclose(list(answer.probabilities.values()), whole, atol=1e-6)  # type: ignore[union-attr]
        assert answer.label == predictor.names[int(whole.argmax())]


def test_contributions_are_what_masking_by_hand_gives(world: World, predictor: Predictor) -> None:
    clip = clips_of(world)["c09"]
    answer = predictor(clip)
    checkpoint = predictor.checkpoint
    table = table_of(world, [clip])
    batch = make_batch(table, evaluation_windows(table.durations, checkpoint.experiment.window), checkpoint.fitted)
    assert batch.present.all()
    model = FusionModel(checkpoint.streams, checkpoint.head)

    @torch.no_grad()
    def shown(*names: str) -> np.ndarray:
        mask = torch.tensor([[name in names for name in ALL]]).expand(batch.present.shape)
        return tempered(torch.softmax(model(batch, mask).logits, 1).numpy().astype(np.float64), checkpoint.temperature)

    whole = shown(*ALL)
    for stream in ALL:
        without, alone = shown(*(name for name in ALL if name != stream)), shown(stream)
        for place, window in enumerate(answer.windows):
            own, best = window.streams[stream], int(whole[place].argmax())
            assert own.contribution == pytest.approx(np.log(whole[place, best] / without[place, best]), abs=1e-5)
            assert list(own.opinion.values()) == pytest.approx(alone[place].tolist(), abs=1e-6)  # type: ignore[union-attr]
            assert not own.absent


def test_what_is_missing_is_said_and_what_is_alone_has_no_contribution(world: World, predictor: Predictor) -> None:
    clips = clips_of(world)
    answer = predictor(clips["c02"])  # a sound file
    pictures = answer.streams["pictures"]
    assert pictures.opinion is None
    assert pictures.contribution is None
    ((reason, count),) = pictures.absent.items()
    assert "picture" in reason
    assert count == len(answer.windows)
    assert answer.streams["sound"].contribution is not None
    alone = predictor(world.clip("c02.wav"))  # and without its words
    assert alone.streams["words"].opinion is None
    assert alone.streams["sound"].contribution is None
    assert alone.streams["sound"].opinion == alone.probabilities
    assert alone.rows()[0]["pictures_absent"] == "no pictures in c02.wav"


def test_words_of_a_sidecar_or_of_the_caller(world: World, predictor: Predictor, tmp_path: Path) -> None:
    file = tmp_path / "c00.mp4"
    file.write_bytes(world.clip("c00.mp4").read_bytes())
    assert predictor(file).streams["words"].opinion is None
    said = predictor(file, transcript="quick sharp words").streams["words"].opinion
    (tmp_path / "c00.txt").write_text("quick sharp words")
    assert predictor(file).streams["words"].opinion == said
    (tmp_path / "else.txt").write_text("soft slow words")
    other = predictor(file, tracks={"words": tmp_path / "else.txt"}).streams["words"].opinion
    assert other != said
    assert other == predictor(file, transcript="soft slow words").streams["words"].opinion


def test_embeddings_on_request(world: World, predictor: Predictor) -> None:
    clip = clips_of(world)["c02"]
    assert predictor(clip).windows[0].streams["sound"].embedding is None
    window = predictor(clip, embeddings=True).windows[0]
    assert window.streams["sound"].embedding is not None
    assert window.streams["sound"].embedding.shape == (8,)
    assert window.streams["pictures"].embedding is None
    assert len(predictor(clip, embeddings=True).to_json()["windows"][0]["streams"]["sound"]["embedding"]) == 8


def test_a_clip_longer_than_a_batch_of_windows_is_the_same_one_by_one(
    world: World, predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_clip(
        tmp_path / "long.mp4", seconds=8, size=(48, 36), fps=8, pictures=picture("loud", 1), sound_rate=8000
    )
    answer = predictor(file, transcript="quick", embeddings=True)
    assert len(answer.windows) == 15
    monkeypatch.setattr("fusion.inference.predictor.BATCH", 1)
    single = predictor(file, transcript="quick", embeddings=True)
    for first, second in zip(answer.windows, single.windows, strict=True):
        assert list(first.probabilities.values()) == pytest.approx(list(second.probabilities.values()), abs=1e-6)  # type: ignore[union-attr]
        for stream in ALL:
            one, other = first.streams[stream].embedding, second.streams[stream].embedding
            assert one is not None
            assert other is not None
            np.testing.assert_allclose(one, other, atol=1e-5)


#: Peaks in kilobytes of predictions in a process that has done nothing else.
_PEAKS = """
import sys
from pathlib import Path

from fusion.inference import Predictor

predictor = Predictor.load(Path(sys.argv[1]))
for file in sys.argv[2:]:
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    predictor(Path(file))
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    print(line.split()[1])
"""


def test_memory_does_not_grow_with_the_clip(run: Path, tmp_path: Path) -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except (PermissionError, FileNotFoundError):
        pytest.skip("this system does not let a process forget its peak of memory")
    short, long = (
        write_sound(tmp_path / f"{seconds}.wav", seconds=seconds, sound=tone(), sound_rate=8000)
        for seconds in (20, 200)
    )
    done = subprocess.run(
        [sys.executable, "-c", _PEAKS, *map(str, (run, short, short, long))], check=True, capture_output=True, text=True
    )
    _, first, second = map(int, done.stdout.split())
    assert second - first < 12_000, "kilobytes"


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"", "empty.mp4"), (b"not a clip at all, just text\n" * 50, "text.mp4"), (None, "cut.mp4")],
)
def test_files_that_are_no_clips(
    world: World, predictor: Predictor, tmp_path: Path, content: bytes | None, name: str
) -> None:
    file = tmp_path / name
    file.write_bytes(world.clip("c00.mp4").read_bytes()[:900] if content is None else content)
    with pytest.raises(DataError) as caught:
        predictor(file)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(InputMissing, match=r"nowhere.mp4: does not exist"):
        predictor(tmp_path / "nowhere.mp4")
    with pytest.raises(InputMissing, match=r"words.txt: does not exist"):
        predictor(tmp_path / "words.txt")


def test_pictures_without_sound_and_silence(predictor: Predictor, tmp_path: Path) -> None:
    mute = write_clip(tmp_path / "mute.mp4", seconds=1, size=(48, 36), fps=8, sound=None)
    answer = predictor(mute)
    assert answer.streams["sound"].opinion is None
    assert answer.probabilities is not None
    silent = write_sound(tmp_path / "silent.wav", seconds=1.5, sound=np.zeros(12000), sound_rate=8000)
    answer = predictor(silent)
    assert answer.probabilities is None
    assert answer.label is None
    assert [window.label for window in answer.windows] == [None] * len(answer.windows)
    assert "the sound is silent" in answer.streams["sound"].absent
    short = write_sound(tmp_path / "short.wav", seconds=0.1, sound=tone(), sound_rate=8000)
    assert len(predictor(short).windows) == 1


def test_models_of_folds_are_listed(world: World, tmp_path: Path) -> None:
    folds = world.variant("folds", protocol="leave_one_speaker_out")
    three = ("corpus.select.speaker=[manifest:s1, manifest:s2, manifest:s3]",)
    loaded = folds.load(*OPTIONS, *three, streams=("sound",))
    with pytest.raises(RunError, match=r"holds no model; name the folder that finetune reported"):
        Predictor.load(tmp_path)
    finetune(loaded, tmp_path, catalog=catalog())
    names = [path.parent.name for path in sorted(tmp_path.glob("*/model"))]
    assert len(names) == 3
    with pytest.raises(RunError, match=rf"holds 3 models.*{', '.join(names)}.*--final.*--fold"):
        Predictor.load(tmp_path)
    fold = Predictor.load(tmp_path, fold=names[1])
    assert fold.checkpoint.description["training"]["split"] == names[1]
    with pytest.raises(RunError, match=r"holds no model"):
        Predictor.load(tmp_path, fold="nothing")
    finetune(loaded, tmp_path, catalog=catalog(), final=True)
    assert Predictor.load(tmp_path).checkpoint.description["training"]["split"] == "final"
    again = read_checkpoint(tmp_path / names[1] / "model", catalog())
    assert torch.equal(next(again.streams["sound"].parameters()), next(fold.checkpoint.streams["sound"].parameters()))


def test_dimensions_have_values_and_no_contribution(world: World, tmp_path: Path) -> None:
    labels = ["valence", "arousal"]
    corpus = {"name": "manifest", "root": "..", "label_columns": [*labels], "number_columns": [*labels]}
    rated = world.variant("rated", corpus=corpus, target={"name": "dimensions", "labels": [*labels]})
    rated.train(tmp_path, *OPTIONS, "fusion=[learned]", "headline=learned")
    answer = Predictor.load(tmp_path)(world.clip("c00.mp4"))
    assert list(answer.probabilities or {}) == labels
    assert answer.label is None
    assert answer.streams["sound"].contribution is None
    assert answer.streams["sound"].opinion is not None
