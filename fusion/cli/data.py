"""``fusion data``: what an experiment's clips are, and what its chains make of them, before anything is trained."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fusion.config.models import Experiment
    from fusion.corpora.inspection import CorpusReport, Inspection

#: Most speakers and splits that are listed one by one.
LISTED = 30
#: Most takes whose clips are listed.
COPIES = 3


def add(app: typer.Typer) -> None:
    """Add the commands to the program."""
    data = typer.Typer(no_args_is_help=True, help="Look at clips before computing on them.")

    @data.callback()
    def group() -> None:
        """Look at clips before computing on them."""

    @data.command("inspect")
    def inspect_command(
        config: Annotated[Path, typer.Argument(help="An experiment.")],
        overrides: Annotated[list[str] | None, typer.Argument(help="Changes to it, such as corpus.limit=20.")] = None,
        pictures: Annotated[Path | None, typer.Option(help="Write a sheet of pictures here (PNG).")] = None,
        alike: Annotated[bool, typer.Option(help="Look for pictures that stand, alike, in several parts.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """Count clips by class, speaker, sex and split; say how long they are and what is missing."""
        inspect_data(config, overrides or (), pictures=pictures, alike=alike, as_json=as_json)

    @data.command("draw")
    def draw_command(
        config: Annotated[Path, typer.Argument(help="An experiment.")],
        clip: Annotated[str, typer.Argument(help="The id of one of its clips, or a media file.")],
        overrides: Annotated[list[str] | None, typer.Argument(help="Changes to it, such as window.seconds=5.")] = None,
        out: Annotated[Path | None, typer.Option(help="Write the picture here (SVG); default: CLIP.svg.")] = None,
        at: Annotated[str, typer.Option(help="Second of the clip: which of its windows is drawn.")] = "0",
    ) -> None:
        """Draw what every step of every stream makes of a clip, up to what the networks see."""
        from fusion.cli.drawing import draw_clip

        draw_clip(config, clip, overrides or (), out=out, at=at)

    app.add_typer(data, name="data")


def inspect_data(
    config: Path,
    overrides: list[str] | tuple[str, ...] = (),
    *,
    pictures: Path | None = None,
    alike: bool = False,
    as_json: bool = False,
) -> Inspection:
    """Print the inspection of an experiment; write a contact sheet if asked."""
    import json

    from fusion.catalog import catalog
    from fusion.cli.console import making, progress
    from fusion.config.experiment import read_experiment
    from fusion.corpora.inspection import inspect

    with redirect_stdout(sys.stderr):  # what a plugin prints is no answer
        loaded = read_experiment(config, overrides)
        inspection = inspect(
            loaded.experiment,
            catalog=catalog(),
            base=loaded.source.parent,
            progress=lambda total: progress("inspect", total=total, unit="clips"),
            making=making,
            alike=alike,
        )
    if as_json:
        typer.echo(json.dumps(inspection.as_json(), indent=1, ensure_ascii=False))
    else:
        _print(inspection)
    if pictures is not None:
        _write_pictures(inspection, loaded.experiment, pictures)
        if not as_json:
            typer.echo(f"pictures  {pictures}")
    return inspection


def _write_pictures(inspection: Inspection, experiment: Experiment, path: Path) -> None:
    from fusion.catalog import catalog
    from fusion.corpora.contact_sheet import write_contact_sheet
    from fusion.corpora.inspection import class_of

    target = catalog().build("target", experiment.target)
    report = inspection.corpora[0]
    clips = inspection.clips["main"]
    by_class = {name: [clip for clip in clips if class_of(clip, target) == name] for name in report.classes}
    title = f"{report.name}: {report.clips} clips" + (" (generated)" if report.generated else "")
    write_contact_sheet(path, by_class, title)


def _print(inspection: Inspection) -> None:
    from rich.markup import escape
    from rich.table import Table

    from fusion.cli.console import out

    for report in inspection.corpora:
        _print_corpus(report)
    if inspection.splits:
        table = Table("split", box=None, header_style="bold", pad_edge=False)
        for part in ("train", "validation", "test"):
            table.add_column(part, justify="right")
        for split in inspection.splits[:LISTED]:
            cells = [f"{split.clips[part]} ({_counted(split.speakers[part], 'speaker')})" for part in split.clips]
            table.add_row(escape(split.name), *cells)
        out.print(table)
        if len(inspection.splits) > LISTED:
            out.print(f"and {len(inspection.splits) - LISTED} more splits")
        out.print(escape(f"{inspection.guarantee} (split {inspection.split_hash})"), highlight=False)
    for note in inspection.notes:
        out.print(f"[yellow]note[/]  {escape(note)}", highlight=False)


def _print_corpus(report: CorpusReport) -> None:
    from rich.markup import escape

    from fusion.cli.console import out

    def line(name: str, text: str) -> None:
        out.print(f"  {name:<11} {escape(text)}", highlight=False)

    role = ", training only" if report.training_only else ""
    out.print(f"[bold]{escape(report.name)}[/]  {report.clips} clips{role}", highlight=False)
    line("about", report.about)
    if report.generated:
        line("generated", f"{report.generated} of {report.clips} clips: for trying the engine, not for science")
    line("licence", _counts(report.rights))
    line("classes", _counts(report.classes))
    line("speakers", f"{len(set(report.speakers) - {'unknown'})}: {_counts(report.speakers)}")
    line("sex", _counts(report.sexes))
    if report.seconds:
        s = report.seconds
        each = f"{s['shortest']:.1f} .. {s['longest']:.1f} s, median {s['median']:.1f} s"
        line("duration", f"{s['total'] / 60:.1f} min in all; {each}")
    if report.copies:
        shown = "; ".join(" = ".join(ids) for ids in report.copies[:COPIES])
        more = f" and {len(report.copies) - COPIES} more" if len(report.copies) > COPIES else ""
        line("one take", f"{_counted(len(report.copies), 'take')} of several clips: {shown}{more}")
    line("missing", _counts(report.missing) if report.missing else "nothing")
    for clip, problem in list(report.problems.items())[:LISTED]:
        line("problem", f"{clip}: {problem}")
    if len(report.problems) > LISTED:
        line("", f"and {len(report.problems) - LISTED} more problems")


def _counts(counts: object) -> str:
    assert isinstance(counts, dict)
    shown = [f"{name} {count}" for name, count in list(counts.items())[:LISTED]]
    return ", ".join(shown) + (f" and {len(counts) - LISTED} more" if len(counts) > LISTED else "")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
