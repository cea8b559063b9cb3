"""Golden outputs: what versioned components put out, kept in a file of the plugin's package."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fusion.contract import ENTRY_POINTS, ComponentError, Row
from fusion.testing.golden import changed, rewrite
from fusion.testing.kit import Case, Fault, NotApplicable, Subject, check
from fusion.testing.randomness import undisturbed

if TYPE_CHECKING:
    from fusion.testing.collecting import Check

_KINDS = ("transform", "detector", "decoder", "modality")


class Golden(Protocol):
    """A case that knows what its component puts out."""

    def golden(self) -> tuple[Mapping[str, int], Row]:
        """The versions that decide an output, and the output."""
        ...


@check(*_KINDS, remedy="raise version in its class, then keep the new output",
       needs=("has_a_version", "is_deterministic"), whole=True)  # fmt: skip
def output_is_the_kept_one(subject: Subject) -> None:
    """Its output is the one that was kept under its version; stored features are found by it."""
    file = golden_file(subject)
    command = f"fusion plugins check {subject.registration.plugin} --golden"
    if file is None or not file.is_file():
        raise NotApplicable(f"its plugin keeps no golden outputs (they are kept by {command})")
    for example in subject.examples:
        case: Golden = subject.case(example)
        problem = changed(file, _name(case), *case.golden(), remedy=f"keep the new output with {command}")
        if problem is not None:
            raise Fault(problem.partition("; ")[0], problem.partition("; ")[2])


def golden_file(subject: Subject) -> Path | None:
    """``plugin.golden.json`` beside the module ``plugin`` that the entry point names."""
    given = subject.bench.golden
    if given is not None:
        return given
    points = importlib.metadata.entry_points(group=ENTRY_POINTS, name=subject.registration.plugin)
    for point in points:
        spec = importlib.util.find_spec(point.module)
        if spec is not None and spec.origin is not None:
            return Path(spec.origin).with_suffix(".golden.json")
    return None


def keep(checks: Iterable[Check]) -> list[Path]:
    """Keep the outputs of the components under check, in place of what was kept of them.

    Raises:
        ComponentError: One cannot be made; nothing is written.
    """
    subjects = {(one.kind, one.component): one.subject for one in checks if one.kind in _KINDS}
    cases: dict[Path, dict[str, tuple[Mapping[str, int], Row]]] = {}
    for subject in subjects.values():
        file = golden_file(subject)
        if file is None:
            continue
        try:
            with undisturbed():
                for example in subject.examples:
                    case: Golden = subject.case(example)
                    cases.setdefault(file, {})[_name(case)] = case.golden()
        except Exception as error:
            where = f"golden output of {subject.kind} '{subject.name}'"
            what = error.what if isinstance(error, Fault) else f"{type(error).__name__}: {error}"
            raise ComponentError(what, where=where, remedy="run its checks first, without --golden") from error
    renewed = {f"{kind} {name} " for kind, name in subjects}
    for file, made in cases.items():
        rewrite(
            file,
            {name: partial(_given, *output) for name, output in made.items()},
            others=lambda name: not f"{name} ".startswith(tuple(renewed)),
        )
    return list(cases)


def _given(versions: Mapping[str, int], row: Row) -> tuple[Mapping[str, int], Row]:
    return versions, row


def _name(case: Golden) -> str:
    assert isinstance(case, Case)
    return " ".join(filter(None, (case.subject.kind, case.subject.name, case.example.name)))
