"""``fusion pretrain`` as a person types it: killed and typed again, and in several processes."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from contrastive.pretrain import pretrain
from fusion.config.experiment import job_folder, read_experiment
from fusion.inference.files import read_json, read_state
from tests.training.worlds import World, write_world

OPTIONS = (
    "pretrain.batch=4",
    "pretrain.objective={name: infonce, dim: 4}",
    "pretrain.checkpoint_every=1",
    "pretrain.average=0.5",
    "streams.words=null",
)
#: Three steps an epoch, of which one may be hit between two others.
LONG = (*OPTIONS, "pretrain.batch=2", "pretrain.epochs=12", "pretrain.workers=2")
#: Without dropout, whose masks each process draws for itself.
EVEN = (
    *OPTIONS,
    "pretrain.epochs=40",
    "streams.sound.encoder.dropout=0",
    "streams.sound.encoder.block_dropout=0",
    "streams.pictures.encoder.dropout=0",
)
PATIENCE = 90.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return write_world(tmp_path_factory.mktemp("commands"))


@contextmanager
def command(world: World, *words: str) -> Iterator[subprocess.Popen[str]]:
    program = [sys.executable, "-c", "from fusion.cli.app import main; main()", "pretrain", str(world.config), *words]
    with subprocess.Popen(
        program, env=world.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def folder_of(world: World, options: tuple[str, ...]) -> Path:
    name = job_folder(read_experiment(world.config, list(options)), "pretrain").name
    return Path(world.environment()["FUSION_RUNS"]) / "tiny" / name


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        if process.poll() is not None:
            raise AssertionError(process.communicate()[1])
        assert time.monotonic() < deadline, f"no {path}"
        time.sleep(0.0005)


def kept(run: Path) -> dict[str, torch.Tensor]:
    return dict(read_state(run / "held_out" / "best.safetensors"))


def test_a_kill_in_mid_epoch_changes_nothing(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL with augmentation, dropout and workers on; the same command ends with the same weights and report."""
    folder = folder_of(world, LONG)
    checkpoint = folder / "held_out" / "checkpoint.safetensors"
    with command(world, *LONG) as process:
        wait_for(checkpoint, process)
        while read_state(checkpoint)["progress"]["step"] != 1:
            assert process.poll() is None, process.communicate()[1]
        process.send_signal(signal.SIGKILL)
    progress = read_state(checkpoint)["progress"]
    assert progress["step"], "killed between two epochs"
    assert not progress["finished"], "killed too late to show anything"
    monkeypatch.setenv("FUSION_STORE", str(world.store))
    pretrain(read_experiment(world.config, LONG), folder)
    whole = pretrain(read_experiment(world.config, LONG), tmp_path / "whole")
    first, second = kept(folder), kept(whole)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
    result = read_json(whole / "held_out" / "result.json")
    assert result["pairs positive"] == 6, "three batches of two windows"
    assert read_json(folder / "held_out" / "result.json") == result
    assert figures(folder) == figures(whole)
    pages = [(run / "held_out" / "report.html").read_text() for run in (folder, whole)]
    assert "In the last epoch: pairs positive 6, " in pages[0]
    assert pages[0] == pages[1]


@dataclass(frozen=True)
class Resumed:
    """A job of two processes of which one was killed, and the same command again: the run, and what each said."""

    run: Path
    code: int
    complaints: str
    output: str
    errors: str


@pytest.fixture(scope="module")
def resumed(world: World) -> Resumed:
    folder = folder_of(world, EVEN)
    with command(world, *EVEN, "--processes", "2") as process:
        wait_for(folder / "held_out" / "checkpoint.safetensors", process)
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        subprocess.run(["kill", "-9", listed[1]], check=True)
        _, complaints = process.communicate(timeout=PATIENCE)
    code = process.returncode
    with command(world, *EVEN, "--processes", "2") as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    return Resumed(folder, code, complaints, output, errors)


def test_where_one_of_two_processes_is_killed_the_same_command_goes_on(world: World, resumed: Resumed) -> None:
    assert resumed.code != 0
    (sentence,) = [line for line in resumed.complaints.splitlines() if line.startswith("fusion: ")]
    assert "process 2 of 2 was ended by signal 9" in sentence
    assert "give the same command again to go on" in sentence
    assert "Traceback" not in resumed.complaints
    (following,) = [line for line in resumed.output.splitlines() if line.startswith("next: ")]
    assert following.startswith(f"next: fusion finetune {world.config} pretrain.batch=4 ")
    assert following.endswith(f" streams.pictures.encoder.dropout=0 --from {resumed.run}")
    assert resumed.errors.count("sound and pictures; objective infonce; pairs positive 1") == 1, "two processes spoke"


def test_two_processes_learn_what_one_learns(
    world: World, resumed: Resumed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSION_STORE", str(world.store))
    whole = pretrain(read_experiment(world.config, EVEN), tmp_path / "whole")
    first, second = kept(resumed.run), kept(whole)
    # Sums in another order part them a little with each of the 40 steps, on some processors more than on others.
    for key, value in first.items():
        torch.testing.assert_close(value, second[key], rtol=1e-2, atol=1e-3)
    losses = [[row["loss"] for row in history(run)] for run in (resumed.run, whole)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_torchrun_learns_what_our_launcher_lets_two_processes_learn(
    world: World, resumed: Resumed, tmp_path: Path
) -> None:
    """As a person types it, never interrupted; the same to the bit as the job that was killed and went on."""
    torchrun = shutil.which("torchrun", path=str(Path(sys.executable).parent))
    assert torchrun is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    # torchrun's own variable: its usual port may be taken by a neighbour.
    environment = {**world.environment(), "FUSION_RUNS": str(tmp_path), "PET_MASTER_PORT": port}
    words = [torchrun, "--nproc-per-node", "2", "-m", "fusion", "pretrain", str(world.config), *EVEN]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "tiny" / resumed.run.name
    assert done.stdout.count(f"run: {run}") == 1, "two processes spoke"
    assert done.stderr.count("sound and pictures; objective infonce; pairs positive 1") == 1, "two processes spoke"
    assert read_json(run / "run.json")["status"] == "finished"
    assert len(list((run / "held_out" / "tensorboard").iterdir())) == 1, "two processes wrote"
    first, second = kept(run), kept(resumed.run)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert figures(run) == figures(resumed.run)


def figures(run: Path) -> list[dict[str, float]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history(run)]


def history(run: Path) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = read_state(run / "held_out" / "checkpoint.safetensors")["progress"]["history"]
    return rows


def test_a_batch_that_cannot_be_dealt_out(world: World) -> None:
    with command(world, "pretrain.batch=5", "streams.words=null", "--processes", "2") as process:
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 78
    assert "pretrain.batch   5 windows cannot be dealt out evenly to 2 processes; take a multiple of 2" in errors
    assert errors.count("cannot be dealt out") == 1
