"""Finding plugins and asking each for its components, so that one plugin's failure never harms another.

pluggy's fan-out stops at the first exception, so every plugin gets a manager of its own: it is loaded, validated
and called alone, and taken whole or not at all.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import pluggy

from fusion.catalog.deprecated import Uses, specify_deprecated, with_deprecated
from fusion.catalog.faults import told
from fusion.catalog.requirement import excluding, normalised
from fusion.catalog.single_files import PluginFile, import_plugin_file
from fusion.contract import hooks
from fusion.contract.errors import ComponentError, FusionError

OWN_DISTRIBUTION = "avfusion"

#: By hook, the kind of component that it announces.
HOOK_KINDS: Mapping[str, str] = {
    "register_modalities": "modality",
    "register_decoders": "decoder",
    "register_detectors": "detector",
    "register_transforms": "transform",
    "register_augmentations": "augmentation",
    "register_encoders": "encoder",
    "register_heads": "head",
    "register_aggregators": "aggregator",
    "register_objectives": "objective",
    "register_corpora": "corpus",
    "register_targets": "target",
    "register_protocols": "protocol",
    "register_commands": "command",
}
KINDS: tuple[str, ...] = tuple(HOOK_KINDS.values())

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Registration:
    """One component as a plugin announced it.

    Args:
        kind: Kind of component (one of ``KINDS``).
        name: Name in configs.
        target: ``package.module:Class``.
        options: ``package.module:Dataclass``, or None where it has none.
        modality: The modality it is for, if it is for one only.
        summary: One line for listings.
        plugin: Name of the plugin (its entry point).
        distribution: Name of the distribution that installs it, or of the single file that it is in.
        version: Version of that distribution, or of the file.
        examples: ``package.module:function`` that makes the cases it is checked with, or None.
    """

    kind: str
    name: str
    target: str
    options: str | None
    modality: str | None
    summary: str
    plugin: str
    distribution: str
    version: str
    examples: str | None = None


@dataclass(frozen=True)
class PluginState:
    """What became of one plugin.

    Args:
        name: Name of its entry point.
        version: Version of its distribution; empty where none is installed.
        distribution: Name of its distribution; empty where none is installed.
        offers: By kind, the names it registered; of a failed plugin, those that were withdrawn.
        state: ``ok``, ``failed`` (see ``error``) or ``blocked`` (by an environment variable).
        error: Why it is not available, and what to do, in one sentence.
    """

    name: str
    version: str
    distribution: str
    offers: Mapping[str, tuple[str, ...]]
    state: Literal["ok", "failed", "blocked"]
    error: str | None = None


@dataclass(frozen=True)
class Choice:
    """Which plugins to load: the environment's answer.

    Args:
        only: Names to load besides ``engine``; None for all.
        blocked: Names never to load.
    """

    only: frozenset[str] | None = None
    blocked: frozenset[str] = frozenset()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Choice:
        """FUSION_PLUGINS and FUSION_BLOCK, each a list of plugin names separated by commas."""
        only = environment.get("FUSION_PLUGINS")
        return cls(None if only is None else _names(only) | {"engine"}, _names(environment.get("FUSION_BLOCK", "")))

    def refuses(self, name: str) -> str | None:
        """Why a plugin is not to be loaded, or None."""
        if name in self.blocked:
            return "blocked by FUSION_BLOCK"
        if self.only is not None and name not in self.only:
            return "not among the plugins that FUSION_PLUGINS chooses"
        return None


@dataclass
class _Candidate:
    """An entry point with what its distribution says of itself, or a single file; nothing is imported yet."""

    entry_point: importlib.metadata.EntryPoint
    distribution: str
    version: str
    requires: Sequence[str]
    file: PluginFile | None = None

    @property
    def remedy(self) -> str:
        """What to do where it is broken."""
        return f"reinstall or remove {self.distribution}" if self.file is None else "mend it, or leave --plugin out"


@dataclass
class Found:
    """Everything discovery found: registrations by (kind, name), the state of every plugin, and the single files."""

    registrations: dict[tuple[str, str], Registration] = field(default_factory=dict)
    plugins: list[PluginState] = field(default_factory=list)
    files: tuple[PluginFile, ...] = ()


def own_distributions() -> dict[str, dict[str, list[str]]]:
    """Our distributions in order, each with the names it offers by kind: for remedies, installed or not."""
    text = Path(__file__).parent.with_name("distributions.json").read_text(encoding="utf-8")
    content: dict[str, dict[str, list[str]]] = json.loads(text)
    return content


def discover(choice: Choice, files: Sequence[PluginFile] = ()) -> Found:
    """Load every chosen plugin, ours first, then others by distribution and name, and single files last.

    Args:
        choice: Which of the installed plugins to load.
        files: Plugins that somebody asked for by name, and that must therefore work.

    Raises:
        ComponentError: A file fails. An installed plugin never makes this raise.
    """
    found = Found(files=tuple(files))
    seen: dict[str, str] = {}
    for candidate in _candidates():
        name = candidate.entry_point.name
        if name in seen:
            error = f"the plugin name '{name}' is taken by {seen[name]}; rename the entry point"
            found.plugins.append(PluginState(name, candidate.version, candidate.distribution, {}, "failed", error))
            continue
        seen[name] = candidate.distribution
        refusal = choice.refuses(name)
        if refusal is not None:
            found.plugins.append(PluginState(name, candidate.version, candidate.distribution, {}, "blocked", refusal))
        else:
            _take(candidate, found)
    for name in sorted((choice.only or frozenset()) - seen.keys()):
        error = "FUSION_PLUGINS names it, but no installed distribution has a plugin of this name"
        found.plugins.append(PluginState(name, "", "", {}, "failed", error))
    for file in files:
        _take_file(file, seen, choice, found)
    return found


def _take_file(file: PluginFile, seen: dict[str, str], choice: Choice, found: Found) -> None:
    where = str(file.path)
    if file.name in seen:
        raise ComponentError(
            f"the plugin name '{file.name}' is taken by {seen[file.name]}", where=where, remedy="rename the file"
        )
    if file.name in choice.blocked:
        raise ComponentError("is blocked by FUSION_BLOCK", where=where, remedy="leave --plugin out")
    seen[file.name] = where
    entry_point = importlib.metadata.EntryPoint(file.name, file.name, hooks.ENTRY_POINTS)
    _take(_Candidate(entry_point, file.path.name, file.version, (), file), found)
    state = found.plugins[-1]
    if state.error is not None:
        raise ComponentError(state.error, where=where)
    if not state.offers:
        raise ComponentError(
            "registers nothing",
            where=where,
            remedy="write a function such as register_encoders with @hookimpl above it",
        )


def listed() -> list[PluginState]:
    """Every installed plugin in order, before anything of it is imported; ``offers`` is empty, ``state`` is ok."""
    return [
        PluginState(candidate.entry_point.name, candidate.version, candidate.distribution, {}, "ok")
        for candidate in _candidates()
    ]


def _names(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _candidates() -> list[_Candidate]:
    """All entry points of the group. Only the distributions that have the group are parsed: most have not."""
    order = {normalised(name): place for place, name in enumerate(own_distributions())}
    found: dict[str, list[_Candidate]] = {}
    for distribution in importlib.metadata.distributions():
        text = distribution.read_text("entry_points.txt")
        if not text or f"[{hooks.ENTRY_POINTS}]" not in text.replace(" ", ""):
            continue
        metadata = distribution.metadata  # parsed anew by every access, so only once
        name = metadata["Name"]
        if name is None or normalised(name) in found:
            continue  # the first on the path is the one that imports find
        found[normalised(name)] = [
            _Candidate(entry_point, name, metadata["Version"], metadata.get_all("Requires-Dist") or ())
            for entry_point in distribution.entry_points
            if entry_point.group == hooks.ENTRY_POINTS
        ]

    def place(candidate: _Candidate) -> tuple[int, str, bool, str]:
        key = normalised(candidate.distribution)
        name = candidate.entry_point.name
        return order.get(key, len(order)), key, name != "engine", name

    return sorted((candidate for group in found.values() for candidate in group), key=place)


def _take(candidate: _Candidate, found: Found) -> None:
    """Load one plugin and take its registrations, all or none."""
    announced: dict[tuple[str, str], Registration] = {}
    error: str | None = None
    try:
        _check_version(candidate)
        with redirect_stdout(sys.stderr):  # answers for programs go to standard output
            _ask(_manager(_imported(candidate), candidate), candidate, announced, found.registrations)
    except FusionError as failure:
        error = str(failure)
    if error is None:
        found.registrations.update(announced)
    elif announced:
        error += f" (withdrawn with it: {', '.join(name for _, name in announced)})"
    offers: dict[str, tuple[str, ...]] = {}
    for kind, name in announced:
        offers[kind] = (*offers.get(kind, ()), name)
    found.plugins.append(
        PluginState(
            candidate.entry_point.name,
            candidate.version,
            candidate.distribution,
            offers,
            "ok" if error is None else "failed",
            error,
        )
    )


def _check_version(candidate: _Candidate) -> None:
    if candidate.file is not None or normalised(candidate.distribution) == OWN_DISTRIBUTION:
        return
    ours = importlib.metadata.version(OWN_DISTRIBUTION)
    refused = excluding(candidate.requires, OWN_DISTRIBUTION, ours)
    if refused is not None:
        raise ComponentError(
            f"it needs another contract version: {OWN_DISTRIBUTION}{refused}, and {ours} is installed",
            remedy=f"install a release of {candidate.distribution} for contract version {hooks.CONTRACT_VERSION}",
        )


def _imported(candidate: _Candidate) -> Any:
    try:
        return candidate.entry_point.load() if candidate.file is None else import_plugin_file(candidate.file)
    except FusionError:
        raise
    except (Exception, SystemExit) as cause:
        raise ComponentError(f"it fails at import: {told(cause)}", remedy=candidate.remedy) from cause


def _manager(plugin: Any, candidate: _Candidate) -> pluggy.PluginManager:
    """A manager with this plugin alone, its hooks validated against the specifications."""
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    specify_deprecated(manager)
    try:
        manager.register(plugin, candidate.entry_point.name)
    except (Exception, SystemExit) as cause:
        # pluggy names the plugin, the hook, its definition and the argument, in several lines
        message = " ".join(str(cause).split()) or type(cause).__name__
        raise ComponentError(
            f"its hook has a wrong signature: {message}", remedy="see the hooks' reference for the arguments"
        ) from cause
    for hook in with_deprecated(HOOK_KINDS):
        if callable(getattr(plugin, hook, None)) and manager.parse_hookimpl_opts(plugin, hook) is None:
            raise ComponentError(f"{hook} is not marked as a hook", remedy="write @hookimpl above it")
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as cause:
        unknown = next(name for name in vars(manager.hook) if name not in with_deprecated(HOOK_KINDS))
        close = get_close_matches(unknown, HOOK_KINDS, 1)
        remedy = f"did you mean '{close[0]}'?" if close else f"the hooks are {', '.join(HOOK_KINDS)}"
        raise ComponentError(f"there is no hook '{unknown}'", remedy=remedy) from cause
    return manager


def _ask(
    manager: pluggy.PluginManager,
    candidate: _Candidate,
    announced: dict[tuple[str, str], Registration],
    taken: Mapping[tuple[str, str], Registration],
) -> None:
    """Call the plugin's hooks; what it announces is checked at once, so that an error points at its line."""
    uses = Uses(candidate.entry_point.name, candidate.distribution)
    for hook, kind in with_deprecated(HOOK_KINDS).items():
        uses.hook(manager, hook)

        def register(
            name: str,
            target: str,
            *,
            options: str | None = None,
            modality: str | None = None,
            summary: str = "",
            examples: str | None = None,
            kind: str = kind,
            **others: Any,
        ) -> None:
            if others:
                current = uses.current(others, options=options, modality=modality, summary=summary, examples=examples)
                register(name, target, kind=kind, **current)
                return
            _check_registration(kind, name, {"target": target, "options": options, "examples": examples}, modality)
            holder = taken.get((kind, name)) or announced.get((kind, name))
            if holder is not None:
                raise ComponentError(
                    f"the {kind} '{name}' is taken by {holder.plugin} of {holder.distribution}",
                    remedy="register it under another name",
                )
            announced[kind, name] = Registration(
                kind, name, target, options, modality, summary,
                candidate.entry_point.name, candidate.distribution, candidate.version, examples,
            )  # fmt: skip

        try:
            getattr(manager.hook, hook)(register=register)
        except FusionError:
            raise
        except (Exception, SystemExit) as cause:
            raise ComponentError(
                f"it fails while registering ({hook}): {told(cause)}", remedy=candidate.remedy
            ) from cause


def _check_registration(kind: str, name: str, paths: Mapping[str, str | None], modality: str | None) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ComponentError(
            f"a {kind} cannot be named {name!r}", remedy="names are lower case letters, digits and underscores"
        )
    for what, path in paths.items():
        if path is not None and (not isinstance(path, str) or not _TARGET.fullmatch(path)):
            raise ComponentError(f"{what} of the {kind} '{name}' is {path!r}", remedy="write 'package.module:Name'")
    if kind == "encoder" and modality is None:
        raise ComponentError(f"the encoder '{name}' names no modality", remedy="register it with modality=")


def failures(plugins: Iterable[PluginState]) -> list[PluginState]:
    """The plugins that failed."""
    return [plugin for plugin in plugins if plugin.state == "failed"]
