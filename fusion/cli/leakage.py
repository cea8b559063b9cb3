"""``fusion leakage CONFIG``: how much of a score is leakage."""

from __future__ import annotations

import shlex
import sys

import typer

from fusion.cli.training import Config, Overrides


def add(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="leakage")(leakage)


def leakage(config: Config, overrides: Overrides = None) -> None:
    """Score a config's systems once by the leaking protocol of a paper and once with whole speakers apart."""
    from fusion.catalog import catalog
    from fusion.cli.console import out
    from fusion.cli.freed_memory import keep_freed_memory
    from fusion.cli.reporting import TerminalReporter
    from fusion.config.experiment import job_folder, read_experiment
    from fusion.leakage.figures import Figures
    from fusion.leakage.grid import Grid
    from fusion.leakage.report import write_report
    from fusion.leakage.running import run_grid

    keep_freed_memory()
    grid = Grid(config, tuple(overrides or ()))
    settings = grid.settings(catalog())
    loaded = read_experiment(config, grid.overrides)
    folder = job_folder(loaded, "leakage")
    cells = run_grid(grid, reporter=TerminalReporter())
    command = shlex.join(["fusion", *sys.argv[1:]])
    write_report(folder, Figures(cells, loaded.experiment.seed), settings, command)
    out.print((folder / "table.md").read_text(encoding="utf-8"), markup=False, highlight=False, soft_wrap=True)
    for name in ("systems.svg", "causes.svg", "runs.csv", "results.json"):
        out.print(f"{folder / name}", markup=False)
