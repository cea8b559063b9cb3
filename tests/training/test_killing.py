"""Kill it anywhere: the same command goes on, and the result is that of an uninterrupted run, bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fusion.contract import RunError
from fusion.inference.files import read_state
from fusion.training.run import Record, locked
from tests.training.at_work import RUN
from tests.training.worlds import World

#: Long enough to be hit in the middle of every stage.
LONG = ("finetune.epochs=5", "finetune.head.epochs=40", "finetune.joint.epochs=5")
PATIENCE = 90.0


@contextmanager
def command(world: World, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command as a person types it."""
    words = ["finetune", str(world.config), *options, "streams.words=null"]
    program = [sys.executable, "-c", "from fusion.cli.app import main; main()", *words]
    with subprocess.Popen(program, env=world.environment(), stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(folder: Path, pattern: str, process: subprocess.Popen[bytes]) -> Path:
    """The one file below a folder that bears the pattern's name, once it is there."""
    deadline = time.monotonic() + PATIENCE
    while not (found := list(folder.glob(pattern))):
        if process.poll() is not None:
            _, errors = process.communicate()
            raise AssertionError(errors.decode())
        assert time.monotonic() < deadline, f"no {folder / pattern}"
        time.sleep(0.0005)
    (path,) = found
    return path


def children(process: subprocess.Popen[bytes]) -> list[int]:
    text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(word) for word in text.split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_killed_in_every_stage_it_ends_with_the_same_weights(world: World, tmp_path: Path) -> None:
    plain = world.train(tmp_path / "plain", *LONG)
    runs = Path(world.environment()["FUSION_RUNS"])
    stages = ("streams/sound", "heads/learned", "tuned")
    for number, stage in enumerate(stages):
        with command(world, *LONG, "finetune.workers=2") as process:
            checkpoint = wait_for(runs, f"tiny/finetune-*/held_out/{stage}/checkpoint.safetensors", process)
            folder = runs / checkpoint.relative_to(runs).parents[-3]
            workers = children(process)
            if number == 0:
                with pytest.raises(RunError, match=f"another job .process {process.pid}. works on this run"):
                    world.train(folder, *LONG, "finetune.workers=2")
            process.send_signal(signal.SIGKILL)
            process.wait()
            if stage != "heads/learned":
                assert any(alive(worker) for worker in workers), "no loader worker outlived the killed job"
            with locked(folder):
                pass
        progress = read_state(folder / "held_out" / stage / "checkpoint.safetensors")["progress"]
        assert not progress["finished"], "killed too late to show anything"
        assert not (folder / "held_out" / "result.json").exists()
    with command(world, *LONG, "finetune.workers=2") as process:
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors.decode()
    assert Record(folder).read()["status"] == "finished"
    compare(plain, folder)


def compare(plain: Path, killed: Path) -> None:
    """All weights, byte for byte."""
    compared = 0
    for file in sorted(plain.rglob("*.safetensors")):
        if file.name in ("best.safetensors", "weights.safetensors", "description.safetensors"):
            assert file.read_bytes() == (killed / file.relative_to(plain)).read_bytes(), file
            compared += 1
    assert compared == 8


def test_one_of_two_processes_is_killed_and_the_same_command_goes_on(at_work: Path) -> None:
    world = World(at_work / "world")
    options = (*RUN, "--processes", "2")
    with command(world, *options) as process:
        checkpoint = wait_for(
            at_work / "world" / "runs", "tiny/finetune-*/held_out/streams/sound/checkpoint.safetensors", process
        )
        run = checkpoint.parents[3]
        first, second = children(process)
        os.kill(second, signal.SIGKILL)
        _, errors = process.communicate(timeout=PATIENCE)
    said = errors.decode().splitlines()
    sentence = "process 2 of 2 was ended by signal 9 (SIGKILL); give the same command again to go on"
    assert [line for line in said if line.startswith("fusion: ")] == [f"fusion: {sentence}"], errors.decode()
    assert "Traceback" not in errors.decode()
    assert process.returncode == os.EX_TEMPFAIL
    assert not alive(first)
    progress = read_state(run / "held_out" / "streams" / "sound" / "checkpoint.safetensors")["progress"]
    assert not progress["finished"], "killed too late to show anything"
    with command(world, *options) as process:
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors.decode()
    assert errors.decode().count("sound: best after epoch") == 1, "two processes spoke"
    assert Record(run).read()["status"] == "finished"
    compare(at_work / "run", run)


def test_a_run_is_held_once_within_a_process_too(tmp_path: Path) -> None:
    with locked(tmp_path):
        with pytest.raises(RunError, match="works on this run"), locked(tmp_path):
            pass
        # the refused attempt has not let go of the first one's lock
        program = f"import fcntl, os; fcntl.lockf(os.open({str(tmp_path / '.lock')!r}, os.O_RDWR), 6)"
        assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode != 0
    with locked(tmp_path):
        assert (tmp_path / ".lock").read_text() == str(os.getpid())
