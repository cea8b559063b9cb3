"""The job ``pretrain`` in a tiny world of real clips."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch

from contrastive.loading import load_pretrained
from contrastive.pretrain import pretrain
from fusion.catalog import catalog
from fusion.contract import ConfigError, DataError, LeakError, RunError
from fusion.inference.files import read_json, read_state
from tests.telling import Told
from tests.training.worlds import World, rewritten, write_world

SAME_SIZE = "streams.pictures.encoder.embedding=8"
SETTINGS = (SAME_SIZE, "pretrain.objective=margin", "pretrain.batch=6", "pretrain.epochs=2")
FAST = ("finetune.epochs=1", "finetune.joint.epochs=0", "finetune.head.epochs=1")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return write_world(tmp_path_factory.mktemp("pretrain_world"))


@pytest.fixture(scope="module")
def pretrained(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pretrain(world.load(*SETTINGS), tmp_path_factory.mktemp("run") / "pretrain")


def run(
    world: World, folder: Path, *overrides: str, streams: tuple[str, ...] = ("sound", "pictures"), **more: Any
) -> tuple[Path, list[str]]:
    told = Told()
    return pretrain(world.load(*SETTINGS, *overrides, streams=streams), folder, reporter=told, **more), told.lines


def test_a_run_holds_streams_figures_and_a_page(pretrained: Path) -> None:
    record = read_json(pretrained / "run.json")
    assert (record["status"], record["job"]) == ("finished", "pretrain")
    fold = pretrained / "held_out"
    assert sorted(path.name for path in (fold / "streams").iterdir()) == ["pictures", "sound"]
    assert all(key.startswith("encoder.") for key in read_state(fold / "streams" / "sound" / "best.safetensors"))
    with (fold / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    for key in ("sound→pictures recall@1", "pictures→sound chance@5", "sound+pictures distance positive"):
        assert float(rows[0][key]) >= 0
    assert read_json(fold / "result.json")["sound→pictures chance@1"] == 0.5
    page = (fold / "report.html").read_text()
    assert "recall@10" in page
    assert "<svg" in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_same_command_again_changes_nothing(world: World, pretrained: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in pretrained.rglob("*.safetensors")}
    run(world, pretrained)
    assert {path: path.stat().st_mtime_ns for path in pretrained.rglob("*.safetensors")} == before


def test_finetune_starts_where_pretraining_ended(world: World, pretrained: Path, tmp_path: Path) -> None:
    folder = world.train(tmp_path, *FAST, "finetune.epochs=0", SAME_SIZE, start=pretrained)
    for name in ("sound", "pictures"):
        ours = read_state(folder / "held_out" / "streams" / name / "best.safetensors")
        theirs = read_state(pretrained / "held_out" / "streams" / name / "best.safetensors")
        assert theirs
        assert all(torch.equal(ours[key], value) for key, value in theirs.items())
    assert any(key.startswith("classify") for key in ours)


def test_pretraining_begins_with_the_weights_of_finetune_and_moves_them(
    world: World, pretrained: Path, tmp_path: Path
) -> None:
    folder = world.train(tmp_path, *FAST, "finetune.epochs=0", SAME_SIZE)
    scratch = read_state(folder / "held_out" / "streams" / "sound" / "best.safetensors")
    after = read_state(pretrained / "held_out" / "streams" / "sound" / "best.safetensors")
    assert any(not torch.equal(scratch[key], value) for key, value in after.items())


def test_folds_are_children_and_are_paired(world: World, tmp_path: Path) -> None:
    folds = world.variant("pretrain_folds", protocol={"name": "speaker_folds", "folds": 3})
    parent, _ = run(folds, tmp_path / "pretrain", "pretrain.batch=4", "pretrain.epochs=1")
    assert list(read_json(parent / "run.json")["results"]) == ["fold_0", "fold_1", "fold_2"]
    tuned = folds.train(tmp_path / "finetune", *FAST, "finetune.epochs=0", SAME_SIZE, start=parent)
    states = []
    for fold in ("fold_0", "fold_1", "fold_2"):
        ours = read_state(tuned / fold / "streams" / "sound" / "best.safetensors")
        theirs = read_state(parent / fold / "streams" / "sound" / "best.safetensors")
        assert all(torch.equal(ours[key], value) for key, value in theirs.items())
        states.append(theirs["encoder.join.weight"])
    assert not torch.equal(states[0], states[1])


def test_a_pretraining_of_another_split_is_refused(world: World, pretrained: Path, tmp_path: Path) -> None:
    swapped = world.variant("swapped", protocol={"name": "held_out", "validation": ["s6"], "test": ["s5"]})
    with pytest.raises(LeakError, match=r"comes from another split .* has speaker manifest:s. in common"):
        swapped.train(tmp_path, *FAST, SAME_SIZE, start=pretrained)


def test_a_stream_fitted_on_something_else_is_refused(world: World, pretrained: Path, tmp_path: Path) -> None:
    bands = "streams.sound.transforms.1.bands=6"
    with pytest.raises(RunError, match=r"another chain of transforms for stream 'sound'.*same modality and transforms"):
        world.train(tmp_path / "bands", *FAST, SAME_SIZE, bands, start=pretrained)
    with pytest.raises(RunError, match=r"is of windows of 1 s, not 1/2 s"):
        world.train(tmp_path / "window", *FAST, SAME_SIZE, "window.seconds=0.5", start=pretrained)


def test_further_corpora_need_no_labels_and_keep_clear_of_held_out_speakers(world: World, tmp_path: Path) -> None:
    corpus = "{name: manifest, root: ../further, label_columns: []}"
    folder, lines = run(world, tmp_path, f"pretrain.corpora=[{corpus}]", "window.seconds=0.6")
    listed = {clip["id"] for clip in read_json(folder / "clips.json")}
    assert {"f0", "f5"} <= listed
    text = "\n".join(lines)
    assert "further clips share a speaker or take with validation or test: left out" in text


def test_further_corpora_keep_clear_of_sentences_that_are_kept_apart(world: World, tmp_path: Path) -> None:
    said = {f"c{number:02}": ("Go on", "Well then")[number % 2] for number in range(12)}
    rewritten(world.folder / "manifest.csv", "scripted.csv", said)
    scripted = world.variant(
        "scripted",
        corpus={"name": "manifest", "root": "../scripted.csv", "label_columns": ["emotion"]},
        protocol={"name": "speaker_sentence_folds", "folds": 3, "sentences": 2},
    )
    corpus = "{name: manifest, root: ../further, label_columns: []}"
    more = (f"pretrain.corpora=[{corpus}]", "pretrain.epochs=1", "pretrain.batch=2")
    _, lines = run(scripted, tmp_path / "run", *more, fold="fold_0_0")
    line = (
        "; 7 further clips share a speaker, take or sentence with validation or test, or it is not known what they say"
    )
    assert f"{line}: left out" in "\n".join(lines)


def test_without_labels_negatives_are_other_clips(world: World, tmp_path: Path) -> None:
    unlabelled = world.variant("unlabelled", target="none")
    folder, lines = run(unlabelled, tmp_path)
    assert "no clip has a known emotion: the kinds of negatives are unknown, all are other clips" in lines
    log = (folder / "held_out" / "log.csv").read_text()
    assert "distance other_clip" in log
    assert "distance other_emotion" not in log
    with pytest.raises(ConfigError, match=r"target.name +there is nothing to predict; name a target"):
        unlabelled.train(tmp_path / "finetune", *FAST)


@pytest.mark.parametrize("objective", ["infonce", "supervised_contrastive"])
def test_three_streams_with_projections_mining_and_a_curriculum(world: World, tmp_path: Path, objective: str) -> None:
    folder, _ = run(
        world,
        tmp_path,
        f"pretrain.objective={{name: {objective}, dim: 4}}",
        "pretrain.mining={other_emotion: 1}",
        "pretrain.curriculum={same_emotion: 0.5}",
        streams=("sound", "pictures", "words"),
    )
    state = read_state(folder / "held_out" / "best.safetensors")
    assert len({key.split(".")[1] for key in state if key.startswith("objectives")}) == 3
    assert not any("projections" in key for key in read_state(folder / "held_out/streams/words/best.safetensors"))


def test_bad_settings_are_one_sentence(world: World, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pretraining compares streams, and there is only 'sound'"):
        pretrain(world.load(streams=("sound",)), tmp_path / "a")
    shifted = "pretrain.pairs={positive: 1, same_clip_shifted: 1}"
    with pytest.raises(ConfigError, match=r"two windows 1 s apart need 2.5 s, the longest clip has 2 s; shorten"):
        run(world, tmp_path / "c", shifted, "window.seconds=1.5")
    with pytest.raises(ConfigError, match=r"windows of whole clips cannot be shifted"):
        run(world, tmp_path / "d", shifted, "window.seconds=clip")
    with pytest.raises(
        ConfigError, match=r"pretrain.mining.same_emotion +'margin' compares what the mix holds, and it"
    ):
        run(
            world, tmp_path / "f", "pretrain.pairs={positive: 1, other_emotion: 1}", "pretrain.mining={same_emotion: 1}"
        )
    with pytest.raises(ConfigError, match=r"there is no fold 'x'   \(folds: held_out\)"):
        run(world, tmp_path / "e", fold="x")


def test_a_corpus_in_which_no_clip_has_both_sides(world: World, tmp_path: Path) -> None:
    # held-out clips have both, the one to train with has a voice and no face
    corpus = {"name": "manifest", "root": "..", "label_columns": ["emotion"]}
    select = {"id": ["c02", "c08", "c09", "c10", "c11"]}
    apart = world.variant("apart", corpus={**corpus, "select": select})
    with pytest.raises(DataError, match=r"no training clip has both sound and pictures; `fusion data inspect`"):
        run(apart, tmp_path)
    none = world.variant("none", corpus={**corpus, "root": "../further"})
    with pytest.raises(DataError, match=r"stream 'pictures' is absent from all 7 clips"):
        run(none, tmp_path)


def test_too_short_clips_take_part_with_one_window(world: World, tmp_path: Path) -> None:
    shifted = "pretrain.pairs={positive: 1, other_emotion: 1, same_clip_shifted: 1}"
    _, lines = run(world, tmp_path, shifted, "window.seconds=0.5", "pretrain.batch=20")
    assert "7 clips fill a batch of 14 windows, not of 20" in lines
    assert any("clips are too short for two windows 1 s apart: they take part with one" in line for line in lines)


def test_what_is_no_number_names_stream_and_clips(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contrastive.model import PretrainModel

    true = PretrainModel.embeddings

    def broken(self: PretrainModel, stream: str, tensors: Any) -> torch.Tensor:
        answer = true(self, stream, tensors)
        return answer * torch.nan if stream == "pictures" else answer

    monkeypatch.setattr(PretrainModel, "embeddings", broken)
    with pytest.raises(
        DataError, match=r"encoder of stream 'pictures' answered something that is not a number for c\d\d, c"
    ):
        run(world, tmp_path)


def test_final_pretrains_on_all_speakers_for_a_final_model(world: World, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"unfinished folds.*run pretrain without --final first"):
        run(world, tmp_path / "pretrain", final=True)
    folder, _ = run(world, tmp_path / "pretrain")
    run(world, tmp_path / "pretrain", final=True)
    best = int(read_json(folder / "held_out" / "result.json")["epoch"])
    assert len((folder / "final" / "log.csv").read_text().splitlines()) == 1 + best
    tuned = tmp_path / "finetune"
    options = (*FAST, "finetune.epochs=0", SAME_SIZE)
    world.train(tuned, *options, start=folder)
    world.train(tuned, *options, start=folder, final=True)
    ours = read_state(tuned / "final" / "streams" / "sound" / "best.safetensors")
    theirs = read_state(folder / "final" / "streams" / "sound" / "best.safetensors")
    assert all(torch.equal(ours[key], value) for key, value in theirs.items())


def test_streams_that_were_not_pretrained_begin_anew(world: World, tmp_path: Path) -> None:
    three = ("sound", "pictures", "words")
    folder, _ = run(world, tmp_path / "pretrain", "pretrain.between=[[sound, pictures]]", streams=three)
    assert not (folder / "held_out" / "streams" / "words").exists()
    told = Told()
    options = (*FAST, "finetune.epochs=0", SAME_SIZE)
    tuned = world.train(tmp_path / "finetune", *options, start=folder, streams=three, reporter=told)
    assert any("words: " in line and "it begins with new weights" in line for line in told.lines)
    assert (tuned / "held_out" / "streams" / "words" / "best.safetensors").exists()


def test_a_finished_fold_can_be_read_back(pretrained: Path) -> None:
    read = load_pretrained(pretrained, "held_out", catalog())
    assert list(read.fitted) == ["sound", "pictures"]
    assert not read.model.training
    state = read_state(pretrained / "held_out" / "best.safetensors")
    assert all(torch.equal(value, state[key]) for key, value in read.model.state_dict().items())
    with pytest.raises(RunError, match=r"has no finished fold 'fold_9'; its folds are held_out"):
        load_pretrained(pretrained, "fold_9", catalog())
