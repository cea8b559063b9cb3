"""What an experiment's clips are, before anything is computed on them: counts, durations, and what is missing."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusion.contract import PICTURES, SOUND, WORDS, Clip, DataError, FusionError
from fusion.corpora.loading import Progress, corpus_root, load_corpus

if TYPE_CHECKING:
    from fusion.catalog import Catalog
    from fusion.config.models import CorpusSettings, Experiment
    from fusion.contract import Split, Target
    from fusion.media import MediaInfo

UNKNOWN = "unknown"
#: Kinds whose files the engine can look into; others are taken as they are named.
DECODED = (PICTURES, SOUND, WORDS)


@dataclass(frozen=True)
class CorpusReport:
    """One corpus of an experiment.

    Args:
        name: As in the config.
        about: What the corpus says of itself.
        training_only: True for further corpora, which feed training only.
        clips: Number of clips.
        generated: How many of them are synthetic.
        rights: Clips by licence.
        classes: Clips by class of the target, ``unknown`` for unlabelled ones.
        speakers: Clips by speaker.
        sexes: Clips by sex.
        seconds: total, shortest, median and longest; empty where no duration is known.
        copies: Ids of clips that are one take: files with the same bytes, or twins as the corpus names them.
        missing: By what is missing (a media kind, labels, speakers, a transcript), the number of clips.
        problems: Clips that could not be read, or whose label is none of the target's, with the reason.
    """

    name: str
    about: str
    training_only: bool
    clips: int
    generated: int
    rights: Mapping[str, int]
    classes: Mapping[str, int]
    speakers: Mapping[str, int]
    sexes: Mapping[str, int]
    seconds: Mapping[str, float]
    copies: Sequence[Sequence[str]]
    missing: Mapping[str, int]
    problems: Mapping[str, str]


@dataclass(frozen=True)
class SplitReport:
    """One split: by part, the number of clips, of speakers, and clips by class."""

    name: str
    clips: Mapping[str, int]
    speakers: Mapping[str, int]
    classes: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Inspection:
    """All of an experiment's corpora and splits; ``guarantee`` says what the splits keep apart."""

    corpora: tuple[CorpusReport, ...]
    splits: tuple[SplitReport, ...] = ()
    guarantee: str = ""
    split_hash: str = ""
    notes: tuple[str, ...] = ()
    clips: Mapping[str, Sequence[Clip]] = field(default_factory=dict, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Everything but the clips themselves, as JSON can hold it."""
        return {
            "corpora": [asdict(report) for report in self.corpora],
            "splits": [asdict(split) for split in self.splits],
            "guarantee": self.guarantee,
            "split_hash": self.split_hash,
            "notes": list(self.notes),
        }


def inspect(
    experiment: Experiment,
    *,
    catalog: Catalog,
    base: Path,
    progress: Progress | None = None,
    making: Progress | None = None,
    alike: bool = False,
) -> Inspection:
    """Read the corpora, open every file's headers, and plan the splits.

    Args:
        experiment: What is inspected.
        catalog: Where components are found.
        base: Folder that relative roots are relative to.
        progress: From the number of clips to a context in which a function is called after each of them.
        making: The same for the making of a corpus that makes itself.
        alike: Also look for single pictures that stand, alike, in several parts of a split; a note says which. Where
            there are no splits, it names all that look alike.

    Raises:
        FusionError: A corpus cannot be read at all. Single bad clips are reported instead.
    """
    from fusion.data.copies import split_rows
    from fusion.evaluation.splits import plan_splits

    target: Target = catalog.build("target", experiment.target)
    wanted = _wanted_kinds(experiment, catalog)
    settings = [experiment.corpus, *experiment.training_corpora]
    loaded = [load_corpus(one, catalog=catalog, base=base, seed=experiment.seed, making=making) for one in settings]
    with progress(sum(map(len, loaded))) if progress else nullcontext(_silent) as step:
        reports = [
            _report(one, clips, target=target, wanted=wanted, catalog=catalog, training_only=index > 0, step=step)
            for index, (one, clips) in enumerate(zip(settings, loaded, strict=True))
        ]
    found = [note for one in settings for note in _findings(one, catalog, base)]
    labelled = [clip for clip in loaded[0] if class_of(clip, target) != UNKNOWN]
    try:
        labelled = split_rows(experiment, labelled, target)
        plan = plan_splits(experiment, labelled, catalog)
    except FusionError as error:
        notes = [*found, f"no splits: {error}", *(_alike_notes(labelled, (), progress) if alike else ())]
        return Inspection(tuple(reports), notes=tuple(notes), clips={"main": loaded[0]})
    by_id = {clip.id: clip for clip in labelled}
    splits = tuple(
        _split_report(
            split.name, {part: getattr(split, part) for part in ("train", "validation", "test")}, by_id, target
        )
        for split in plan.splits
    )
    notes = [*found, *plan.notes, *_shared_notes(loaded[0])]
    if alike:
        notes += _alike_notes(labelled, plan.splits, progress)
    return Inspection(tuple(reports), splits, plan.guarantee, plan.hash, tuple(notes), {"main": loaded[0]})


def _findings(settings: CorpusSettings, catalog: Catalog, base: Path) -> list[str]:
    """What a corpus with the method ``findings`` says is missing in its folder, or does not fit."""
    corpus = catalog.build("corpus", {"name": settings.name, **settings.options})
    findings: Callable[[Path], Sequence[str]] | None = getattr(corpus, "findings", None)
    if findings is None:
        return []
    return [f"{settings.name}: {found}" for found in findings(corpus_root(settings, corpus, base))]


def _shared_notes(clips: Sequence[Clip]) -> list[str]:
    """What is not known before tables are read."""
    kinds = sorted({track.kind for clip in clips for track in clip.tracks if track.shared})
    if not kinds:
        return []
    return [f"{', '.join(kinds)}: one file for all clips; which of them it lacks is told by fusion prepare"]


def _alike_notes(clips: Sequence[Clip], splits: Sequence[Split], progress: Progress | None) -> list[str]:
    """In a sentence for each split, tested pictures that look like those of other parts; without splits, like any."""
    from fusion.corpora.alike import alike_stills, crossing

    with progress(len(clips)) if progress else nullcontext(_silent) as step:
        groups = alike_stills(clips, step)
    notes = []
    for split in splits:
        found = crossing(split, groups)
        if found:
            shown = ", ".join(f"{tested} ({known})" for tested, known in list(found.items())[:3])
            more = f" and {len(found) - 3} more" if len(found) > 3 else ""
            notes.append(
                f"{len(found)} of {len(split.test)} tested clips of {split.name} look like a clip of training or "
                f"validation: {shown}{more}"
            )
    if not groups:
        notes.append("no clip is a single picture, so none was looked at for being alike")
    elif not splits:
        families = _families(groups)
        shown = "; ".join(" = ".join(family) for family in families[:3])
        more = f" and {len(families) - 3} more groups" if len(families) > 3 else ""
        found_alike = f"these look alike, in whichever parts they will stand: {shown}{more}"
        notes.append(f"of {len(groups)} single pictures {found_alike if families else 'no two look alike'}")
    elif not notes:
        notes.append(f"of {len(groups)} single pictures none that is tested looks like one of another part")
    return notes


def class_of(clip: Clip, target: Target) -> str:
    """The class with the largest weight, several joined by ``+``, or ``unknown``."""
    try:
        encoded = target.encode(clip.labels)
    except DataError:
        return UNKNOWN
    if encoded is None or not target.names:
        return UNKNOWN
    if target.kind == "dimensions":
        return "rated"
    if target.kind == "several":
        return "+".join(name for name, value in zip(target.names, encoded, strict=True) if value > 0) or "none"
    return target.names[int(encoded.argmax())]


def _wanted_kinds(experiment: Experiment, catalog: Catalog) -> tuple[str, ...]:
    kinds: dict[str, None] = {}
    for stream in experiment.streams.values():
        needs = catalog.build("modality", stream.modality).needs
        kinds.update(dict.fromkeys(kind for kind, need in needs.items() if not need.optional))
    return tuple(kinds)


def _silent() -> None:
    """Tells nobody."""


def _report(
    settings: CorpusSettings,
    clips: Sequence[Clip],
    *,
    target: Target,
    wanted: Sequence[str],
    catalog: Catalog,
    training_only: bool,
    step: Callable[[], object],
) -> CorpusReport:
    missing: Counter[str] = Counter()
    problems: dict[str, str] = {}
    lengths: list[float] = []
    for clip in clips:
        held, seconds, problem = look_into(clip)
        if problem is not None:
            problems[clip.id] = problem
        if seconds is not None:
            lengths.append(float(seconds))
        missing.update(kind for kind in wanted if kind not in held and problem is None)
        try:
            if target.encode(clip.labels) is None:
                missing["labels"] += 1
        except DataError as error:
            problems.setdefault(clip.id, error.what)
        missing["speakers"] += clip.speaker is None
        missing["transcripts"] += WORDS not in held
        step()
    return CorpusReport(
        name=settings.name,
        about=str(catalog.build("corpus", {"name": settings.name, **settings.options}).about),
        training_only=training_only,
        clips=len(clips),
        generated=sum(clip.generated for clip in clips),
        rights=_counts(clip.rights for clip in clips),
        classes=_counts(class_of(clip, target) for clip in clips),
        speakers=_counts(clip.speaker for clip in clips),
        sexes=_counts(clip.sex for clip in clips),
        seconds=_lengths(lengths),
        copies=_families({clip.id: clip.take for clip in clips if clip.take is not None}),
        missing={what: count for what, count in missing.items() if count},
        problems=problems,
    )


def look_into(clip: Clip) -> tuple[frozenset[str], Fraction | None, str | None]:
    """(media kinds that the clip's files really hold, its seconds, what is wrong) from the files' headers."""
    from fusion.media import probe

    held = {WORDS} if clip.transcript is not None else set()
    ends: list[Fraction] = []
    seen: dict[Path, MediaInfo] = {}
    for track in clip.tracks:
        if track.kind not in DECODED:
            held.add(track.kind)
            continue
        try:
            info = seen[track.file] = seen.get(track.file) or probe(track.file)
        except FusionError as error:
            return frozenset(held), clip.duration, str(error)
        if track.kind in info.kinds:
            held.add(track.kind)
        if info.duration is not None:
            ends.append(info.duration - track.start)
    seconds = clip.duration if clip.duration is not None else max(ends, default=None)
    return frozenset(held), seconds, None


def _families(belonging: Mapping[str, Hashable]) -> tuple[tuple[str, ...], ...]:
    """Ids that share what they belong to with another id, together."""
    members: dict[Hashable, list[str]] = {}
    for clip_id, family in belonging.items():
        members.setdefault(family, []).append(clip_id)
    return tuple(tuple(ids) for ids in members.values() if len(ids) > 1)


def _split_report(
    name: str, parts: Mapping[str, Sequence[str]], clips: Mapping[str, Clip], target: Target
) -> SplitReport:
    members = {part: [clips[clip_id] for clip_id in ids] for part, ids in parts.items()}
    return SplitReport(
        name=name,
        clips={part: len(held) for part, held in members.items()},
        speakers={part: len({clip.speaker for clip in held} - {None}) for part, held in members.items()},
        classes={part: _counts(class_of(clip, target) for clip in held) for part, held in members.items()},
    )


def _counts(values: Any) -> dict[str, int]:
    counted = Counter(UNKNOWN if value is None else str(value) for value in values)
    return dict(sorted(counted.items(), key=lambda item: (item[0] == UNKNOWN, item[0])))


def _lengths(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    return {
        "total": round(sum(seconds), 3),
        "shortest": round(min(seconds), 3),
        "median": round(statistics.median(seconds), 3),
        "longest": round(max(seconds), 3),
    }
