"""Memory of a prediction: a clip of 30 minutes against one of a minute, both made by repeating a real clip.

    FUSION_DATA=... python benchmarks/predict_memory.py [--minutes 30]

A small model of voice and face is trained first (no epochs: its size is what counts). Every prediction runs in a fresh
process, short and long in turn; its peak is the process's largest resident set. Writes benchmarks/predict_memory.md and
ends with 1 where the long clip takes more than 30 MB above the short one.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

ROUNDS = 2
LIMIT = 30.0
HERE = Path(__file__).resolve().parent

_PREDICT = """
import resource, sys, time
from fusion import Predictor
predictor = Predictor.load(sys.argv[1])
loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.monotonic()
answer = predictor(sys.argv[2])
seconds = time.monotonic() - start
print(loaded, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, len(answer.windows), answer.seconds, seconds)
"""


def repeat(source: Path, target: Path, seconds: int) -> None:
    """Repeat a clip's packets, unchanged, until it lasts so many seconds."""
    import av

    with av.open(str(target), "w") as output:
        streams = {}
        offset = Fraction(0)
        while offset < seconds:
            with av.open(str(source)) as container:
                for stream in container.streams:
                    if stream.type in ("video", "audio") and stream.index not in streams:
                        streams[stream.index] = output.add_stream_from_template(stream)
                for packet in container.demux([s for s in container.streams if s.index in streams]):
                    if packet.dts is None or packet.pts is None or packet.time_base is None:
                        continue
                    ticks = round(offset / packet.time_base)
                    packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
                    packet.stream = streams[packet.stream.index]
                    output.mux(packet)
                assert container.duration is not None
                offset += Fraction(container.duration, 1_000_000)


def train(folder: Path) -> Path:
    """A model of voice and face as in the configs, without an epoch of training."""
    from fusion.catalog import catalog
    from fusion.config.experiment import read_experiment
    from fusion.training.finetune import finetune

    config = folder / "memory.yaml"
    for preset in ("voice_logmel.yaml", "face_60x100.yaml"):
        shutil.copy(HERE.parent / "configs" / "streams" / preset, folder)
    config.write_text(
        """
corpus: {name: java_sed, select: {speaker: ["01", "02", "03"]}}
target: {name: classes, classes: [neutral, sadness, happiness, surprise, fear, anger]}
streams:
  voice: {inherits: voice_logmel.yaml, training: {epochs: 0}}
  face: {inherits: face_60x100.yaml, training: {epochs: 0}}
protocol: {name: held_out, validation: ["02"], test: ["03"]}
finetune: {epochs: 0}
"""
    )
    return finetune(read_experiment(config), folder / "run", catalog=catalog())


def measure(run: Path, clip: Path) -> tuple[float, float, int, float, float]:
    """Megabytes once loaded and at the peak, windows, seconds of the clip, seconds it took."""
    done = subprocess.run(
        [sys.executable, "-c", _PREDICT, str(run), str(clip)], check=True, capture_output=True, text=True
    )
    loaded, peak, windows, seconds, took = done.stdout.split()
    return int(loaded) / 1024, int(peak) / 1024, int(windows), float(seconds), float(took)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=30)
    minutes = parser.parse_args().minutes
    if "FUSION_DATA" not in os.environ:
        print("set FUSION_DATA to the folder that holds java_sed")
        return 2
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    source = sorted((Path(os.environ["FUSION_DATA"]) / "java_sed" / "video").glob("*.mp4"))[0]
    rows: dict[str, list[tuple[float, float, int, float, float]]] = {"1 minute": [], f"{minutes} minutes": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = train(folder)
        clips = {}
        for row, length in zip(rows, (60, minutes * 60), strict=True):
            clips[row] = folder / f"{length}.mp4"
            repeat(source, clips[row], length)
        for _ in range(ROUNDS):
            for row, clip in clips.items():
                rows[row].append(measure(run, clip))
                print(row, rows[row][-1], flush=True)
    peaks = {row: statistics.median(one[1] for one in measured) for row, measured in rows.items()}
    short, long = peaks.values()
    lines = [
        "# Memory of a prediction",
        "",
        f"`python benchmarks/predict_memory.py`: "
        f"{platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, "
        "one thread. "
        f"`{source.name}` of Java-SED, repeated; "
        "voice (`configs/streams/voice_logmel.yaml`) and face "
        f"(`configs/streams/face_60x100.yaml`), windows of 3 s; {ROUNDS} fresh processes for each "
        "row, in turn; medians.",
        "",
        "| clip | seconds | windows | MB once loaded | MB at the peak | seconds it took |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row, measured in rows.items():
        middle = [statistics.median(column) for column in zip(*measured, strict=True)]
        lines.append(
            f"| {row} | {middle[3]:.1f} | {middle[2]:.0f} | {middle[0]:.0f} | {middle[1]:.1f} | {middle[4]:.0f} |"
        )
    held = long - short <= LIMIT
    lines += [
        "",
        f"The long clip takes {long - short:+.1f} MB; the limit is {LIMIT:.0f} MB: {'held' if held else 'MISSED'}.",
        "",
    ]
    (HERE / "predict_memory.md").write_text("\n".join(lines))
    print(lines[-2])
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
