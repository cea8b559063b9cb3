"""``fusion plugins check``: the conformance kit over an installed plugin."""

from __future__ import annotations

import contextlib
import json
import sys
from collections import Counter
from collections.abc import Sequence

from fusion.catalog.discovery import KINDS
from fusion.cli.usage import UsageError
from fusion.contract import ComponentError
from fusion.testing import Check, Outcome, checks_for

_FAILED = "FAILED"


def check(package: str, *, kind: str | None, component: str | None, golden: bool, as_json: bool) -> None:
    """Run all checks and print what came of them.

    Raises:
        ComponentError: A check failed, or there is no such plugin.
        UsageError: There are no components of such a kind.
    """
    if kind not in {None, *KINDS}:
        raise UsageError(f"there is no kind '{kind}'", where="--kind", remedy=f"name one of {', '.join(KINDS)}")
    checks = [one for one in checks_for(package, kind=kind) if component in {None, one.component}]
    if not checks:
        raise ComponentError(f"offers no component '{component}'", where=package, remedy="see fusion plugins list")
    results: list[tuple[Check, Outcome]] = []
    # What a component prints must not stand between the lines of the answer.
    with contextlib.redirect_stdout(sys.stderr):
        if golden:
            from fusion.testing.checks.golden import keep

            for path in keep(checks):
                print(f"kept {path}", file=sys.stderr)
        for place, one in enumerate(checks):
            if sys.stderr.isatty():
                print(f"\r\x1b[K{place + 1} of {len(checks)}: {one.id}", end="", file=sys.stderr, flush=True)
            results.append((one, one.run()))
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    if as_json:
        print(json.dumps([_as_json(one, outcome) for one, outcome in results], indent=2, ensure_ascii=False))
    else:
        _print(results)
    failed = [one for one, outcome in results if outcome.state == "failed"]
    if failed:
        of = len({(one.kind, one.component) for one in failed})
        raise ComponentError(
            f"{len(failed)} check{'s' * (len(failed) != 1)} of {of} component{'s' * (of != 1)} failed",
            where=package,
            remedy="mend what the sentences name, or write a failure down with its reason in Example.known_failures",
        )


def _as_json(one: Check, outcome: Outcome) -> dict[str, object]:
    return {
        "kind": one.kind,
        "component": one.component,
        "check": one.name,
        "state": outcome.state,
        "message": outcome.message or None,
        "seconds": round(outcome.seconds, 3),
    }


def _print(results: Sequence[tuple[Check, Outcome]]) -> None:
    """A line for each component, and below it what did not pass; what does not apply is only counted."""
    components: dict[tuple[str, str], list[tuple[Check, Outcome]]] = {}
    for one, outcome in results:
        components.setdefault((one.kind, one.component), []).append((one, outcome))
    heading = ("kind", "component", "passed", "failed", "known", "skipped", "seconds")
    rows = []
    for (kind, name), found in components.items():
        counts: Counter[str] = Counter(outcome.state for _, outcome in found)
        seconds = sum(outcome.seconds for _, outcome in found)
        rows.append((kind, name, *(str(counts[state]) for state in heading[2:6]), f"{seconds:.1f}"))
    widths = [max(len(row[column]) for row in (heading, *rows)) for column in range(len(heading))]
    for row, found in zip((heading, *rows), ([], *components.values()), strict=True):
        cells = [
            cell.ljust(width) if k < 2 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
        for one, outcome in found:
            if outcome.state == "failed":
                print(f"  {_FAILED} {one.name}: {outcome.message}")
            elif outcome.state == "known":
                print(f"  known {one.name}: {outcome.message}")
            elif outcome.blocked:
                print(f"  skipped {one.name}: {outcome.message.removeprefix('skipped, ')}")
    totals: Counter[str] = Counter(outcome.state for _, outcome in results)
    print(", ".join(f"{totals[state]} {state}" for state in ("passed", "failed", "known", "skipped")))
