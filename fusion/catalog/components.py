"""The catalog: every component by kind and name, made from its validated options."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from fusion.catalog.discovery import (
    KINDS,
    Choice,
    Found,
    PluginState,
    Registration,
    discover,
    failures,
    own_distributions,
)
from fusion.catalog.faults import guarded, told
from fusion.catalog.single_files import read_plugin_file
from fusion.contract.components import NoOptions
from fusion.contract.errors import ComponentError, ConfigError, Problem
from fusion.contract.examples import Example

if TYPE_CHECKING:
    from fusion.config.models import Component

    ComponentLike: TypeAlias = Component | Mapping[str, Any] | str
else:
    ComponentLike = Any


#: Single-file plugins that the command line asked for.
_asked: tuple[Path, ...] = ()


def catalog(*, strict: bool | None = None, files: Sequence[Path] | None = None) -> Catalog:
    """The catalog of this process, built on first use from the installed plugins.

    Args:
        strict: Whether a failed plugin is an error; FUSION_STRICT=1 in the environment unless given.
        files: Python files that are plugins too; those of the command line (``--plugin``) unless given.

    Raises:
        ComponentError: In strict mode, where any plugin failed; where one of the files fails.
        InputMissing: One of the files is not there.
    """
    found = _catalog(_asked if files is None else tuple(files))
    if os.environ.get("FUSION_STRICT", "0") not in {"", "0"} if strict is None else strict:
        found.require_whole()
    return found


@contextmanager
def with_plugin_files(files: Sequence[Path]) -> Iterator[None]:
    """Let ``catalog()`` include these single-file plugins meanwhile."""
    global _asked  # noqa: PLW0603 - the catalog is the process's, and so is this
    before, _asked = _asked, tuple(files)
    try:
        yield
    finally:
        _asked = before


@functools.cache
def engine_catalog() -> Catalog:
    """The engine's own components: nothing of any other plugin is imported."""
    return Catalog(discover(Choice(frozenset({"engine"}))))


@functools.cache
def _catalog(files: tuple[Path, ...]) -> Catalog:
    distinct = {path.resolve(): path for path in files}
    return Catalog(discover(Choice.from_environment(), [read_plugin_file(path) for path in distinct.values()]))


class Catalog:
    """All components that the installed plugins announced.

    Args:
        found: What discovery found.
    """

    def __init__(self, found: Found) -> None:
        self._registrations = found.registrations
        self.plugins: Sequence[PluginState] = tuple(found.plugins)
        #: The single-file plugins among them.
        self.files = found.files

    def require_whole(self) -> None:
        """Raise ComponentError if any plugin failed, with every reason."""
        failed = failures(self.plugins)
        if failed:
            reasons = "; ".join(f"plugin '{plugin.name}': {plugin.error}" for plugin in failed)
            raise ComponentError(reasons, where="strict mode", remedy="or unset FUSION_STRICT")

    def names(self, kind: str, modality: str | None = None) -> tuple[str, ...]:
        """Sorted names of a kind; with a modality, only those that are for it or for any."""
        return tuple(
            sorted(
                registration.name
                for registration in self._of(kind)
                if modality is None or registration.modality in {None, modality}
            )
        )

    def announced(self, kind: str) -> tuple[str, ...]:
        """Names of a kind in the order in which the plugins announced them."""
        return tuple(registration.name for registration in self._of(kind))

    def registrations(self, kind: str) -> tuple[Registration, ...]:
        """Everything of a kind, in the order in which the plugins announced it."""
        return tuple(self._of(kind))

    def find(self, kind: str, name: str, *, modality: str | None = None) -> Registration:
        """The registration of a name; with a modality, it must be for that one (or for any).

        Raises:
            ComponentError: There is none; the message suggests a name, or the distribution that installs it.
        """
        registration = self._registrations.get((kind, name))
        if registration is not None and (modality is None or registration.modality in {None, modality}):
            return registration
        raise ComponentError(self._unknown(kind, name, modality))

    def options(self, kind: str, name: str, values: Mapping[str, Any], *, modality: str | None = None) -> Any:
        """The component's options, validated: an instance of its dataclass.

        Fields that name another component hold its name with every option resolved.

        Raises:
            ComponentError: The component is unknown, or its options' module fails to load.
            ConfigError: With every problem, keys relative to the component.
        """
        registration = self.find(kind, name, modality=modality)
        instance, problems = self.validate(registration, values)
        if problems:
            raise ConfigError(f"{kind} '{name}'", problems)
        return instance

    def validate(self, registration: Registration, values: Mapping[str, Any]) -> tuple[Any, list[Problem]]:
        """As ``options``, but the problems of the values are returned: ``(instance, [])`` or ``(None, problems)``."""
        from fusion.catalog.options import nested, validated

        cls = self.options_class(registration)
        fields = nested(cls)
        problems: list[Problem] = []
        given = dict(values)
        defaults = {field.name: field.default for field in dataclasses.fields(cls)}
        for field, kind in fields.items():
            name, inner = _split(given.get(field, defaults[field]))
            try:
                found = self.find(kind, name)
            except ComponentError as error:
                problems.append(Problem(f"{field}.name", error.what))
                given.pop(field, None)
                continue
            instance, inner_problems = self.validate(found, inner)
            problems += [Problem(f"{field}.{p.key}".rstrip("."), p.message) for p in inner_problems]
            if instance is not None:
                given[field] = {"name": name, **self.dumped(found, instance)}
        instance, own_problems = validated(cls, given, registration.name)
        problems += own_problems
        return (None, problems) if problems else (instance, [])

    def resolved(self, kind: str, component: ComponentLike) -> dict[str, Any]:
        """``{"name": ..., every option with its value}`` as JSON values."""
        name, values = _split(component)
        return {"name": name, **self.dumped(self.find(kind, name), self.options(kind, name, values))}

    def load(self, kind: str, name: str, *, modality: str | None = None) -> Any:
        """The component's class (of a command: its function), imported now.

        Raises:
            ComponentError: Unknown, or its module fails to load.
        """
        registration = self.find(kind, name, modality=modality)
        return _imported(registration.target, registration)

    def examples(self, registration: Registration, folder: Path) -> Sequence[Any]:
        """The examples that a component is to be checked with, made now; ``folder`` is theirs to write to.

        Raises:
            ComponentError: Their module fails to load. Whatever else their function raises is handed on.
        """
        if registration.examples is None:
            return (Example(),)
        return tuple(_imported(registration.examples, registration)(folder))

    def build(self, kind: str, component: ComponentLike, *args: Any, modality: str | None = None) -> Any:
        """An instance: ``Class(options, *args)``, with the components that its options name built first.

        Raises:
            ComponentError: The component is unknown or fails to load.
            ConfigError: Its options are wrong.
        """
        from fusion.catalog.options import nested

        name, values = _split(component)
        options = self.options(kind, name, values, modality=modality)
        inner = {field: self.build(other, getattr(options, field)) for field, other in nested(type(options)).items()}
        if inner:
            options = dataclasses.replace(options, **inner)
        cls, registration = self.load(kind, name, modality=modality), self.find(kind, name, modality=modality)
        with guarded(
            f"the {kind} '{name}' of {registration.distribution} cannot be built", remedy="look at its options"
        ):
            return cls(options, *args)

    def involved(self, kind: str, component: ComponentLike, *, modality: str | None = None) -> list[Registration]:
        """The registrations of a component and of those that its options name, at any depth.

        Raises:
            ComponentError: One of them is unknown.
            ConfigError: Options are wrong.
        """
        from fusion.catalog.options import nested

        name, values = _split(component)
        options = self.options(kind, name, values, modality=modality)
        found = [self.find(kind, name, modality=modality)]
        for field, other in nested(type(options)).items():
            found += self.involved(other, getattr(options, field))
        return found

    def identity(self, kind: str, component: ComponentLike) -> dict[str, Any]:
        """What decides a component's output, as JSON values: the material of store keys.

        Its name, resolved options (of nested components: their identity), the class's ``version`` (None if it has
        none), its distribution's name, and for a component that is a single top-level file that file's sha256.
        """
        from fusion.catalog.options import nested

        name, values = _split(component)
        registration = self.find(kind, name)
        options = self.options(kind, name, values)
        resolved = self.dumped(registration, options)
        for field, other in nested(type(options)).items():
            resolved[field] = self.identity(other, resolved[field])
        identity = {
            "name": name,
            "options": resolved,
            "version": getattr(self.load(kind, name), "version", None),
            "distribution": registration.distribution,
        }
        single = _single_file(registration.target.partition(":")[0])
        if single is not None:
            import hashlib

            identity["file"] = hashlib.sha256(single.read_bytes()).hexdigest()
        return identity

    def _of(self, kind: str) -> list[Registration]:
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no kind of component; the kinds are {', '.join(KINDS)}")
        return [registration for (own, _), registration in self._registrations.items() if own == kind]

    def options_class(self, registration: Registration) -> type:
        """The dataclass of a component's options, imported now.

        Raises:
            ComponentError: Its module fails to load, or it is no dataclass.
        """
        if registration.options is None:
            return NoOptions
        cls = _imported(registration.options, registration)
        if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
            raise ComponentError(
                f"options of {registration.kind} '{registration.name}' are no dataclass",
                where=registration.options,
                remedy=f"report it to the authors of {registration.distribution}",
            )
        return cls

    def dumped(self, registration: Registration, options: Any) -> dict[str, Any]:
        """Validated options as JSON values."""
        from fusion.catalog.options import adapter

        dumped: dict[str, Any] = adapter(self.options_class(registration)).dump_python(options, mode="json")
        return dumped

    def _unknown(self, kind: str, name: str, modality: str | None) -> str:
        """One sentence: what is not there, and the likeliest remedy."""
        names = self.names(kind, modality)
        article = "an" if kind[0] in "aeiou" else "a"
        what = f"'{name}' is no {kind}" + (f" for {modality}" if modality else "")
        other = self._registrations.get((kind, name))
        if other is not None:
            return f"{what} but one for {other.modality}   (installed: {', '.join(names) or 'none'})"
        for plugin in self.plugins:
            if plugin.state == "failed" and name in plugin.offers.get(kind, ()):
                return f"{what}: plugin '{plugin.name}' of {plugin.distribution} would offer it, but {plugin.error}"
        for distribution, offers in own_distributions().items():
            if name in offers.get(kind, ()):
                return f"{what} that is available: {self._how_to_get(distribution)}"
        close = get_close_matches(name, names, 1)
        suggestion = f"; did you mean '{close[0]}'?" if close else ""
        if names:
            listed = f"   (installed: {', '.join(names)})"
        else:
            providers = [d for d, offers in own_distributions().items() if offers.get(kind)]
            listed = f"; install {article} {kind} with pip install {' or '.join(providers)}" if providers else ""
        failed = [plugin.name for plugin in failures(self.plugins)]
        broken = f"; these plugins failed: {', '.join(failed)} (see fusion plugins list)" if failed else ""
        return f"{what}{suggestion}{listed}{broken}"

    def _how_to_get(self, distribution: str) -> str:
        states = [plugin for plugin in self.plugins if plugin.distribution == distribution]
        for plugin in states:
            if plugin.state != "ok":
                return f"{distribution} is installed, but its plugin '{plugin.name}' is {plugin.state}: {plugin.error}"
        if states:
            return f"pip install --upgrade {distribution}"
        return f"pip install {distribution}"


def _split(component: ComponentLike) -> tuple[str, dict[str, Any]]:
    """A component's name and its options as written."""
    if isinstance(component, str):
        return component, {}
    if isinstance(component, Mapping):
        values = dict(component)
        name = values.pop("name", None)
        if not isinstance(name, str):
            raise ComponentError("a component is named by 'name'", where=repr(dict(component)))
        return name, values
    return component.name, component.options


def _imported(path: str, registration: Registration) -> Any:
    """The object at ``package.module:Name``."""
    module, _, attribute = path.partition(":")
    try:
        with redirect_stdout(sys.stderr):  # answers for programs go to standard output
            return getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as cause:
        raise ComponentError(
            f"the {registration.kind} '{registration.name}' fails to load from {path}: {told(cause)}",
            remedy=f"reinstall {registration.distribution} with what it requires",
        ) from cause


def _single_file(module: str) -> Path | None:
    """The file of a top-level module that is no package: its whole code is that file."""
    if "." in module:
        return None
    loaded = importlib.import_module(module)
    if hasattr(loaded, "__path__") or loaded.__file__ is None:
        return None
    return Path(loaded.__file__)
