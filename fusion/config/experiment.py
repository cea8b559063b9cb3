"""From a config file and overrides to a checked experiment."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from fusion.catalog.options import pydantic_problems
from fusion.config.checking import (
    component_problems,
    copy_problems,
    leak_problems,
    places,
    row_problems,
    section_problems,
    training_problems,
)
from fusion.config.files import configs_folder, parsed, read_mapping
from fusion.config.merging import merged, nested_override
from fusion.config.models import Experiment
from fusion.contract.errors import ComponentError, ConfigError, Problem

if TYPE_CHECKING:
    from fusion.catalog import Catalog


@dataclass(frozen=True)
class LoadedExperiment:
    """An experiment with where it came from.

    Args:
        experiment: The typed settings, every component's options written out.
        data: The same as JSON values: ``Experiment.model_validate(data)`` gives the experiment again.
        source: The config file.
        overrides: What was given on top of it, as written.
    """

    experiment: Experiment
    data: dict[str, Any]
    source: Path
    overrides: tuple[str, ...] = ()


def read_experiment(
    path: Path | str, overrides: Sequence[str] = (), *, catalog: Catalog | None = None
) -> LoadedExperiment:
    """Read, complete and check a config, before any work.

    Args:
        path: YAML file; see ``fusion.config.files`` for ``inherits``.
        overrides: ``a.b.c=value``, values in YAML, digits reaching into lists; laid over the file together, so that
            their order does not matter. ``null`` takes a key back to its default.
        catalog: Where components are known; the process's own unless given.

    Raises:
        InputMissing: There is no such file.
        ConfigError: With every problem found, each with its key's path.
    """
    from fusion.catalog import catalog as process_catalog

    path = Path(path)
    known = process_catalog() if catalog is None else catalog
    data, problems = _overridden(read_mapping(path), overrides)
    loaded = _checked(data, problems, str(path), known)
    return LoadedExperiment(loaded, loaded.model_dump(mode="json"), path, tuple(overrides))


def experiment_from(data: Mapping[str, Any], source: str, *, catalog: Catalog | None = None) -> Experiment:
    """Check an experiment's plain data, such as a run has stored; raises as ``read_experiment`` does."""
    from fusion.catalog import catalog as process_catalog

    return _checked(copy.deepcopy(dict(data)), [], source, process_catalog() if catalog is None else catalog)


def job_folder(loaded: LoadedExperiment, job: str, *, start: Path | None = None) -> Path:
    """The run's folder below FUSION_RUNS (else ``runs``), named after the config, the job, the overrides and the start.

    ``configs/java_sed/voice.yaml`` and the job ``finetune`` give ``runs/java_sed/voice/finetune``; overrides add eight
    hexadecimal digits of their hash, whatever their order: the same ones resume the run, others are another run. So
    does another run to start from.
    Outside a ``configs`` folder a config called ``experiment.yaml``, as ``fusion manifest`` writes it, takes its
    folder's name: ``clips/experiment.yaml`` gives ``runs/clips/finetune``.
    """
    base = Path(os.environ.get("FUSION_RUNS") or "runs")
    source = loaded.source.resolve()
    folder = configs_folder(source)
    stem = source.parent.name if source.stem == "experiment" else source.stem
    name = source.relative_to(folder).with_suffix("") if folder is not None else Path(stem)
    suffix = _overrides_suffix(loaded.overrides)
    if start is not None:
        suffix += f"-from-{hashlib.sha256(str(start.resolve()).encode()).hexdigest()[:8]}"
    return base / name / (job + suffix)


def _overrides_suffix(overrides: Sequence[str]) -> str:
    if not overrides:
        return ""
    document, _ = _override_document(overrides)
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=False, default=str)
    return "-" + hashlib.sha256(canonical.encode()).hexdigest()[:8]


def _override_document(overrides: Sequence[str]) -> tuple[dict[str, Any], list[Problem]]:
    """All overrides as one mapping, later ones winning."""
    document: dict[str, Any] = {}
    problems = []
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not all(key.split(".")):
            problems.append(Problem(override, "an override is written a.b.c=value"))
            continue
        try:
            document = merged(document, nested_override(key, parsed(text)))
        except yaml.YAMLError as error:
            problems.append(Problem(key, f"{text!r} is no YAML value: {getattr(error, 'problem', error)}"))
    return document, problems


def _overridden(data: dict[str, Any], overrides: Sequence[str]) -> tuple[dict[str, Any], list[Problem]]:
    document, problems = _override_document(overrides)
    for key, value in document.items():
        try:
            data = merged(data, {key: value})
        except IndexError as error:
            problems.append(Problem(key, f"override reaches outside a list: {error}"))
    return data, problems


def _checked(data: dict[str, Any], problems: list[Problem], source: str, catalog: Catalog) -> Experiment:
    data = _without_nulls(data)
    problems = list(problems)
    wrong = {place.key: component_problems(place, catalog) for place in list(places(data))}
    for messages in wrong.values():
        problems += messages
    problems += training_problems(data)
    problems += section_problems(data, catalog)
    if not wrong.get("protocol"):
        try:
            problems += leak_problems(data, catalog)
        except ComponentError as error:
            problems.append(Problem("protocol.name", str(error)))
    try:
        experiment = Experiment.model_validate(data)
    except ValidationError as error:
        problems += pydantic_problems(error, Experiment)
        raise ConfigError(source, _in_order(problems)) from None
    problems += row_problems(
        experiment.fusion,
        tuple(experiment.streams),
        experiment.headline,
        tuned=experiment.finetune.joint.epochs > 0,
    )
    problems += copy_problems(experiment, catalog)
    if problems:
        raise ConfigError(source, _in_order(problems))
    return experiment


def _without_nulls(data: dict[str, Any]) -> dict[str, Any]:
    """The data without the keys that ``null`` takes back: those whose setting has no value null."""
    data = copy.deepcopy(data)
    try:
        Experiment.model_validate(data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            if detail["input"] is None and detail["type"] != "extra_forbidden":
                _remove(data, detail["loc"])
    return data


def _remove(data: Any, path: Sequence[int | str]) -> None:
    """Remove the first key along the path whose value is null."""
    for part in path:
        if isinstance(data, dict) and part in data:
            if data[part] is None:
                del data[part]
                return
            data = data[part]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return


def _in_order(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda problem: [_natural(part) for part in problem.key.split(".")])


def _natural(part: str) -> tuple[int, str]:
    return (int(part), "") if part.isdigit() else (-1, part)
