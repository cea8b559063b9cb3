"""``fusion manifest``: from a folder of clips to a table and a config that runs."""

from __future__ import annotations

import csv
import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from fusion.contract import DataError, InputMissing, RunError


def add(app: typer.Typer) -> None:
    """Add the command to the program."""

    @app.command("manifest")
    def manifest(
        folder: Annotated[
            Path, typer.Argument(help="Folder with clips: LABEL/clip, SPEAKER/LABEL/clip, or any names.")
        ],
        pattern: Annotated[
            str | None, typer.Option(help="What the names mean, such as '{speaker}_{emotion}_{take}.mp4'.")
        ] = None,
        output: Annotated[Path | None, typer.Option(help="The table; manifest.csv in the folder unless given.")] = None,
        force: Annotated[bool, typer.Option(help="Write over an existing table and config.")] = False,
    ) -> None:
        """List a folder of clips in a manifest, and write a first config beside it."""
        write_manifest(folder, pattern=pattern, output=output, force=force)


def write_manifest(
    folder: Path, *, pattern: str | None = None, output: Path | None = None, force: bool = False
) -> tuple[Path, Path]:
    """Write the manifest and the config; returns both paths.

    Raises:
        DataError: No clip fits, or the table would not lie above the clips.
        RunError: One of the files exists and force is not set.
    """
    from rich.markup import escape

    from fusion.cli.console import out
    from fusion.corpora.scanning import scan_folder
    from fusion.corpora.starter import kinds_held, mark_generated, starter_config

    if not folder.is_dir():
        raise InputMissing("no such folder", where=str(folder), remedy="name the folder that holds the clips")
    table = (output or folder / "manifest.csv").absolute()
    if table.suffix.lower() != ".csv":
        raise DataError("the manifest is written as CSV", where=str(table), remedy="give --output a name in .csv")
    config = table.with_name("experiment.yaml" if table.stem == "manifest" else f"{table.stem}.yaml")
    for path in (table, config):
        if path.exists() and not force:
            raise RunError(
                "already exists", where=str(path), remedy="use --force to write over it, or another --output"
            )
    scan = mark_generated(folder, scan_folder(folder, pattern))
    if not folder.resolve().is_relative_to(table.parent.resolve()):
        raise DataError(
            "a manifest names files below its own folder only", where=str(table), remedy=f"put it into {folder}"
        )
    prefix = Path(os.path.relpath(folder.resolve(), table.parent.resolve())).as_posix()
    media = {"file", "pictures", "sound", "words"}
    rows = [{name: _below(prefix, cell) if name in media else cell for name, cell in row.items()} for row in scan.rows]
    kinds, problems = kinds_held(folder, scan)
    if not kinds:
        raise DataError("no clip could be read", where=str(folder), remedy=problems[0] if problems else None)
    _write_table(table, scan.columns, rows)
    _write_text(config, starter_config(table.name, scan, kinds))
    parts = [f"{len(rows)} clips", f"{len(scan.classes)} classes" if scan.label else "no labels"]
    parts.append(f"{scan.speakers} speakers" if scan.speakers else "speakers unknown")
    out.print(escape(", ".join([*parts, " and ".join(sorted(kinds))])))
    for note in (*scan.notes, *problems):
        out.print(f"  [yellow]note[/]  {escape(note)}", highlight=False)
    short = _as_typed(config)
    lines = f"manifest  {_as_typed(table)}\nconfig    {short}\nnext      fusion data inspect {short}"
    out.print(escape(lines), highlight=False)
    return table, config


def _as_typed(path: Path) -> Path:
    """Relative to the working folder where it lies below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _below(prefix: str, path: str) -> str:
    return path if prefix == "." else f"{prefix}/{path}"


def _write_table(path: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", dir=path.parent, delete=False) as stream:
        writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    _settle(Path(stream.name), path)


def _write_text(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as stream:
        stream.write(text)
    _settle(Path(stream.name), path)


def _settle(temporary: Path, path: Path) -> None:
    temporary.chmod(0o644)
    temporary.replace(path)
