"""What preparing an hour of clips by the recipe of configs/systems/lbher.yaml costs, and which step costs most.

    python -m benchmarks.prepare_recipe [--rounds 3] [--clips FOLDER]

A generated tree in IEMOCAP's layout (drawn people, two side by side, 720x480 MPEG-4 avis and a wav for each turn) is
prepared in turn with decoding alone, once as the config says and once for each variant, every time in a fresh process
with one thread; start-up and a first turn come before the clock. Ratios are taken within a round. Then the
seconds of each step are taken by wrapping the steps. Writes benchmarks/prepare_recipe.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "configs" / "systems" / "lbher.yaml"
SIZE = (360, 480)
SCENES = ("F_impro01", "M_impro02", "F_script01_1")
CATEGORIES = ("neu", "hap", "ang", "sad", "neu", "hap", "ang", "sad")

_SOUND = "streams.voice.transforms"
_VOICE = (
    "{name: band_pass, lowest: 1, highest: 30000}, {name: add_noise, snr: 0}, {name: denoise}, "
    "{name: db_spectrogram, rows: 200, rate: 100, highest_hz: 8820, limit: 60}"
)
#: What is prepared: overrides of the config by the name of the row, and what it changes.
VARIANTS: dict[str, tuple[tuple[str, ...], str]] = {
    "the recipe": ((), ""),
    "faces sought at 160 pixels": (
        ("streams.face.transforms.0.detector={name: haar, width: 160}",),
        "pictures are made half as wide for the search as by default; small faces are missed",
    ),
    "faces sought every 3 s": (("streams.face.transforms.0.every='3'",), "a third of the looks"),
    "sound at 22.05 kHz": (
        (f"{_SOUND}=[{{name: resample, rate: 22050}}, {_VOICE}]",),
        "half the samples; noise above 11 kHz is not made, and the noise below is twice as dense",
    ),
    "denoise through noisereduce": (
        (),
        "its `spectral_gating_stationary`, as before: the same to 1e-12, but smoothed in two dimensions and by scipy's "
        "stft and istft",
    ),
}
NOISEREDUCE = "denoise through noisereduce"
DECODE, STEPS = "decoding alone", "steps"


@dataclass(frozen=True)
class Cost:
    """Seconds of the clock and of the processor; megabytes after start-up and at the peak."""

    wall: float
    processor: float
    loaded: float
    peak: float
    steps: dict[str, float]


def megabytes() -> float:
    """Largest resident set so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def experiment_of(tree: Path, overrides: Sequence[str]) -> Any:
    from fusion.config.experiment import read_experiment

    own = [f"corpus.root={tree}", "corpus.partial=true", "prepare.workers=0"]
    return read_experiment(CONFIG, [*own, *overrides]).experiment


def clips_of(tree: Path, turns: int | None = None) -> list[Any]:
    from fusion.catalog import catalog
    from fusion.corpora.loading import load_corpus

    return load_corpus(experiment_of(tree, ()).corpus, catalog=catalog(), base=ROOT)[:turns]


def decode(clips: Sequence[Any]) -> None:
    """All pictures of every dialogue and all sound of every turn, nothing converted."""
    import av

    for file in sorted({track.file for clip in clips for track in clip.tracks}):
        with av.open(str(file)) as container:
            for stream in container.streams:
                stream.codec_context.thread_count = 1
            streams = container.streams.video or container.streams.audio
            for _ in container.decode(streams[0]):
                pass


def prepare(experiment: Any, clips: Sequence[Any]) -> None:
    """The whole job in this process, into a fresh store."""
    from fusion.catalog import catalog
    from fusion.store.prepare import prepare as job
    from fusion.store.store import Store

    with tempfile.TemporaryDirectory() as folder:
        report = job(experiment, clips, catalog=catalog(), store=Store(Path(folder)))
    if report.failures or report.made != 2 * len(clips):
        raise SystemExit(f"not everything was made: {report}")


class Timed:
    """A step's instance that adds up the processor's seconds of its calls."""

    def __init__(self, instance: Any, name: str, seconds: dict[str, float]) -> None:
        self._instance, self._name, self._seconds = instance, name, seconds

    def start(self, clip: Any) -> Any:
        return self._instance.start(clip)

    def update(self, state: Any, pieces: Any) -> Any:
        return self._timed(self._instance.update, state, pieces)

    def apply(self, pieces: Any, span: Any, state: Any) -> Any:
        return self._timed(self._instance.apply, pieces, span, state)

    def _timed(self, call: Any, *arguments: Any) -> Any:
        begun = time.process_time()
        try:
            return call(*arguments)
        finally:
            self._seconds[self._name] += time.process_time() - begun


def run_steps(experiment: Any, clips: Sequence[Any]) -> dict[str, float]:
    """Processor seconds of each step of the chains; decoding and the engine are what is left of the whole."""
    from fusion.catalog import catalog
    from fusion.data.chain import run_chains
    from fusion.data.streams import plan_streams

    seconds: dict[str, float] = defaultdict(float)
    plans = [
        replace(
            plan,
            stored=tuple(
                replace(step, instance=Timed(step.instance, f"{plan.name}: {step.name}", seconds))
                for step in plan.stored
            ),
        )
        for plan in plan_streams(experiment, catalog()).values()
    ]
    begun = time.process_time()
    for clip in clips:
        for _ in run_chains(clip, plans):
            pass
    seconds["decoding and the engine"] = time.process_time() - begun - sum(seconds.values())
    return dict(seconds)


def gate_through_noisereduce() -> None:
    """Let the step denoise call noisereduce for each block."""
    import numpy as np
    from fusion_spectrogram import denoise
    from fusion_spectrogram.sound import held, sound_of

    from fusion.contract import SOUND, Pieces, Row, Span

    def apply(self: denoise.Denoise, pieces: Row, span: Span, state: Any) -> Row:
        sound = sound_of(pieces)
        assert sound is not None
        wanted, gate, parts = held(sound, span), self._gate(sound, state), [np.zeros(0, np.float32)]
        for first, size, margin, run in self._runs(sound, wanted):
            gated = gate.spectral_gating_stationary(run[None])[0][margin : margin + size].astype(np.float32)
            parts.append(gated[max(wanted.start - first, 0) : wanted.stop - first])
        return {SOUND: Pieces(np.concatenate(parts), sound.rate, wanted.start)}

    denoise.Denoise.apply = apply  # type: ignore[method-assign]


def child(tree: Path, row: str) -> None:
    """One row in this process; prints its cost."""
    clips = clips_of(tree)
    experiment = experiment_of(tree, VARIANTS[row][0] if row in VARIANTS else ())
    steps: dict[str, float] = {}
    if row == NOISEREDUCE:
        gate_through_noisereduce()
    if row == DECODE:
        decode(clips[:1])
    else:
        prepare(experiment, clips[:1])
    loaded = megabytes()
    wall, processor = time.perf_counter(), time.process_time()
    if row == DECODE:
        decode(clips)
    elif row == STEPS:
        steps = run_steps(experiment, clips)
    else:
        prepare(experiment, clips)
    cost = Cost(time.perf_counter() - wall, time.process_time() - processor, loaded, megabytes(), steps)
    print(json.dumps(cost.__dict__))


def run(tree: Path, row: str) -> Cost:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-m", "benchmarks.prepare_recipe", "--clips", str(tree), "--child", row]
    answer = subprocess.run(command, cwd=ROOT, env={**os.environ, **threads}, stdout=subprocess.PIPE, check=True)
    return Cost(**json.loads(answer.stdout.splitlines()[-1]))


def make(tree: Path, sessions: int, scenes: int, turns: int) -> None:
    """The tree, where it is not there yet."""
    from fusion.testing.dialogues import write_iemocap_tree

    if not (tree / "Session1").exists():
        write_iemocap_tree(
            tree, sessions=range(1, sessions + 1), dialogues=SCENES[:scenes], categories=CATEGORIES[:turns], size=SIZE
        )


def page_of(rounds: list[dict[str, Cost]], steps: Cost, clips: Sequence[Any]) -> str:
    """The page."""
    seconds = float(sum(clip.duration for clip in clips))
    recipe = [row["the recipe"] for row in rounds]
    factor = [seconds / cost.wall for cost in recipe]
    peak = max(cost.peak for cost in recipe)
    heaviest = max((name for name in steps.steps if ": " in name), key=lambda name: steps.steps[name])
    total = sum(steps.steps.values())
    hour = 60 / statistics.median(factor)
    lines = [
        "# Preparing clips by the recipe of LbHER",
        "",
        f"`python -m benchmarks.prepare_recipe --rounds {len(rounds)}`: {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} processors, Python {platform.python_version()}. {len(clips)} generated turns, "
        f"{seconds:.0f} s, of dialogues of two drawn people side by side ({2 * SIZE[0]}x{SIZE[1]} MPEG-4 avi; a 16 kHz "
        "wav for each turn), by one process with one thread; an hour is extrapolated from it. Steps after the store "
        "(fit_length, resize) are no part of it.",
        "",
        f"**{_spread(factor)} times real time by the clock: an hour of turns takes {hour:.0f} minutes on one "
        f"core, with at most {peak:.0f} MB of memory** ({max(cost.loaded for cost in recipe):.0f} MB "
        "of it libraries and a first turn). Memory does not grow with the amount: clips are read one after the other. "
        f"The heaviest step is {heaviest}, {100 * steps.steps[heaviest] / total:.0f} % of the processor's time.",
        "",
        "*Decoding alone* is every picture of the dialogues and every sample of the turns in plain PyAV; drawn "
        "pictures are decoded faster than filmed ones, so the ratios are high. Every row runs in a fresh process; rows "
        "take turns within a round and ratios are taken within it; medians, lowest to highest "
        f"in brackets. The load at the end was {os.getloadavg()[0]:.1f}.",
        "",
        "| row | processor s per minute | ratio to decoding, processor | ratio to decoding, wall | peak MB | |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for name in rounds[0]:
        costs = [row[name] for row in rounds]
        cost = statistics.median(one.processor for one in costs) * 60 / seconds
        by_processor = [row[name].processor / row[DECODE].processor for row in rounds]
        by_wall = [row[name].wall / row[DECODE].wall for row in rounds]
        what = VARIANTS[name][1] if name in VARIANTS else ""
        lines.append(
            f"| {name} | {cost:.2f} | {_spread(by_processor)} | {_spread(by_wall)} | "
            f"{max(one.peak for one in costs):.0f} | {what} |"
        )
    lines += ["", "| step of the recipe | processor s per minute of clips | share |", "| --- | ---: | ---: |"]
    lines += [
        f"| {name} | {cost * 60 / seconds:.2f} | {100 * cost / total:.0f} % |"
        for name, cost in sorted(steps.steps.items(), key=lambda item: -item[1])
    ]
    return "\n".join(lines) + "\n"


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    """Make the clips, measure, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clips", type=Path, default=Path(tempfile.gettempdir()) / "fusion_recipe_clips")
    parser.add_argument("--sessions", type=int, default=5, help="fewer only for trying")
    parser.add_argument("--scenes", type=int, default=2, help="dialogues of a session; fewer only for trying")
    parser.add_argument("--turns", type=int, default=len(CATEGORIES), help="of a dialogue; fewer only for trying")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".md"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.clips, arguments.child)
        return
    make(arguments.clips, arguments.sessions, arguments.scenes, arguments.turns)
    names = [DECODE, *VARIANTS]
    rounds = []
    for number in range(arguments.rounds):
        # Each round begins with another row, so that none always follows the same one.
        turned = names[number % len(names) :] + names[: number % len(names)]
        costs = {name: run(arguments.clips, name) for name in turned}
        rounds.append({name: costs[name] for name in names})
        print(rounds[-1], flush=True)
    page = page_of(rounds, run(arguments.clips, STEPS), clips_of(arguments.clips))
    print(page)
    arguments.output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
