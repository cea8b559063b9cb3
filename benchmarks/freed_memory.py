"""What keeping freed memory saves in training on a processor (fusion.cli.freed_memory.py).

    python benchmarks/freed_memory.py

Steps of two networks of configs/systems/lbher_java_sed.yaml, each in a fresh process, in turn with and without; seconds
of the processor, in the program and in the system, of ten steps after three. Writes benchmarks/freed_memory.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

ROUNDS = 5
NETWORKS = {"face": "3D-CNN, 8 windows of 20 pictures, 60x100", "voice": "CNN, 32 windows of 200x300"}


def one(network: str, keep: bool) -> None:
    """Print seconds in the program, in the system, and the peak in megabytes, of this process."""
    import torch

    from fusion.cli.freed_memory import keep_freed_memory
    from fusion.contract import InputSpec

    torch.set_num_threads(1)
    if keep:
        assert keep_freed_memory()
    model: torch.nn.Module
    if network == "face":
        from fusion_video.cnn3d import CNN3D
        from fusion_video.encoder_options import CNN3D as Options  # noqa: N811

        model = CNN3D(Options(), InputSpec({"frames": (None, 3, 100, 60)}, rate=Fraction(20, 3)))
        batch = {"frames": torch.randn(8, 20, 3, 100, 60), "mask": torch.ones(8, 20, dtype=torch.bool)}
    else:
        from fusion_spectrogram.cnn import Cnn
        from fusion_spectrogram.encoder_options import Cnn as CnnOptions

        model = Cnn(CnnOptions(width=8, dim=64), InputSpec({"frames": (None, 200)}, rate=Fraction(100)))
        batch = {"frames": torch.randn(32, 300, 200), "mask": torch.ones(32, 300, dtype=torch.bool)}
    optimizer = torch.optim.AdamW(model.parameters())

    def steps(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            model(batch).embedding.sum().backward()
            optimizer.step()

    steps(3)
    before = resource.getrusage(resource.RUSAGE_SELF)
    steps(10)
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime, after.ru_maxrss / 1024)


def measured(network: str, keep: bool) -> tuple[float, float, float]:
    """The three figures of a fresh process."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, __file__, "--one", network, *["--keep"] * keep]
    done = subprocess.run(command, env=plain, check=True, capture_output=True, text=True)
    program, system, peak = map(float, done.stdout.split())
    return program, system, peak


def main() -> None:
    """Measure and write the table."""
    lines = [
        "# Keeping freed memory",
        "",
        f"`python benchmarks/freed_memory.py`: {platform.system()} {platform.machine()}, "
        f"{' '.join(platform.libc_ver())}, {os.cpu_count()} processors, one thread; {ROUNDS} rounds in turn, ten "
        "training steps each. Seconds of the processor, with freed memory kept against without, within a round; those "
        "spent in the system as a share of the time.",
        "",
        "| network | time, median | of each round | in the system, without | with | peak memory |",
        "| --- | ---: | --- | ---: | ---: | ---: |",
    ]
    for network, what in NETWORKS.items():
        rounds = [(measured(network, False), measured(network, True)) for _ in range(ROUNDS)]
        ratios = [sum(with_[:2]) / sum(without[:2]) for without, with_ in rounds]
        shares = [statistics.median(each[side][1] / sum(each[side][:2]) for each in rounds) for side in (0, 1)]
        peak = statistics.median(with_[2] / without[2] for without, with_ in rounds)
        lines.append(
            f"| {what} | {statistics.median(ratios):.2f} | {', '.join(f'{ratio:.2f}' for ratio in ratios)} "
            f"| {shares[0]:.0%} | {shares[1]:.0%} | {peak:.2f} |"
        )
    text = "\n".join(lines) + "\n"
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", choices=NETWORKS, help=argparse.SUPPRESS)
    parser.add_argument("--keep", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.one, given.keep)
    else:
        main()
