"""The splits of an experiment: made by its protocol, checked against leaks, named by a hash."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fusion.catalog import Catalog
from fusion.config.models import Experiment
from fusion.contract import Clip, LeakError, Split, SplitProtocol
from fusion.data.copies import original
from fusion.evaluation.sentences import said_before_in, sentences_of

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class SplitPlan:
    """All splits of a protocol over given clips.

    Args:
        protocol: The protocol's name and resolved options.
        leaking: Whether speakers (or copies of a clip) may stand on both sides.
        seed: What the protocol drew from.
        splits: One, or one for each fold.
        hash: Names the exact parts (12 hexadecimal digits).
        notes: What a reader of scores must know (clips without a speaker, sentences on both sides, clips in no part).
        strangers: Clips without a known speaker.
        separates: Whether the protocol keeps sentences apart, so that further clips say nothing that is held back.
        copies: Whether rows made of clips are what is split.
        apart: Whether it is known what all clips say, and nothing that is tested is said in training or validation.
    """

    protocol: Mapping[str, Any]
    leaking: bool
    seed: int
    splits: tuple[Split, ...]
    hash: str
    notes: tuple[str, ...]
    strangers: int = 0
    separates: bool = False
    copies: bool = False
    apart: bool = False

    @property
    def guarantee(self) -> str:
        """One sentence for tables."""
        if self.leaking:
            crossing = "speakers, and copies of one clip," if self.copies else "speakers"
            return f"LEAKING: {self.protocol['name']} lets {crossing} cross parts"
        known = "known speaker" if self.strangers else "speaker"
        said = "; no sentence that is tested is said in another part" if self.apart else ""
        return f"{self.protocol['name']}: no {known} and no take stands in two parts{said}"


def plan_splits(experiment: Experiment, clips: Sequence[Clip], catalog: Catalog, *, further: bool = False) -> SplitPlan:
    """Split the clips as the experiment says.

    Args:
        experiment: Whose protocol it is.
        clips: Of the main corpus, with labels.
        catalog: Where the protocol is found.
        further: Whether clips of more corpora than ``training_corpora`` train too.

    Raises:
        LeakError: Where a take, or a speaker under a protocol that is not named leaking, stands in two parts.
    """
    protocol: SplitProtocol = catalog.build("protocol", experiment.protocol)
    splits = tuple(protocol.splits(clips, experiment.seed))
    by_id = {clip.id: clip for clip in clips}
    leaking = protocol.leaking or experiment.copies is not None
    for split in splits:
        check_split(split, by_id, leaking=leaking)
    resolved = catalog.resolved("protocol", experiment.protocol)
    unknown = sum(clip.speaker is None for clip in clips)
    notes = []
    if unknown:
        notes.append(f"{unknown} of {len(clips)} clips have no known speaker; they are grouped by content alone")
    before = [told for split in splits for told in said_before_in(split, by_id)]
    if any(before):
        notes.append(
            f"what {before.count(True)} of {len(before)} test clips say is also said in training or validation; "
            "speaker_sentence_folds keeps sentences apart"
        )
    separates = bool(getattr(protocol, "sentences_apart", False))
    # Only where the protocol keeps sentences apart are further clips left out for what they say.
    compared = separates or not (further or experiment.training_corpora)
    if not compared and any(told is not None for told in before):
        notes.append(
            "what test clips say is not compared with further corpora here; by_sentence in results counts them"
        )
    if experiment.copies is not None:
        origins = len({original(clip).id for clip in clips})
        notes.append(f"{len(clips)} rows were made of {origins} clips before the split")
    tested = Counter(clip for split in splits for clip in split.test)
    if tested and max(tested.values()) > 1:
        notes.append(f"splits test clips anew: {sum(tested.values())} answers are of {len(tested)} different clips")
    in_parts = [len(split.train) + len(split.validation) + len(split.test) for split in splits]
    if min(in_parts) < len(clips):
        notes.append(f"a split leaves out up to {len(clips) - min(in_parts)} of {len(clips)} clips")
    return SplitPlan(
        resolved,
        leaking,
        experiment.seed,
        splits,
        split_hash(splits),
        tuple(notes),
        strangers=unknown,
        separates=separates,
        copies=experiment.copies is not None,
        apart=compared and set(before) == {False} and all(map(sentences_of, clips)),
    )


def split_hash(splits: Sequence[Split]) -> str:
    """A name for exactly these parts: equal for equal parts, whatever order they were made in."""
    parts = [[split.name, *(sorted(getattr(split, part)) for part in PARTS)] for split in splits]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:12]


def check_split(split: Split, clips: Mapping[str, Clip], *, leaking: bool) -> None:
    """Refuse clips, takes and (unless leaking) speakers that stand in two parts."""
    for what in ("clip", "take") if leaking else ("clip", "take", "speaker"):
        seen: dict[str, tuple[str, str]] = {}
        for part in PARTS:
            for identifier in getattr(split, part):
                value = identifier if what == "clip" else getattr(clips[identifier], what)
                if value is None:
                    continue
                other, first = seen.setdefault(value, (part, identifier))
                if other == part:
                    continue
                said, remedy = f"{what} {value} stands in both {other} and {part}", "use a protocol that keeps it whole"
                if what == "take" and clips[first].speaker != clips[identifier].speaker:
                    # Protocols keep speakers whole before takes, so another one would hardly help.
                    named = " and ".join(f"{i} (speaker {clips[i].speaker or 'unknown'})" for i in (first, identifier))
                    said += f": {named} have the same bytes, or are one take by the corpus, under two speakers"
                    remedy = "remove one of them, or name the same speaker for both"
                raise LeakError(said, where=f"split {split.name}", remedy=remedy)
    for part in PARTS:
        ids = getattr(split, part)
        if len(set(ids)) < len(ids):
            # Copies (augmented, oversampled) are made in training alone: before a split they would cross it.
            raise LeakError(
                f"the {part} part names a clip twice",
                where=f"split {split.name}",
                remedy="list every clip once; balance classes with finetune.balance",
            )
        if not ids:
            raise LeakError(f"the {part} part is empty", where=f"split {split.name}", remedy="choose another protocol")
