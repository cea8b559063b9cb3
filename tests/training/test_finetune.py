from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fusion.catalog import catalog
from fusion.config.models import CorpusSettings
from fusion.contract import ConfigError, DataError, FusionError, LeakError, RunError
from fusion.evaluation.sentences import said_before
from fusion.inference.checkpoint import read_checkpoint
from fusion.inference.files import read_json, read_state, write_json
from fusion.training.finetune import gather
from fusion.training.outputs import read_part
from fusion.training.report import Silent
from fusion.training.split_data import split_tables
from tests.telling import Told
from tests.training.worlds import World, rewritten, write_media

SOUND = {"streams": ("sound",)}
FAST = ("finetune.epochs=1", "finetune.joint.epochs=0", "finetune.head.epochs=1")
FURTHER: dict[str, Any] = {
    "name": "manifest",
    "root": "../further",
    "label_columns": ["emotion"],
    "labels": {"emotion": {"low": "calm", "high": "loud", "odd": None}},
}


def weights(folder: Path) -> Mapping[str, torch.Tensor]:
    return read_state(folder / "best.safetensors")


def encoder(folder: Path) -> dict[str, torch.Tensor]:
    return {key: value for key, value in weights(folder).items() if key.startswith("encoder.")}


def equal(first: Mapping[str, torch.Tensor], second: Mapping[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_a_run_holds_everything(trained: Path) -> None:
    record = read_json(trained / "run.json")
    assert record["status"] == "finished"
    assert record["split"]["hash"]
    assert record["environment"]["versions"]["torch"]
    assert record["data"]["speakers"] == [f"manifest:s{n}" for n in range(1, 7)]
    assert {clip["id"] for clip in read_json(trained / "clips.json")} == {f"c{n:02}" for n in range(12)}
    result = read_json(trained / "held_out" / "result.json")
    assert set(result["scores"]) == {"sound", "pictures", "late_average", "learned", "tuned"}
    assert set(result["epochs"]) == {"stream:sound", "stream:pictures", "head:learned", "tuned"}
    lines = (trained / "held_out" / "streams" / "sound" / "log.csv").read_text().splitlines()
    assert lines[0] == "epoch,loss,validation_score,validation_loss,seconds"
    assert len(lines) == 3
    assert list((trained / "held_out" / "streams" / "sound" / "tensorboard").iterdir())
    assert not [path for path in trained.rglob(".*") if path.name != ".lock"], "temporary files are left"
    assert "training speakers | manifest:s1" in (trained / "held_out" / "model" / "README.md").read_text()


def test_the_clip_without_pictures_takes_part(trained: Path) -> None:
    part = read_part(trained / "held_out" / "outputs" / "train", ["sound", "pictures"])
    own = [place for place, window in enumerate(part.windows) if part.clips[window.clip] == "c02"]
    assert part.column("sound")[own].all()
    assert not part.column("pictures")[own].any()
    assert part.column("pictures").any()
    assert sum(part.absent["pictures"].values()) == len(own)
    assert not part.streams["pictures"].embedding[own].any()  # type: ignore[index]


def test_the_same_command_again_changes_nothing(world: World, trained: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*.safetensors")}
    assert world.train(trained) == trained
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*.safetensors")} == before


def test_final_trains_on_all_speakers(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    options = (*FAST, "finetune.epochs=3", "finetune.joint.epochs=1", "headline=pictures")
    with pytest.raises(RunError, match=r"unfinished folds.*without --final first"):
        world.train(folder, *options, final=True)
    world.train(folder, *options)
    record = read_json(folder / "run.json")
    # medians over folds: of one fold here, its own
    record["results"]["held_out"]["epochs"]["stream:pictures"] = 2
    record["results"]["held_out"]["temperatures"]["pictures"] = 1.75
    write_json(folder / "run.json", record)
    world.train(folder, *options, final=True)
    model = read_checkpoint(folder / "final" / "model", catalog())
    assert model.description["row"] == "pictures"
    assert list(model.streams) == ["pictures"]
    assert model.description["training"]["clips"] == 12
    assert model.description["training"]["speakers"] == [f"manifest:s{n}" for n in range(1, 7)]
    assert model.description["training"]["validation"] == {"score": None, "clips": 0}
    assert model.temperature == 1.75
    log = (folder / "final" / "streams" / "pictures" / "log.csv").read_text().splitlines()
    assert len(log) == 1 + 2
    assert not (folder / "final" / "tuned").exists()


def test_a_final_model_is_tuned_where_the_folds_were(world: World, tmp_path: Path) -> None:
    options = (*FAST, "finetune.joint.epochs=1")
    world.train(tmp_path, *options)
    record = read_json(tmp_path / "run.json")
    record["results"]["held_out"] |= {"headline": "tuned", "tuned": "learned"}
    write_json(tmp_path / "run.json", record)
    world.train(tmp_path, *options, final=True)
    model = read_checkpoint(tmp_path / "final" / "model", catalog())
    assert (model.description["row"], model.description["head"]["name"]) == ("tuned", "learned")
    tuned = weights(tmp_path / "final" / "tuned")
    saved = {f"streams.sound.{key}": value for key, value in model.streams["sound"].state_dict().items()}
    assert saved
    assert all(torch.equal(tuned[key], value) for key, value in saved.items())


def test_a_start_of_the_same_split_is_paired_fold_by_fold(world: World, tmp_path: Path) -> None:
    folds = world.variant("folds", protocol="leave_one_speaker_out")
    three = ("corpus.select.speaker=[manifest:s1, manifest:s2, manifest:s3]",)
    first = folds.train(tmp_path / "first", *FAST, *three, **SOUND)
    second = folds.train(tmp_path / "second", *FAST, *three, "finetune.epochs=0", start=first, **SOUND)
    names = read_json(first / "run.json")["folds"]
    assert len(names) == 3
    states = []
    for name in names:
        states.append(weights(second / name / "streams" / "sound"))
        # encoder and, as both predict the same, the linear layer too
        assert equal(states[-1], weights(first / name / "streams" / "sound"))
    assert not equal(states[0], states[1])
    with pytest.raises(RunError, match=r"holds a run with another start"):
        folds.train(tmp_path / "second", *FAST, *three, "finetune.epochs=0", **SOUND)
    with pytest.raises(RunError, match=r"has no final model to start from.*--final"):
        folds.train(second, *FAST, *three, "finetune.epochs=0", start=first, final=True, **SOUND)


@pytest.fixture(scope="module")
def with_final(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("final") / "run"
    world.train(folder, *FAST, **SOUND)
    return world.train(folder, *FAST, final=True, **SOUND)


def test_another_split_is_no_start(world: World, with_final: Path, tmp_path: Path) -> None:
    swapped = world.variant("swapped", protocol={"name": "held_out", "validation": ["s6"], "test": ["s5"]})
    with pytest.raises(LeakError, match=r"comes from another split .* has speaker manifest:s. in common"):
        swapped.train(tmp_path, *FAST, start=with_final, **SOUND)


def test_strangers_are_a_start_unless_they_hold_the_same_files(world: World, with_final: Path, tmp_path: Path) -> None:
    own = {**FURTHER, "select": {"id": ["f2", "f3", "f4", "f5"]}}
    protocol = {"name": "random", "validation": 0.3, "test": 0.3}
    strangers = world.variant("strangers", corpus=own, protocol=protocol, leaking=True)
    folder = strangers.train(tmp_path / "run", *FAST, "finetune.epochs=0", start=with_final, **SOUND)
    (fold,) = read_json(folder / "run.json")["folds"]
    final = encoder(with_final / "final" / "streams" / "sound")
    assert equal(encoder(folder / fold / "streams" / "sound"), final)
    fitted = read_state(folder / fold / "streams" / "sound" / "description.safetensors")["fitted"]["mean"]
    known = read_state(with_final / "final" / "streams" / "sound" / "description.safetensors")["fitted"]["mean"]
    np.testing.assert_array_equal(fitted, known)
    # the same recordings under other names
    renamed = world.folder / "renamed"
    renamed.mkdir()
    lines = (
        (world.folder / "manifest.csv")
        .read_text()
        .replace("clips/", "")
        .replace(",s", ",t")
        .replace("tpeaker", "speaker")
        .splitlines()
    )
    (renamed / "manifest.csv").write_text("\n".join(lines))
    for file in (world.folder / "clips").iterdir():
        (renamed / file.name).write_bytes(file.read_bytes())
    corpus = {"name": "manifest", "root": "../renamed", "label_columns": ["emotion"]}
    protocol = {"name": "held_out", "validation": ["t1"], "test": ["t2"]}
    disguised = world.variant("disguised", corpus=corpus, protocol=protocol)
    with pytest.raises(LeakError, match=r"has the media of clip c0. in common"):
        disguised.train(tmp_path / "other", *FAST, start=with_final, **SOUND)


def test_a_start_that_does_not_fit_is_refused(world: World, with_final: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"holds another encoder .*use the same encoder and options"):
        world.train(tmp_path / "wide", *FAST, "streams.sound.encoder.width=8", start=with_final, **SOUND)
    with pytest.raises(RunError, match=r"has no stream 'pictures'"):
        world.train(tmp_path / "more", *FAST, start=with_final, streams=("pictures",))
    write_json(tmp_path / "half" / "run.json", {**read_json(with_final / "run.json"), "status": "running"})
    with pytest.raises(RunError, match=r"is not finished"):
        world.train(tmp_path / "early", *FAST, start=tmp_path / "half", **SOUND)


def test_frozen_streams_stay_as_they_were_loaded(world: World, with_final: Path, tmp_path: Path) -> None:
    options = ("streams.sound.frozen=true", f"streams.sound.weights={with_final}", "finetune.joint.epochs=2")
    folder = world.train(tmp_path / "run", "finetune.head.epochs=1", "finetune.epochs=2", *options) / "held_out"
    loaded = weights(with_final / "held_out" / "streams" / "sound")
    own = weights(folder / "streams" / "sound")
    assert equal(encoder(folder / "streams" / "sound"), encoder(with_final / "held_out" / "streams" / "sound"))
    assert not torch.equal(own["classify.weight"], loaded["classify.weight"])
    tuned = weights(folder / "tuned")
    assert all(torch.equal(tuned[f"streams.sound.{key}"], own[key]) for key in own)
    pictures = weights(folder / "streams" / "pictures")
    assert not all(torch.equal(tuned[f"streams.pictures.{key}"], pictures[key]) for key in pictures)


def test_further_corpora_train_only_and_keep_clear_of_held_out_speakers(world: World, tmp_path: Path) -> None:
    both = world.variant("both", training_corpora=[FURTHER])
    told = Told()
    materials = gather(both.load(streams=("sound",)), catalog(), told)
    tables = split_tables(
        materials.splits.splits[0],
        materials.clips,
        materials.further,
        plans=materials.plans,
        store=materials.store,
        target=materials.target,
        apart=False,
    )
    # f0 and f1 are by the test speaker; f6 has a label that is mapped to nothing
    assert tables.left_out == ("f0", "f1")
    assert [clip.id for clip in tables.train.clips[8:]] == ["f2", "f3", "f4", "f5"]
    assert [materials.target.names[row.argmax()] for row in tables.train.targets[8:]] == ["calm", "loud"] * 2
    assert {clip.id for clip in tables.test.clips} == {"c10", "c11"}
    folder = both.train(tmp_path, *FAST, reporter=told, **SOUND)
    assert "2 further clips share a speaker or take with validation or test: left out" in told.lines
    assert len(read_part(folder / "held_out" / "outputs" / "train", ["sound"]).clips) == 12


def test_a_further_corpus_with_the_same_recordings_is_left_out(world: World) -> None:
    twin = world.folder / "twin"
    twin.mkdir()
    (twin / "manifest.csv").write_text("id,file,speaker,emotion\nz,z.mp4,nobody,calm\n")
    (twin / "z.mp4").write_bytes(world.clip("c10.mp4").read_bytes())
    further = {**FURTHER, "root": "../twin", "labels": {"emotion": {"calm": "calm"}}}
    materials = gather(world.variant("twin", training_corpora=[further]).load(streams=("sound",)), catalog(), Silent())
    tables = split_tables(
        materials.splits.splits[0],
        materials.clips,
        materials.further,
        plans=materials.plans,
        store=materials.store,
        target=materials.target,
        apart=False,
    )
    assert tables.left_out == ("z",)


def test_further_corpora_keep_clear_of_sentences_that_are_kept_apart(world: World, tmp_path: Path) -> None:
    said = {f"c{number:02}": ("Go on", "Well then")[number % 2] for number in range(12)}
    rewritten(world.folder / "manifest.csv", "scripted.csv", said)
    rewritten(
        world.folder / "further" / "manifest.csv",
        "overheard.csv",
        {"f2": "go on!", "f3": "Something new", "f4": "", "f5": "Well, then"},
    )
    corpus = {"name": "manifest", "root": "../scripted.csv", "label_columns": ["emotion"]}
    protocol = {"name": "speaker_sentence_folds", "folds": 3, "sentences": 2}
    further = {**FURTHER, "root": "../further/overheard.csv"}
    scripted = world.variant("scripted", corpus=corpus, protocol=protocol, training_corpora=[further])
    told = Told()
    materials = gather(scripted.load(streams=("sound",)), catalog(), told)
    assert materials.splits.guarantee.endswith("no sentence that is tested is said in another part")
    for split in materials.splits.splits:
        tables = split_tables(
            split,
            materials.clips,
            materials.further,
            plans=materials.plans,
            store=materials.store,
            target=materials.target,
            apart=materials.splits.separates,
        )
        assert tables.left_out == ("f2", "f4", "f5")
        known = [*tables.train.clips, *tables.validation.clips]
        assert set(said_before(tables.test.clips, known)) == {False}
    line = "3 further clips share a speaker, take or sentence with validation or test, or it is not known what they say"
    scripted.train(tmp_path / "finetuned", *FAST, reporter=told, fold="fold_0_0", **SOUND)
    assert f"{line}: left out" in told.lines


def test_what_further_corpora_say_is_not_vouched_for_under_other_protocols(world: World) -> None:
    said = {f"c{number:02}": f"Sentence {number}" for number in range(12)}
    rewritten(world.folder / "manifest.csv", "own.csv", said)
    corpus = {"name": "manifest", "root": "../own.csv", "label_columns": ["emotion"]}
    own, both = (
        world.variant("own", corpus=corpus),
        world.variant("own_both", corpus=corpus, training_corpora=[FURTHER]),
    )
    promise = "no sentence that is tested is said in another part"
    assert gather(own.load(**SOUND), catalog(), Silent()).splits.guarantee.endswith(promise)
    materials = gather(both.load(**SOUND), catalog(), Silent())
    assert promise not in materials.splits.guarantee
    assert materials.splits.notes[0].startswith("what test clips say is not compared with further corpora")
    more = [CorpusSettings.model_validate(FURTHER)]
    assert promise not in gather(own.load(**SOUND), catalog(), Silent(), further=more).splits.guarantee


def test_further_corpora_need_total_label_maps(world: World, tmp_path: Path) -> None:
    without = {key: value for key, value in FURTHER.items() if key != "labels"}
    with pytest.raises(ConfigError, match=r"training_corpora.0.labels"):
        world.variant("unmapped", training_corpora=[without]).train(tmp_path, *FAST, **SOUND)
    partial = {**FURTHER, "labels": {"emotion": {"low": "calm", "high": "loud"}}}
    with pytest.raises(FusionError, match=r"odd"):
        world.variant("partial", training_corpora=[partial]).train(tmp_path, *FAST, **SOUND)


@pytest.mark.parametrize("balance", ["weights", "sampling"])
def test_balance(world: World, tmp_path: Path, balance: str) -> None:
    folder = world.train(tmp_path, *FAST, f"finetune.balance={balance}", **SOUND)
    assert read_json(folder / "run.json")["status"] == "finished"


def test_dimensions(world: World, tmp_path: Path) -> None:
    corpus = {
        "name": "manifest",
        "root": "..",
        "label_columns": ["valence", "arousal"],
        "number_columns": ["valence", "arousal"],
    }
    target = {"name": "dimensions", "labels": ["valence", "arousal"]}
    heads = [{"name": "late_average", "of": "values"}, {"name": "learned", "form": "gated", "dim": 4, "hidden": 4}]
    rated = world.variant("rated", corpus=corpus, target=target, fusion=heads)
    folder = rated.train(tmp_path / "run", *FAST)
    result = read_json(folder / "held_out" / "result.json")
    assert result["temperatures"] == {}
    model = read_checkpoint(folder / "held_out" / "model", catalog())
    assert model.names == ("valence", "arousal")
    with pytest.raises(ConfigError, match=r"finetune.balance +dimensions have no classes to balance"):
        rated.train(tmp_path / "other", *FAST, "finetune.balance=weights")


def test_several_classes_over_windows(world: World, tmp_path: Path) -> None:
    folder = world.train(tmp_path, *FAST, "target.kind=several", "window.hop=0.5", "fusion=[learned]", **SOUND)
    result = read_json(folder / "held_out" / "result.json")
    assert result["temperatures"] == {}
    assert set(result["scores"]) == {"sound", "learned"}


def test_words_are_encoded_once_a_clip(world: World, tmp_path: Path) -> None:
    folder = world.train(tmp_path, *FAST, "window.hop=0.5", streams=("sound", "words")) / "held_out"
    part = read_part(folder / "outputs" / "train", ["sound", "words"])
    embeddings = part.streams["words"].embedding
    assert embeddings is not None
    owners = np.array([window.clip for window in part.windows])
    assert np.bincount(owners).max() > 1
    for clip, name in enumerate(part.clips):
        own = np.flatnonzero(owners == clip)
        assert (embeddings[own] == embeddings[own[0]]).all()
        assert bool(part.column("words")[own].all()) == (name != "c03")
    assert part.absent["words"] == {"the clip has no transcript": 1}
    vocabulary = read_state(folder / "streams" / "words" / "description.safetensors")["fitted"]["vocabulary"]
    assert set(vocabulary) == {"soft", "slow", "words", "quick", "sharp", "really"}


def test_a_vocabulary_knows_the_training_part_only(world: World, tmp_path: Path) -> None:
    text = (world.folder / "manifest.csv").read_text()
    assert text.count(",calm,soft slow words") == 6
    lines = [line.replace("soft", "secret") if line.startswith("c10") else line for line in text.splitlines()]
    (world.folder / "secret.csv").write_text("\n".join(lines))
    corpus = {"name": "manifest", "root": "..", "file": "secret.csv", "label_columns": ["emotion"]}
    folder = world.variant("secret", corpus=corpus).train(tmp_path, *FAST, streams=("words",)) / "held_out"
    vocabulary = read_state(folder / "streams" / "words" / "description.safetensors")["fitted"]["vocabulary"]
    assert "sharp" in vocabulary
    assert "secret" not in "".join(vocabulary)


def test_a_stream_that_held_out_clips_lack_altogether(world: World, tmp_path: Path) -> None:
    main = {
        "name": "manifest",
        "root": "..",
        "label_columns": ["emotion"],
        "labels": {"emotion": {"calm": "calm", "loud": "loud"}},
    }
    protocol = {"name": "held_out", "validation": ["s7"], "test": ["s6"]}
    mixed = world.variant("mixed", corpus=FURTHER, training_corpora=[main], protocol=protocol)
    folder = mixed.train(tmp_path, *FAST) / "held_out"
    part = read_part(folder / "outputs" / "validation", ["sound", "pictures"])
    assert part.column("sound").all()
    assert not part.column("pictures").any()
    assert json.loads((folder / "result.json").read_text())["scores"]["pictures"] == 0.5  # the training prior


def test_a_stream_that_no_clip_has(world: World, tmp_path: Path) -> None:
    mute = world.variant("mute", corpus=FURTHER, protocol={"name": "held_out", "validation": ["s7"], "test": ["s6"]})
    with pytest.raises(DataError, match=r"stream 'pictures' is absent from all 6 clips: the clip has no track of"):
        mute.train(tmp_path, *FAST)


def test_a_stream_that_no_training_clip_has(world: World, tmp_path: Path) -> None:
    corpus: dict[str, Any] = {"name": "manifest", "root": "..", "label_columns": ["emotion"]}
    corpus["select"] = {"id": ["c02", "c08", "c09", "c10", "c11"]}
    with pytest.raises(DataError, match=r"stream 'pictures': is absent from every training clip"):
        world.variant("one", corpus=corpus).train(tmp_path, *FAST)


def test_a_broken_clip_counts_as_absent(world: World, tmp_path: Path) -> None:
    broken = world.folder / "broken"
    broken.mkdir()
    lines = (world.folder / "manifest.csv").read_text().replace("clips/", "").splitlines()
    (broken / "manifest.csv").write_text("\n".join(lines))
    for file in (world.folder / "clips").iterdir():
        (broken / file.name).write_bytes(file.read_bytes() if file.stem != "c05" else b"")
    told = Told()
    corpus = {"name": "manifest", "root": "../broken", "label_columns": ["emotion"]}
    folder = world.variant("broken", corpus=corpus).train(tmp_path, *FAST, reporter=told) / "held_out"
    assert any("c05" in line for line in told.lines)
    part = read_part(folder / "outputs" / "train", ["sound", "pictures"])
    assert "c05" in part.clips
    assert not any(part.clips[window.clip] == "c05" for window in part.windows)


def test_a_loss_that_is_not_a_number_is_one_sentence(world: World, tmp_path: Path) -> None:
    extreme = ("finetune.learning_rate=1e30", "finetune.clip_gradient=null", "finetune.warmup=0")
    with pytest.raises(FusionError, match=r"sound, epoch \d, step \d: the loss is not a number; lower the learning"):
        world.train(tmp_path, *FAST, "finetune.epochs=3", *extreme, **SOUND)


def test_a_disk_that_fills_leaves_the_last_checkpoint_and_goes_on(
    world: World, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "held_out" / "streams" / "sound" / "checkpoint.safetensors"
    before: list[bytes] = []
    real = os.fsync

    def full(descriptor: int) -> None:
        if file.exists() and ".checkpoint.safetensors." in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            before.append(file.read_bytes())
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"checkpoint.safetensors: cannot be written \(No space left on device\); free"):
        world.train(tmp_path)
    assert file.read_bytes() == before[0]
    assert read_state(file)["progress"]["step"] == 1
    assert [path.name for path in file.parent.iterdir() if path.name.startswith(".")] == []
    monkeypatch.undo()
    world.train(tmp_path)
    weights_file = Path("held_out") / "model" / "weights.safetensors"
    assert (tmp_path / weights_file).read_bytes() == (trained / weights_file).read_bytes()


def test_a_run_goes_on_with_the_same_material_only(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    small = world.variant("small", corpus={"name": "manifest", "root": "../small", "label_columns": ["emotion"]})
    (world.folder / "small").mkdir()
    rows = ["id,file,speaker,emotion"]
    for number in range(6):
        speaker, emotion = (1, 5, 6)[number // 2], ("calm", "loud")[number % 2]
        write_media(world.folder / "small" / f"{number}.wav", emotion, speaker, 0.6, pictures=False)
        rows.append(f"m{number},{number}.wav,s{speaker},{emotion}")
    (world.folder / "small" / "manifest.csv").write_text("\n".join(rows))
    small.train(folder, *FAST, **SOUND)
    listed = (folder / "clips.json").read_bytes()
    write_media(world.folder / "small" / "0.wav", "calm", 1, 0.7, pictures=False)
    with pytest.raises(RunError, match=r"holds a run with other clips: 1 clip is different now \(m0\)"):
        small.train(folder, *FAST, **SOUND)
    (world.folder / "small" / "manifest.csv").write_text("\n".join([*rows[:-2], f"n{rows[-1][1:]}"]))
    with pytest.raises(RunError, match=r"2 clips are gone now \(m4, m5\); 1 clip is new \(n5\); 1 clip is different"):
        small.train(folder, *FAST, **SOUND)
    assert (folder / "clips.json").read_bytes() == listed
    with pytest.raises(RunError, match=r"holds a run with another config"):
        small.train(folder, *FAST, "seed=4", **SOUND)


def test_heads_fitted_on_validation_by_cross_fitting(world: World, tmp_path: Path) -> None:
    folder = world.train(tmp_path, *FAST, "finetune.heads_fitted_on=validation") / "held_out"
    assert sorted(path.name for path in (folder / "heads" / "learned").glob("cross_fit_*")) == [
        "cross_fit_0",
        "cross_fit_1",
    ]
    assert read_json(folder / "result.json")["epochs"]["head:learned"] == 1
