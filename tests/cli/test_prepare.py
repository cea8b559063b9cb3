"""The command as a person types it, with worker processes and a really installed plugin."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fusion.testing.media import truncate, write_sound

CLIPS = 10
#: Work in the command's own process, where processes are not what is tested.
HERE = "prepare.workers=0"

PLUGIN = """
from fusion.contract import hookimpl

@hookimpl
def register_modalities(register):
    register("hum", "hum_parts:Hum")

@hookimpl
def register_transforms(register):
    register("envelope", "hum_parts:Envelope", options="hum_options:Envelope")

@hookimpl
def register_encoders(register):
    register("hum_none", "hum_parts:Hum", modality="hum")
"""
OPTIONS = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Envelope:
    rate: int = 20
    version_of_nothing: int = 0
"""
PARTS = """
import os
import time
from fractions import Fraction
import numpy as np
from fusion.contract import SOUND, Need, Pieces

class Hum:
    version = 1
    needs = {SOUND: Need()}
    extent = "window"
    mixable = ()

    def __init__(self, options):
        pass

class Envelope:
    version = 1
    scope = "local"
    context = (Fraction(0), Fraction(1, 10))

    def __init__(self, options):
        self.rate = Fraction(options.rate)

    def apply(self, pieces, span, state):
        time.sleep(float(os.environ.get("HUM_SLOW", "0")))
        sound = pieces[SOUND]
        wanted = span.indices(self.rate)
        cuts = [i * sound.rate / self.rate for i in wanted]
        size = sound.rate / self.rate
        values = [np.abs(sound.data[int(c) - sound.first : int(c + size) - sound.first]).sum() for c in cuts]
        return {"envelope": Pieces(np.array(values, np.float32), self.rate, wanted.start)}
"""
CONFIG = """
corpus: {name: manifest, root: media}
target: {name: classes, classes: [calm, happy]}
streams:
  hum: {modality: hum, transforms: [envelope], encoder: hum_none}
protocol: {name: speaker_folds}
prepare: {workers: 2}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plugin's distribution, a manifest with sounds, and a config."""
    folder = tmp_path_factory.mktemp("project")
    site, media = folder / "site", folder / "media"
    info = site / "avfusion_hum-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: avfusion-hum\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[fusion]\nhum = hum_plugin\n")
    for name, text in (("hum_plugin", PLUGIN), ("hum_options", OPTIONS), ("hum_parts", PARTS)):
        (site / f"{name}.py").write_text(text)
    rows = ["id,sound,speaker,emotion"]
    for number in range(CLIPS):
        write_sound(media / f"{number:02}.wav", seconds=1.0 + number / 50, sound_rate=8000)
        rows.append(f"c{number:02},{number:02}.wav,s{number % 4},{('calm', 'happy')[number % 2]}")
    (media / "manifest.csv").write_text("\n".join(rows) + "\n")
    (folder / "config.yaml").write_text(CONFIG)
    return folder


class Command:
    """``fusion prepare`` in a process of its own, on a store of its own."""

    def __init__(self, project: Path, store: Path, *arguments: str, slow: float = 0.0) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": str(project / "site"),
            "FUSION_PLUGINS": "hum",
            "FUSION_STORE": str(store),
            "HUM_SLOW": str(slow),
            "OMP_NUM_THREADS": "1",
        }
        # A shell's background jobs ignore interrupts, and so would whatever they start.
        heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        code = f"{heard}; from fusion.cli.app import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "prepare", str(project / "config.yaml"), *arguments],
            cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ended(self, status: int = 0) -> tuple[str, str]:
        """What it printed, once it has ended with this status."""
        out, err = self.process.communicate(timeout=90)
        assert self.process.returncode == status, out + err
        return out, err

    def workers(self) -> list[int]:
        """Its worker processes (not the one that keeps track of semaphores)."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def entries(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.rglob("*.safetensors")}


def wait_for(count: int, store: Path) -> None:
    end = time.monotonic() + 60
    while len(entries(store)) < count:
        assert time.monotonic() < end, "nothing is made"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def whole(project: Path) -> dict[str, bytes]:
    """The entries of a job that ran undisturbed."""
    Command(project, project / "whole", HERE).ended()
    return entries(project / "whole")


def test_it_says_what_it_does_and_does_it_once(project: Path, tmp_path: Path, whole: dict[str, bytes]) -> None:
    out, err = Command(project, tmp_path).ended()
    assert f"{CLIPS} clips, streams hum; {tmp_path}" in err
    size = sum(path.stat().st_size for path in (project / "media").glob("*.wav"))
    assert f"{CLIPS} clips to do: {CLIPS} files, {size / 1e6:.1f} MB, by 2 processes" in err
    assert re.search(rf"prepare .*{CLIPS}/{CLIPS} clips .*0 failed", err)
    assert re.search(rf"^{CLIPS} entries made in \d+ s, 0 were there$", out, re.MULTILINE)
    assert out.rstrip().endswith(f"next: fusion finetune {project / 'config.yaml'}")
    assert entries(tmp_path) == whole
    assert len(whole) == CLIPS
    out, err = Command(project, tmp_path, HERE).ended()
    assert "everything is stored already" in err
    assert f"0 entries made in 0 s, {CLIPS} were there" in out


def test_a_clip_that_fails_is_reported_at_the_end(project: Path, tmp_path: Path) -> None:
    bad = project / "media" / "03.wav"
    good = bad.read_bytes()
    try:
        bad.write_bytes(b"")
        out, _ = Command(project, tmp_path, HERE).ended()
    finally:
        bad.write_bytes(good)
    assert f"1 of {CLIPS} clips failed in part or whole; the job went on" in out
    assert re.search(r"^    c03: .*03\.wav: ", out, re.MULTILINE)
    assert len(entries(tmp_path)) == CLIPS - 1


def test_killed_and_typed_again_the_result_is_the_same(project: Path, tmp_path: Path, whole: dict[str, bytes]) -> None:
    command = Command(project, tmp_path, slow=0.4)
    wait_for(2, tmp_path)
    workers = command.workers()
    os.kill(command.process.pid, signal.SIGKILL)
    command.ended(-signal.SIGKILL)
    assert workers
    end = time.monotonic() + 10
    while any(is_alive(pid) for pid in workers):
        assert time.monotonic() < end, "workers outlive their parent"
        time.sleep(0.05)
    some = entries(tmp_path)
    assert len(some) < CLIPS
    assert some.items() <= whole.items(), "what is there is complete"
    _, err = Command(project, tmp_path, HERE).ended()
    assert f"{len(some)} of {CLIPS} entries are stored already; {CLIPS - len(some)} clips to do" in err
    assert entries(tmp_path) == whole


def test_a_killed_worker_is_one_sentence(project: Path, tmp_path: Path, whole: dict[str, bytes]) -> None:
    command = Command(project, tmp_path, slow=0.4)
    wait_for(1, tmp_path)
    os.kill(command.workers()[0], signal.SIGKILL)
    _, err = command.ended(73)
    last = err.strip().splitlines()[-1]
    assert last == (
        "fusion: a worker process was killed, perhaps for want of memory; give the same command again: it goes on; "
        "fewer prepare.workers need less memory"
    )
    assert "Traceback" not in err
    Command(project, tmp_path, HERE).ended()
    assert entries(tmp_path) == whole


def test_an_interrupt_is_one_sentence(project: Path, tmp_path: Path, whole: dict[str, bytes]) -> None:
    command = Command(project, tmp_path, slow=0.5)
    wait_for(1, tmp_path)
    for pid in (*command.workers(), command.process.pid):  # as a terminal does
        os.kill(pid, signal.SIGINT)
    _, err = command.ended(130)
    assert err.strip().splitlines()[-1] == "stopped; the same command goes on from here"
    assert "Traceback" not in err
    assert entries(tmp_path).items() <= whole.items()


def test_two_at_once_both_succeed(project: Path, tmp_path: Path, whole: dict[str, bytes]) -> None:
    both = [Command(project, tmp_path, HERE, slow=0.05) for _ in range(2)]
    for command in both:
        command.ended()
    assert entries(tmp_path) == whole


def test_nothing_made_is_a_failure(project: Path, tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    truncate(write_sound(tmp_path / "media" / "a.wav", seconds=0.5), 0.0)
    (tmp_path / "media" / "manifest.csv").write_text("id,sound,speaker,emotion\na,a.wav,s1,calm\n")
    out, _ = Command(project, tmp_path / "store", f"corpus.root={tmp_path / 'media'}").ended(65)
    assert "1 of 1 clip failed" in out
