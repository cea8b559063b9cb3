"""Every hook is called, announces its kind, and stands in the reference; the generated pages are current."""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
import pytest

from fusion.catalog.discovery import HOOK_KINDS
from fusion.contract import CONTRACT_VERSION, hooks

pytestmark = pytest.mark.light

ROOT = Path(__file__).parents[2]

#: By hook, what a plugin announces with it: the arguments, and the kind and name that the catalog must then know.
ANNOUNCED: dict[str, tuple[tuple[str, str], dict[str, str], str]] = {
    "register_modalities": (("pulse", "pulse.modality:Pulse"), {}, "modality"),
    "register_decoders": (("heartbeat", "pulse.decoder:Heartbeat"), {}, "decoder"),
    "register_detectors": (("profile", "pulse.detector:Profile"), {"options": "pulse.options:Profile"}, "detector"),
    "register_transforms": (("smooth", "pulse.smooth:Smooth"), {"summary": "a moving mean"}, "transform"),
    "register_augmentations": (("jitter", "pulse.jitter:Jitter"), {"modality": "pulse"}, "augmentation"),
    "register_encoders": (("pulse_gru", "pulse.encoder:GRU"), {"modality": "pulse"}, "encoder"),
    "register_heads": (("product", "pulse.product:Product"), {}, "head"),
    "register_aggregators": (("median", "pulse.median:Median"), {}, "aggregator"),
    "register_objectives": (("triplet", "pulse.triplet:Triplet"), {}, "objective"),
    "register_corpora": (("wards", "pulse.wards:Wards"), {}, "corpus"),
    "register_targets": (("stress", "pulse.stress:Stress"), {}, "target"),
    "register_protocols": (("by_ward", "pulse.protocol:ByWard"), {}, "protocol"),
    "register_commands": (("listen", "pulse.listen:add"), {"summary": "Listen."}, "command"),
}


def _specifications() -> list[str]:
    marker = f"{hooks.PROJECT}_spec"
    return [name for name, value in vars(hooks).items() if inspect.isfunction(value) and hasattr(value, marker)]


def _generator() -> ModuleType:
    specification = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs/generate.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_every_hook_has_a_test_here_and_a_kind() -> None:
    assert sorted(_specifications()) == sorted(ANNOUNCED)
    assert sorted(_specifications()) == sorted(HOOK_KINDS)


@pytest.mark.parametrize("hook", ANNOUNCED)
def test_hook_is_called_once_and_announces_its_kind(hook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    from fusion.catalog import discovery

    arguments, keywords, kind = ANNOUNCED[hook]
    calls: list[str] = []
    plugin = ModuleType("pulse_plugin")

    def implementation(register: Any) -> None:
        calls.append(hook)
        register(*arguments, **keywords)

    setattr(plugin, hook, hooks.hookimpl(implementation))
    monkeypatch.setitem(sys.modules, "pulse_plugin", plugin)
    entry_point = EntryPoint("pulse", "pulse_plugin", hooks.ENTRY_POINTS)
    candidate = discovery._Candidate(entry_point, "fusion-pulse", "2.5", ["avfusion>=1,<2"])
    monkeypatch.setattr(discovery, "_candidates", lambda: [candidate])

    found = discovery.discover(discovery.Choice())

    assert calls == [hook]
    assert [(plugin.name, plugin.state, plugin.error) for plugin in found.plugins] == [("pulse", "ok", None)]
    assert list(found.registrations) == [(kind, arguments[0])]
    registration = found.registrations[kind, arguments[0]]
    assert registration.target == arguments[1]
    assert registration.options == keywords.get("options")
    assert registration.modality == keywords.get("modality")
    assert registration.summary == keywords.get("summary", "")
    assert (registration.distribution, registration.version) == ("fusion-pulse", "2.5")


@pytest.mark.parametrize("hook", ANNOUNCED)
def test_hook_stands_in_the_reference_and_says_when_it_is_called(hook: str) -> None:
    page = (ROOT / "docs/plugins/hooks.md").read_text(encoding="utf-8")
    assert f"\n## {hook}\n" in page
    assert (getattr(hooks, hook).__doc__ or "").startswith("Called when ")


def test_generated_files_are_current() -> None:
    stale = [str(path.relative_to(ROOT)) for path in _generator().stale()]
    assert stale == [], "run python docs/generate.py"


def test_contract_version_is_the_major_version_of_the_distribution() -> None:
    from importlib.metadata import version

    assert version("avfusion").split(".")[0] == str(CONTRACT_VERSION)


def test_specifications_are_valid_for_pluggy() -> None:
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    for name in ANNOUNCED:
        specification = getattr(manager.hook, name).spec
        assert specification is not None
        assert specification.argnames == ("register",)


@pytest.mark.parametrize("module", ["fusion", "fusion.contract", "fusion.catalog", "fusion.cli.app"])
def test_module_is_light(module: str) -> None:
    heavy = ["torch", "pydantic", "numpy", "av", "cv2", "transformers", "yaml"]
    code = f"import {module}, sys; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    "plugin", ["fusion_video", "fusion_spectrogram", "fusion_text", "fusion_features", "contrastive"]
)
def test_plugins_are_light(plugin: str) -> None:
    pytest.importorskip(plugin)
    heavy = ["torch", "pydantic", "numpy", "av", "cv2", "transformers", "yaml", "noisereduce", "torchaudio"]
    code = f"import {plugin}.plugin, sys; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
