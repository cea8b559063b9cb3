"""A world in which a new user types what the pages say: small generated clips, few epochs, everything else real."""

from __future__ import annotations

import os
import re
import shutil
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import yaml

from fusion.cli.app import main
from fusion.corpora.demo.generating import generate
from tests.docs.pages import ROOT, Block, blocks, commands

#: Names that the pages use, by generated speaker.
NAMES = {"s01": "anna", "s02": "bela", "s03": "cita"}
CLIPS = 12
#: Sections whose commands are run, page by page in a reader's order.
SECTIONS = (
    ("README.md", "A folder of your own"),
    ("README.md", "RAVDESS"),
    ("docs/data.md", "From a folder of clips"),
    ("docs/finetune.md", "Finetune"),
    ("docs/evaluate.md", "Evaluate"),
    ("docs/predict.md", "Predict"),
)
_FEW = {"epochs": 1, "head": {"epochs": 1}}


@dataclass(frozen=True)
class World:
    """The user's folder."""

    folder: Path

    @contextmanager
    def entered(self) -> Iterator[None]:
        """In the user's folder, without the developer's own settings."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("FUSION_")}
        chosen = {**kept, "HOME": str(self.folder), "FUSION_PLUGINS": os.environ["FUSION_PLUGINS"]}
        here = Path.cwd()
        with patch.dict(os.environ, chosen, clear=True):
            os.chdir(self.folder)
            try:
                yield
            finally:
                os.chdir(here)

    def run(self, block: Block) -> Iterator[tuple[str, int]]:
        """Run a block's commands in this process; yields each with its exit code."""
        with self.entered():
            for name, value in re.findall(r"^\$ export (\w+)=(\S+)", block.text, re.M):
                os.environ[name] = os.path.expanduser(value)  # noqa: PTH111 - as a shell does
            for arguments in commands(block):
                if arguments[0] == "manifest":  # each page begins with a folder that has none
                    for made in ("manifest.csv", "experiment.yaml"):
                        (self.folder / arguments[1] / made).unlink(missing_ok=True)
                code = _exit_code([re.sub(r"\bepochs=\d+", "epochs=1", argument) for argument in arguments])
                if arguments[0] == "manifest" and code == 0:
                    shorten(self.folder / arguments[1] / "experiment.yaml")
                yield " ".join(arguments), code


def _exit_code(arguments: list[str]) -> int:
    try:
        main(arguments)
    except SystemExit as left:
        return int(left.code or 0)


def shorten(config: Path) -> None:
    """Few epochs, and no processes beside the test's own."""
    data = yaml.safe_load(re.sub(r"\bepochs: \d+", "epochs: 1", config.read_text(encoding="utf-8")))
    if "finetune" in data:
        data["finetune"] = {**data["finetune"], **_FEW}
        data["pretrain"] = {**data.get("pretrain", {}), "epochs": 1}
        data["prepare"] = {"workers": 0}
    config.write_text(yaml.safe_dump(data), encoding="utf-8")


def write_world(folder: Path) -> World:
    """Configs, the demo's clips, the same as somebody's own folder, RAVDESS's sound, and a clip to ask about."""
    shutil.copytree(ROOT / "configs", folder / "configs")
    for config in (folder / "configs").rglob("*.yaml"):
        shorten(config)
    demo = folder / "configs/demo.yaml"
    data = yaml.safe_load(demo.read_text(encoding="utf-8"))
    data["corpus"] |= {"count": CLIPS, "speakers": len(NAMES)}
    data["protocol"] = {"name": "held_out", "validation": ["s02"], "test": ["s03"]}
    demo.write_text(yaml.safe_dump(data), encoding="utf-8")
    generate(folder / "demo", clips=CLIPS, speakers=len(NAMES), seed=0)
    for clip in sorted((folder / "demo/clips").glob("*.mp4")):
        speaker, emotion, take = clip.stem.split("_")
        own = folder / "clips" / NAMES[speaker] / emotion / f"{take}.mp4"
        own.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, own)
    shutil.copy(clip, folder / "interview.mp4")
    _write_ravdess(folder / "data/ravdess/Audio_Speech_Actors_01-24")
    return World(folder)


def _write_ravdess(folder: Path) -> None:
    """The names of RAVDESS's speech, one short tone for each actor and every other emotion."""
    seconds = np.arange(3200) / 8000
    for actor in range(1, 25):
        (folder / f"Actor_{actor:02d}").mkdir(parents=True)
        for emotion in range(1 + actor % 2, 9, 2):
            tone = 0.3 * np.sin(2 * np.pi * (100 * emotion + actor) * seconds)
            name = f"03-01-{emotion:02d}-01-01-01-{actor:02d}.wav"
            with wave.open(str(folder / f"Actor_{actor:02d}" / name), "wb") as file:
                file.setparams((1, 2, 8000, 0, "NONE", ""))
                file.writeframes((tone * 32767).astype("<i2").tobytes())


def first_blocks() -> list[Block]:
    """The console blocks of the sections above."""
    return [
        block
        for page, section in SECTIONS
        for block in blocks(ROOT / page)
        if block.section == section and block.language == "console"
    ]
