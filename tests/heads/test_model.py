from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn

from fusion.contract import Batch, ComponentError, OutputSpec, Span, StreamOutput
from fusion.data.batches import StreamBatch, WindowBatch
from fusion.data.plan import Window
from fusion.heads.model import FusionModel, SingleStream, StreamModel, encode_stream, stream_specs


class Doubler(nn.Module):
    """Embeds by doubling; counts the rows it has seen."""

    def __init__(self, spec: OutputSpec) -> None:
        super().__init__()
        self.spec = spec
        self.rows: list[int] = []

    def forward(self, batch: Batch) -> StreamOutput:
        values = batch["x"]
        self.rows.append(len(values))
        if self.spec.dim is None:
            return StreamOutput(logits=values * 2)
        sequence = values[:, None].expand(-1, 3, -1) if self.spec.sequence else None
        mask = torch.ones(len(values), 3, dtype=torch.bool) if self.spec.sequence else None
        return StreamOutput(embedding=values * 2, sequence=sequence, mask=mask, times=None)


def batch_of(places: dict[str, list[int] | None], rows: int) -> WindowBatch:
    streams: dict[str, StreamBatch | None] = {}
    present = torch.zeros(rows, len(places), dtype=torch.bool)
    for column, (name, where) in enumerate(places.items()):
        streams[name] = None
        if where is not None:
            present[where, column] = True
            x = torch.arange(len(where) * 2.0).reshape(-1, 2) + 1
            streams[name] = StreamBatch(torch.tensor(where), {"x": x})
    windows = [Window(0, Span(Fraction(k), Fraction(k + 1)), k) for k in range(rows)]
    return WindowBatch(windows, present, streams, torch.zeros(rows, 2))


def test_absent_rows_never_reach_the_encoder_and_come_back_as_zeros() -> None:
    encoder = Doubler(OutputSpec(dim=2, sequence=2))
    model = StreamModel(encoder, ("x", "y"))
    batch = batch_of({"a": [1, 3]}, 4)
    output = encode_stream(model, batch, "a")
    assert encoder.rows == [2]
    assert output.embedding is not None
    assert output.sequence is not None
    assert output.embedding.tolist() == [[0, 0], [2, 4], [0, 0], [6, 8]]
    assert output.sequence.shape == (4, 3, 2)
    assert not output.mask[[0, 2]].any()  # type: ignore[index]
    nobody = encode_stream(model, batch_of({"a": None}, 3), "a")
    assert encoder.rows == [2]
    assert not nobody.embedding.any()  # type: ignore[union-attr]
    assert nobody.logits.shape == (3, 2)  # type: ignore[union-attr]
    assert nobody.sequence.shape == (3, 1, 2)  # type: ignore[union-attr]


def test_logits_of_an_encoder_are_brought_into_the_targets_order() -> None:
    model = StreamModel(Doubler(OutputSpec(dim=None, classes=("y", "x"))), ("x", "y"))
    assert model.classify is None
    output: StreamOutput = model({"x": torch.tensor([[1.0, 2.0]])})
    assert output.logits.tolist() == [[4.0, 2.0]]  # type: ignore[union-attr]
    assert model.spec.classes == ("x", "y")
    with pytest.raises(ComponentError, match="answers y, x, but the target has z as well"):
        StreamModel(Doubler(OutputSpec(dim=None, classes=("y", "x"))), ("x", "z"))
    with pytest.raises(ComponentError, match="neither an embedding nor logits"):
        StreamModel(Doubler(OutputSpec(dim=None)), ("x", "z"))


def test_a_whole_model_hides_streams_on_request() -> None:
    torch.manual_seed(0)
    streams = {name: StreamModel(Doubler(OutputSpec(dim=2)), ("x", "y")) for name in ("a", "b")}
    batch = batch_of({"a": [0, 1, 2], "b": [0, 2]}, 3)

    class Both(nn.Module):
        def forward(self, outputs: dict[str, StreamOutput], present: Tensor) -> Tensor:
            assert list(outputs) == ["a", "b"]
            return present

    model = FusionModel(streams, Both())
    hidden = torch.tensor([[True, True], [True, True], [False, True]])
    assert model(batch).tolist() == [[True, True], [True, False], [True, True]]
    assert model(batch, hidden).tolist() == [[True, True], [True, False], [False, True]]


def test_one_stream_answers_for_itself() -> None:
    model = StreamModel(Doubler(OutputSpec(dim=None, classes=("x", "y"))), ("x", "y"))
    head = SingleStream(stream_specs({"a": model}))
    given = {"a": StreamOutput(logits=torch.tensor([[1.0, 2.0], [float("nan"), 4.0]]))}
    answer = head(given, torch.tensor([[True], [False]]))
    assert answer.logits.tolist() == [[1.0, 2.0], [0.0, 0.0]]
    with pytest.raises(ComponentError, match="has no logits"):
        head({"a": StreamOutput(embedding=torch.ones(1, 2))}, torch.tensor([[True]]))
