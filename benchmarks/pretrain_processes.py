"""An epoch of pretraining in two processes against one, at the same global batch, on two cores.

    python benchmarks/pretrain_processes.py [OUTPUT.md] [--clips 144] [--rounds 5] [--epochs 4] [--batch 32]

Generates the clips of configs/demo.yaml in a temporary folder and prepares them. Then, in every round and in turn, the
command `fusion pretrain configs/demo.yaml` runs anew in one process with one thread, in one process with two threads,
and in two processes with one thread each: OMP_NUM_THREADS says so to each. An epoch's seconds are those of the run's
own log: its steps, the validation by the first process and the checkpoint; the first epoch, in which kernels warm up,
is not counted. Ratios are taken within a round. The processes are held to two cores.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from fusion.corpora.demo.generating import generate

ROOT = Path(__file__).resolve().parents[1]
CORES = 2


@dataclass(frozen=True)
class Variant:
    """How a job is run: processes, and threads of each."""

    processes: int
    threads: int

    @property
    def cells(self) -> str:
        """As cells of the table."""
        return f"{self.processes} | {self.threads}"


ALONE, THREADED, TOGETHER = Variant(1, 1), Variant(1, 2), Variant(2, 1)


def pretrain(folder: Path, name: str, variant: Variant, options: list[str]) -> list[float]:
    """Run the job anew; seconds of every epoch but the first."""
    runs = folder / "runs" / name
    words = [sys.executable, "-m", "fusion", "pretrain", str(ROOT / "configs" / "demo.yaml"), *options]
    words += ["--processes", str(variant.processes)]
    own = {"FUSION_RUNS": str(runs), "FUSION_STORE": str(folder / "store"), "OMP_NUM_THREADS": str(variant.threads)}
    done = subprocess.run(words, env={**os.environ, **own}, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    (log,) = runs.glob("demo/*/held_out/log.csv")
    with log.open(encoding="utf-8") as file:
        return [float(row["seconds"]) for row in csv.DictReader(file)][1:]


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", nargs="?", type=Path)
    parser.add_argument("--clips", type=int, default=144)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=32)
    asked = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    if len(cores) < CORES:
        sys.exit(f"this compares what {CORES} cores do, and there is one")
    os.sched_setaffinity(0, cores)
    times: dict[Variant, list[float]] = {variant: [] for variant in (ALONE, THREADED, TOGETHER)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder / "clips", clips=asked.clips, speakers=9)
        options = [f"corpus.root={folder / 'clips'}", f"corpus.count={asked.clips}", f"pretrain.batch={asked.batch}"]
        pretrain(folder, "prepare", ALONE, [*options, "pretrain.epochs=1"])
        options.append(f"pretrain.epochs={asked.epochs}")
        for turn in range(asked.rounds):
            for variant, taken in times.items():
                seconds = pretrain(folder, f"{variant.processes}-{variant.threads}-{turn}", variant, options)
                taken.append(sum(seconds) / len(seconds))
            print({variant.cells: round(taken[-1], 3) for variant, taken in times.items()}, flush=True)
    lines = [
        "# An epoch of pretraining in two processes against one",
        "",
        f"- command: `python benchmarks/pretrain_processes.py benchmarks/pretrain_processes.md --clips {asked.clips} "
        f"--rounds {asked.rounds} --epochs {asked.epochs} --batch {asked.batch}`",
        f"- {platform.system()} {platform.machine()}, Python {platform.python_version()}, {CORES} cores, load "
        f"{os.getloadavg()[0]:.1f} at the end",
        f"- voice and face of `configs/demo.yaml`, a global batch of {asked.batch} windows; {asked.rounds} rounds in "
        f"turn of {asked.epochs - 1} counted epochs; validation and checkpoints are within",
        "",
        "| processes | OMP threads of each | seconds an epoch, median | ratio to one process of one thread | of each "
        "round | ratio to one process of two threads |",
        "| ---: | ---: | ---: | ---: | --- | ---: |",
    ]
    for variant, taken in times.items():
        single = [own / other for own, other in zip(taken, times[ALONE], strict=True)]
        threaded = [own / other for own, other in zip(taken, times[THREADED], strict=True)]
        lines.append(
            f"| {variant.cells} | {median(taken):.2f} | {median(single):.2f} | "
            f"{', '.join(f'{ratio:.2f}' for ratio in single)} | {median(threaded):.2f} |"
        )
    text = "\n".join([*lines, ""])
    print(text)
    if asked.output is not None:
        asked.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
