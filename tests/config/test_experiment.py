from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from fusion.catalog import catalog
from fusion.config.experiment import LoadedExperiment, experiment_from, job_folder, read_experiment
from fusion.contract import ConfigError

pytestmark = [
    pytest.mark.light,
    pytest.mark.skipif(
        not {"audio", "video"} <= set(catalog(strict=False).names("modality")), reason="needs our plugins installed"
    ),
]

GOOD = """
corpus: {name: demo}
target: {name: classes, classes: [happy, sad]}
window: {seconds: 20/3, hop: 1.5}
streams:
  voice: {modality: audio, transforms: [resample, {name: log_mel, bands: 32}], encoder: {name: cnn_rnn}}
  face: {modality: video, transforms: [face_boxes, face_crop], encoder: cnn3d}
fusion: {name: weighted_sum, of: embeddings}
protocol: {name: leave_one_speaker_out}
finetune: {learning_rate: 3e-3}
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "configs/set/good.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(GOOD, encoding="utf-8")
    return path


def problems(path: Path, *overrides: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        read_experiment(path, overrides)
    keys = [problem.key for problem in caught.value.problems]
    assert len(set(keys)) == len(keys)
    return {problem.key: problem.message for problem in caught.value.problems}


def test_settings_are_typed_and_every_option_is_written_out(good: Path) -> None:
    loaded = read_experiment(good)
    experiment = loaded.experiment
    assert experiment.window.seconds == Fraction(20, 3)
    assert experiment.window.hop == Fraction(3, 2)
    assert experiment.finetune.learning_rate == 0.003
    assert experiment.streams["voice"].transforms[1].options["bands"] == 32
    assert "dim" in experiment.fusion[0].options, "also options that the file leaves at their default"
    assert experiment.streams["face"].encoder.name == "cnn3d"
    assert experiment.streams["face"].encoder.options == {
        key: value for key, value in catalog().resolved("encoder", "cnn3d").items() if key != "name"
    }


def test_the_stored_data_give_the_experiment_again(good: Path) -> None:
    loaded = read_experiment(good, ["finetune.head=null", "streams.voice.training={epochs: 3}"])
    stored = json.loads(json.dumps(loaded.data))
    again = experiment_from(stored, "config.json")
    assert again == loaded.experiment
    assert again.model_dump(mode="json") == loaded.data


def test_every_problem_is_found_at_once_with_its_key(good: Path) -> None:
    good.write_text(
        """
corpus: {name: demoo, limit: 0}
target: {name: classes, classes: [happy, sad], lable: mood}
streams:
  voice: {modality: audio, transforms: [{name: log_mel, band: 32}], encoder: cnn3d}
  face: {modality: video, transforms: [face_boxs], encoder: cnn3, training: {epoks: 3}}
  Words: {modality: text, encoder: lstm}
fusion: [late_average, {name: learned, dim: wide}]
protocol: random
window: {secnds: 3}
finetune: {epochs: many, head: {epoks: 3}}
""",
        encoding="utf-8",
    )
    found = problems(good)
    assert found.pop("corpus.name").startswith("'demoo' is no corpus; did you mean 'demo'?")
    assert found.pop("corpus.limit") == "input should be greater than or equal to 1, not 0"
    assert found.pop("target") == "unknown option 'lable' of classes; did you mean 'label'?"
    assert found.pop("streams.voice.transforms.0") == "unknown option 'band' of log_mel; did you mean 'bands'?"
    assert found.pop("streams.voice.encoder.name").startswith("'cnn3d' is no encoder for audio but one for video")
    assert found.pop("streams.face.transforms.0.name").startswith(
        "'face_boxs' is no transform for video; did you mean 'face_boxes'?"
    )
    assert found.pop("streams.face.encoder.name").startswith("'cnn3' is no encoder for video; did you mean 'cnn3d'?")
    assert found.pop("streams.face.training") == "unknown key 'epoks'; did you mean 'epochs'?"
    assert "string should match pattern" in found.pop("streams.Words")
    assert "not 'wide'" in found.pop("fusion.1.dim")
    assert found.pop("protocol.name") == (
        "'random' lets speakers cross parts; write leaking: true if that is what you want"
    )
    assert found.pop("window") == "unknown key 'secnds'; did you mean 'seconds'?"
    assert "not 'many'" in found.pop("finetune.epochs")
    assert found.pop("finetune.head") == "unknown key 'epoks'; did you mean 'epochs'?"
    assert found == {}


def test_what_is_missing_is_named(good: Path) -> None:
    good.write_text("streams: {}\ntarget: classes\n", encoding="utf-8")
    found = problems(good)
    assert found["corpus"] == "required"
    assert found["protocol"] == "required"
    assert found["target.classes"] == "required by classes"
    assert "at least 1 item" in found["streams"]


def test_a_leaking_protocol_is_accepted_when_asked_for(good: Path) -> None:
    assert read_experiment(good, ["protocol=random", "leaking=true"]).experiment.leaking


def test_rows_have_names_of_their_own(good: Path) -> None:
    assert problems(good, "fusion=[late_average, late_average]") == {
        "fusion.1.label": "two heads are called 'late_average'; give one of them a label"
    }
    labelled = read_experiment(good, ["fusion=[late_average, {name: late_average, label: other}]"])
    assert [head.row for head in labelled.experiment.fusion] == ["late_average", "other"]
    assert problems(good, "fusion.label=voice") == {
        "fusion.0.label": "a stream is called 'voice' too; give the head a label"
    }


def test_rows_that_every_table_has_are_reserved(good: Path) -> None:
    assert problems(good, "fusion.label=tuned") == {
        "fusion.0.label": "'tuned' is a row of every table; give the head another label"
    }
    stream = "streams.tuned={modality: audio, transforms: [resample, log_mel], encoder: cnn}"
    assert problems(good, stream) == {"streams.tuned": "'tuned' is a row of every table; call the stream otherwise"}


def test_the_tuned_row_is_a_headline_where_there_is_one(good: Path) -> None:
    assert read_experiment(good, ["headline=tuned", "finetune.joint.epochs=3"]).experiment.headline == "tuned"
    assert "neither a head nor a stream" in problems(good, "headline=tuned")["headline"]


def test_the_headline_is_a_row(good: Path) -> None:
    assert read_experiment(good, ["headline=face"]).experiment.headline == "face"
    assert problems(good, "headline=fase") == {
        "headline": "'fase' is neither a head nor a stream; did you mean 'face'?"
    }


@pytest.mark.parametrize(
    ("override", "attribute", "value"),
    [
        ("seed=7", "seed", 7),
        ("finetune.learning_rate=1e-4", "finetune.learning_rate", 1e-4),
        ("window.seconds=clip", "window.seconds", "clip"),
        ("window.hop=null", "window.hop", None),
        ("finetune.clip_gradient=null", "finetune.clip_gradient", None),
        ("finetune.epochs=null", "finetune.epochs", 60),
        ("window=null", "window.seconds", 3),
        ("finetune.head.epochs=3", "finetune.head.epochs", 3),
    ],
)
def test_overrides_lie_over_the_file(good: Path, override: str, attribute: str, value: object) -> None:
    result: object = read_experiment(good, [override]).experiment
    for part in attribute.split("."):
        result = getattr(result, part)
    assert result == value


def test_overrides_reach_into_components_lists_and_streams(good: Path) -> None:
    experiment = read_experiment(
        good,
        [
            "streams.voice.transforms.1.bands=80",
            "streams.voice.encoder.width=8",
            "streams.voice.encoder.name=cnn_lstm",
            "streams.face=null",
            "fusion.name=late_average",
        ],
    ).experiment
    assert list(experiment.streams) == ["voice"]
    assert experiment.streams["voice"].transforms[1].options["bands"] == 80
    assert experiment.streams["voice"].encoder.name == "cnn_lstm"
    assert experiment.streams["voice"].encoder.options["width"] == 8, "the order of overrides does not matter"
    assert experiment.fusion[0].options.keys() == {"of", "calibrated"}, "the options of another head are left behind"


def test_null_takes_an_option_back_to_its_default(good: Path) -> None:
    default = catalog().resolved("transform", "log_mel")["bands"]
    loaded = read_experiment(good, ["streams.voice.transforms.1.bands=null"])
    assert loaded.experiment.streams["voice"].transforms[1].options["bands"] == default


def test_a_misspelt_key_is_an_error_also_when_null(good: Path) -> None:
    assert problems(good, "window.secnds=null") == {"window": "unknown key 'secnds'; did you mean 'seconds'?"}


def test_wrong_overrides_are_problems_like_any_other(good: Path) -> None:
    found = problems(good, "seed", "a..b=1", "finetune.epochs=[1", "streams.voice.transforms.9=denoise", "sed=3")
    assert found["seed"] == "an override is written a.b.c=value"
    assert found["a..b=1"] == "an override is written a.b.c=value"
    assert "is no YAML value" in found["finetune.epochs"]
    assert "outside a list: the list has 2 items" in found["streams"]
    assert found[""] == "unknown key 'sed'; did you mean 'seed'?"


def test_a_job_has_a_folder_by_config_and_overrides(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def folder(*overrides: str, job: str = "finetune") -> Path:
        return job_folder(LoadedExperiment(read_experiment(good).experiment, {}, good, overrides), job)

    monkeypatch.delenv("FUSION_RUNS", raising=False)
    assert folder() == Path("runs/set/good/finetune")
    assert folder("seed=1", "leaking=true") == folder("leaking=true", "seed=1")
    assert folder("seed=1") != folder("seed=2")
    name = folder("seed=1").name
    assert name.startswith("finetune-")
    assert len(name) == len("finetune-") + 8
    started = job_folder(read_experiment(good, ["seed=1"]), "finetune", start=Path("runs/set/good/pretrain"))
    assert started.name.startswith(f"{name}-from-")
    assert started == job_folder(read_experiment(good, ["seed=1"]), "finetune", start=Path("runs/set/good/pretrain"))
    assert started != job_folder(read_experiment(good, ["seed=1"]), "finetune", start=Path("runs/set/good/other"))
    monkeypatch.setenv("FUSION_RUNS", "/elsewhere")
    assert folder(job="pretrain") == Path("/elsewhere/set/good/pretrain")


def test_a_config_outside_configs_is_named_by_its_stem(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert job_folder(read_experiment(path), "finetune") == Path("runs/mine/finetune")


def test_the_config_that_manifest_writes_is_named_after_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "clips" / "experiment.yaml"
    path.parent.mkdir()
    path.write_text(GOOD, encoding="utf-8")
    assert job_folder(read_experiment(path), "finetune") == Path("runs/clips/finetune")
