"""What a config does to a corpus's clips: further tracks, a choice among them, other names for their labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fusion.contract import Clip, ConfigError, DataError, Problem, Track
from fusion.corpora.manifest import inside

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NAMED = ("id", "speaker", "take", "group")


def attach_tracks(clips: Sequence[Clip], kind: str, pattern: str, root: Path) -> list[Clip]:
    """Add a track of a kind wherever the pattern names an existing file; a clip without one stays without.

    A file that several clips get is one that they share: its decoder finds each by its id.

    Args:
        clips: The clips, with names as the corpus gives them.
        kind: The media kind, or the kind and a name (``pulse:wrist``).
        pattern: A path below root, or an absolute one, with {id}, {speaker}, {take} and {group}.
        root: A folder.

    Raises:
        ConfigError: The pattern has an unknown placeholder.
        DataError: A path leaves root, or the pattern fits no clip at all.
    """
    problems = [
        Problem(f"corpus.attach.{kind}", f"'{{{name}}}' is none of {', '.join('{' + n + '}' for n in _NAMED)}")
        for name in _PLACEHOLDER.findall(pattern)
        if name not in _NAMED
    ]
    if problems:
        raise ConfigError("corpus", problems)
    wanted = _PLACEHOLDER.findall(pattern)
    folder, below = _anchored(pattern, root)
    files: dict[int, Path] = {}
    for index, clip in enumerate(clips):
        known = {name: getattr(clip, name) for name in wanted}
        if any(value is None for value in known.values()):
            continue
        file = inside(folder, _PLACEHOLDER.sub(lambda match, known=known: str(known[match[1]]), below), "the corpus's")  # type: ignore[misc]
        if file.is_file():
            files[index] = file
    if not files and clips:
        raise DataError(
            f"no file for any of {len(clips)} clips", where=f"{folder / below}", remedy="correct corpus.attach"
        )
    counts = Counter(files.values())
    attached = list(clips)
    for index, file in files.items():
        track = Track(kind, file, shared=counts[file] > 1)
        attached[index] = replace(clips[index], tracks=(*clips[index].tracks, track))
    return attached


def _anchored(pattern: str, root: Path) -> tuple[Path, str]:
    """A folder, and the pattern below it; of an absolute pattern, the folder down to its first placeholder."""
    parts = Path(pattern).parts
    if not Path(pattern).is_absolute():
        return root, pattern
    fixed = next((place for place, part in enumerate(parts) if "{" in part), len(parts) - 1)
    return Path(*parts[:fixed]), "/".join(parts[fixed:])


def select_clips(clips: Sequence[Clip], select: Mapping[str, Sequence[str] | str], *, corpus: str) -> list[Clip]:
    """Clips that have one of the values under every key (a label, detail, speaker, sex, group, take or id).

    Raises:
        DataError: No clip knows a key, or a value occurs nowhere.
    """
    chosen = list(clips)
    for key, value in select.items():
        values = {value} if isinstance(value, str) else set(value)
        having = [(clip, _values(clip, key, corpus)) for clip in clips]
        present = sorted({name for _, names in having for name in names})
        if not present:
            raise DataError(f"no clip has '{key}'", where=f"corpus {corpus}", remedy=f"correct select.{key}")
        unknown = sorted(values - set(present))
        if unknown:
            raise DataError(
                f"no clip has {key} '{unknown[0]}'",
                where=f"corpus {corpus}",
                remedy=f"choose among {', '.join(present[:12])}{' ...' if len(present) > 12 else ''}",
            )
        wanted = {clip.id for clip, names in having if values & set(names)}
        chosen = [clip for clip in chosen if clip.id in wanted]
    return chosen


def _values(clip: Clip, key: str, corpus: str) -> list[str]:
    if key in {"speaker", "take"}:
        name = getattr(clip, key)
        return [] if name is None else [name, f"{corpus}:{name}"]
    if key in {"sex", "group", "id"}:
        value = getattr(clip, key)
    else:
        value = clip.labels.get(key, clip.details.get(key))
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list | tuple | Mapping) else [str(value)]


def map_labels(clips: Sequence[Clip], maps: Mapping[str, Mapping[str, str | None]], *, corpus: str) -> list[Clip]:
    """Rename label values by total maps; a clip whose value maps to null is dropped.

    Of several or weighted classes only those that map to null are dropped, and the clip with the last of them.

    Raises:
        DataError: Some value has no entry; all of them are named, with their counts.
    """
    kept = list(clips)
    for label, table in maps.items():
        missing: Counter[str] = Counter()
        for clip in kept:
            missing.update(name for name in _classes(clip.labels.get(label)) if name not in table)
        if missing:
            counts = ", ".join(f"{name} ({count})" for name, count in sorted(missing.items()))
            raise DataError(
                f"labels.{label} says nothing about {counts}",
                where=f"corpus {corpus}",
                remedy="map every value; null drops its clips",
            )
        mapped = []
        for clip in kept:
            value = clip.labels.get(label)
            if value is None:
                mapped.append(clip)
                continue
            renamed = _renamed(value, table)
            if renamed is not None:
                mapped.append(replace(clip, labels={**clip.labels, label: renamed}))
        kept = mapped
    return kept


def thin_clips(
    clips: Sequence[Clip], proportions: Mapping[str, Mapping[str, float]], *, corpus: str, seed: int
) -> list[Clip]:
    """As many clips as possible whose values of a label stand in given proportions.

    Within a value, speakers take turns to give a clip, drawn from the seed, so that each keeps about its share.

    Raises:
        DataError: A value occurs nowhere, or some clips have several.
    """
    kept = list(clips)
    for label, shares in proportions.items():
        where = f"corpus {corpus}"
        members: dict[str, list[Clip]] = {value: [] for value in shares}
        for clip in kept:
            value = clip.labels.get(label)
            if isinstance(value, list | tuple | Mapping):
                raise DataError(f"clip {clip.id} has several values of {label}", where=where, remedy="drop thin")
            if str(value) in members:
                members[str(value)].append(clip)
        empty = sorted(value for value, own in members.items() if not own)
        if empty:
            raise DataError(f"no clip has {label} '{empty[0]}'", where=where, remedy=f"correct corpus.thin.{label}")
        scale = min(len(own) / shares[value] for value, own in members.items())
        chosen = {
            clip.id
            for value, own in members.items()
            for clip in _by_turns(own, (seed, "thin", label, value))[: max(1, round(shares[value] * scale))]
        }
        kept = [clip for clip in kept if clip.id in chosen]
    return kept


def _by_turns(clips: Sequence[Clip], address: Sequence[int | str]) -> list[Clip]:
    """Clips in an order in which each speaker gives one before any gives another, whatever the order they came in."""
    from fusion.data.randomness import generator

    by_speaker: dict[str, list[Clip]] = {}
    for clip in sorted(clips, key=lambda clip: clip.id):
        by_speaker.setdefault(clip.speaker or "", []).append(clip)
    ranked = []
    for speaker, own in sorted(by_speaker.items()):
        random = generator(*address, speaker)
        order = random.permutation(len(own))
        ranked += [(turn, float(random.random()), own[place].id, own[place]) for turn, place in enumerate(order)]
    return [clip for *_, clip in sorted(ranked, key=lambda one: one[:3])]


def _classes(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list | tuple | Mapping) else [str(value)]


def _renamed(value: Any, table: Mapping[str, str | None]) -> Any:
    if isinstance(value, Mapping):
        weights: dict[str, float] = {}
        for name, weight in value.items():
            target = table[str(name)]
            if target is not None:
                weights[target] = weights.get(target, 0.0) + float(weight)
        return weights if any(weights.values()) else None
    if isinstance(value, list | tuple):
        names = list(dict.fromkeys(table[str(name)] for name in value))
        return [name for name in names if name is not None] or None
    return table[str(value)]
