"""The interfaces of every kind of component. They are structural: nothing needs to inherit from them.

Every component class is constructed with its validated options first: an instance of the dataclass that was
registered for it, or ``NoOptions``. A class-level integer ``version`` belongs to everything whose output is
stored (modalities, decoders, detectors, transforms): raise it when the output changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from fusion.contract.clips import Clip, Track
from fusion.contract.pieces import Need, Picture, Row, Source, Span, Want
from fusion.contract.streams import (
    Batch,
    Fitted,
    HeadOutput,
    InputSpec,
    ObjectiveOutput,
    OutputSpec,
    StreamOutput,
)

if TYPE_CHECKING:
    import numpy as np
    import typer
    from numpy.typing import NDArray
    from torch import Tensor

Extent = Literal["window", "clip"]
Scope = Literal["local", "clip", "window"]


@dataclass(frozen=True, slots=True)
class NoOptions:
    """The options of a component that has none."""


class Modality(Protocol):
    """A kind of input: which media it needs, and how rows become tensors.

    Constructed as ``Modality(options)``. A modality with something to say about rows that it does use has a method
    ``notes(row) -> Sequence[str]`` ("2 faces in 12 of 20 pictures; the largest was followed"), empty for most rows;
    predictions hand its notes on with the number of windows. Rows that are absent are not asked.

    A modality whose rows limit what a score means has ``cautions``, a sequence of sentences ("the features come from a
    model that was trained on ..."): training says them, and tables, cards and models carry them.
    """

    version: int

    @property
    def needs(self) -> Mapping[str, Need]:
        """What is wanted of each media kind."""
        ...

    @property
    def extent(self) -> Extent:
        """``window``: cut along the clock; ``clip``: one row for the whole clip."""
        ...

    @property
    def mixable(self) -> tuple[str, ...]:
        """Keys of its batches that mixup may blend convexly (their masks are united); empty for none.

        Where batches differ with the chain, those of all of them: a key that a batch lacks is passed over.
        """
        ...

    def absence(self, row: Row) -> str | None:
        """Why a row holds nothing of this modality ("no face found"), or None where it does.

        Rows for which this is not None never reach ``fit``, ``batch`` or an encoder.
        """
        ...

    def fit(self, rows: Iterable[Row]) -> Fitted:
        """Fit what this modality fits (vocabulary, standardisation) on training rows; ``{}`` where nothing."""
        ...

    def input(self, row: Row, fitted: Fitted) -> InputSpec:
        """Describe a batch to encoders, from one example row and what was fitted."""
        ...

    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
        """Stack rows into tensors; rows may differ in length. The same in training and inference."""
        ...


class Decoder(Protocol):
    """Reads tracks of the media kinds it was registered for. Constructed as ``Decoder(options)``."""

    version: int
    kinds: tuple[str, ...]

    def open(self, clip: Clip, tracks: Sequence[Track], wants: Sequence[Want]) -> Source:
        """Open the tracks; raises DataError where a file is not what it claims to be."""
        ...

    def identity(self, clip: Clip, track: Track) -> Mapping[str, str]:
        """What besides the file's bytes decides the pieces (library versions, sidecars by content)."""
        ...


@dataclass(frozen=True, slots=True)
class Detection:
    """A face: its box (left, top, width, height) in pixels of the picture, and a score (larger is surer)."""

    box: tuple[float, float, float, float]
    score: float


class Detector(Protocol):
    """Finds faces in one picture. Constructed as ``Detector(options)``."""

    version: int

    def detect(self, picture: Picture) -> Sequence[Detection]:
        """All faces of the picture, in any order."""
        ...


class Transform(Protocol):
    """A deterministic, versioned step from pieces to pieces. Constructed as ``Transform(options)``.

    Scope ``local``: ``apply`` gets the span extended by ``context`` (shorter only at the clip's ends) and answers
    the span; where the clip is cut otherwise must not matter. Scope ``clip``: before ``apply``, every piece of the
    clip is folded through ``start`` and ``update`` in order, in pieces of any length. Scope ``window``: applied to
    a window's slice at batch time, after the store.

    A transform with something to show has a method ``explain(pieces, span, state) -> Mapping[str, View | None]`` with
    the arguments of ``apply``; ``fusion data draw`` calls it. Under the name of pieces that ``apply`` answers stands
    how they are to be drawn (None: as the step before had them), under any other name what else it works with: the
    noise that is added, a mask. Without it the answer is drawn by its shape.
    """

    version: int
    scope: Scope

    @property
    def context(self) -> tuple[Fraction, Fraction]:
        """Seconds needed before and after a span."""
        ...

    def start(self, clip: Clip) -> Any:
        """The state before the first piece; None for scopes without one."""
        ...

    def update(self, state: Any, pieces: Row) -> Any:
        """Fold the next pieces into the state."""
        ...

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        """The pieces of the span. Raises DataError where they cannot be made."""
        ...


class Augmentation(Protocol):
    """A random step, in training only, on a window's slice. Constructed as ``Augmentation(options)``.

    Every draw comes from ``random``, which the engine addresses by (seed, epoch, step, clip). One that moves things in
    time says so by a class attribute ``moves_time = True``: pretraining, which compares streams at one time, does
    without it.
    """

    def __call__(self, pieces: Row, span: Span, random: np.random.Generator) -> Row:
        """The changed pieces; the given ones stay as they are."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """A torch.nn.Module from a batch to a stream output. Constructed as ``Encoder(options, input)``.

    An encoder that reads files when it is constructed (pretrained weights) has a property ``portable``: a mapping of
    options (JSON values) that construct the same network without them. Models are saved with those.
    """

    @property
    def spec(self) -> OutputSpec: ...

    def __call__(self, batch: Batch) -> StreamOutput:
        """Encode B >= 1 rows. A row's answer does not depend on its neighbours or on padding."""
        ...


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """What a head may expect of a stream: its encoder's OutputSpec under the stream's name."""

    name: str
    output: OutputSpec


class FusionHead(Protocol):
    """A torch.nn.Module that combines streams. Constructed as ``Head(options, streams, outputs)``.

    ``streams`` is a sequence of StreamSpec, ``outputs`` the number C of the target's outputs. Absent streams
    (``present`` False) must have no influence; any non-empty subset of streams must do. A head that does not do for
    every target has a static method ``suits(options, kind) -> bool`` (aggregators likewise).

    A head that is not fitted by gradient steps has a method ``fit(outputs, present, targets)``, called once on the
    stored outputs of the part that heads are fitted on, with targets ``[B, C]``; what it finds stands in buffers.
    """

    #: Whether the head reads ``StreamOutput.sequence``.
    needs_sequence: bool
    #: Whether the head reads ``StreamOutput.logits`` (the engine's per-stream linear layer counts).
    needs_logits: bool

    def __call__(self, outputs: Mapping[str, StreamOutput], present: Tensor) -> HeadOutput:
        """outputs: by stream, rows for all B windows (rows of absent streams are zeros); present: ``[B, S]`` bool."""
        ...


class Aggregator(Protocol):
    """From a clip's windows to its answer. Constructed as ``Aggregator(options)``."""

    def fit(self, clips: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Fitted:
        """Fit on training clips: (probabilities ``[W, C]``, target ``[C]``) each; ``{}`` where nothing is fitted."""
        ...

    def __call__(
        self, probabilities: NDArray[np.float64], seconds: NDArray[np.float64], fitted: Fitted
    ) -> NDArray[np.float64]:
        """Probabilities ``[W, C]`` of W windows that last ``seconds`` ``[W]`` to the clip's ``[C]``."""
        ...


class Objective(Protocol):
    """A torch.nn.Module for what pretraining minimises over pairs of two streams.

    Constructed as ``Objective(options, dims)`` with the embedding sizes of the two streams; it owns its projections,
    which are dropped afterwards. A batch may be spread over processes: the objective then meets the rows of one
    process and the columns of all, and what it answers is added up, so it needs to know nothing of them. Kinds that it
    never wants as pairs may stand in an attribute ``leaves_out``, kinds that belong together and are no negatives in a
    class attribute ``partners``; ``pairs`` is one of the class, too.
    """

    #: ``drawn``: pairs are drawn by kind, as many as the config's mix says, and nothing else is a pair.
    #: ``all``: every two rows of a batch are a pair; the mix says which clips fill it.
    pairs: Literal["drawn", "all"]
    #: Whether the rows of the second stream are also compared with the columns of the first; both count by half.
    symmetric: bool

    def project(self, embedding: Tensor, side: int) -> Tensor:
        """Embeddings ``[N, D]`` of the first (side 0) or second stream (1) to ``[N, E]``, where they are compared.

        Where a config compares S segments they are ``[N, S, D]``, zeros where a segment holds nothing.
        """
        ...

    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        """``[N, M]`` of projections ``[N, E]`` and ``[M, E]``; larger is nearer, whichever stream comes first."""
        ...

    def __call__(self, rows: Tensor, columns: Tensor, kinds: Tensor) -> ObjectiveOutput:
        """Compare projections ``[N, E]`` with ``[M, E]``; ``kinds`` ``[N, M]`` int8 says which are pairs of which kind.

        The numbers are those of ``contrastive.pairs.PairKind``: 0 none, 1 positive, above that negatives.
        """
        ...


class Corpus(Protocol):
    """A reader from an official layout to clips. Constructed as ``Corpus(options)``.

    A corpus that reads a folder which is not whole may have a method ``findings(root) -> Sequence[str]``: what is
    missing or does not fit, in a sentence each, which ``fusion data inspect`` shows as notes.
    """

    #: What the corpus is, its licence and where its layout is documented, in a few sentences.
    about: str

    def clips(self, root: Any) -> Sequence[Clip]:
        """All clips below ``root`` (a ``pathlib.Path``), ordered by id whatever the directory listing says.

        Raises DataError that says what layout was expected and what was found.
        """
        ...


class Target(Protocol):
    """What is predicted. Constructed as ``Target(options)``."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the C outputs: classes or dimensions."""
        ...

    @property
    def kind(self) -> Literal["single", "soft", "several", "dimensions"]: ...

    def encode(self, labels: Mapping[str, Any]) -> NDArray[np.float32] | None:
        """A clip's labels as ``[C]`` (one-hot, weights, several ones, or values); None where unlabelled.

        Raises DataError on a label that is not among the target's.
        """
        ...

    def loss(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
        """Mean loss of logits ``[B, C]`` against targets ``[B, C]``; weights ``[C]`` by class."""
        ...

    def probabilities(self, logits: Tensor) -> Tensor:
        """``[B, C]`` in 0 to 1 (softmax or sigmoid); for dimensions the values themselves."""
        ...


@dataclass(frozen=True, slots=True)
class Split:
    """One way of cutting clips into parts: ids of the clips, in order, of each part."""

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


class SplitProtocol(Protocol):
    """How clips are split, and what the split guarantees. Constructed as ``Protocol(options)``.

    A protocol whose splits are draws, which may test a clip again, says so with ``redraws = True``.
    """

    #: True where speakers may stand on both sides of a split; every table then says so.
    leaking: bool

    def splits(self, clips: Sequence[Clip], seed: int) -> Sequence[Split]:
        """One split, or one per fold or draw, over the clips; the union of all test parts may be all clips."""
        ...


class Command(Protocol):
    """A command of the ``fusion`` program: a function that adds itself to the typer application."""

    def __call__(self, app: typer.Typer) -> None: ...


def component(kind: str, default: str) -> Any:
    """Make a field of an options class that names another component.

    ``detector: Any = component("detector", "haar")``: the engine validates what a config says there and hands the
    built component over in its place.
    """
    return field(default=default, metadata={"component": kind})
