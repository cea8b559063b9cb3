"""Traps that others' published code has fallen into, each with the guard that keeps it out of scores here."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fusion.catalog import catalog
from fusion.config.models import CorpusSettings
from fusion.contract import Clip, LeakError, NoOptions, RunError, Split
from fusion.corpora import load_corpus
from fusion.evaluation import options, protocols
from fusion.evaluation.evaluate import evaluate
from fusion.evaluation.splits import check_split, plan_splits, split_hash
from fusion.testing.media import write_sound
from fusion.training.finetune import finetune
from tests.evaluation.clips import corpus
from tests.evaluation.small import RATE, TONES, experiment_in, write_corpus

TEST_CLIPS = {f"{speaker}_{emotion}_0" for speaker in ("eve4", "fay5") for emotion in TONES}
VALIDATION_CLIPS = {f"{speaker}_{emotion}_0" for speaker in ("cat2", "dan3") for emotion in TONES}


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def listed(child: Path, part: str) -> list[str]:
    clips: list[str] = json.loads((child / "outputs" / part / "windows.json").read_text())["clips"]
    return clips


def manifest(folder: Path) -> list[Clip]:
    settings = CorpusSettings.model_validate({"name": "manifest", "root": folder / "manifest.csv"})
    return load_corpus(settings, catalog=catalog(), base=folder)


def test_trap_1_validation_is_never_the_test_part(trained: Path) -> None:
    """MERBench's loader of IEMOCAP: an empty test list, and the best epoch's validation score is the result."""
    with pytest.raises(LeakError, match="the test part is empty"):
        check_split(Split("s", ("a",), ("b",), ()), {i: Clip(i, ()) for i in "ab"}, leaking=True)
    evaluation = evaluate(trained / "run")
    child = trained / "run" / "held_out"
    assert {row["clip"] for row in read_rows(evaluation.folder / "predictions.csv")} == TEST_CLIPS
    assert set(listed(child, "validation")) == VALIDATION_CLIPS
    assert not set(listed(child, "train")) & (TEST_CLIPS | VALIDATION_CLIPS)
    # The headline was settled, and its score stood, before any test output existed.
    chosen = json.loads((child / "result.json").read_text())
    assert evaluation.results["chosen"] == {"held_out": chosen["headline"]}
    assert chosen["headline"] == max(("late_average", "gated"), key=lambda row: chosen["scores"][row])


def test_trap_2_parts_do_not_depend_on_the_order_of_a_listing(tmp_path: Path) -> None:
    """Folds by place in ``os.listdir``; an annotation file that every further run doubles."""
    write_corpus(tmp_path, each=2)
    before = manifest(tmp_path)
    lines = (tmp_path / "manifest.csv").read_text().splitlines()
    (tmp_path / "manifest.csv").write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n")
    assert manifest(tmp_path) == before
    for protocol in (
        protocols.SpeakerFolds(options.SpeakerFolds(folds=3)),
        protocols.LeaveOneSpeakerOut(NoOptions()),
        protocols.WithinSpeaker(options.Shares()),
        protocols.Random(options.Random()),
    ):
        assert split_hash(protocol.splits(before[::-1], 0)) == split_hash(protocol.splits(before, 0))


def test_trap_2_repeating_a_job_adds_nothing(trained: Path) -> None:
    first = evaluate(trained / "run")
    text = (first.folder / "predictions.csv").read_text()
    numbers = (first.folder / "results.json").read_text()
    second = evaluate(trained / "run")
    assert (second.folder / "predictions.csv").read_text() == text
    assert (second.folder / "results.json").read_text() == numbers


def test_trap_3_a_changed_protocol_never_meets_old_splits(trained: Path, tmp_path: Path) -> None:
    """SpeechBrain's recipe: a manifest of splits that exists is used, whatever the settings say now."""
    write_corpus(tmp_path)
    other = experiment_in(tmp_path, protocol={"name": "held_out", "validation": ["ann"], "test": ["ben"]})
    clips = manifest(tmp_path)
    same = experiment_in(tmp_path)
    assert plan_splits(same.experiment, clips, catalog()).hash != plan_splits(other.experiment, clips, catalog()).hash
    shutil.copytree(trained / "run", tmp_path / "run")
    with pytest.raises(RunError, match="holds a run with another"):
        finetune(other, tmp_path / "run")


def test_trap_3_a_run_is_not_evaluated_on_other_parts_than_it_was_trained_on(tmp_path: Path, trained: Path) -> None:
    shutil.copytree(trained, tmp_path / "all")
    table = (tmp_path / "all" / "manifest.csv").read_text()
    record = json.loads((tmp_path / "all" / "run" / "run.json").read_text())
    record["source"] = str(tmp_path / "all" / "experiment.yaml")
    (tmp_path / "all" / "run" / "run.json").write_text(json.dumps(record))
    evaluate(tmp_path / "all" / "run")
    (tmp_path / "all" / "manifest.csv").write_text(
        table.replace("ann0_calm_0,ann0_calm_0.wav,ann", "ann0_calm_0,ann0_calm_0.wav,eve")
    )
    with pytest.raises(LeakError, match="the corpus now splits as"):
        evaluate(tmp_path / "all" / "run")


def test_trap_4_validation_shares_no_speaker_with_training_or_test() -> None:
    """emotion2vec's downstream code: ``eval_is_test``, and validation drawn from the training speakers."""
    clips = corpus(6)
    by_id = {clip.id: clip for clip in clips}
    ids = list(by_id)
    shared = Split("s", tuple(ids[:20]), tuple(ids[20:24]), tuple(ids[24:]))
    with pytest.raises(LeakError, match="speaker lab:04 stands in both train and validation"):
        check_split(shared, by_id, leaking=False)
    same = Split("s", tuple(ids[:24]), tuple(ids[24:30]), tuple(ids[24:30]))
    with pytest.raises(LeakError, match="stands in both validation and test"):
        check_split(same, by_id, leaking=True)


def test_trap_5_weights_that_have_seen_held_out_clips_are_refused(trained: Path, tmp_path: Path) -> None:
    """Pretrained on what is tested: the run that weights come from is asked for its speakers and its media."""
    write_corpus(tmp_path)
    swapped = {"name": "held_out", "validation": ["ann"], "test": ["ben"]}
    with pytest.raises(LeakError, match="has speaker manifest:ann in common"):
        finetune(experiment_in(tmp_path, protocol=swapped), tmp_path / "swapped", start=trained / "run")
    folds = {"name": "leave_one_speaker_out"}
    with pytest.raises(LeakError, match="comes from another split"):
        finetune(experiment_in(tmp_path, protocol=folds), tmp_path / "folds", start=trained / "run")
    # The same files under other names and other speakers: found by their content.
    write_corpus(tmp_path / "renamed", speakers=[f"new{k}" for k in range(6)])
    for source, copy in zip(sorted(trained.glob("*.wav")), sorted((tmp_path / "renamed").glob("*.wav")), strict=True):
        shutil.copy(source, copy)
    held = {"name": "held_out", "validation": ["new2"], "test": ["new4"]}
    with pytest.raises(LeakError, match="has the media of clip"):
        finetune(experiment_in(tmp_path / "renamed", protocol=held), tmp_path / "copy", start=trained / "run")


@pytest.mark.parametrize("seed", range(6))
def test_trap_6_twins_of_a_take_are_never_parted(tmp_path: Path, seed: int) -> None:
    """RAVDESS holds a take as audio-video, video-only and audio-only; copies of a file are found by content."""
    write_corpus(tmp_path, columns={f"{s}_{e}_0": {"take": ""} for s in ("ann0", "ben1") for e in TONES})
    lines = (tmp_path / "manifest.csv").read_text().splitlines()
    header = lines[0].split(",")
    for line in list(lines[1:7]):
        row = dict(zip(header, line.split(","), strict=True))
        copy = tmp_path / f"copy_of_{row['file']}"
        shutil.copy(tmp_path / row["file"], copy)
        twin = {**row, "id": copy.stem, "file": copy.name, "speaker": ""}
        lines.append(",".join(twin[column] for column in header))
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    clips = manifest(tmp_path)
    split = protocols.Random(options.Random(test=0.3, validation=0.2)).splits(clips, seed)[0]
    for part in (split.train, split.validation, split.test):
        for copied in (i for i in part if i.startswith("copy_of_")):
            assert copied.removeprefix("copy_of_") in part


def test_trap_6_all_of_a_speakers_material_stays_together() -> None:
    """RAVDESS's actors also sing; both speakers of an IEMOCAP session are left out together."""
    clips = corpus(8, each=3, twins=3)
    sessions = protocols.LeaveOneGroupOut(options.LeaveOneGroupOut()).splits(clips, 0)
    groups = {clip.id: clip.group for clip in clips}
    for split in sessions:
        assert len({groups[i] for i in split.test}) == 1
        check_split(split, {clip.id: clip for clip in clips}, leaking=False)


def test_trap_7_copies_are_made_in_training_only(trained: Path) -> None:
    """Augmented or oversampled copies before the split; here balanced sampling is on, and every part is as it was."""
    evaluate(trained / "run")
    child = trained / "run" / "held_out"
    for part, count in (("train", 6), ("validation", 6), ("test", 6)):
        clips = listed(child, part)
        assert len(clips) == len(set(clips)) == count
    with pytest.raises(LeakError, match="names a clip twice"):
        check_split(Split("s", ("a", "a"), ("b",), ("c",)), {i: Clip(i, ()) for i in "abc"}, leaking=True)


def fitted(run: Path) -> dict[str, bytes]:
    """Everything that was fitted or chosen: weights, heads, vocabulary, temperatures, and what they answered."""
    # Checkpoints to go on from also hold how long epochs took.
    files = [path for path in sorted(run.rglob("*.safetensors")) if path.stem != "checkpoint"]
    found = {str(path.relative_to(run)): path.read_bytes() for path in files}
    for path in sorted(run.rglob("result.json")):
        found[str(path.relative_to(run))] = path.read_bytes()
    for path in sorted(run.rglob("model.json")):
        model = json.loads(path.read_text())
        found[str(path.relative_to(run))] = json.dumps({k: model[k] for k in ("temperature", "row", "prior")}).encode()
    return found


def change_test_clips(folder: Path, speakers: Sequence[str]) -> None:
    """Give test clips other labels, other words and other sound."""
    rows = read_rows(folder / "manifest.csv")
    turned = dict(zip(TONES, [*list(TONES)[1:], next(iter(TONES))], strict=True))
    random = np.random.default_rng(len(speakers))
    for row in rows:
        if row["speaker"] in speakers:
            row["emotion"] = turned[row["emotion"]]
            row["transcript"] = "words that nobody else says"
            write_sound(folder / row["file"], sound=random.normal(size=RATE).astype(np.float32) * 0.2, sound_rate=RATE)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_nothing_that_is_fitted_sees_test_clips(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "corpus", each=2)
    settings = {
        "finetune": {
            "epochs": 2, "batch": 6, "warmup": 0, "balance": "weights",
            "head": {"epochs": 2}, "joint": {"epochs": 1, "batch": 6},
        },
        "aggregator": {"name": "attention"},
    }  # fmt: skip
    finetune(experiment_in(folder, **settings), tmp_path / "before")
    change_test_clips(folder, ("eve", "fay"))
    finetune(experiment_in(folder, **settings), tmp_path / "after")
    before, after = fitted(tmp_path / "before"), fitted(tmp_path / "after")
    assert set(before) == set(after)
    assert [name for name in before if before[name] != after[name]] == []
    assert any(name.startswith("held_out/tuned/") for name in before)
    # The guard would notice: the same change to a validation clip is seen.
    change_test_clips(folder, ("cat",))
    finetune(experiment_in(folder, **settings), tmp_path / "validation")
    assert fitted(tmp_path / "validation")["held_out/result.json"] != before["held_out/result.json"]


def test_test_outputs_are_computed_once(trained: Path) -> None:
    evaluate(trained / "run")
    stored = sorted((trained / "run" / "held_out" / "outputs" / "test").iterdir())
    assert {path.name for path in stored} == {"voice.safetensors", "words.safetensors", "windows.json"}
    times = [path.stat().st_mtime_ns for path in stored]
    evaluate(trained / "run", fold="held_out")
    assert [path.stat().st_mtime_ns for path in stored] == times
