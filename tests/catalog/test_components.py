from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from fusion.catalog import Catalog, PluginState, Registration, catalog
from fusion.catalog.discovery import Found
from fusion.config.models import Component
from fusion.contract import ComponentError, ConfigError, NoOptions, component

pytestmark = pytest.mark.light


@dataclass(frozen=True)
class Edge:
    width: int = 1


@dataclass(frozen=True, slots=True)
class CropOptions:
    size: tuple[int, int] = (60, 100)
    edge: Edge = field(default_factory=Edge)
    finder: Any = component("detector", "round")  # noqa: RUF009 - a field, not a value


@dataclass(frozen=True)
class RoundOptions:
    minimum: float = 0.1


class Crop:
    version = 3

    def __init__(self, options: CropOptions, *arguments: object) -> None:
        self.options, self.arguments = options, arguments


class Round:
    version = 2

    def __init__(self, options: RoundOptions) -> None:
        self.options = options


class Plain:
    def __init__(self, options: NoOptions) -> None:
        self.options = options


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Catalog:
    package, module = ModuleType("stranger"), ModuleType("stranger.parts")
    package.__path__ = []
    for cls in (Crop, CropOptions, Round, RoundOptions, Plain):
        setattr(module, cls.__name__, cls)
    monkeypatch.setitem(sys.modules, "stranger", package)
    monkeypatch.setitem(sys.modules, "stranger.parts", module)
    found = Found()
    for kind, name, target, options, modality in (
        ("transform", "crop", "Crop", "CropOptions", None),
        ("detector", "round", "Round", "RoundOptions", None),
        ("detector", "plain", "Plain", None, None),
        ("encoder", "cnn3d", "Plain", None, "video"),
        ("encoder", "lstm", "Plain", None, "text"),
        ("encoder", "x3d_s", "Plain", None, "video"),
    ):
        found.registrations[kind, name] = Registration(
            kind,
            name,
            f"stranger.parts:{target}",
            f"stranger.parts:{options}" if options else None,
            modality,
            "",
            "stranger",
            "stranger",
            "1",
        )
    found.plugins.append(PluginState("broken", "1", "broken-dist", {"head": ("lost",)}, "failed", "it is broken"))
    return Catalog(found)


def test_names_by_kind_and_modality(small: Catalog) -> None:
    assert small.names("encoder") == ("cnn3d", "lstm", "x3d_s")
    assert small.names("encoder", "video") == ("cnn3d", "x3d_s")
    with pytest.raises(ValueError, match="is no kind"):
        small.names("encoders")


def test_an_unknown_name_is_answered_with_the_nearest(small: Catalog) -> None:
    with pytest.raises(ComponentError) as caught:
        small.find("encoder", "cnn3", modality="video")
    assert str(caught.value) == "'cnn3' is no encoder for video; did you mean 'cnn3d'?   (installed: cnn3d, x3d_s)" + (
        "; these plugins failed: broken (see fusion plugins list)"
    )


def test_an_encoder_of_another_modality_is_refused(small: Catalog) -> None:
    with pytest.raises(ComponentError, match="'lstm' is no encoder for video but one for text"):
        small.find("encoder", "lstm", modality="video")


def test_a_component_of_a_failed_plugin_gives_its_reason(small: Catalog) -> None:
    with pytest.raises(ComponentError, match=r"plugin 'broken' of broken-dist would offer it, but it is broken"):
        small.find("head", "lost")


def test_a_component_of_ours_names_the_distribution_that_installs_it(small: Catalog) -> None:
    with pytest.raises(
        ComponentError, match="'log_mel' is no transform that is available: pip install avfusion-spectr"
    ):
        small.find("transform", "log_mel")


def test_options_are_typed_and_nested_components_resolved(small: Catalog) -> None:
    options = small.options("transform", "crop", {"size": [30, 40], "finder": {"name": "round", "minimum": 1}})
    assert isinstance(options, CropOptions)
    assert options.size == (30, 40)
    assert options.finder == {"name": "round", "minimum": 1.0}


def test_every_problem_with_options_is_reported_at_once(small: Catalog) -> None:
    with pytest.raises(ConfigError) as caught:
        small.options(
            "transform",
            "crop",
            {"size": ["a", 2], "siez": 3, "edge": {"widht": 2}, "finder": {"name": "round", "minimun": 2}},
        )
    assert {(problem.key, problem.message) for problem in caught.value.problems} == {
        ("", "unknown option 'siez' of crop; did you mean 'size'?"),
        ("edge", "unknown key 'widht'; did you mean 'width'?"),
        ("finder", "unknown option 'minimun' of round; did you mean 'minimum'?"),
        ("size.0", "input should be a valid integer, unable to parse string as an integer, not 'a'"),
    }


def test_an_unknown_nested_component_is_a_problem_of_its_field(small: Catalog) -> None:
    with pytest.raises(ConfigError) as caught:
        small.options("transform", "crop", {"finder": "rund"})
    (problem,) = caught.value.problems
    assert problem.key == "finder.name"
    assert "did you mean 'round'?" in problem.message


def test_a_component_without_options_takes_none(small: Catalog) -> None:
    assert small.options("detector", "plain", {}) == NoOptions()
    with pytest.raises(ConfigError, match="unknown option 'size' of plain"):
        small.options("detector", "plain", {"size": 1})


@pytest.mark.parametrize("form", ["crop", {"name": "crop"}, Component(name="crop")])
def test_components_are_built_from_any_form_with_their_nested_ones(small: Catalog, form: Any) -> None:
    built = small.build("transform", form, "more", 3)
    assert isinstance(built, Crop)
    assert isinstance(built.options.finder, Round)
    assert built.options.finder.options == RoundOptions(0.1)
    assert built.arguments == ("more", 3)


def test_resolved_holds_every_option_as_json_values(small: Catalog) -> None:
    assert small.resolved("transform", {"name": "crop", "size": [1, 2]}) == {
        "name": "crop",
        "size": [1, 2],
        "edge": {"width": 1},
        "finder": {"name": "round", "minimum": 0.1},
    }


def test_identity_changes_with_options_versions_and_nested_components(small: Catalog, monkeypatch: Any) -> None:
    def identity(**options: Any) -> dict[str, Any]:
        return small.identity("transform", {"name": "crop", **options})

    first = identity()
    assert first["version"] == 3
    assert first["distribution"] == "stranger"
    assert first["options"]["finder"]["version"] == 2
    assert identity(size=[60, 100]) == first, "a default written out is no other component"
    assert identity(size=[60, 101]) != first
    assert identity(finder={"name": "round", "minimum": 0.2}) != first
    monkeypatch.setattr(Round, "version", 4)
    assert identity() != first
    assert small.identity("detector", "plain")["version"] is None


def test_the_process_has_one_catalog_with_our_plugins_only() -> None:
    assert catalog() is catalog()
    ours = {"avfusion", "avfusion-video", "avfusion-spectrogram", "avfusion-text", "avfusion-features"}
    assert {plugin.distribution for plugin in catalog().plugins if plugin.state == "ok"} <= ours


def test_the_options_of_everything_installed_are_read_without_anything_heavy() -> None:
    code = """
import sys
from fusion.catalog import KINDS, catalog
for kind in KINDS:
    for name in catalog().names(kind):
        instance, problems = catalog().validate(catalog().find(kind, name), {})
        asked = all(p.message.startswith(("required", "give path")) for p in problems)
        assert instance is not None or asked, (name, problems)
heavy = ("torch", "numpy", "av", "cv2", "transformers", "noisereduce", "torchaudio")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stdout + done.stderr
