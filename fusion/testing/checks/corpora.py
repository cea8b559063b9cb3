"""Checks of corpora."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

from fusion.contract import Clip, DataError, InputMissing
from fusion.testing.kit import Case, Fault, case_of, check
from fusion.testing.randomness import touched

_SEXES = (None, "female", "male")
_READ = ("reads_its_layout",)


@case_of("corpus")
class CorpusCase(Case):
    """A corpus with the small tree of its example."""

    @property
    def root(self) -> Path:
        """Where the tree lies."""
        if self.example.root is None:
            raise Fault(
                "there is no tree to read",
                "register it with examples= and give Example.root: a small tree in its layout, written into the folder",
            )
        return self.example.root

    def read(self, root: Path | None = None) -> list[Clip]:
        """The clips, by a reader of their own."""
        return list(self.build().clips(root or self.root))

    @cached_property
    def clips(self) -> list[Clip]:
        """The clips, as they were read first."""
        return self.read()


@check("corpus", remedy="construct it from its options alone", needs=("examples_are_usable",))
def builds(case: CorpusCase) -> None:
    """It is constructed from its options, and says what it is."""
    about = getattr(case.instance, "about", None)
    if not isinstance(about, str) or not about.strip():
        raise Fault(
            "it does not say what it is", "give the class about = 'what, licence, where the layout is documented'"
        )


@check("corpus", remedy="answer a sequence of fusion.contract.Clip")
def reads_its_layout(case: CorpusCase) -> None:
    """It reads clips with tracks from a small tree in its layout."""
    for clip in case.clips:
        if not isinstance(clip, Clip):
            raise Fault(f"it answers a {type(clip).__name__}")
        if not clip.tracks:
            raise Fault(f"clip '{clip.id}' has no tracks", "leave out clips without media")
        if clip.sex not in _SEXES:
            raise Fault(f"clip '{clip.id}' has the sex {clip.sex!r}", "write female, male or None")
        if clip.duration is not None and clip.duration <= 0:
            raise Fault(f"clip '{clip.id}' lasts {clip.duration} s", "leave the duration to the engine")
    if len(case.clips) < 2:
        raise Fault(f"it reads {len(case.clips)} clips of its example", "write a tree of at least two speakers")


@check("corpus", remedy="make ids of what tells clips apart: speaker, sentence, take", needs=_READ)
def ids_are_unique(case: CorpusCase) -> None:
    """Every clip has an id of its own that can be a file's name."""
    doubled = [name for name, count in Counter(clip.id for clip in case.clips).items() if count > 1]
    if doubled:
        raise Fault(f"several clips have the id '{doubled[0]}'")
    for clip in case.clips:
        if not clip.id or any(character in clip.id for character in "/\\\0\n") or clip.id in {".", ".."}:
            raise Fault(f"the id {clip.id!r} cannot be a file's name", "write ids without slashes and line breaks")


@check("corpus", remedy="sort clips by id before they are answered", needs=("ids_are_unique",))
def order_is_stable(case: CorpusCase) -> None:
    """Clips come in the order of their ids, whatever order the directory lists files in."""
    ids = [clip.id for clip in case.clips]
    if ids != sorted(ids):
        first = next(k for k, (one, other) in enumerate(zip(ids, sorted(ids), strict=True)) if one != other)
        raise Fault(f"clips are not ordered by id ('{ids[first]}' comes where '{sorted(ids)[first]}' belongs)")
    with _turned_listings():
        again = case.read()
    if again != case.clips:
        raise Fault("it reads other clips, or another order, when directories list their files in another order")


@check("corpus", remedy="make ids, takes and labels of paths below the root alone", needs=("ids_are_unique",))
def the_place_does_not_count(case: CorpusCase) -> None:
    """The same tree in another folder gives the same clips, so that ids hold on every machine."""
    other = case.subject.folder / "elsewhere" / "another name"
    shutil.rmtree(other, ignore_errors=True)
    if case.root.is_dir():
        shutil.copytree(case.root, other)
    else:
        other.mkdir(parents=True)
        shutil.copytree(case.root.parent, other, dirs_exist_ok=True)
        other = other / case.root.name
    for here, there in zip(case.clips, case.read(other), strict=True):
        for name in ("id", "labels", "speaker", "take", "group", "transcript"):
            if getattr(here, name) != getattr(there, name):
                raise Fault(
                    f"in another folder, the {name} of clip '{here.id}' is {getattr(there, name)!r}, "
                    f"not {getattr(here, name)!r}"
                )


@check("corpus", remedy="read the speaker from the layout; protocols keep speakers apart", needs=_READ)
def speakers_are_known(case: CorpusCase) -> None:
    """Every clip names its speaker, and there are several."""
    without = [clip.id for clip in case.clips if not clip.speaker]
    if without:
        raise Fault(f"clip '{without[0]}' has no speaker")
    if len({clip.speaker for clip in case.clips}) < 2:
        raise Fault("all clips of its example have one speaker", "write a tree of at least two speakers")


@check("corpus", remedy="read labels from the layout, under names that a target can name", needs=_READ)
def labels_are_known(case: CorpusCase) -> None:
    """Labels are those that the example says (none, where it says none); every clip has some unless it says so."""
    expected = case.example.labels
    for clip in case.clips:
        for name, value in clip.labels.items():
            if not isinstance(name, str) or not _is_label(value):
                raise Fault(
                    f"clip '{clip.id}' has the label {name!r} with the value {value!r}",
                    "leave out what is not known; values are strings, numbers, lists of strings, or weights by class",
                )
        if expected is None and not clip.labels:
            raise Fault(
                f"clip '{clip.id}' has no label", "read its labels, or give Example.labels=() where there are none"
            )
    if expected is None:
        return
    if not expected:
        labelled = [clip.id for clip in case.clips if clip.labels]
        if labelled:
            raise Fault(f"clip '{labelled[0]}' has labels, and the example says that there are none")
        return
    ordered = sorted(case.clips, key=lambda clip: clip.id)
    if len(ordered) != len(expected):
        raise Fault(f"it reads {len(ordered)} clips, and the example has labels of {len(expected)}")
    for clip, labels in zip(ordered, expected, strict=True):
        wrong = [name for name, value in labels.items() if clip.labels.get(name) != value]
        if wrong:
            raise Fault(
                f"clip '{clip.id}' has the {wrong[0]} {clip.labels.get(wrong[0])!r}, and the example says "
                f"{labels[wrong[0]]!r}"
            )


@check("corpus", remedy="name files that are there, below the root", needs=_READ)
def files_exist(case: CorpusCase) -> None:
    """Every track's file exists and lies below the root."""
    root = (case.root if case.root.is_dir() else case.root.parent).resolve()
    for clip in case.clips:
        for track in clip.tracks:
            if not Path(track.file).is_file():
                raise Fault(f"clip '{clip.id}' names {track.file}, which does not exist")
            if not Path(track.file).resolve().is_relative_to(root):
                raise Fault(f"clip '{clip.id}' names {track.file}, which lies outside the corpus")


@check("corpus", remedy="raise DataError that says what layout was expected and what was found", needs=_READ)
def another_layout_is_refused(case: CorpusCase) -> None:
    """A folder that holds something else is refused in one sentence."""
    strange = case.subject.folder / "strange"
    strange.mkdir(exist_ok=True)
    (strange / "notes.txt").write_text("nothing of this corpus", encoding="utf-8")
    try:
        clips = case.read(strange)
    except (DataError, InputMissing):
        return
    except Exception as error:
        raise Fault(f"a folder with something else raises {type(error).__name__}: {error}") from error
    raise Fault(f"a folder with something else is read as {len(clips)} clips")


@check("corpus", remedy="draw from a generator of its own", needs=_READ)
def global_randomness_stays(case: CorpusCase) -> None:
    """Reading leaves the global generators as they are."""
    found = touched(case.read)
    if found:
        raise Fault(f"it changes the global state of {' and '.join(found)}")


def _is_label(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value) and all(isinstance(name, str) and _is_number(weight) for name, weight in value.items())
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(name, str) and name for name in value)
    return _is_number(value) or (isinstance(value, str) and bool(value.strip()))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124 - NaN


@contextmanager
def _turned_listings() -> Iterator[None]:
    """Within: directories list their files in the opposite order."""
    scan, names = os.scandir, os.listdir

    class Turned:
        def __init__(self, *arguments: Any) -> None:
            with scan(*arguments) as entries:
                self._entries = iter(list(entries)[::-1])

        def __iter__(self) -> Iterator[Any]:
            return self._entries

        def __next__(self) -> Any:
            return next(self._entries)

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def close(self) -> None:
            pass

    def turned(*arguments: Any) -> Sequence[str]:
        return names(*arguments)[::-1]

    with patch.object(os, "scandir", Turned), patch.object(os, "listdir", turned):
        yield
