"""A trained model as a folder: weights as safetensors, everything else as JSON, and a card for people."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fusion.catalog import Catalog
from fusion.catalog.single_files import described, require_files
from fusion.config.models import Component, Experiment, LabelledComponent, StreamSettings
from fusion.contract import ComponentError, Fitted, Need, RunError, media_kind
from fusion.heads.model import SingleStream, StreamModel, stream_specs
from fusion.inference.card import model_card
from fusion.inference.described import StreamDescription, build_stream, input_from_json, input_to_json
from fusion.inference.files import read_json, read_state, write_atomic, write_json, write_state

#: Version of the layout of a model's folder.
MODEL_FORMAT = 1
WEIGHTS = "weights.safetensors"
DESCRIPTION = "model.json"


@dataclass(frozen=True)
class CheckpointContent:
    """What a trained model consists of."""

    experiment: Experiment
    streams: Mapping[str, StreamModel]
    descriptions: Mapping[str, StreamDescription]
    head: nn.Module
    head_component: LabelledComponent | None
    row: str
    names: tuple[str, ...]
    prior: Sequence[float]
    temperature: float
    aggregation: Fitted
    training: Mapping[str, Any]
    notes: str


@dataclass(frozen=True)
class Checkpoint:
    """A model read back, its networks in evaluation mode."""

    folder: Path
    description: Mapping[str, Any]
    experiment: Experiment
    streams: Mapping[str, StreamModel]
    fitted: Mapping[str, Fitted]
    head: nn.Module
    names: tuple[str, ...]
    temperature: float
    aggregation: Fitted


def write_checkpoint(folder: Path, content: CheckpointContent, catalog: Catalog) -> None:
    """Write a model's folder; the description is written last and names the hash of the weights."""
    experiment = content.experiment
    streams = {name: experiment.streams[name] for name in content.streams}
    write_state(
        folder / WEIGHTS,
        {
            "streams": {name: model.state_dict() for name, model in content.streams.items()},
            "fitted": {name: dict(description.fitted) for name, description in content.descriptions.items()},
            "head": content.head.state_dict(),
            "aggregation": dict(content.aggregation),
        },
    )
    requires = _requirements(streams, content.head_component, experiment, catalog)
    description = {
        "format": MODEL_FORMAT,
        "avfusion": metadata.version("avfusion"),
        "written": time.strftime("%Y-%m-%d"),
        "row": content.row,
        "target": catalog.resolved("target", experiment.target),
        "names": list(content.names),
        "window": experiment.window.model_dump(mode="json"),
        "aggregator": catalog.resolved("aggregator", experiment.aggregator),
        "protocol": catalog.resolved("protocol", experiment.protocol),
        "corpus": experiment.corpus.name,
        "head": None if content.head_component is None else content.head_component.model_dump(mode="json"),
        "streams": {
            name: {
                "settings": _portable_settings(settings, content.streams[name].encoder),
                "input": input_to_json(content.descriptions[name].input),
            }
            for name, settings in streams.items()
        },
        "prior": list(content.prior),
        "temperature": content.temperature,
        "training": dict(content.training),
        "requires": requires,
        "plugins": described(file for file in catalog.files if file.path.name in requires),
        "sha256": {WEIGHTS: _sha256(folder / WEIGHTS)},
    }
    write_json(folder / DESCRIPTION, description)
    write_atomic(folder / "README.md", model_card(description, content.notes).encode())


def _portable_settings(settings: StreamSettings, encoder: nn.Module) -> dict[str, Any]:
    """What inference needs of a stream's settings, free of files that the encoder was built from."""
    values: dict[str, Any] = settings.model_dump(mode="json", exclude={"weights", "training", "augmentations"})
    portable = getattr(encoder, "portable", None)
    if portable is not None:
        values["encoder"] = {"name": settings.encoder.name, **portable}
    return values


def change_temperature(folder: Path, temperature: float) -> None:
    """Replace a model's temperature."""
    description = read_json(folder / DESCRIPTION)
    write_json(folder / DESCRIPTION, {**description, "temperature": temperature})


def read_checkpoint(folder: Path, catalog: Catalog) -> Checkpoint:
    """Load a model.

    Raises:
        RunError: The folder holds no model, one of a newer version, or one whose weights were changed.
        ComponentError: A plugin that the model needs is not installed; says which to install.
    """
    description = _read_description(folder)
    _check_requirements(description, catalog)
    try:
        return _build(folder, description, catalog)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(
            f"{DESCRIPTION} is damaged ({type(error).__name__}: {' '.join(str(error).split())[:120]})",
            where=str(folder),
            remedy="copy the folder again from its source",
        ) from error


def _read_description(folder: Path) -> dict[str, Any]:
    """A model's description, after the checks of version and weights."""
    if not (folder / DESCRIPTION).exists():
        raise RunError("holds no model", where=str(folder), remedy="name a run's fold or final model")
    description = read_json(folder / DESCRIPTION)
    again = "copy the folder again from its source"
    if not isinstance(description, dict) or not isinstance(description.get("format"), int):
        raise RunError(f"{DESCRIPTION} describes no model", where=str(folder), remedy=again)
    if description["format"] > MODEL_FORMAT:
        raise RunError(
            f"was written by a newer version of avfusion ({description.get('avfusion')})",
            where=str(folder),
            remedy="upgrade avfusion",
        )
    if not (folder / WEIGHTS).is_file():
        raise RunError(f"lacks {WEIGHTS}", where=str(folder), remedy="copy the whole folder again")
    if description.get("sha256", {}).get(WEIGHTS) != _sha256(folder / WEIGHTS):
        raise RunError(f"{WEIGHTS} is not the file that was saved with this model", where=str(folder), remedy=again)
    return description


def _build(folder: Path, description: Mapping[str, Any], catalog: Catalog) -> Checkpoint:
    experiment = _experiment(description)
    state = read_state(folder / WEIGHTS)
    names = tuple(description["names"])
    streams = {}
    for name, settings in experiment.streams.items():
        spec = input_from_json(description["streams"][name]["input"])
        model = build_stream(settings, spec, names, catalog, address=(0, "checkpoint", name))
        _load(model, state["streams"][name], folder, description)
        streams[name] = model.eval()
    specs = stream_specs(streams)
    head: nn.Module
    if description["head"] is None:
        head = SingleStream(specs)
    else:
        component = LabelledComponent.model_validate(description["head"])
        with torch.random.fork_rng(devices=[]):
            head = catalog.build("head", {"name": component.name, **component.options}, specs, len(names))
    _load(head, state["head"], folder, description)
    return Checkpoint(
        folder,
        description,
        experiment,
        streams,
        state["fitted"],
        head.eval(),
        names,
        float(description["temperature"]),
        state["aggregation"],
    )


def _load(module: nn.Module, state: Mapping[str, Any], folder: Path, description: Mapping[str, Any]) -> None:
    try:
        module.load_state_dict(dict(state))
    except RuntimeError:
        versions = ", ".join(f"{name} {version}" for name, version in description["requires"].items())
        raise RunError(
            "its weights do not fit the installed networks",
            where=str(folder),
            remedy=f"install what it was saved with: {versions}",
        ) from None


def _experiment(description: Mapping[str, Any]) -> Experiment:
    """The part of the experiment that inference needs."""
    streams = {
        name: StreamSettings.model_validate(stream["settings"]) for name, stream in description["streams"].items()
    }
    return Experiment.model_validate(
        {
            "corpus": {"name": description["corpus"]},
            "target": description["target"],
            "window": description["window"],
            "streams": streams,
            "aggregator": description["aggregator"],
            "protocol": description["protocol"],
            "leaking": True,
        }
    )


def _requirements(
    streams: Mapping[str, StreamSettings], head: LabelledComponent | None, experiment: Experiment, catalog: Catalog
) -> dict[str, str]:
    """Distributions and single files, with versions, of the model's components and of those that options name."""
    used: list[tuple[str, Component, str | None]] = [
        ("target", experiment.target, None),
        ("aggregator", experiment.aggregator, None),
    ]
    if head is not None:
        used.append(("head", head, None))
    for settings in streams.values():
        used.append(("modality", settings.modality, None))
        used += [("transform", transform, None) for transform in settings.transforms]
        used.append(("encoder", settings.encoder, settings.modality.name))
        needs: Mapping[str, Need] = catalog.build("modality", settings.modality).needs
        decoders = {media_kind(kind) for kind in needs} & set(catalog.names("decoder"))
        used += [("decoder", Component(name=kind), None) for kind in sorted(decoders)]
    found: dict[str, str] = {}
    for kind, component, modality in used:
        # A step that is listed under transforms may be an augmentation, which models do without.
        if component.name in catalog.names(kind, modality):
            for registration in catalog.involved(kind, component, modality=modality):
                found[registration.distribution] = registration.version
    return dict(sorted(found.items()))


def _check_requirements(description: Mapping[str, Any], catalog: Catalog) -> None:
    """Every distribution that the model's components came from must be there, with a loaded plugin.

    One of several is enough: a component of another one is asked for, and reported, when it is built.
    """
    files = description.get("plugins", {})
    require_files(files, catalog.files, "this model")
    plugins = {plugin.distribution: plugin for plugin in sorted(catalog.plugins, key=lambda p: p.state == "ok")}
    missing = []
    for name, version in description.get("requires", {}).items():
        if name in files:
            continue
        plugin = plugins.get(name)
        if plugin is None:
            missing.append(f"{name}=={version}")
        elif plugin.state != "ok":
            raise ComponentError(
                f"needs {name}, which is installed, but its plugin '{plugin.name}' is {plugin.state}: {plugin.error}",
                where="this model",
                remedy="`fusion plugins list` shows all",
            )
    if missing:
        raise ComponentError(
            f"needs {' and '.join(missing)}, which is not installed",
            where="this model",
            remedy=f"pip install {' '.join(missing)}",
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
