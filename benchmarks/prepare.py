"""What ``fusion prepare`` costs over decoding alone, on 1280x720 talking faces.

    FUSION_DATA=... python benchmarks/prepare.py [--rounds 3] [--clips FOLDER]

Java-SED clips are scaled to 1280x720 and repeated to ten minutes in all (libx264 medium, crf 23, 30 frames/s; AAC),
kept in a temporary folder for the next time. Two worker processes, each with one decoding thread and half of the
files, are started and warmed up on a short file first, so that start-up (imports, detector, kernels) is not counted.
Then, in every round and in turn, the same two processes decode the files (all pictures and all sound, plain PyAV,
nothing converted) and run the whole job ``prepare`` on them (hashing, decoding, three streams, writing to a fresh
store) without and with noisereduce. Ratios are taken within a round. Writes benchmarks/prepare.md and ends with 1 where
a limit is passed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fusion.config.models import Experiment

ROOT = Path(__file__).resolve().parents[1]
SIZE, RATE, SOUND_RATE = (1280, 720), 30, 44100
FILES, SECONDS, SOURCES = 8, 75, 3
WORKERS = 2

#: Each variant's transforms of the voice, and the largest ratio to decoding that is accepted.
VARIANTS = {
    "prepare": ("[{name: resample, rate: 16000}, {name: log_mel, bands: 64, rate: 62.5, window: 0.05}]", 1.5),
    "prepare with noisereduce (at 44.1 kHz)": (
        "[{name: denoise}, {name: resample, rate: 16000}, {name: log_mel, bands: 64, rate: 62.5, window: 0.05}]",
        2.0,
    ),
}
CONFIG = ROOT / "configs" / "java_sed" / "face_and_voice.yaml"
SECOND_SOUND = (
    "streams.decibels={modality: {name: audio}, encoder: {name: cnn}, "
    "transforms: [{name: resample, rate: 16000}, {name: db_spectrogram}]}"
)


def take_of(path: Path) -> tuple[list[NDArray[np.uint8]], NDArray[np.float32]]:
    """A clip's pictures at RATE (RGB, as stored) and the sound of just as long ``[2, N]``."""
    pictures: list[tuple[float, NDArray[Any]]] = []
    parts: list[NDArray[Any]] = []
    resampler = av.AudioResampler("fltp", "stereo", SOUND_RATE)
    with av.open(str(path)) as container:
        for frame in container.decode(video=0, audio=0):
            if isinstance(frame, av.VideoFrame):
                pictures.append((float(frame.time or 0.0), frame.to_ndarray(format="rgb24")))
            elif isinstance(frame, av.AudioFrame):
                parts.extend(part.to_ndarray() for part in resampler.resample(frame))
    times = np.array([time for time, _ in pictures])
    count = int(times[-1] * RATE) + 1
    shown = np.searchsorted(times, np.arange(count) / RATE + 1e-6, side="right") - 1
    sound = np.zeros((2, count * SOUND_RATE // RATE), np.float32)
    heard = np.concatenate(parts, axis=1)[:, : sound.shape[1]]
    sound[:, : heard.shape[1]] = heard
    return [pictures[max(index, 0)][1] for index in shown], sound


def write_file(path: Path, sources: list[Path], seconds: float) -> None:
    """One file: the sources after each other, again and again. Pictures are encoded once, their packets repeated."""
    takes = [take_of(source) for source in sources]
    pictures = [picture for take, _ in takes for picture in take]
    once = np.concatenate([sound for _, sound in takes], axis=1)
    repeats = max(round(seconds * RATE / len(pictures)), 1)
    temporary = path.with_suffix(".part")
    with av.open(str(temporary), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=RATE, options={"preset": "medium", "crf": "23"})
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        tick = Fraction(1, RATE)
        packets = []
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(*SIZE, format="yuv420p")
            frame.pts, frame.time_base = number, tick
            packets += video.encode(frame)
        packets += video.encode(None)
        times = [
            (int((packet.pts or 0) * packet.time_base / tick), int((packet.dts or 0) * packet.time_base / tick))
            for packet in packets
        ]
        sound = np.ascontiguousarray(np.tile(once, repeats))
        for repeat in range(repeats):
            for packet, (shown, decoded) in zip(packets, times, strict=True):
                again = av.Packet(bytes(packet))
                again.stream, again.time_base = video, tick
                again.pts, again.dts = shown + repeat * len(pictures), decoded + repeat * len(pictures)
                again.is_keyframe, again.duration = packet.is_keyframe, 1
                container.mux(again)
            start = repeat * once.shape[1]
            for begin in range(start, start + once.shape[1], 1024):
                block = np.ascontiguousarray(sound[:, begin : min(begin + 1024, start + once.shape[1])])
                part = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
                part.sample_rate, part.pts, part.time_base = SOUND_RATE, begin, Fraction(1, SOUND_RATE)
                container.mux(audio.encode(part))
        container.mux(audio.encode(None))
    temporary.replace(path)


def clips_in(folder: Path, seconds: float, files: int) -> list[Path]:
    """The files, made where they are not there yet."""
    data = Path(os.environ["FUSION_DATA"]) / "java_sed" / "video"
    takes = sorted(data.glob("*.mp4"))
    folder.mkdir(parents=True, exist_ok=True)
    made = [folder / f"{number}_{seconds:g}s.mp4" for number in range(files)]
    for number, path in enumerate(made):
        if not path.exists():
            # Three emotions of one speaker's sentence; another speaker in every file.
            first = number * len(takes) // files
            write_file(path, takes[first : first + SOURCES], seconds)
            print(f"made {path}", flush=True)
    return made


@dataclass(frozen=True)
class Cost:
    """Seconds of the clock and of the processor."""

    wall: float
    processor: float


def decode(files: list[Path]) -> None:
    """All pictures and all sound, one decoding thread each, nothing converted."""
    for file in files:
        with av.open(str(file)) as container:
            for stream in (container.streams.video[0], container.streams.audio[0]):
                stream.codec_context.thread_count = 1
            for _ in container.decode(video=0, audio=0):
                pass


@cache
def experiment_with(voice: str) -> Experiment:
    """The experiment with these transforms of the voice; read once, which is start-up."""
    from fusion.config.experiment import read_experiment

    overrides = (f"streams.voice.transforms={voice}", SECOND_SOUND, "prepare.workers=0")
    return read_experiment(CONFIG, overrides).experiment


def prepare(files: list[Path], voice: str) -> None:
    """The whole job in this process, into a fresh store."""
    from fusion.catalog import catalog
    from fusion.contract import PICTURES, SOUND, Clip, Track
    from fusion.data.streams import plan_streams
    from fusion.store.absences import absences
    from fusion.store.prepare import prepare as job
    from fusion.store.store import Store

    clips = [Clip(file.stem, (Track(PICTURES, file), Track(SOUND, file))) for file in files]
    with tempfile.TemporaryDirectory() as folder:
        experiment, store = experiment_with(voice), Store(Path(folder))
        report = job(experiment, clips, catalog=catalog(), store=store)
        missing = absences(clips, plan_streams(experiment, catalog()), store)
    if missing or report.made != 3 * len(clips):
        raise SystemExit(f"not everything was made: {report}, {missing}")


def worker(pipe: Connection) -> None:
    """One of the two processes: runs what it is told and answers the cost."""
    from fusion.store.worker import _limit_threads

    _limit_threads()
    while (order := pipe.recv()) is not None:
        files, voice = order
        wall, processor = time.perf_counter(), time.process_time()
        if voice is None:
            decode(files)
        else:
            prepare(files, voice)
        pipe.send(Cost(time.perf_counter() - wall, time.process_time() - processor))


def measured(files: list[Path], short: Path, rounds: int) -> list[dict[str, Cost]]:
    """For every round the cost of each row: the longer of the two workers' clocks, the sum of their processors."""
    context = multiprocessing.get_context("spawn")
    pipes: list[Connection] = []
    for _ in range(WORKERS):
        ours, theirs = context.Pipe()
        context.Process(target=worker, args=(theirs,), daemon=True).start()
        pipes.append(ours)

    def run(shares: list[list[Path]], voice: str | None) -> Cost:
        for pipe, share in zip(pipes, shares, strict=True):
            pipe.send((share, voice))
        costs = [pipe.recv() for pipe in pipes]
        return Cost(max(cost.wall for cost in costs), sum(cost.processor for cost in costs))

    orders: dict[str, str | None] = {"decode": None, **{name: voice for name, (voice, _) in VARIANTS.items()}}
    for voice in orders.values():
        run([[short]] * WORKERS, voice)
    answer = []
    shares = [files[number::WORKERS] for number in range(WORKERS)]
    for number in range(rounds):
        names = list(orders)
        # Each round begins with another row, so that none always follows the same one.
        names = names[number % len(names) :] + names[: number % len(names)]
        answer.append({name: run(shares, orders[name]) for name in names})
        print({name: answer[-1][name] for name in orders}, flush=True)
    for pipe in pipes:
        pipe.send(None)
    return answer


def page_of(answer: list[dict[str, Cost]], files: list[Path], limits: dict[str, float]) -> tuple[str, bool]:
    """The page, and whether every limit is kept."""
    seconds = 0.0
    for file in files:
        with av.open(str(file)) as container:
            seconds += float(container.duration or 0) / 1e6
    lines = [
        "# Preparing against decoding alone",
        "",
        f"`python benchmarks/prepare.py --rounds {len(answer)}`: "
        f"{platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} processors, "
        f"Python {platform.python_version()}, PyAV {av.__version__}. {len(files)} files, {seconds:.0f} s of "
        f"{SIZE[0]}x{SIZE[1]} H.264 (libx264 medium, crf 23, {RATE} frames/s) with stereo AAC at {SOUND_RATE} Hz, "
        f"made of {SOURCES * len(files)} Java-SED clips of {len(files)} speakers, scaled and repeated.",
        "",
        f"{WORKERS} worker processes, each with one decoding thread and half of the files; start-up (imports, config, "
        "detector, kernels: one short file of each row) is over before the first measurement and not counted. Streams: "
        "voice (64-band log-mel at 16 kHz), face (60x100 RGB, 20 per 3 s, Haar once a second), a second sound stream "
        "(dB spectrogram, 200 rows, 100 columns/s). *decode* is all pictures and all sound of the same files in plain "
        "PyAV, in the same two processes; *prepare* is the whole job with hashing and a fresh store. Rows take turns "
        f"within a round, {len(answer)} rounds; ratios are taken within a round; medians, lowest to highest in "
        "brackets. Processor seconds are the sum over both processes, wall seconds the slower one's. The load at the "
        f"end was {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors, these two processes included: other jobs "
        "disturb the wall's ratios most, so limits are judged by processor seconds.",
        "",
        "| row | processor s per s of clip | ratio to decode, processor | ratio to decode, wall | limit |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    passed = True
    for name in answer[0]:
        cost = statistics.median(row[name].processor for row in answer) / seconds
        if name == "decode":
            lines.append(f"| decode | {cost:.4f} | 1 | 1 |  |")
            continue
        by_processor = [row[name].processor / row["decode"].processor for row in answer]
        by_wall = [row[name].wall / row["decode"].wall for row in answer]
        lines.append(f"| {name} | {cost:.4f} | {_spread(by_processor)} | {_spread(by_wall)} | {limits[name]:.1f} |")
        passed = passed and statistics.median(by_processor) <= limits[name]
    return "\n".join(lines) + "\n", passed


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    """Make the files, measure, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clips", type=Path, default=Path(tempfile.gettempdir()) / "fusion_prepare_clips")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="seconds of each file; fewer only for trying")
    parser.add_argument("--files", type=int, default=FILES, help="fewer only for trying")
    arguments = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    files = clips_in(arguments.clips, arguments.seconds, arguments.files)
    short = clips_in(arguments.clips, 1, 1)[0]
    answer = measured(files, short, arguments.rounds)
    page, passed = page_of(
        [{name: row[name] for name in ("decode", *VARIANTS)} for row in answer],
        files,
        {name: limit for name, (_, limit) in VARIANTS.items()},
    )
    print(page)
    if (arguments.seconds, arguments.files) == (SECONDS, FILES):
        Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
