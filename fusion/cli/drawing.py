"""``fusion data draw``: a clip's way through the chains of an experiment, as a picture."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import replace
from difflib import get_close_matches
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from fusion.cli.usage import UsageError
from fusion.contract import DataError, InputMissing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fusion.config.experiment import LoadedExperiment
    from fusion.contract import Clip
    from fusion.data.tracing import ClipTrace


def draw_clip(
    config: Path, clip: str, overrides: Sequence[str] = (), *, out: Path | None = None, at: str = "0"
) -> ClipTrace:
    """Draw one window of a clip at every step of every stream.

    Args:
        config: An experiment.
        clip: The id of a clip of its corpus, or a media file.
        overrides: Changes to the experiment.
        out: The SVG; named after the clip, in the working folder, unless given.
        at: A second of the clip: the last evaluation window that begins at or before it is drawn.

    Raises:
        UsageError: ``out`` is no SVG, or ``at`` no second.
        DataError: There is no such clip, it cannot be read, or it has nothing for any stream.
    """
    from fusion.catalog import catalog
    from fusion.cli.console import err
    from fusion.config.experiment import read_experiment
    from fusion.data.rows import Absent
    from fusion.data.streams import plan_streams
    from fusion.data.tracing import trace_clip
    from fusion.drawing.page import page_of

    if out is not None and out.suffix.lower() != ".svg":
        raise UsageError(f"{out} is no SVG", where="--out", remedy="name a file that ends in .svg")
    second = _second(at)
    with redirect_stdout(sys.stderr):  # what a plugin prints is no answer
        loaded = read_experiment(config, overrides)
        plans = plan_streams(loaded.experiment, catalog())
        found = _clip(clip, loaded)
        trace = trace_clip(found, list(plans.values()), loaded.experiment.window, at=second)
    for stream in trace.streams:
        if isinstance(stream.result, Absent):
            err.print(f"note: {stream.plan.name} is absent: {stream.result.reason}", markup=False)
    file = out or Path(f"{found.id.replace('/', '_')}.svg")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page_of(trace, str(config)), encoding="utf-8")
    print(f"drawn  {file}  {float(trace.window.start):g} to {float(trace.window.end):g} s of {found.id}")
    return trace


def _second(text: str) -> Fraction:
    try:
        second = Fraction(text)
    except (ValueError, ZeroDivisionError):
        second = Fraction(-1)
    if second < 0:
        raise UsageError(f"{text!r} is no second of a clip", where="--at", remedy="write a number such as 12.5")
    return second


def _clip(name: str, loaded: LoadedExperiment) -> Clip:
    """The clip of that id, or of that file."""
    from fusion.catalog import catalog
    from fusion.cli.console import making
    from fusion.corpora.demo.writing import is_marked_generated
    from fusion.corpora.loading import load_corpus
    from fusion.inference.clips import clip_from_file

    if Path(name).is_file():
        return replace(clip_from_file(Path(name)), generated=is_marked_generated(Path(name)))
    # Clips that the experiment leaves out can be looked at as well.
    corpus = loaded.experiment.corpus.model_copy(update={"select": {}, "labels": {}, "thin": {}, "limit": None})
    try:
        read = load_corpus(corpus, catalog=catalog(), base=loaded.source.parent, making=making)
    except InputMissing as error:
        what = f"no such file, and no corpus to look for it in ({error.where}: {error.what})"
        raise InputMissing(what, where=name, remedy=error.remedy) from error
    clips = {clip.id: clip for clip in read}
    if name in clips:
        return clips[name]
    close = get_close_matches(name, clips, 1)
    raise DataError(
        f"neither a file nor a clip of corpus {corpus.name}",
        where=name,
        remedy=f"did you mean '{close[0]}'?" if close else f"its first clip is '{next(iter(clips))}'",
    )
