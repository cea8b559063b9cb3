"""``fusion predict RUN CLIP...``: answers for clips, with each stream's opinion and contribution."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusion.cli.usage import UsageError
from fusion.contract import FusionError

if TYPE_CHECKING:
    from fusion.inference import Answer


#: Notes of a stream that are printed.
_NOTES = 3


def add(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="predict")(predict)


def predict(
    run: Annotated[Path, typer.Argument(help="A run with a final model, or a model's folder.", show_default=False)],
    clips: Annotated[list[Path], typer.Argument(help="Media files.", show_default=False)],
    *,
    fold: Annotated[str | None, typer.Option(help="The fold whose model to use.")] = None,
    transcript: Annotated[
        str | None, typer.Option(help="The words; else a .srt, .vtt or .txt beside the clip.")
    ] = None,
    track: Annotated[list[str] | None, typer.Option(help="A further file by media kind: KIND=FILE.")] = None,
    embeddings: Annotated[bool, typer.Option("--embeddings", help="Add each stream's embeddings (--json).")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a clip and line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One line a window.")] = False,
) -> None:
    """Answer for clips of any length; a clip that cannot be read is reported, and the others go on."""
    from fusion.cli.console import err
    from fusion.inference import Predictor

    if as_json and as_csv:
        raise UsageError("an answer is printed one way", where="predict", remedy="give either --json or --csv")
    tracks = _tracks(track or [])
    with redirect_stdout(sys.stderr):  # what a plugin prints is no answer
        predictor = Predictor.load(run, fold=fold)
    for note in predictor.notes:
        err.print(f"note: {note}", markup=False)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    failures: list[FusionError] = []
    header = False
    for clip in clips:
        try:
            with redirect_stdout(sys.stderr):
                answer = predictor(clip, transcript=transcript, tracks=tracks, embeddings=embeddings)
        except FusionError as error:
            err.print(f"fusion: {error}", markup=False)
            failures.append(error)
            continue
        if as_json:
            print(json.dumps(answer.to_json(), ensure_ascii=False), flush=True)
        elif as_csv:
            rows = answer.rows()
            if rows and not header:
                writer.writerow(rows[0])
                header = True
            writer.writerows(row.values() for row in rows)
        else:
            show(answer)
    if failures:
        raise typer.Exit(failures[0].exit_code)


def _tracks(given: Sequence[str]) -> dict[str, Path]:
    tracks = {}
    for text in given:
        kind, equals, file = text.partition("=")
        if not equals or not kind or not file:
            raise UsageError(
                f"{text!r} is no track", where="--track", remedy="write KIND=FILE, such as sound=voice.wav"
            )
        tracks[kind] = Path(file)
    return tracks


def show(answer: Answer) -> None:
    """Print an answer for people."""
    from fusion.cli.console import out

    lengths = f"{len(answer.windows)} window{'s' if len(answer.windows) != 1 else ''}"
    out.print(f"{answer.clip}   0:00 .. {_clock(answer.seconds)}   {lengths}", markup=False)
    if answer.probabilities is None:
        out.print("  no answer: every stream is absent")
    else:
        ranked = sorted(answer.probabilities.items(), key=lambda item: -item[1])
        out.print("  " + "   ".join(f"{name} {value:.2f}" for name, value in ranked))
    width = max(map(len, answer.streams), default=0)
    for name, stream in answer.streams.items():
        parts = [f"  {name:<{width}}"]
        if stream.opinion is not None:
            best = max(stream.opinion, key=stream.opinion.__getitem__)
            parts.append(f"{best} {stream.opinion[best]:.2f}")
        if stream.contribution is not None:
            parts.append(f"contributes {stream.contribution:+.2f}")
        parts += [f"{count} of {lengths}: {reason}" for reason, count in stream.absent.items()]
        if name in answer.failed:
            parts.append(answer.failed[name])
        out.print("   ".join(parts), markup=False)
        for line in _notes(stream.notes, lengths):
            out.print(f"  {'':<{width}}   {line}", markup=False)
    if len(answer.windows) > 1:
        _timeline(answer)


def _notes(notes: Mapping[str, int], lengths: str) -> list[str]:
    """The most frequent notes; a long clip has one for every share of its windows."""
    ranked = sorted(notes.items(), key=lambda item: -item[1])
    lines = [f"{count} of {lengths}: {note}" for note, count in ranked[:_NOTES]]
    if len(ranked) > _NOTES:
        lines.append(f"... {len(ranked) - _NOTES} more notes: --json or --csv has every window's")
    return lines


def _timeline(answer: Answer) -> None:
    """Stretches of equal answers, with a bar a window for how sure each is."""
    from fusion.cli.console import out

    bars = "▁▂▃▄▅▆▇█"
    label: str | None = None
    line = ""
    lines = []
    for window in answer.windows:
        if window.label != label or not line:
            if line:
                lines.append(line)
            label = window.label
            line = f"  {_clock(window.start):>5} {label or 'no answer':<12} "
        if window.probabilities is not None and label is not None:
            line += bars[min(int(window.probabilities[label] * len(bars)), len(bars) - 1)]
    for text in [*lines, line][:40]:
        out.print(text, markup=False)
    if len(lines) >= 40:
        out.print(f"  ... {len(lines) - 39} more stretches: --json or --csv has every window")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
