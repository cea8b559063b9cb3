"""How clips are split into parts. Folds name test groups only: the next fold validates, the others train."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil, comb

from fusion.contract import Clip, DataError, NoOptions, Split
from fusion.data.randomness import generator
from fusion.evaluation import options as settings
from fusion.evaluation.sentences import DETAIL, same_sentences

_Key = Callable[[Clip], str]


def unit(clip: Clip) -> str:
    """What may not be cut: the speaker; of clips without one, the take; else the clip itself."""
    return clip.speaker or f"take:{clip.take or clip.id}"


def _bare(name: str) -> str:
    """A speaker without the corpus's name and leading zeros: ``ravdess:07`` is 7."""
    bare = name.rpartition(":")[2]
    return bare.lstrip("0") or "0" if bare.isdigit() else bare


def _rotation(clips: Sequence[Clip], groups: Sequence[Sequence[str]], key: _Key, names: Sequence[str]) -> list[Split]:
    """One split for each group: it tests, the next validates."""
    members: dict[str, list[str]] = {}
    for clip in clips:
        members.setdefault(key(clip), []).append(clip.id)
    parts = [tuple(sorted(i for value in group for i in members.get(value, ()))) for group in groups]
    empty = [names[k] for k, part in enumerate(parts) if not part]
    if empty:
        raise DataError(f"no clips for {', '.join(empty)}", where="protocol", remedy="choose folds that the corpus has")
    count = len(parts)
    if count < 3:
        raise DataError(
            f"{count} groups cannot give test, validation and training",
            where="protocol",
            remedy="at least three are needed",
        )
    splits = []
    for fold in range(count):
        after = (fold + 1) % count
        train = tuple(sorted(i for k, part in enumerate(parts) if k not in (fold, after) for i in part))
        splits.append(Split(names[fold], train, parts[after], parts[fold]))
    return splits


class SpeakerFolds:
    """k folds over whole speakers, evened out by the number of clips; drawn from the seed."""

    leaking = False

    def __init__(self, options: settings.SpeakerFolds) -> None:
        self._folds = options.folds

    def splits(self, clips: Sequence[Clip], seed: int) -> Sequence[Split]:
        """One split for each fold."""
        sizes: dict[str, int] = {}
        for clip in clips:
            sizes[unit(clip)] = sizes.get(unit(clip), 0) + 1
        if len(sizes) < self._folds:
            raise DataError(
                f"{len(sizes)} speakers do not fill {self._folds} folds",
                where="protocol.folds",
                remedy="use fewer folds or leave_one_speaker_out",
            )
        groups = _even_groups(sizes, self._folds, (seed, "speaker_folds", self._folds))
        return _rotation(clips, groups, unit, [f"fold_{k}" for k in range(self._folds)])


class SpeakerSentenceFolds:
    """Folds over whole speakers and whole sentences: what is tested is neither said by nor heard of anyone in training.

    A clip is tested in the split of its speaker's and its sentence's fold. The speakers of the next fold validate, the
    others train, both with the other sentences only; the rest of the clips stand in no part of that split.
    """

    leaking = False
    sentences_apart = True

    def __init__(self, options: settings.SpeakerSentenceFolds) -> None:
        self._options = options

    def splits(self, clips: Sequence[Clip], seed: int) -> Sequence[Split]:
        """One split for each fold of speakers and each of sentences.

        Raises:
            DataError: It is not known what some clips say, there are too few speakers or sentences, or too few
                speakers say the same.
        """
        said = same_sentences(clips)
        unknown = [clip.id for clip in clips if clip.id not in said]
        if unknown:
            raise DataError(
                f"it is not known what {sorted(unknown)[0]} says, and {len(unknown) - 1} more clips",
                where="protocol",
                remedy=f"give them transcripts or the detail '{DETAIL}', or leave them out with corpus.select",
            )
        folds, sentences = self._options.folds, self._options.sentences
        by_speaker = _placed(clips, _key(self._options.by), folds, least=3, option="folds", seed=seed)
        by_sentence = _placed(clips, lambda clip: said[clip.id], sentences, least=2, option="sentences", seed=seed)
        splits = []
        for fold in range(folds):
            for place in range(sentences):
                parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
                for clip in clips:
                    tested, apart = by_speaker[clip.id] == fold, by_sentence[clip.id] != place
                    if tested and not apart:
                        parts["test"].append(clip.id)
                    elif apart and not tested:
                        validates = by_speaker[clip.id] == (fold + 1) % folds
                        parts["validation" if validates else "train"].append(clip.id)
                name = f"fold_{fold}_{place}"
                empty = next((part for part, ids in parts.items() if not ids), None)
                if empty is not None:
                    raise DataError(
                        f"no clip is left in the {empty} part of {name}: too few speakers share the sentences",
                        where="protocol",
                        remedy=f"lower protocol.folds ({folds}) or protocol.sentences ({sentences}), or use a protocol "
                        "that does not keep sentences apart",
                    )
                splits.append(_split(name, parts))
        return splits


def _placed(clips: Sequence[Clip], key: _Key, folds: int, *, least: int, option: str, seed: int) -> dict[str, int]:
    """The fold of each clip, with values of the key kept whole."""
    sizes = Counter(key(clip) for clip in clips)
    if not least <= folds <= len(sizes):
        raise DataError(
            f"{folds} folds need at least {least} and at most as many as there are values, here {len(sizes)}",
            where=f"protocol.{option}",
            remedy="choose another number",
        )
    groups = _even_groups(sizes, folds, (seed, "speaker_sentence_folds", option, folds))
    place = {value: number for number, group in enumerate(groups) for value in group}
    return {clip.id: place[key(clip)] for clip in clips}


def _even_groups(sizes: Mapping[str, int], count: int, address: Sequence[int | str]) -> list[list[str]]:
    """Names in groups of about as many clips, drawn from an address."""
    order = sorted(sizes)
    shuffled = [order[k] for k in generator(*address).permutation(len(order))]
    groups: list[list[str]] = [[] for _ in range(count)]
    filled = [0] * count
    for name in sorted(shuffled, key=lambda name: -sizes[name]):
        smallest = min(range(count), key=lambda k: (filled[k], k))
        groups[smallest].append(name)
        filled[smallest] += sizes[name]
    return groups


class SpeakerDraws:
    """Draws of whole test and validation speakers; each may be tested in several splits, about as often as others."""

    leaking = False
    redraws = True

    def __init__(self, options: settings.SpeakerDraws) -> None:
        self._options = options

    def splits(self, clips: Sequence[Clip], seed: int) -> Sequence[Split]:
        """One split for each draw; no two test the same speakers.

        Raises:
            DataError: Too few speakers are left to train.
        """
        speakers = sorted({unit(clip) for clip in clips})
        count, held = (
            ceil(Fraction(str(share)) * len(speakers)) for share in (self._options.test, self._options.validation)
        )
        if count + held >= len(speakers):
            raise DataError(
                f"{count} and {held} of {len(speakers)} speakers leave none to train",
                where="protocol",
                remedy="lower protocol.test or protocol.validation",
            )
        address = (seed, "speaker_draws", count, held)
        splits = []
        for number, tested in enumerate(_drawn_groups(speakers, count, self._options.draws, address)):
            rest = [speaker for speaker in speakers if speaker not in tested]
            order = generator(*address, "validation", number).permutation(len(rest))
            validating = {rest[place] for place in order[:held]}
            parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
            for clip in clips:
                who = unit(clip)
                parts["test" if who in tested else "validation" if who in validating else "train"].append(clip.id)
            splits.append(_split(f"draw_{number}", parts))
        return splits


def _drawn_groups(names: Sequence[str], size: int, draws: int, address: Sequence[int | str]) -> list[frozenset[str]]:
    """Different groups of a size, as many as asked for or as there are; names that stood in fewer groups go first."""
    groups: list[frozenset[str]] = []
    stood = dict.fromkeys(names, 0)
    for number in range(min(draws, comb(len(names), size))):
        group, attempt = frozenset[str](), 0
        while not group or group in groups:
            # Evenness gives way little by little where it leads to groups that are there already.
            noise = generator(*address, "test", number, attempt).random(len(names)) * (0.9 + 0.1 * attempt)
            order = sorted(zip(names, noise, strict=True), key=lambda one: stood[one[0]] + one[1])
            group, attempt = frozenset(name for name, _ in order[:size]), attempt + 1
        groups.append(group)
        for name in group:
            stood[name] += 1
    return groups


class NamedFolds:
    """Published folds: the test speakers of each are given by name."""

    leaking = False

    def __init__(self, options: settings.NamedFolds) -> None:
        self._folds = options.folds

    def splits(self, clips: Sequence[Clip], seed: int) -> Sequence[Split]:
        """One split for each fold; the seed plays no part."""
        del seed
        known = {_bare(name) for fold in self._folds for name in fold}
        strangers = sorted({unit(clip) for clip in clips if _bare(unit(clip)) not in known})
        if strangers:
            raise DataError(
                f"{', '.join(strangers[:5])} stand in no fold",
                where="protocol.folds",
                remedy="name every speaker, or select those that are named",
            )
        groups = [[_bare(name) for name in fold] for fold in self._folds]
        return _rotation(clips, groups, lambda clip: _bare(unit(clip)), [f"fold_{k}" for k in range(len(groups))])


class LeaveOneGroupOut:
    """Each group (session, dialogue, or a detail's value) is the test part once."""

    leaking = False

    def __init__(self, options: settings.LeaveOneGroupOut) -> None:
        self._by = options.by

    def splits(self, clips: Sequence[Clip], seed: int) -> Sequence[Split]:
        """One split for each group, in order of their names; the seed plays no part."""
        del seed
        key = _key(self._by)
        values = sorted({key(clip) for clip in clips})
        return _rotation(clips, [[value] for value in values], key, [value.replace(":", "_") for value in values])


class LeaveOneSpeakerOut(LeaveOneGroupOut):
    """Each speaker is the test part once; the next in order validates."""

    def __init__(self, options: NoOptions) -> None:
        del options
        super().__init__(settings.LeaveOneGroupOut(by="speaker"))


class HeldOut:
    """One split by a list of test and validation speakers."""

    leaking = False

    def __init__(self, options: settings.HeldOut) -> None:
        self._options = options

    def splits(self, clips: Sequence[Clip], seed: int) -> Sequence[Split]:
        """One split; the seed plays no part."""
        del seed
        both = {_bare(v) for v in self._options.test} & {_bare(v) for v in self._options.validation}
        if both:
            raise DataError(f"{', '.join(sorted(both))} stand in both test and validation", where="protocol")
        key = _key(self._options.by)
        parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
        wanted: dict[str, str] = {_bare(v): "test" for v in self._options.test}
        wanted |= {_bare(v): "validation" for v in self._options.validation}
        found = set()
        for clip in clips:
            value = _bare(key(clip))
            found.add(value)
            parts[wanted.get(value, "train")].append(clip.id)
        missing = sorted(set(wanted) - found)
        if missing:
            raise DataError(
                f"no clips of {', '.join(missing)}",
                where="protocol",
                remedy=f"the corpus has {', '.join(sorted(found)[:12])}",
            )
        return [_split("held_out", parts)]


class WithinSpeaker:
    """Every speaker's takes are spread over all parts: speakers cross, so scores are of known speakers only."""

    leaking = True

    def __init__(self, options: settings.Shares) -> None:
        self._options = options

    def splits(self, clips: Sequence[Clip], seed: int) -> Sequence[Split]:
        """One split, drawn from the seed; takes stay whole."""
        speakers: dict[str, list[Clip]] = {}
        for clip in clips:
            speakers.setdefault(clip.speaker or "", []).append(clip)
        parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
        for speaker in sorted(speakers):
            for part, ids in _draw(speakers[speaker], self._options, (seed, "within_speaker", speaker)).items():
                parts[part] += ids
        return [_split("within_speaker", parts)]


class Random:
    """Takes are spread over the parts at random, whoever speaks: what many papers do, and no honest score."""

    leaking = True
    redraws = True

    def __init__(self, options: settings.Random) -> None:
        self._options = options

    def splits(self, clips: Sequence[Clip], seed: int) -> Sequence[Split]:
        """One split for each draw from the seed; takes stay whole."""
        if self._options.draws == 1:
            return [_split("random", _draw(clips, self._options, (seed, "random")))]
        return [
            _split(f"random_{number}", _draw(clips, self._options, (seed, "random", number)))
            for number in range(self._options.draws)
        ]


def _draw(clips: Sequence[Clip], shares: settings.Shares, address: Sequence[int | str]) -> Mapping[str, list[str]]:
    takes: dict[str, list[str]] = {}
    for clip in clips:
        takes.setdefault(clip.take or clip.id, []).append(clip.id)
    order = sorted(takes)
    shuffled = [order[k] for k in generator(*address).permutation(len(order))]

    def count(share: float) -> int:
        return round(share * len(order)) if share < 1 else int(share)

    test, validation = count(shares.test), count(shares.validation)
    if test + validation >= len(order):
        raise DataError(f"{test} and {validation} of {len(order)} takes leave none to train", where="protocol")
    chosen = {
        "test": shuffled[:test],
        "validation": shuffled[test : test + validation],
        "train": shuffled[test + validation :],
    }
    return {part: [i for take in names for i in takes[take]] for part, names in chosen.items()}


def _split(name: str, parts: Mapping[str, list[str]]) -> Split:
    return Split(name, *(tuple(sorted(parts[part])) for part in ("train", "validation", "test")))


def _key(by: str) -> _Key:
    if by == "speaker":
        return unit

    def value(clip: Clip) -> str:
        found = clip.group if by == "group" else clip.details.get(by)
        if found is None:
            raise DataError(f"clip {clip.id} has no {by}", where="protocol.by", remedy="choose what every clip has")
        return found

    return value
