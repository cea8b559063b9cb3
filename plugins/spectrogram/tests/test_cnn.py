from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import torch
from fusion_spectrogram import encoder_options as options
from fusion_spectrogram.cnn import Cnn, CnnLstm, CnnRnn
from fusion_spectrogram.layers import MeanPooling
from torch import nn

from fusion.contract import ComponentError, InputSpec

SPEC = InputSpec(shapes={"frames": (None, 64), "mask": (None,)}, rate=Fraction(100))
TINY: dict[str, Any] = {"width": 8, "dim": 16}
CASES = {
    "cnn": (Cnn, options.Cnn(**TINY)),
    "cnn_groups": (Cnn, options.Cnn(**TINY, norm="group", stride=2, deltas=True, pooling="mean")),
    "cnn_segments": (Cnn, options.Cnn(**TINY, pooling="mean", segments=3)),
    "cnn_weights": (Cnn, options.Cnn(**TINY, norm="weights", stride=4, blocks=2)),
    "cnn_every_frame": (Cnn, options.Cnn(**TINY, norm="group", stride=1, step=2)),
    "cnn_lstm": (CnnLstm, options.CnnLstm(**TINY, norm="weights", hidden=8)),
    "cnn_gru": (CnnRnn, options.CnnRnn(**TINY, norm="group", hidden=8)),
    "cnn_plain": (CnnRnn, options.CnnRnn(**TINY, rnn="plain", hidden=12, depth=2)),
}


def built(name, seed=0, spec=SPEC):
    torch.manual_seed(seed)
    cls, settings = CASES[name]
    return cls(settings, spec)


def batch_of(*lengths, bands=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    frames = torch.randn(len(lengths), max(lengths), bands, generator=generator)
    mask = torch.arange(max(lengths))[None, :] < torch.tensor(lengths)[:, None]
    return {"frames": frames, "mask": mask}


@pytest.mark.parametrize("name", CASES)
def test_neither_padding_nor_neighbours_matter(name):
    net = built(name).eval()
    lengths = (97, 40, 33, 1)
    batch = batch_of(*lengths)
    batch["frames"][2, 33:] = 1e3  # whatever stands behind a row's end
    out = net(batch)
    assert out.embedding.shape == (4, net.spec.dim)
    assert out.sequence.shape[2] == net.spec.sequence
    assert out.times.shape == out.mask.shape == out.attention.shape == out.sequence.shape[:2]
    assert torch.allclose(out.attention.sum(dim=1), torch.ones(4))
    assert not out.attention[~out.mask].any()
    for number, length in enumerate(lengths):
        alone = net({"frames": batch["frames"][number : number + 1, :length]})
        steps = alone.sequence.shape[1]
        assert int(out.mask[number].sum()) == steps
        assert torch.allclose(alone.embedding[0], out.embedding[number], atol=1e-5)
        assert torch.allclose(alone.sequence[0], out.sequence[number, :steps], atol=1e-5)
        assert not out.sequence[number, steps:].any()


@pytest.mark.parametrize("name", CASES)
def test_every_parameter_learns_also_from_one_row(name):
    net = built(name).train()
    out = net(batch_of(60))
    (out.embedding.square().sum() + out.sequence.square().sum()).backward()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
    silent = [key for key, parameter in net.named_parameters() if not parameter.grad.any()]
    assert not [key for key in silent if not key.endswith(("score.2.bias", "bias_hh_l0"))], silent


@pytest.mark.parametrize("name", ["cnn", "cnn_lstm", "cnn_gru"])
def test_a_few_steps_learn_to_tell_two_rows_apart(name):
    net = built(name).train()
    head = nn.Linear(net.spec.dim, 2)
    batch = batch_of(40, 40, 40, 40)
    optimiser = torch.optim.AdamW([*net.parameters(), *head.parameters()], lr=3e-3)
    target = torch.tensor([0, 1, 0, 1])
    losses = []
    for _ in range(25):
        loss = nn.functional.cross_entropy(head(net(batch).embedding), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_the_same_seed_is_the_same_answer():
    outs = []
    for _ in range(2):
        net = built("cnn_gru", seed=3).train()
        torch.manual_seed(5)
        outs.append(net(batch_of(50, 30)).embedding)
    assert torch.equal(outs[0], outs[1])


@pytest.mark.parametrize(
    "cls_options", [(Cnn, options.Cnn()), (CnnLstm, options.CnnLstm()), (CnnRnn, options.CnnRnn())]
)
def test_defaults_are_small(cls_options):
    cls, settings = cls_options
    net = cls(settings, SPEC)
    assert sum(parameter.numel() for parameter in net.parameters()) < 500_000
    assert not [module for module in net.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]


@pytest.mark.parametrize("bands", [1, 40, 200])
def test_any_number_of_bands(bands):
    net = built("cnn_gru", spec=InputSpec(shapes={"frames": (None, bands)}, rate=Fraction(100))).eval()
    assert net(batch_of(30, bands=bands)).embedding.shape == (1, 16)


def test_steps_know_their_seconds():
    spec = InputSpec(shapes={"frames": (None, 64)}, rate=Fraction(125, 2))
    out = built("cnn", spec=spec).eval()(batch_of(64))
    assert torch.allclose(out.times[0], torch.arange(8) * 8 / 62.5)


@pytest.mark.parametrize("dtype", [torch.bfloat16])
def test_half_precision_stays_finite_and_independent_of_padding(dtype):
    net = built("cnn_groups").eval()
    batch = batch_of(60, 25)
    with torch.autocast("cpu", dtype=dtype):
        both = net(batch).embedding
        alone = net({"frames": batch["frames"][1:, :25]}).embedding
    assert torch.isfinite(both).all()
    assert torch.allclose(both[1:].float(), alone.float(), atol=0.1)


class Exported(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, frames, mask):
        out = self.net({"frames": frames, "mask": mask})
        return out.embedding, out.sequence, out.mask, out.times


def exported(net, batch, shapes):
    return torch.export.export(Exported(net), (batch["frames"], batch["mask"]), dynamic_shapes=shapes).module()


def test_the_cnn_is_exported_for_any_batch_and_length():
    net = built("cnn").eval()
    free = {0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO}
    program = exported(net, batch_of(60, 40), (free, free))
    for lengths in ((60, 40), (33, 21, 9)):
        batch = batch_of(*lengths)
        expected = net(batch)
        for got, wanted in zip(program(batch["frames"], batch["mask"]), Exported(net)(**batch), strict=True):
            assert torch.allclose(got.float(), wanted.float(), atol=1e-5)
        assert expected.embedding.shape == (len(lengths), 16)


@pytest.mark.parametrize("name", ["cnn_gru", "cnn_lstm", "cnn_weights"])
@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")
def test_all_are_exported_for_one_size_and_any_mask(name):
    net = built(name).eval()
    assert net.spec.exportable
    program = exported(net, batch_of(60, 40), None)
    batch = batch_of(60, 17, seed=4)
    assert torch.allclose(program(batch["frames"], batch["mask"])[0], net(batch).embedding, atol=1e-5)


def test_raw_sound_and_impossible_steps_are_refused():
    with pytest.raises(ComponentError, match="add log_mel"):
        Cnn(options.Cnn(), InputSpec(shapes={"values": (None,)}, rate=Fraction(16000)))
    with pytest.raises(ComponentError, match="a step of 6 frames"):
        Cnn(options.Cnn(step=6), SPEC)


def test_segments_keep_the_order_in_time():
    steps = torch.tensor([[[1.0], [2.0], [3.0], [4.0], [0.0]]])
    mask = torch.tensor([[True, True, True, True, False]])
    assert MeanPooling(2)(steps, mask)[0].tolist() == [[1.5, 3.5]]
    assert MeanPooling()(steps, mask)[0].tolist() == [[2.5]]
    with pytest.raises(ValueError, match="segments goes with pooling: mean"):
        options.Cnn(segments=2)
