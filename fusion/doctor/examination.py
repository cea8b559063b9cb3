"""The whole examination: what there is, and what is wrong with it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fusion.catalog.discovery import OWN_DISTRIBUTION, Choice, PluginState, listed, own_distributions
from fusion.catalog.requirement import named, normalised
from fusion.contract import CONTRACT_VERSION
from fusion.doctor.fitting import owner_troubles, requirement_troubles, trio_troubles
from fusion.doctor.probing import Probed, probe
from fusion.doctor.problem import Trouble

#: Distributions whose versions are shown besides those of plugins.
PACKAGES = (
    "avfusion", "torch", "torchvision", "torchaudio", "numpy", "scipy", "scikit-learn", "av", "opencv-python-headless",
    "opencv-python", "transformers", "pytorchvideo", "noisereduce", "safetensors", "pyarrow", "pydantic", "pluggy",
    "typer", "rich",
)  # fmt: skip
VARIABLES = ("DATA", "PLUGINS", "BLOCK", "STRICT", "RUNS", "STORE", "TRACEBACK")
#: Free bytes of a disk below which jobs are likely to fail.
_LITTLE = 2**30
#: Seconds that torch and PyAV may take to load: on a cold disk torch alone may need half a minute.
_LIBRARY = 120.0
#: Plugins that are looked at side by side.
_BESIDE = 4


@dataclass(frozen=True)
class Report:
    """What an examination found.

    Args:
        facts: JSON values by section.
        troubles: What is wrong.
    """

    facts: Mapping[str, Any]
    troubles: Sequence[Trouble]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"ok": not self.troubles, **self.facts, "problems": [asdict(trouble) for trouble in self.troubles]}


def examine(*, seconds: float, files: Sequence[Path] = ()) -> Report:
    """Look at everything; never raises for what it looks at.

    Args:
        seconds: How long each plugin may take to load, in a process of its own.
        files: Single-file plugins to look at as well.
    """
    installed = {
        normalised(distribution.metadata["Name"]): distribution
        for distribution in reversed(list(importlib.metadata.distributions()))
        if distribution.metadata["Name"]
    }
    versions = {name: distribution.version for name, distribution in installed.items()}
    plugins, troubles = _plugins(seconds, files)
    shown = [*PACKAGES, *(plugin["distribution"] for plugin in plugins)]
    facts: dict[str, Any] = {
        "contract": CONTRACT_VERSION,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {name: versions[normalised(name)] for name in dict.fromkeys(shown) if normalised(name) in versions},
        "variables": {
            f"FUSION_{name}": os.environ[f"FUSION_{name}"] for name in VARIABLES if f"FUSION_{name}" in os.environ
        },
        "plugins": plugins,
    }
    trio = trio_troubles(versions)
    troubles += trio
    facts["devices"], found = _asked("devices", "torch", quiet=bool(trio))
    troubles += found
    facts["codecs"], found = _asked("codecs", "PyAV")
    troubles += [*found, *_missing_codecs(facts["codecs"])]
    facts["folders"] = _folders()
    troubles += _short_of_disk(facts["folders"])
    used = {plugin["distribution"] for plugin in plugins if plugin["state"] != "blocked"} | set(own_distributions())
    # what a plugin requires of the engine is looked at where it is loaded
    required = {
        name: [one for one in installed[normalised(name)].requires or () if named(one) != OWN_DISTRIBUTION]
        for name in sorted(used)
        if normalised(name) in installed
    }
    troubles += requirement_troubles(required, versions)
    troubles += owner_troubles((d.metadata["Name"], [str(path) for path in d.files or ()]) for d in installed.values())
    troubles += _shadowed()
    return Report(facts, troubles)


def _plugins(seconds: float, files: Sequence[Path]) -> tuple[list[dict[str, Any]], list[Trouble]]:
    choice = Choice.from_environment()
    states = listed()
    # entry points of one name: the first is loaded, the others are not
    first = {state.name: state for state in reversed(states)}

    def ask(state: PluginState) -> dict[str, Any]:
        refusal = choice.refuses(state.name)
        if refusal is not None:
            return {**asdict(state), "state": "blocked", "error": refusal, "prints": False}
        if first[state.name] is not state:
            error = f"the plugin name '{state.name}' is taken by {first[state.name].distribution}"
            return {**asdict(state), "state": "failed", "error": error, "prints": False}
        return _state(state, probe("plugin", [state.name], seconds=seconds))

    def ask_file(path: Path) -> dict[str, Any]:
        return _state(PluginState(path.stem, "", str(path), {}, "ok"), probe("file", [str(path)], seconds=seconds))

    with ThreadPoolExecutor(_BESIDE) as pool:
        found = [*pool.map(ask, states), *pool.map(ask_file, files)]
    named = {state.name for state in states}
    for name in sorted((choice.only or frozenset()) - named):
        error = "FUSION_PLUGINS names it, but no installed distribution has a plugin of this name"
        found.append({**asdict(PluginState(name, "", "", {}, "failed", error)), "prints": False})
    _take_names(found)
    return found, list(_plugin_troubles(found))


def _state(state: PluginState, probed: Probed) -> dict[str, Any]:
    if probed.failure is not None:
        answer = {**asdict(state), "state": "failed", "error": f"it {probed.failure} when it is loaded"}
    else:
        answer = dict(probed.answer)
    return {**answer, "prints": probed.printed}


def _take_names(found: Sequence[dict[str, Any]]) -> None:
    """Each was loaded beside the engine alone: names that two of them register go to the first."""
    holders: dict[tuple[str, str], str] = {}
    for plugin in found:
        if plugin["state"] != "ok":
            continue
        names = [(kind, name) for kind, group in plugin["offers"].items() for name in group]
        taken = next((one for one in names if one in holders), None)
        if taken is not None:
            kind, name = taken
            plugin.update(state="failed", error=f"the {kind} '{name}' is taken by {holders[taken]}")
        else:
            holders.update(dict.fromkeys(names, plugin["name"]))


def _plugin_troubles(found: Sequence[Mapping[str, Any]]) -> Iterator[Trouble]:
    for plugin in found:
        who = f"plugin '{plugin['name']}'" + (f" of {plugin['distribution']}" if plugin["distribution"] else "")
        if plugin["state"] == "failed":
            what, _, remedy = str(plugin["error"]).partition("; ")
            block = f"keep it out with FUSION_BLOCK={plugin['name']}"
            yield Trouble(f"{who}: {what}", f"{remedy}, or {block}" if remedy else block)
        elif plugin["prints"]:
            yield Trouble(f"{who} prints when it is loaded", "report it to its authors")


def _asked(question: str, who: str, *, quiet: bool = False) -> tuple[Any, list[Trouble]]:
    """An answer about a library; quiet where it is known already why there is none."""
    probed = probe(question, seconds=_LIBRARY)
    if probed.failure is None or quiet:
        return probed.answer, []
    return None, [Trouble(f"{who} does not load: it {probed.failure}", "reinstall it as constraints.txt has it")]


def _missing_codecs(codecs: Mapping[str, Any] | None) -> list[Trouble]:
    if codecs is None:
        return []
    missing = [f"read {name}" for name, there in codecs["read"].items() if not there]
    missing += [f"write {name}" for name, there in codecs["written"].items() if not there]
    if not missing:
        return []
    return [Trouble(f"PyAV's build cannot {', '.join(missing)}", "pip install --force-reinstall --only-binary av av")]


def _folders() -> dict[str, dict[str, Any]]:
    """Where runs and features go, and how much room there is."""
    found = {}
    for what, path in (
        ("runs", Path(os.environ.get("FUSION_RUNS") or "runs")),
        ("store", Path(os.environ.get("FUSION_STORE") or ".fusion/store")),
    ):
        there = next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())
        found[what] = {
            "path": str(path),
            "exists": path.exists(),
            "writable": os.access(there, os.W_OK),
            "free_gigabytes": round(shutil.disk_usage(there).free / 2**30, 1),
        }
    return found


def _short_of_disk(folders: Mapping[str, Mapping[str, Any]]) -> Iterator[Trouble]:
    for what, folder in folders.items():
        remedy = f"name another folder with FUSION_{what.upper()}"
        if not folder["writable"]:
            yield Trouble(f"the folder of the {what} ({folder['path']}) cannot be written", remedy)
        elif folder["free_gigabytes"] * 2**30 < _LITTLE:
            yield Trouble(f"{folder['free_gigabytes']} GB are free for the {what} ({folder['path']})", remedy)


def _shadowed() -> Iterator[Trouble]:
    """Whether ``contrastive`` is ours: a stranger's distribution on the index has the same import name."""
    ours = Path(sys.modules["fusion"].__file__ or "").parents[1]
    spec = importlib.util.find_spec("contrastive")
    if spec is not None and spec.origin is not None and Path(spec.origin).parents[1] != ours:
        yield Trouble(
            f"'contrastive' is imported from {Path(spec.origin).parent}, and avfusion's lies in {ours}",
            "uninstall the other distribution of this import name",
        )
