"""The runs that a table of leakage is made from: each an ordinary run of the config with other settings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from fusion.catalog import Catalog
from fusion.config.checking import TUNED
from fusion.config.experiment import LoadedExperiment, job_folder, read_experiment
from fusion.config.models import Experiment
from fusion.contract import ConfigError, Problem
from fusion.leakage.settings import Leakage, Switch

#: What the command and its section are called.
NAME = "leakage"


class Half(StrEnum):
    """How clips are split, from honest to all that a paper lets cross."""

    honest = "whole speakers apart"
    speakers = "speakers shared: clips split at random"
    pieces = "pieces split at random"
    copies = "pieces, repetitions and augmented copies split at random"

    @property
    def leaking(self) -> bool:
        """Whether its scores are of known people."""
        return self is not Half.honest


@dataclass(frozen=True)
class Condition:
    """What distinguishes the runs of a table.

    Args:
        half: How clips are split.
        test: The share that is tested.
        switch: The change of the recipe; None for the recipe itself.
    """

    half: Half
    test: float
    switch: str | None = None


@dataclass(frozen=True)
class Cell:
    """One run.

    Args:
        condition: What it is done under.
        rows: By system, the row of the run's table that it is.
        loaded: The experiment.
        run: Where it lies.
        trained: The run whose streams it joins; None where it trains its streams.
    """

    condition: Condition
    rows: Mapping[str, str]
    loaded: LoadedExperiment
    run: Path
    trained: Path | None = None

    @property
    def label(self) -> str:
        """For people."""
        condition = self.condition
        what = "" if condition.switch is None else f", {condition.switch}"
        return f"{', '.join(self.rows)}; {size_name(condition.test)}, {condition.half.value}{what}"


def size_name(test: float) -> str:
    """``90-10`` for 0.1."""
    return f"{100 - 100 * test:g}-{100 * test:g}"


@dataclass(frozen=True)
class Grid:
    """All runs of a config's table.

    Args:
        source: The config.
        overrides: On top of it, for all runs.
    """

    source: Path
    overrides: tuple[str, ...] = ()

    def settings(self, catalog: Catalog) -> Leakage:
        """The config's section, with what it names checked against the rest.

        Raises:
            ConfigError: There is no section, or it does not fit the streams, the head or the target.
        """
        experiment = read_experiment(self.source, self.overrides, catalog=catalog).experiment
        if not experiment.leakage:
            problem = Problem(NAME, "name the systems to score, such as systems: {voice: [voice]}")
            raise ConfigError(str(self.source), [problem])
        settings = catalog.validate(catalog.find("command", NAME), experiment.leakage)[0]
        assert isinstance(settings, Leakage)
        problems = [*_stream_problems(settings, experiment), *_switch_problems(settings, experiment)]
        if any(len(own) > 1 for own in settings.systems.values()) and len(experiment.fusion) > 1:
            problems.append(Problem("fusion", "streams of a system are joined by one head; name one"))
        target = catalog.build("target", experiment.target)
        if target.kind != "single" or not target.names:
            problems.append(Problem("target", "leakage is measured by how often one class of several is found"))
        if experiment.copies is not None:
            problems.append(Problem("copies", "the runs of the table set it themselves; leave it out"))
        if experiment.training_corpora:
            problems.append(Problem("training_corpora", "both halves use the same clips; leave it out"))
        if problems:
            raise ConfigError(str(self.source), problems)
        return settings

    def cells(self, catalog: Catalog) -> list[Cell]:
        """Every run; those that train streams stand before those that join them."""
        settings = self.settings(catalog)
        cells: list[Cell] = []
        for test in settings.test:
            for half in (Half.copies, Half.honest):
                cells += self._of(settings, settings.systems, Condition(half, test), catalog)
        for half in (Half.speakers, Half.pieces):
            cells += self._of(settings, settings.systems, Condition(half, settings.at), catalog)
        chosen = {} if settings.switched is None else {settings.switched: settings.systems[settings.switched]}
        for switch in settings.switches:
            for half in (Half.copies, Half.honest):
                cells += self._of(settings, chosen, Condition(half, settings.at, switch), catalog)
        return cells

    def _of(
        self, settings: Leakage, systems: Mapping[str, Sequence[str]], condition: Condition, catalog: Catalog
    ) -> list[Cell]:
        """The run that trains all streams of some systems, and one for each system that joins several of them."""
        used = list(dict.fromkeys(stream for own in systems.values() for stream in own))
        given = [*self.overrides, f"{NAME}=null", "headline=null"]
        whole = read_experiment(self.source, given, catalog=catalog).experiment
        given += _without(whole, used)
        experiment = recipe = read_experiment(self.source, given, catalog=catalog).experiment
        if condition.switch is not None:
            given += _switched(experiment, settings.switches[condition.switch])
            experiment = read_experiment(self.source, given, catalog=catalog).experiment
        given += _split(experiment, settings, condition.half, condition.test)
        if condition.half is Half.copies:
            # With fewer copies, each is seen more often: a switch does not change how long is trained.
            given.append(_set("window.per_clip", (1 + len(_augmented(recipe))) // (1 + len(_augmented(experiment)))))
        alone = {name: own[0] for name, own in systems.items() if len(own) == 1}
        training = [*given, "finetune.joint.epochs=0", 'fusion=[{"name": "late_average"}]']
        loaded = read_experiment(self.source, training, catalog=catalog)
        streams = Cell(condition, alone, loaded, job_folder(loaded, "finetune"))
        cells = [streams]
        row = TUNED if experiment.finetune.joint.epochs else experiment.fusion[0].row
        for name, own in systems.items():
            if len(own) > 1:
                joined = [*given, *_without(experiment, own), *_from(streams.run, own)]
                loaded = read_experiment(self.source, joined, catalog=catalog)
                cells.append(Cell(condition, {name: row}, loaded, job_folder(loaded, "finetune"), streams.run))
        return cells


def _stream_problems(settings: Leakage, experiment: Experiment) -> list[Problem]:
    known = ", ".join(experiment.streams)
    return [
        Problem(f"{NAME}.systems.{name}", f"there is no stream '{stream}'   (streams: {known})")
        for name, own in settings.systems.items()
        for stream in own
        if stream not in experiment.streams
    ]


def _switch_problems(settings: Leakage, experiment: Experiment) -> list[Problem]:
    if settings.switched is None:
        return []
    own = [experiment.streams[name] for name in settings.systems[settings.switched] if name in experiment.streams]
    if len(own) < len(settings.systems[settings.switched]):
        return []  # which steps an unknown stream has, nobody knows
    known = dict.fromkeys(step.name for stream in own for step in (*stream.transforms, *stream.augmentations))
    steps = f"(steps: {', '.join(known)})"
    return [
        Problem(f"{NAME}.switches.{name}.leave_out", f"no stream of {settings.switched} has '{step}'   {steps}")
        for name, switch in settings.switches.items()
        for step in switch.leave_out
        if step not in known
    ]


def _split(experiment: Experiment, settings: Leakage, half: Half, test: float) -> list[str]:
    """What sets a half's protocol, and for copies that nothing else balances or augments."""
    shares = {"test": test, "validation": settings.validation}
    if half is Half.honest:
        return [_set("protocol", {"name": "speaker_draws", **shares, "draws": settings.draws})]
    protocol = _set("protocol", {"name": "random", **shares, "draws": settings.leaking_draws})
    seconds = experiment.window.seconds
    pieces: dict[str, Any] = {} if seconds == "clip" else {"pieces": str(seconds)}
    if half is Half.speakers:
        return [protocol, "leaking=true"]
    if half is Half.pieces:
        drawn = [] if settings.per_piece is None else [_set("window.per_clip", settings.per_piece)]
        return [protocol, "leaking=true", _set("copies", pieces), *drawn]
    return [
        protocol,
        "leaking=true",
        _set("copies", {**pieces, "repeat": True, "augmentations": _augmented(experiment)}),
        "finetune.balance=none",
        *(
            _set(f"streams.{name}.augmentations", [_always(one.model_dump()) for one in stream.augmentations])
            for name, stream in experiment.streams.items()
            if stream.augmentations
        ),
    ]


def _augmented(experiment: Experiment) -> list[str]:
    """Names of all augmentations, each of which makes a copy."""
    return list(dict.fromkeys(one.name for stream in experiment.streams.values() for one in stream.augmentations))


def _always(component: Mapping[str, Any]) -> dict[str, Any]:
    """An augmentation that changes every row it is given."""
    return {**component, "chance": 1.0} if "chance" in component else dict(component)


def _switched(experiment: Experiment, switch: Switch) -> list[str]:
    changed = [] if switch.window is None else ["window.seconds=clip"]
    for name, stream in experiment.streams.items():
        for key in ("transforms", "augmentations"):
            steps = getattr(stream, key)
            kept = [step for step in steps if step.name not in switch.leave_out]
            if len(kept) < len(steps):
                changed.append(_set(f"streams.{name}.{key}", [step.model_dump() for step in kept]))
    return changed


def _without(experiment: Experiment, used: Sequence[str]) -> list[str]:
    return [f"streams.{name}=null" for name in experiment.streams if name not in used]


def _from(run: Path, streams: Sequence[str]) -> list[str]:
    """Streams as another run has trained them."""
    return [
        one
        for name in streams
        for one in (_set(f"streams.{name}.weights", str(run)), f"streams.{name}.training.epochs=0")
    ]


def _set(key: str, value: Any) -> str:
    return f"{key}={json.dumps(value)}"
