"""Checks of every component: its registration, its options, its examples, its imports."""

from __future__ import annotations

import dataclasses
import json
import typing
from typing import Any

from fusion.catalog import KINDS
from fusion.contract import Example, FusionError
from fusion.testing.importing import imports_of
from fusion.testing.kit import RULES, Case, Fault, NotApplicable, Subject, check

_VERSIONED = ("modality", "decoder", "detector", "transform")


@check(*KINDS, remedy="move work, downloads and seeds into functions that are called on use", needs=(), whole=True)
def imports_quietly(subject: Subject) -> None:
    """Importing its modules opens no connection, writes no file, starts nothing and draws no random number."""
    report = imports_of(subject.registration.plugin, subject.bench)
    for module, found in report.modules.items():
        if module not in _modules(subject):
            continue
        if found.error is not None:
            raise Fault(f"importing {module} fails: {found.error}", "mend the import, or require what it needs")
        if found.deeds:
            raise Fault(f"importing {module} {found.deeds[0]}")


@check(*KINDS, remedy="keep options in a module of their own that imports nothing heavy", needs=("imports_quietly",),
       whole=True)  # fmt: skip
def options_are_light(subject: Subject) -> None:
    """Its plugin's module and its options' module import none of the heavy packages, so that configs are read fast."""
    if subject.registration.plugin in {file.name for file in subject.bench.catalog.files}:
        raise NotApplicable("a plugin in one file has its options beside the rest")
    report = imports_of(subject.registration.plugin, subject.bench)
    options = subject.registration.options
    # Reading a config imports pydantic in any case.
    for module, allowed in ((report.plugin, set[str]()), (options.partition(":")[0] if options else "", {"pydantic"})):
        heavy = sorted(set(report.modules[module].heavy) - allowed) if module in report.modules else []
        if heavy:
            raise Fault(f"importing {module} imports {', '.join(heavy)}")


@check(*KINDS, remedy="register it with summary='one line for listings'", needs=(), whole=True)
def has_a_summary(subject: Subject) -> None:
    """Listings can say in one line what it is."""
    if not subject.registration.summary.strip():
        raise Fault("it has no summary")


@check(*KINDS, remedy="annotate the field with what it takes, as in: bands: int = 64", needs=("imports_quietly",),
       whole=True)  # fmt: skip
def options_are_validated(subject: Subject) -> None:
    """Its options are a frozen dataclass whose every field says what it takes, so that all else is refused."""
    cls = subject.bench.catalog.options_class(subject.registration)
    if not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise Fault(f"its options {cls.__name__} can be changed after validation", "write @dataclass(frozen=True)")
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if "component" not in field.metadata and hints[field.name] in (Any, object):
            raise Fault(f"its option {field.name} takes anything, so nothing about it is checked")


@check(*KINDS, remedy="correct the example", needs=("options_are_validated",), whole=True)
def examples_are_usable(subject: Subject) -> None:
    """Its examples' options are valid, survive being written as JSON, and name checks that exist."""
    catalog = subject.bench.catalog
    names = [example.name for example in subject.examples]
    if len(set(names)) < len(names):
        raise Fault("two of its examples have one name", "give each Example a name of its own")
    for example in subject.examples:
        unknown = sorted(example.known_failures.keys() - RULES[subject.kind].keys())
        if unknown:
            raise Fault(f"its example writes down failures of {unknown[0]}, which is no check of this kind")
        _check_options(subject, catalog, example)


def _check_options(subject: Subject, catalog: Any, example: Example) -> None:
    try:
        options = catalog.options(subject.kind, subject.name, example.options)
    except FusionError as error:
        remedy = "register it with examples= and give Example.options that it can be checked with"
        raise Fault(f"options {dict(example.options)} are refused: {' '.join(str(error).split())}", remedy) from error
    written = catalog.dumped(subject.registration, options)
    try:
        again = catalog.options(subject.kind, subject.name, json.loads(json.dumps(written)))
    except (FusionError, TypeError, ValueError) as error:
        raise Fault(
            f"its resolved options cannot be read back: {' '.join(str(error).split())}",
            "let options hold JSON values, tuples and dataclasses of these",
        ) from error
    if catalog.dumped(subject.registration, again) != written:
        raise Fault("its resolved options change when they are written and read back", "let options hold JSON values")


@check(*_VERSIONED, remedy="write version = 1 in the class, and raise it when the output changes")
def has_a_version(case: Case) -> None:
    """What it makes is stored under its version, an integer of the class."""
    version = getattr(case.catalog.load(case.subject.kind, case.subject.name), "version", None)
    if type(version) is not int:
        raise Fault("it has no version" if version is None else f"its version is {version!r}, no integer")


def _modules(subject: Subject) -> set[str]:
    registration = subject.registration
    paths = (registration.target, registration.options, registration.examples)
    report = imports_of(registration.plugin, subject.bench)
    return {path.partition(":")[0] for path in paths if path} | {report.plugin}
