"""Golden outputs: what a component answers to a fixed input, kept beside its tests by version.

Stored features are found by a component's ``version``; an output that changes under an old version would be mixed
with stale ones. What is kept are summaries, not hashes of bits, so that processors that round differently agree.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fusion.contract import Row

#: A case's name to what makes its versions (its own, and those of components inside it) and its output.
Cases: TypeAlias = Mapping[str, Callable[[], tuple[Mapping[str, int], Row]]]

#: Differences are allowed up to this share of an array's largest magnitude (and never less than this).
TOLERANCE = 1e-4
#: Stretches whose means are kept, and weighted sums over all values.
_STRETCHES, _SUMS = 8, 4


def summary(row: Row) -> dict[str, dict[str, Any]]:
    """Each array of a row: its place on the clock, type and shape exactly, and numbers that every value enters."""
    result: dict[str, dict[str, Any]] = {}
    for name, pieces in sorted(row.items()):
        data = np.asarray(pieces.data)
        result[name] = {
            "rate": str(pieces.rate),
            "first": pieces.first,
            "type": str(data.dtype),
            "shape": list(data.shape),
            "numbers": [float(f"{value:.8g}") for value in _numbers(data)],
        }
    return result


def changed(file: Path, name: str, versions: Mapping[str, int], row: Row, *, remedy: str | None = None) -> str | None:
    """Why the output is not the one that was kept under these versions, and what to do; None where it is.

    Args:
        file: The JSON that ``rewrite`` made.
        name: The case.
        versions: The ``version`` of every component that decides the output.
        row: The output.
        remedy: How the outputs are kept anew; by default by a script beside the file.
    """
    kept = json.loads(file.read_text()).get(name)
    remedy = remedy or f"run python {file.with_suffix('.py')} to rewrite {file.name}"
    if kept is None:
        return f"{name} has no golden output; {remedy}"
    if kept["versions"] != dict(versions):
        return f"{name} has versions {dict(versions)} but its golden output has {kept['versions']}; {remedy}"
    parts = [part for part in sorted(kept["row"].keys() | row.keys()) if not _same(kept["row"], summary(row), part)]
    if not parts:
        return None
    return (
        f"the output of {name} changed ({', '.join(parts)}) but its version did not ({dict(versions)}), so stored "
        f"features would be mixed with stale ones; raise `version` in the class whose output changed, then {remedy}"
    )


def rewrite(file: Path, cases: Cases, *, others: Callable[[str], bool] = lambda _: False) -> None:
    """Keep the outputs of all cases, and what the file has of those whose name ``others`` accepts."""
    before = json.loads(file.read_text()) if file.is_file() else {}
    kept = {name: content for name, content in before.items() if others(name)}
    for name, case in cases.items():
        versions, row = case()
        kept[name] = {"versions": dict(versions), "row": summary(row)}
    file.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n")


def _numbers(data: NDArray[Any]) -> list[float]:
    """Largest magnitude, mean, deviation, means of stretches and sums under seeded weights, of the flat array."""
    flat = data.astype(np.float64).ravel()
    if not len(flat):
        return []
    weights = np.random.Generator(np.random.Philox(0)).standard_normal((_SUMS, len(flat)))
    sums: ArrayLike = weights @ flat / np.sqrt(len(flat))
    stretches = [part.mean() if len(part) else 0.0 for part in np.array_split(flat, _STRETCHES)]
    return [float(value) for value in (np.abs(flat).max(), flat.mean(), flat.std(), *stretches, *np.asarray(sums))]


def _same(kept: Mapping[str, Any], found: Mapping[str, Any], part: str) -> bool:
    if part not in kept or part not in found:
        return False
    before, now = dict(kept[part]), dict(found[part])
    old, new = before.pop("numbers"), now.pop("numbers")
    scale = max(1.0, *old[:1], 1.0)
    return before == now and bool(np.allclose(old, new, rtol=0, atol=TOLERANCE * scale))
