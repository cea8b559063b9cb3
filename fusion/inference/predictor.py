"""Predictions with reasons, over clips of any length with flat memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fusion.catalog import Catalog
from fusion.catalog import catalog as installed_catalog
from fusion.catalog.single_files import changed_files
from fusion.contract import Aggregator, Clip, DataError, Modality, Row, RunError, Span, StreamOutput, Target
from fusion.data.assemble import AssembledWindow, ClipRows, clip_windows
from fusion.data.batches import collate
from fusion.data.chain import ChainEnd
from fusion.data.plan import Window
from fusion.data.rows import Absent
from fusion.data.streams import plan_streams
from fusion.evaluation.calibration import tempered
from fusion.heads.model import encode_stream
from fusion.inference.answer import Answer, StreamAnswer, WindowAnswer
from fusion.inference.checkpoint import DESCRIPTION, Checkpoint, read_checkpoint
from fusion.inference.clips import clip_from_file
from fusion.inference.files import read_json

#: Windows that go through the networks together.
BATCH = 8
_Array = NDArray[np.float64]


class Predictor:
    """A loaded model; call it with a file or a clip.

    predictor = Predictor.load("runs/demo/finetune/final")
    answer = predictor("interview.mp4")
    answer.label, answer.streams["face"].contribution
    """

    def __init__(self, checkpoint: Checkpoint, catalog: Catalog) -> None:
        self.checkpoint = checkpoint
        self._files = catalog.files
        self._plans = plan_streams(checkpoint.experiment, catalog)
        self._target: Target = catalog.build("target", checkpoint.experiment.target)
        self._aggregator: Aggregator = catalog.build("aggregator", checkpoint.experiment.aggregator)

    @classmethod
    def load(cls, run: Path | str, *, fold: str | None = None, catalog: Catalog | None = None) -> Predictor:
        """Load a model.

        Args:
            run: A model's folder, a fold or final folder of a run, or a run that has a final model.
            fold: The fold to take, of a run without a final model.
            catalog: Components; the installed ones unless given.

        Raises:
            RunError: There is no single model; lists what there is.
            ComponentError: A plugin that the model needs is not installed.
        """
        catalog = catalog or installed_catalog()
        return cls(read_checkpoint(model_folder(Path(run), fold), catalog), catalog)

    @property
    def names(self) -> tuple[str, ...]:
        """What is predicted: classes or dimensions."""
        return self.checkpoint.names

    @property
    def notes(self) -> list[str]:
        """What is to be said about the model itself: single-file plugins that have changed since it was trained."""
        return changed_files(self.checkpoint.description.get("plugins", {}), self._files)

    @property
    def streams(self) -> tuple[str, ...]:
        """The model's streams."""
        return tuple(self._plans)

    def __call__(
        self,
        clip: Clip | Path | str,
        *,
        transcript: str | None = None,
        tracks: Mapping[str, Path] | None = None,
        embeddings: bool = False,
    ) -> Answer:
        """Answer for one clip.

        Args:
            clip: A media file, or a clip of a corpus.
            transcript: The words of a file; a sidecar of the same name is found by itself.
            tracks: Further files by media kind.
            embeddings: Keep each stream's embedding of every window.

        Raises:
            InputMissing: The file does not exist.
            DataError: Nothing of the clip can be read.
        """
        if not isinstance(clip, Clip):
            clip = clip_from_file(Path(clip), transcript=transcript, tracks=tracks)
        collected = _Collected(self.names, self.streams, self._target.kind)
        pending: list[AssembledWindow] = []
        shared: dict[str, Row | Absent] = {}
        once: dict[str, StreamOutput] = {}
        end: ChainEnd | None = None
        for event in clip_windows(clip, list(self._plans.values()), self.checkpoint.experiment.window):
            if isinstance(event, ClipRows):
                shared = dict(event.rows)
            elif isinstance(event, ChainEnd):
                end = event
            else:
                pending.append(event)
                if len(pending) == BATCH:
                    self._answer(pending, shared, once, collected, embeddings=embeddings)
                    pending = []
        if pending:
            self._answer(pending, shared, once, collected, embeddings=embeddings)
        assert end is not None
        if end.failed and not set(self._plans) - set(end.failed) - set(end.absent):
            error = next(iter(end.failed.values()))
            raise DataError(error.what, where=error.where or clip.id, remedy=error.remedy)
        return self._finish(clip, end, collected)

    @torch.no_grad()
    def _answer(
        self,
        pending: Sequence[AssembledWindow],
        shared: Mapping[str, Row | Absent],
        once: dict[str, StreamOutput],
        collected: _Collected,
        *,
        embeddings: bool,
    ) -> None:
        first = len(collected.spans)
        windows = [Window(0, event.span, first + place) for place, event in enumerate(pending)]
        rows = [{**shared, **event.rows} for event in pending]
        targets = np.full((len(windows), len(self.names)), np.nan, dtype=np.float32)
        batch = collate(self._plans, windows, rows, self.checkpoint.fitted, targets)
        outputs: dict[str, StreamOutput] = {}
        for name, model in self.checkpoint.streams.items():
            if name in shared and not isinstance(shared[name], Absent):
                # A stream of extent clip is encoded once and stands beside every window.
                if name not in once:
                    alone = collate(
                        {name: self._plans[name]},
                        windows[:1],
                        [{name: shared[name]}],
                        self.checkpoint.fitted,
                        targets[:1],
                    )
                    once[name] = encode_stream(model, alone, name)
                outputs[name] = _repeated(once[name], len(windows))
            else:
                outputs[name] = encode_stream(model, batch, name)
        collected.add(self, pending, outputs, batch.present, batch.absent, embeddings=embeddings)
        for name, plan in self._plans.items():
            collected.notes.setdefault(name, []).extend(_notes(plan.modality, row[name]) for row in rows)

    def probabilities(self, outputs: Mapping[str, StreamOutput], present: Tensor) -> _Array:
        """The head's probabilities ``[W, C]`` with these streams shown."""
        logits = self.checkpoint.head(outputs, present).logits
        return np.asarray(self._target.probabilities(logits).numpy(), dtype=np.float64)

    def _tempered(self, probabilities: _Array) -> _Array:
        if self._target.kind not in ("single", "soft"):
            return probabilities
        return tempered(probabilities, self.checkpoint.temperature)

    def _finish(self, clip: Clip, end: ChainEnd, collected: _Collected) -> Answer:
        fitted = self.checkpoint.aggregation
        seconds = np.array([float(span.seconds) for span in collected.spans])

        def aggregate(probabilities: _Array, answered: NDArray[np.bool_]) -> _Array | None:
            if not answered.any():
                return None
            one: _Array = self._aggregator(probabilities[answered], seconds[answered], fitted)
            return np.asarray(self._tempered(one[None])[0])

        whole = aggregate(collected.joined(""), collected.shown(""))
        windows = collected.windows(self._tempered)
        streams = {}
        for name in self.streams:
            own = aggregate(collected.joined(f"only {name}"), collected.shown(f"only {name}"))
            without = aggregate(collected.joined(f"without {name}"), collected.shown(f"without {name}"))
            reasons: dict[str, int] = {}
            for reason in collected.reasons.get(name, ()):
                if reason is not None:
                    reasons[reason] = reasons.get(reason, 0) + 1
            streams[name] = StreamAnswer(
                _named(self.names, own),
                _contribution(self._target.kind, whole, without, own),
                reasons,
                notes=Counter(note for notes in collected.notes.get(name, ()) for note in notes),
            )
        return Answer(
            clip.id,
            float(end.duration),
            self._target.kind,
            _named(self.names, whole),
            streams,
            windows,
            {name: str(error) for name, error in end.failed.items()},
        )


def model_folder(run: Path, fold: str | None = None) -> Path:
    """The folder of a model that a user means by a run.

    Raises:
        RunError: There is none, or several.
    """
    if fold is not None:
        run = run / fold
    for candidate in (run, run / "model", run / "final" / "model"):
        if (candidate / DESCRIPTION).exists():
            return candidate
    folds = sorted(path.parent.parent.name for path in run.glob(f"*/model/{DESCRIPTION}"))
    if len(folds) == 1:
        return run / folds[0] / "model"
    if folds:
        raise RunError(
            f"holds {len(folds)} models, one for each fold ({', '.join(folds)})",
            where=str(run),
            remedy="train the model to use with `fusion finetune CONFIG --final`, or choose one with --fold",
        )
    if (run / "run.json").exists():
        status = read_json(run / "run.json").get("status")
        raise RunError(
            f"has no finished model yet (status: {status})", where=str(run), remedy="repeat the finetune command"
        )
    raise RunError("holds no model", where=str(run), remedy="name the folder that finetune reported")


@dataclass
class _Collected:
    """Answers of windows so far: numbers only, so that a long clip costs little memory."""

    names: tuple[str, ...]
    streams: tuple[str, ...]
    kind: str
    spans: list[Span] = field(default_factory=list)
    answers: dict[str, list[tuple[_Array, NDArray[np.bool_]]]] = field(default_factory=dict)
    reasons: dict[str, list[str | None]] = field(default_factory=dict)
    notes: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    embeddings: dict[str, list[NDArray[np.float32]]] = field(default_factory=dict)

    def add(
        self,
        predictor: Predictor,
        events: Sequence[AssembledWindow],
        outputs: Mapping[str, StreamOutput],
        present: Tensor,
        absent: Mapping[tuple[int, str], str],
        *,
        embeddings: bool,
    ) -> None:
        """Run the head with all streams, with each alone and with each masked."""
        for key, shown in self._views(present):
            values = predictor.probabilities(outputs, shown)
            self.answers.setdefault(key, []).append((values, shown.any(dim=1).numpy()))
        for name in self.streams:
            own = self.reasons.setdefault(name, [])
            own += [absent.get((place, name)) for place in range(len(events))]
            embedded = outputs[name].embedding
            if embeddings and embedded is not None:
                self.embeddings.setdefault(name, []).append(embedded.numpy().astype(np.float32))
        self.spans += [event.span for event in events]

    def _views(self, present: Tensor) -> Iterator[tuple[str, Tensor]]:
        yield "", present
        for column, name in enumerate(self.streams):
            mask = torch.zeros(len(self.streams), dtype=torch.bool)
            mask[column] = True
            yield f"only {name}", present & mask
            yield f"without {name}", present & ~mask

    def joined(self, key: str) -> _Array:
        """Probabilities ``[W, C]`` of one view."""
        parts = self.answers.get(key, [])
        return np.concatenate([values for values, _ in parts]) if parts else np.zeros((0, len(self.names)))

    def shown(self, key: str) -> NDArray[np.bool_]:
        """``[W]``: whether any stream was shown in one view."""
        parts = self.answers.get(key, [])
        return np.concatenate([shown for _, shown in parts]) if parts else np.zeros(0, dtype=bool)

    def windows(self, temper: Callable[[_Array], _Array]) -> tuple[WindowAnswer, ...]:
        """The answer for each window."""
        views = {key: (temper(self.joined(key)), self.shown(key)) for key in self.answers}
        kept = {name: np.concatenate(parts) for name, parts in self.embeddings.items()}

        def view(key: str, place: int) -> _Array | None:
            values, shown = views[key]
            return np.asarray(values[place]) if shown[place] else None

        answers = []
        for place, span in enumerate(self.spans):
            whole = view("", place)
            streams = {}
            for name in self.streams:
                own = view(f"only {name}", place)
                reason = self.reasons[name][place]
                streams[name] = StreamAnswer(
                    _named(self.names, own),
                    _contribution(self.kind, whole, view(f"without {name}", place), own),
                    {} if reason is None else {reason: 1},
                    kept[name][place] if name in kept and reason is None else None,
                    dict.fromkeys(self.notes[name][place], 1),
                )
            answers.append(WindowAnswer(float(span.start), float(span.end), _named(self.names, whole), streams))
        return tuple(answers)


def _notes(modality: Modality, row: Row | Absent) -> tuple[str, ...]:
    """What a modality says of a row; each note once."""
    notes: Callable[[Row], Sequence[str]] | None = getattr(modality, "notes", None)
    return () if notes is None or isinstance(row, Absent) else tuple(dict.fromkeys(notes(row)))


def _named(names: Sequence[str], values: _Array | None) -> dict[str, float] | None:
    return None if values is None else {name: float(value) for name, value in zip(names, values, strict=True)}


def _contribution(kind: str, whole: _Array | None, without: _Array | None, own: _Array | None) -> float | None:
    """Gain in log-probability of the answer; for several classes or dimensions, there is no one answer to explain."""
    if whole is None or without is None or own is None or kind in ("several", "dimensions"):
        return None
    answer = int(whole.argmax())
    return float(np.log(max(whole[answer], 1e-12)) - np.log(max(without[answer], 1e-12)))


def _repeated(output: StreamOutput, rows: int) -> StreamOutput:
    return StreamOutput(
        **{
            key: value.expand(rows, *value.shape[1:])
            for key in StreamOutput.__slots__
            if (value := getattr(output, key)) is not None
        }
    )
