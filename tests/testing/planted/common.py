"""Faults that any kind of component may have, planted in aggregators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fusion.contract import Example
from tests.testing.planted.aggregators import Good
from tests.testing.planted.planting import FAULTS, Planted, planted, registration

_IMPORTED = "tests.testing.planted.imported"


def _imported(module: str, sentence: str) -> None:
    """A component in a module that does something at import; it is registered by its path alone."""
    made = replace(registration("aggregator", Good, f"imported_{module}"), target=f"{_IMPORTED}.{module}:Component")
    FAULTS.append(Planted(made, "imports_quietly", sentence))


_imported("writing", f"importing {_IMPORTED}.writing writes /tmp" if Path("/tmp").is_dir() else "writes")
_imported("asking", f"importing {_IMPORTED}.asking opens a connection to ('127.0.0.1', 9); move work, downloads")
_imported("drawing", f"importing {_IMPORTED}.drawing changes the global state of random")
_imported("starting", f"importing {_IMPORTED}.starting starts a process")
_imported("failing", "fails: ModuleNotFoundError: No module named 'no_such_module_anywhere'; mend the import")

FAULTS.append(
    Planted(
        replace(
            registration("aggregator", Good, "heavy"), options=f"{_IMPORTED}.heavy:Options", plugin="planted_heavy"
        ),
        "options_are_light",
        f"importing {_IMPORTED}.heavy imports torch; keep options in a module of their own",
    )
)


@dataclass(frozen=True)
class Sizes:
    size: int = 3


@dataclass
class Changeable:
    size: int = 3


@dataclass(frozen=True)
class Anything:
    size: Any = 3


@dataclass(frozen=True)
class Changing:
    """Options that grow whenever they are read."""

    sizes: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", (*self.sizes, 1))


def refused(folder: Path) -> Sequence[Example]:
    return [Example(options={"sise": 3})]


def failing(folder: Path) -> Sequence[Example]:
    raise OSError("no space")


def strings(folder: Path) -> Sequence[Any]:
    return ["small"]


def twins(folder: Path) -> Sequence[Example]:
    return [Example("one"), Example("one")]


def unknown(folder: Path) -> Sequence[Example]:
    return [Example(known_failures={"it_is_hard": "nobody knows why"})]


def _with_options(name: str, check: str, sentence: str, **more: Any) -> None:
    planted("aggregator", check, sentence, name, **more)(Good)


_HERE = __name__
_with_options("unsummed", "has_a_summary", "it has no summary; register it with summary=", summary="")
_with_options(
    "changeable",
    "options_are_validated",
    "its options Changeable can be changed after validation; write @dataclass(frozen=True)",
    options=f"{_HERE}:Changeable",
)
_with_options(
    "anything",
    "options_are_validated",
    "its option size takes anything, so nothing about it is checked",
    options=f"{_HERE}:Anything",
)
_with_options(
    "refused",
    "examples_are_usable",
    "unknown option 'sise' of refused; did you mean 'size'?",
    options=f"{_HERE}:Sizes",
    examples=f"{_HERE}:refused",
)
_with_options(
    "changing",
    "examples_are_usable",
    "its resolved options change when they are written and read back",
    options=f"{_HERE}:Changing",
)
_with_options(
    "failing",
    "examples_are_usable",
    f"its examples fail: OSError: no space; mend {_HERE}:failing",
    examples=f"{_HERE}:failing",
)
_with_options(
    "strings",
    "examples_are_usable",
    f"its examples are str; let {_HERE}:strings answer a sequence of fusion.contract.Example",
    examples=f"{_HERE}:strings",
)
_with_options("twins", "examples_are_usable", "two of its examples have one name", examples=f"{_HERE}:twins")
_with_options(
    "unknown",
    "examples_are_usable",
    "its example writes down failures of it_is_hard, which is no check of this kind",
    examples=f"{_HERE}:unknown",
)
