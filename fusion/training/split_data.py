"""The clips of one split as tables, with further training corpora that keep clear of validation and test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fusion.config.models import CorpusSettings
from fusion.contract import WORDS, Clip, ConfigError, Problem, Split, Target
from fusion.data.batches import ClipTable
from fusion.data.streams import StreamPlan
from fusion.evaluation.sentences import same_sentences, sentences_of
from fusion.store.hashes import ContentHashes
from fusion.store.store import Store


@dataclass(frozen=True)
class SplitTables:
    """Tables of the three parts, and the ids of further clips that were left out because they would leak.

    Args:
        apart: Whether what further clips say was compared too.
    """

    train: ClipTable
    validation: ClipTable
    test: ClipTable
    left_out: tuple[str, ...]
    apart: bool

    @property
    def note(self) -> str | None:
        """How many further clips were left out; None where none was."""
        if not self.left_out:
            return None
        shared = "a speaker, take or sentence" if self.apart else "a speaker or take"
        unknown = ", or it is not known what they say" if self.apart else ""
        return f"{len(self.left_out)} further clips share {shared} with validation or test{unknown}: left out"


def split_tables(
    split: Split,
    clips: Mapping[str, Clip],
    further: Sequence[Clip],
    *,
    plans: Mapping[str, StreamPlan],
    store: Store,
    target: Target,
    apart: bool,
) -> SplitTables:
    """Cut clips into tables; further clips train only, and only if nothing of theirs is held back.

    A further clip is left out where its speaker, its take or the content of one of its files is that of a clip of
    the validation or test part; where sentences are kept apart, also where it says what is said there, or where it is
    not known what it says.
    """
    held = [clips[i] for i in (*split.validation, *split.test)]
    speakers = {clip.speaker for clip in held if clip.speaker is not None}
    takes = {clip.take for clip in held if clip.take is not None}
    contents = {content for clip in held for content in content_of(clip, store.hashes)} if further else set()
    compared = apart and bool(held)
    names = same_sentences(clips.values()) if compared else {}
    names_held = {names.get(clip.id) for clip in held}
    spoken = {key for clip in clips.values() if names.get(clip.id) in names_held for key in sentences_of(clip)}

    def unsaid(clip: Clip) -> bool:
        keys = sentences_of(clip)
        return bool(keys) and spoken.isdisjoint(keys)

    def free(clip: Clip) -> bool:
        return (
            clip.speaker not in speakers
            and clip.take not in takes
            and (not compared or unsaid(clip))
            and contents.isdisjoint(content_of(clip, store.hashes))
        )

    kept = [clip for clip in further if free(clip)]
    allowed = {id(clip) for clip in kept}
    return SplitTables(
        ClipTable([*(clips[i] for i in split.train), *kept], plans, store, target),
        ClipTable([clips[i] for i in split.validation], plans, store, target),
        ClipTable([clips[i] for i in split.test], plans, store, target),
        tuple(clip.id for clip in further if id(clip) not in allowed),
        apart,
    )


def content_of(clip: Clip, hashes: ContentHashes) -> list[str]:
    """Hashes of a clip's own files. Words are left out, for two people may say the same, and files of many clips."""
    own = {track.file for track in clip.tracks if track.kind != WORDS and not track.shared}
    return sorted({hashes.of(file) for file in own if file.is_file()})


def check_label_maps(settings: Sequence[CorpusSettings]) -> None:
    """Further corpora must say what each of their labels means here.

    Raises:
        ConfigError: A further corpus has no label map.
    """
    problems = [
        Problem(f"training_corpora.{place}.labels", f"{corpus.name} needs a map from its labels to the target's "
                "(null leaves clips out)")
        for place, corpus in enumerate(settings)
        if not corpus.labels
    ]  # fmt: skip
    if problems:
        raise ConfigError("config", problems)
