"""From a clip's media to the pieces of its streams: all wanted kinds in one pass, with flat memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from fusion.catalog.faults import guarded
from fusion.contract import Clip, ComponentError, DataError, Decoder, FusionError, Pieces, Row, Source, Span, Want
from fusion.data.buffers import Buffer, beginning_within
from fusion.data.stages import Fold, Stage
from fusion.data.streams import StreamPlan
from fusion.media import open_clip

_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class ChainBlock:
    """Newly finished pieces of one stream.

    Args:
        stream: The stream's name.
        row: Pieces that continue those of the stream's earlier blocks.
        done_until: Second of the clip before which the stream is finished.
    """

    stream: str
    row: Row
    done_until: Fraction


@dataclass(frozen=True, slots=True)
class ChainStop:
    """A stream of which nothing more will come, told as soon as it is known.

    Args:
        stream: The stream's name.
        reason: Why.
        failed: Whether it could not be made, rather than that the clip has nothing for it.
    """

    stream: str
    reason: str
    failed: bool


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """What is known once a clip has been read.

    Args:
        duration: Seconds of the clip.
        absent: Streams whose media the clip does not have, with the reason.
        failed: Streams that could not be made, with the error; blocks of theirs may have come before.
    """

    duration: Fraction
    absent: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, FusionError] = field(default_factory=dict)


ChainEvent: TypeAlias = "ChainBlock | ChainStop | ChainEnd"


def run_chains(
    clip: Clip, plans: Sequence[StreamPlan], *, step: Fraction = Fraction(5), longest: Fraction | None = None
) -> Iterator[ChainEvent]:
    """Read a clip once and run the stored part of every stream's chain over it.

    Each transform of scope clip costs one earlier pass, over the kinds of its own streams only. What comes out
    does not depend on ``step``; memory holds about a step and the transforms' context of every stage. Streams of
    extent clip run as a whole, in one block at the end.

    Args:
        clip: The clip.
        plans: Streams; those with equal keys are run once.
        step: Seconds that are read at a time.
        longest: Clips of more seconds fail; None for no limit.

    Yields:
        ChainBlock for every stream as it is finished, ChainStop where one is absent or fails (which harms no
        other), at last one ChainEnd.
    """
    if step <= 0:
        raise ValueError("a step is longer than 0 seconds")
    groups: dict[str, _Chain] = {}
    for plan in plans:
        groups.setdefault(plan.key, _Chain(clip, plan)).names.append(plan.name)
    chains = list(groups.values())
    run = _Run(clip, step, longest)
    while folding := [chain for chain in chains if chain.runs and chain.unfolded is not None]:
        for chain in folding:
            chain.begin_fold()
        for _ in run.read([chain for chain in folding if chain.runs]):
            raise AssertionError("a pass that folds hands nothing over")
        for chain in folding:
            chain.end_fold()
    for block in run.read([chain for chain in chains if chain.runs]):
        yield from _stops(chains)
        yield block
    yield from _stops(chains)
    absent = {name: chain.absence for chain in chains if chain.absence is not None for name in chain.names}
    failed = {name: chain.error for chain in chains if chain.error is not None for name in chain.names}
    yield ChainEnd(run.duration, absent, failed)


def _stops(chains: Sequence[_Chain]) -> Iterator[ChainStop]:
    for chain in chains:
        if not chain.runs and not chain.told:
            chain.told = True
            reason = chain.absence if chain.absence is not None else str(chain.error)
            yield from (ChainStop(name, reason, chain.error is not None) for name in chain.names)


class _Run:
    """Passes over one clip."""

    def __init__(self, clip: Clip, step: Fraction, longest: Fraction | None) -> None:
        self.clip = clip
        self.step = step
        self.longest = longest
        self.duration = clip.duration or _ZERO

    def read(self, chains: list[_Chain], *, start: Fraction = _ZERO) -> Iterator[ChainBlock]:
        """One pass for these chains, which have been fed up to start already."""
        if not chains:
            return
        reached = time = start
        try:
            with guarded("its decoder fails"):
                source = self._open(chains)
        except FusionError as error:
            yield from self._apart(chains, error, reached)
            return
        try:
            if start:
                with guarded("its decoder fails"):
                    self._skip(source, start)
            ended = False
            while not ended and any(chain.runs for chain in chains):
                if self.longest is not None and max(time, source.duration or time) > self.longest:
                    self._refuse(chains, self.longest)
                    break
                time += self.step
                with guarded("its decoder fails"):
                    pieces = source.advance(time)
                    ended = source.exhausted
                end = self._end(source, reached) if ended else max(reached, min(time, source.duration or time))
                for chain in chains:
                    yield from chain.feed(pieces, source.missing, Span(reached, end), ended)
                reached = end
                del pieces
            self.duration = max(self.duration, reached, source.duration or _ZERO)
        except FusionError as error:
            source.close()
            yield from self._apart(chains, error, reached)
        finally:
            source.close()

    def _open(self, chains: list[_Chain]) -> Source:
        wants: dict[Want, None] = {}
        decoders: dict[str, Decoder] = {}
        for chain in chains:
            wants |= dict.fromkeys(chain.plan.wants.values())
            decoders |= chain.plan.decoders
        return open_clip(self.clip, tuple(wants), plugin_decoders=decoders)

    def _skip(self, source: Source, start: Fraction) -> None:
        time = _ZERO
        while time < start and not source.exhausted:
            time = min(time + self.step, start)
            source.advance(time)

    def _refuse(self, chains: list[_Chain], longest: Fraction) -> None:
        what = f"lasts longer than {float(longest) / 60:g} minutes"
        for chain in chains:
            chain.fail(DataError(what, where=self.clip.id, remedy="cut it, or raise prepare.minutes"))

    def _end(self, source: Source, reached: Fraction) -> Fraction:
        if source.duration is None:
            raise ComponentError("the decoder does not say how long the clip is", where=self.clip.id)
        if source.duration < reached:
            went, lasts = float(reached), float(source.duration)
            raise ComponentError(f"the decoder went on to {went:g} s of a clip of {lasts:g} s", where=self.clip.id)
        return source.duration

    def _apart(self, chains: list[_Chain], error: FusionError, reached: Fraction) -> Iterator[ChainBlock]:
        """Where reading fails, streams that need other media still go on by themselves."""
        groups: dict[frozenset[Want], list[_Chain]] = {}
        for chain in chains:
            if chain.runs:
                groups.setdefault(frozenset(chain.plan.wants.values()), []).append(chain)
        for group in groups.values():
            if len(groups) > 1:
                yield from self.read(group, start=reached)
            else:
                for chain in group:
                    chain.fail(error)


class _Chain:
    """One chain over one clip, and the streams it is for."""

    def __init__(self, clip: Clip, plan: StreamPlan) -> None:
        self.plan = plan
        self.names: list[str] = []
        self.absence: str | None = None
        self.error: FusionError | None = None
        self.told = False
        self._clip = clip
        self._states: dict[int, object] = {}
        self._fold: Fold | None = None
        self._seen: set[str] = set()
        self._stages: list[Stage] = []
        self._begin(None)

    @property
    def runs(self) -> bool:
        """Whether the chain is neither absent nor failed."""
        return self.error is None and self.absence is None

    @property
    def unfolded(self) -> int | None:
        """The first step of scope clip whose state is not known yet."""
        steps = enumerate(self.plan.stored)
        return next((k for k, step in steps if step.scope == "clip" and k not in self._states), None)

    def fail(self, error: FusionError) -> None:
        """Give up, and let go of everything held."""
        self.error = error
        self._stages = []
        self._whole = Buffer()

    def begin_fold(self) -> None:
        """Prepare a pass that ends in the next step of scope clip."""
        try:
            with guarded("its chain fails", where=f"stream '{', '.join(self.names)}'"):
                self._begin(self.unfolded)
        except FusionError as error:
            self.fail(error)

    def end_fold(self) -> None:
        """Keep the state that the pass has folded."""
        folded = self.unfolded
        if self._fold is not None and folded is not None and self.runs:
            self._states[folded] = self._fold.state
        self._begin(None)

    def _begin(self, fold_at: int | None) -> None:
        steps = self.plan.stored[:fold_at]
        self._stages = [Stage(step, self._states.get(k)) for k, step in enumerate(steps)]
        self._fold = None if fold_at is None else Fold(self.plan.stored[fold_at], self._clip)
        self._whole = Buffer()
        self._seen.clear()

    def feed(
        self, pieces: Mapping[Want, Pieces], missing: Mapping[str, str], span: Span, ended: bool
    ) -> Iterator[ChainBlock]:
        """Take the media of a span, the clip's last one where ended, and hand over what is finished by it."""
        if not self.runs:
            return
        wants = self.plan.wants
        row = {kind: beginning_within(pieces[want], span) for kind, want in wants.items() if want in pieces}
        self._seen.update(kind for kind, run in row.items() if len(run))
        self.absence = self._absence(missing, span.end, ended)
        if self.absence is not None:
            return
        try:
            with guarded("its chain fails", where=f"stream '{', '.join(self.names)}'"):
                finished = self._through(row, span.end, ended)
        except FusionError as error:
            self.fail(error)
            return
        if finished is not None:
            for name in self.names:
                yield ChainBlock(name, *finished)

    def _absence(self, missing: Mapping[str, str], end: Fraction, ended: bool) -> str | None:
        required = [kind for kind in self.plan.wants if kind not in self.plan.optional]
        reasons = [missing[kind] for kind in required or self.plan.wants if kind in missing]
        if reasons and (required or len(reasons) == len(self.plan.wants)):
            return "; ".join(reasons)
        if ended and end == 0:
            return "the clip lasts 0 seconds"
        if ended:
            unseen = [kind for kind in required if kind not in self._seen]
            return f"no {' and no '.join(unseen)}" if unseen else None
        return None

    def _through(self, row: Row, until: Fraction, ended: bool) -> tuple[Row, Fraction] | None:
        if self.plan.modality.extent == "clip":
            self._whole.add(row)
            if not ended:
                return None
            row = self._whole.everything()
        for stage in self._stages:
            answer = stage.push(row, until, ended)
            if answer is None:
                return None
            row, until = answer
        if self._fold is None:
            return row, until
        self._fold.push(row, until, ended)
        return None
