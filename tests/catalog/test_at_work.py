"""Installed plugins that load well and fail at work: each is one sentence that says whose fault it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.strangers import Program, install_strangers

pytestmark = pytest.mark.timeout(400)

FAULTY = """
from dataclasses import dataclass
from fractions import Fraction
from fusion.contract import hookimpl

print("faulty is imported")

@hookimpl
def register_decoders(register):
    print("faulty registers")
    register("beat", "faulty_parts:Beats")

@hookimpl
def register_modalities(register):
    register("beat", "faulty_parts:Beat", options="faulty_plugin:Options")

@hookimpl
def register_encoders(register):
    register("beat_mean", "faulty_parts:Encoder", options="faulty_plugin:Options", modality="beat")

@dataclass(frozen=True)
class Options:
    fault: str = ""
"""
PARTS = """
import numpy as np
import torch
from fractions import Fraction
from torch import nn
from fusion.contract import InputSpec, Need, OutputSpec, Pieces, Span, StreamOutput

print("the parts are imported")

class Source:
    missing = {}
    duration = Fraction(2)
    exhausted = False
    def __init__(self, clip, wants):
        self.clip, self.wants = clip, wants
    def advance(self, until):
        if self.clip.id.startswith("s02_sad"):
            raise RuntimeError("the cable is loose")
        self.exhausted = True
        return {want: Pieces(np.ones(8, np.float32), Fraction(4)) for want in self.wants}
    def close(self):
        pass

class Beats:
    version, kinds = 1, ("beat",)
    def __init__(self, options):
        pass
    def open(self, clip, tracks, wants):
        return Source(clip, wants)
    def identity(self, clip, track):
        return {}

class Beat:
    version, extent, mixable = 1, "window", ()
    def __init__(self, options):
        self.fault, self.needs = options.fault, {"beat": Need(Fraction(4))}
    def absence(self, row):
        return None if "beat" in row and len(row["beat"]) else "no beat"
    def fit(self, rows):
        return {}
    def input(self, row, fitted):
        return InputSpec({"beat": (1,)})
    def batch(self, rows, spans, fitted):
        print("a batch is made")
        if self.fault == "batch":
            raise KeyError("nothing of the kind")
        rows = rows[1:] if self.fault == "rows" else rows
        return {"beat": torch.tensor([[float(np.mean(row["beat"].data))] for row in rows])}

class Encoder(nn.Module):
    def __init__(self, options, spec):
        super().__init__()
        self.fault = options.fault
        if self.fault == "build":
            raise ValueError("no such licence")
        self.spec = OutputSpec(dim=3)
        self.layer = nn.Linear(1, 3)
    def forward(self, batch):
        print("a forward pass")
        answer = self.layer(batch["beat"])
        if self.fault == "forward":
            raise RuntimeError("the matrix\\nis singular")
        if self.fault == "nothing":
            return None
        answer = {
            "shape": lambda: answer[:, :2], "flat": lambda: answer.sum(1), "dtype": lambda: answer.long(),
            "device": lambda: answer.to("meta"), "nan": lambda: answer * float("nan"),
            "nan_later": lambda: answer if self.training else answer * float("nan"), "none": lambda: None,
        }.get(self.fault, lambda: answer)()
        return StreamOutput(answer)
"""
WORK = """
import json, sys
from contextlib import redirect_stdout
from pathlib import Path
from fusion.catalog import catalog
from fusion.config.experiment import experiment_from, LoadedExperiment
from fusion.contract import FusionError
from fusion.training.finetune import finetune

def experiment(modality, encoder):
    data = {
        "corpus": {"name": "demo", "root": "clips", "count": 8, "speakers": 4, "attach": {"beat": "clips/{id}.mp4"}},
        "target": {"name": "classes", "classes": ["neutral", "happy", "sad", "angry"]},
        "streams": {"beat": {"modality": {"name": "beat", "fault": modality},
                             "encoder": {"name": "beat_mean", "fault": encoder}}},
        "fusion": ["late_average"], "prepare": {"workers": 0},
        "protocol": {"name": "held_out", "validation": ["s03"], "test": ["s04"]},
        "finetune": {"epochs": 1, "batch": 4, "workers": WORKERS.get(modality, 0)},
    }
    made = experiment_from(data, "beat.yaml")
    return LoadedExperiment(made, made.model_dump(mode="json"), Path("beat.yaml"))

WORKERS = {"rows": 1}
answers = {}
for modality, encoder in (("", ""), ("batch", ""), ("rows", ""), *(("", fault) for fault in FAULTS)):
    with redirect_stdout(sys.stderr):
        try:
            finetune(experiment(modality, encoder), Path(f"runs/{modality}{encoder or '-'}"))
            answers[modality + encoder] = "works"
        except FusionError as error:
            answers[modality + encoder] = str(error)
print(json.dumps(answers))
"""
ENCODER = "stream 'beat', encoder Encoder: "
MODALITY = "stream 'beat', modality Beat: "
TOLD = "; report it to the {}'s authors; fusion plugins list says who they are"
SENTENCES = {
    "build": "the encoder 'beat_mean' of stranger_faulty cannot be built: ValueError: no such licence; look at its "
             "options",
    "forward": f"{ENCODER}fails: RuntimeError: the matrix is singular",
    "nothing": f"{ENCODER}answers a NoneType instead of a StreamOutput",
    "none": f"{ENCODER}answers no embedding, which it declares",
    "shape": f"{ENCODER}answers embedding of shape (3, 2) instead of (3, 3)",
    "flat": f"{ENCODER}answers embedding of shape (3,) instead of (3, 3)",
    "dtype": f"{ENCODER}answers embedding of type torch.int64 instead of a floating one",
    "device": f"{ENCODER}answers embedding on meta, and its batch is on cpu",
    "nan": "beat, epoch 0, step 0: the loss is not a number",
    "nan_later": f"{ENCODER}answers embedding that holds NaN or infinity",
    "batch": f"{MODALITY}its batch fails: KeyError: 'nothing of the kind'",
    "rows": f"{MODALITY}its batch of 3 rows holds beat with 2 rows",
}  # fmt: skip


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    site = tmp_path_factory.mktemp("site")
    install_strangers({"faulty": ("avfusion>=1,<2", FAULTY)}, tmp_path_factory.mktemp("wheels"), site)
    (site / "faulty_parts.py").write_text(PARTS, encoding="utf-8")
    return Program(site, site / "trace", folder=tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def answers(program: Program) -> dict[str, Any]:
    faults = [fault for fault in SENTENCES if fault not in ("batch", "rows")]
    done = program("-c", f"FAULTS = {faults}\n{WORK}", FUSION_PLUGINS="faulty")
    assert done.returncode == 0, done.stderr
    # whatever the plugin printed, an answer for programs is alone on standard output
    answered: dict[str, Any] = json.loads(done.stdout)
    return answered


@pytest.mark.parametrize("fault", SENTENCES)
def test_a_fault_is_one_sentence_that_names_stream_and_component(answers: dict[str, Any], fault: str) -> None:
    assert answers[fault].startswith(SENTENCES[fault])
    assert "\n" not in answers[fault]
    who = "encoder" if SENTENCES[fault].startswith(ENCODER) else "modality"
    if SENTENCES[fault].startswith((ENCODER, MODALITY)):
        assert answers[fault].endswith(TOLD.format(who))


def test_a_decoder_that_fails_for_one_clip_costs_that_clip_only(answers: dict[str, Any], program: Program) -> None:
    assert answers[""] == "works"
    failures = [json.loads(line) for line in (program.folder / ".fusion/store/failures.jsonl").read_text().splitlines()]
    assert {(one["clip"], one["reason"]) for one in failures} == {
        ("s02_sad_01", "decoder beat (Beats): fails: RuntimeError: the cable is loose" + TOLD.format("decoder"))
    }


def test_what_a_plugin_prints_does_not_mix_with_json(answers: dict[str, Any], program: Program) -> None:
    assert answers[""] == "works"
    listed = program.fusion("plugins", "list", "--json", FUSION_PLUGINS="faulty")
    assert json.loads(listed.stdout)
    assert "faulty registers" in listed.stderr
    clip = next(program.folder.glob("clips/clips/s04_*.mp4"))
    done = program.fusion("predict", "runs/-", str(clip), "--fold", "held_out", "--json", "--track", f"beat={clip}",
                          FUSION_PLUGINS="faulty")  # fmt: skip
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert set(json.loads(line)["streams"]) == {"beat"}
    assert "a forward pass" in done.stderr


PLUGIN = """
from fusion.contract import hookimpl
@hookimpl
def register_heads(register):
    register("{name}_head", "{module}:Head", options="{module}:Options")
"""
OPTIONS = """
from dataclasses import dataclass
@dataclass(frozen=True)
class Options:
    {name}: int = 1
class Head:
    def __init__(self, options):
        self.options = options
"""


def test_option_files_of_one_name_do_not_mix_in_packages_and_are_told_beside_them(tmp_path: Path) -> None:
    site = tmp_path / "site"
    modules = {"first": "first_parts.options", "second": "second_parts.options", "third": "parts_options",
               "fourth": "parts_options"}  # fmt: skip
    plugins = {name: ("avfusion", PLUGIN.format(name=name, module=module)) for name, module in modules.items()}
    install_strangers(plugins, tmp_path, site)
    for name in ("first", "second"):
        (site / f"{name}_parts").mkdir()
        (site / f"{name}_parts" / "options.py").write_text(OPTIONS.format(name=name), encoding="utf-8")
    # of two files of one name at the top, the one that was installed last is there
    (site / "parts_options.py").write_text(OPTIONS.format(name="fourth"), encoding="utf-8")
    for name in ("third", "fourth"):
        record = site / f"stranger_{name}-0.3.dist-info" / "RECORD"
        record.write_text(record.read_text() + "parts_options.py,,\n")
    program = Program(site, tmp_path / "trace")
    code = (
        "from fusion.catalog import catalog\nfrom fusion.contract import ConfigError\n"
        "for name in ('first', 'second', 'third', 'fourth'):\n"
        "    try:\n        print(catalog().build('head', {'name': name + '_head', name: 2}).options)\n"
        "    except ConfigError as error:\n        print(error)\n"
    )
    done = program("-c", code, FUSION_PLUGINS="first,second,third,fourth")
    assert done.stdout.splitlines() == [
        "Options(first=2)", "Options(second=2)", "head 'third_head': 1 problem",
        "     unknown option 'third' of third_head   (known: fourth)", "Options(fourth=2)",
    ], done.stderr  # fmt: skip
    examined = program.fusion("doctor", "--json", FUSION_PLUGINS="third,fourth")
    assert "stranger_fourth and stranger_third both own the import name 'parts_options'" in [
        problem["what"] for problem in json.loads(examined.stdout)["problems"]
    ]
