"""Folds that are trained by jobs of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fusion.contract import Clip, ConfigError, RunError
from fusion.inference.files import read_json, read_state
from fusion.training.heads import cross_fits
from fusion.training.run import locked
from tests.training.worlds import World

OPTIONS = ("finetune.epochs=1", "finetune.joint.epochs=0", "finetune.head.epochs=1")
FOLDS = {"name": "speaker_folds", "folds": 3}


def test_folds_one_by_one_are_the_run(world: World, tmp_path: Path) -> None:
    folds = world.variant("folds_one_by_one", protocol=FOLDS)
    whole = folds.train(tmp_path / "whole", *OPTIONS, streams=("sound",))
    parts = tmp_path / "parts"
    for fold in ("fold_2", "fold_0", "fold_1"):
        folds.train(parts, *OPTIONS, streams=("sound",), fold=fold)
        assert read_json(parts / "run.json")["status"] == "running"
    folds.train(parts, *OPTIONS, streams=("sound",))
    first, second = read_json(whole / "run.json"), read_json(parts / "run.json")
    assert second["status"] == "finished"
    assert first["results"] == second["results"]
    for fold in first["folds"]:
        ours, theirs = (read_state(run / fold / "streams" / "sound" / "best.safetensors") for run in (whole, parts))
        assert all(np.array_equal(ours[key], theirs[key]) for key in ours)
    with pytest.raises(ConfigError, match=r"there is no fold 'fold_9'   \(folds: fold_0, fold_1, fold_2\)"):
        folds.train(parts, *OPTIONS, streams=("sound",), fold="fold_9")


def other_process(folder: Path, *, shared: bool) -> subprocess.Popen[str]:
    """A process that holds a folder until its input ends."""
    program = (
        "import sys; from pathlib import Path; from fusion.training.run import locked\n"
        f"with locked(Path(sys.argv[1]), shared={shared}):\n    print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_jobs_of_folds_share_the_run_but_not_a_fold(tmp_path: Path) -> None:
    with other_process(tmp_path, shared=True) as holder, other_process(tmp_path / "fold_0", shared=False) as fold:
        with locked(tmp_path, shared=True), locked(tmp_path / "fold_1"):
            pass
        with pytest.raises(RunError, match="works on this run"), locked(tmp_path / "fold_0"):
            pass
        with pytest.raises(RunError, match="works on this run"), locked(tmp_path):
            pass
        holder.communicate()
        fold.communicate()
    with locked(tmp_path):
        pass


def test_cross_fits_hold_out_whole_speakers() -> None:
    clips = [Clip(f"c{n}", (), speaker=f"s{n % 3}") for n in range(9)]
    parts = cross_fits(clips, np.random.default_rng(0))
    assert sorted(int(place) for part in parts for place in part) == list(range(9))
    assert all(len({clips[place].speaker for place in part}) == 1 for part in parts)
    assert len(parts) == 3
    alone = [Clip(f"c{n}", (), speaker="s0") for n in range(9)]
    assert sorted(len(part) for part in cross_fits(alone, np.random.default_rng(0))) == [1, 2, 2, 2, 2]
    unknown = [*clips, Clip("c9", ())]
    assert len(cross_fits(unknown, np.random.default_rng(0))) == 5
