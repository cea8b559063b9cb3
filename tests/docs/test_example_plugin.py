"""The package of docs/writing-a-plugin.md, installed as a stranger's and used as its page says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks, commands
from tests.installing import install

EXAMPLE = ROOT / "docs/examples/fusion-pulse"
RUN = """
import shlex, sys
from fusion.cli.app import main
for line in sys.stdin.read().splitlines():
    try:
        main(shlex.split(line))
    except SystemExit as left:
        if left.code:
            sys.exit(f"{line}: {left.code}")
"""


class Program:
    """Runs Python in the example's folder, beside the installed package."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "fusion-pulse"
        site = folder / "site"
        site.mkdir()
        shutil.copytree(EXAMPLE, self.folder, ignore=shutil.ignore_patterns("clips", "runs", "build", "dist"))
        install(EXAMPLE, site)
        self.environment = {
            **os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]), "OMP_NUM_THREADS": "1",
            "FUSION_PLUGINS": "engine,spectrogram,pulse", "FUSION_STRICT": "1",
        }  # fmt: skip

    def __call__(self, *arguments: str, typed: str = "") -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=self.environment, input=typed, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program(tmp_path_factory.mktemp("stranger"))


def test_the_page_s_commands_train_and_answer_with_the_pulse(program: Program) -> None:
    (typed,) = (list(commands(block)) for block in blocks(ROOT / "docs/writing-a-plugin.md") if "$ cd" in block.text)
    lines = [" ".join(arguments) for arguments in typed]
    first = lines.index(next(line for line in lines if line.startswith("data inspect")))
    printed = program("-c", RUN, typed="\n".join(lines[:first]))
    assert "pulse_gru" in printed
    program("invent_pulses.py", "clips")
    printed = program("-c", RUN, typed="\n".join(lines[first:]))
    assert "pulse (alone)" in printed
    answer = printed[printed.index("s04_angry_01.mp4") :]
    assert "pulse" in answer
    assert "contributes" in answer


def test_its_components_pass_every_check(program: Program) -> None:
    printed = program("-c", RUN, typed="plugins check pulse")
    rows = [line.split() for line in printed.splitlines() if "pulse" in line]
    assert [row[:2] for row in rows] == [["modality", "pulse"], ["decoder", "pulse"], ["encoder", "pulse_gru"]]
    assert all(row[3:5] == ["0", "0"] for row in rows)


def test_a_recording_that_is_none_is_one_sentence(program: Program) -> None:
    (program.folder / "broken.csv").write_text("seconds,beats_per_minute\nnow,fast\n", encoding="utf-8")
    code = (
        "from fractions import Fraction; from pathlib import Path\n"
        "from fusion.catalog import catalog; from fusion.contract import Clip, DataError, Track, Want\n"
        "track = Track('pulse', Path('broken.csv'))\n"
        "try:\n"
        "    catalog().build('decoder', 'pulse').open(Clip('a', (track,)), [track], [Want('pulse', Fraction(4))])\n"
        "except DataError as error:\n"
        "    print(error)\n"
    )
    assert program("-c", code).strip() == "broken.csv: is no recording of a pulse; write seconds,beats_per_minute"


def test_pieces_do_not_depend_on_the_steps(program: Program) -> None:
    code = (
        "from fractions import Fraction as F; from pathlib import Path; import numpy as np\n"
        "from fusion.catalog import catalog; from fusion.contract import Clip, Track, Want\n"
        "Path('p.csv').write_text('seconds,beats_per_minute\\n0,60\\n4,100\\n')\n"
        "track, want = Track('pulse', Path('p.csv'), start=F(1)), Want('pulse', F(4))\n"
        "def read(step):\n"
        "    source, got = catalog().build('decoder', 'pulse').open(Clip('a', (track,)), [track], [want]), []\n"
        "    until = step\n"
        "    while not source.exhausted:\n"
        "        got.append(source.advance(until)[want].data); until += step\n"
        "    return np.concatenate(got)\n"
        "whole = read(F(10))\n"
        "assert len(whole) == 12 and whole[0] == 70 and whole[4] == 80, whole\n"
        "assert np.array_equal(whole, read(F(1, 3)))\n"
    )
    program("-c", code)
