from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from fusion_spectrogram import encoder_options as options
from fusion_spectrogram.functionals import Functionals
from torch import nn

from fusion.contract import ComponentError, InputSpec

SPEC = InputSpec(shapes={"frames": (None, 6), "mask": (None,)}, rate=Fraction(50))


def built(**settings):
    torch.manual_seed(0)
    return Functionals(options.Functionals(**{"dim": 5, **settings}), SPEC)


def batch_of(*lengths, bands=6):
    frames = torch.randn(len(lengths), max(lengths), bands, generator=torch.Generator().manual_seed(0))
    return {"frames": frames, "mask": torch.arange(max(lengths))[None, :] < torch.tensor(lengths)[:, None]}


def functionals(net, batch):
    return net._functionals(batch["frames"], batch["mask"])


def test_the_statistics_are_those_of_a_loop():
    net = built(smooth=0.06)  # three frames
    batch = batch_of(40, 23)
    got = functionals(net, batch).double()
    for row, length in enumerate((40, 23)):
        frames = batch["frames"][row, :length].double()
        values = torch.cat([frames, frames.mean(dim=1, keepdim=True)], dim=1)
        around = [values[max(0, t - 1) : t + 2].mean(dim=0) for t in range(length)]
        smoothed = torch.stack(around)
        expected = torch.cat(
            [
                values.mean(dim=0),
                values.std(dim=0, correction=0),
                smoothed.max(dim=0).values,
                smoothed.min(dim=0).values,
                values.diff(dim=0).abs().mean(dim=0) * 5,
                torch.tensor([length / 50]).log(),
            ]
        )
        assert torch.allclose(got[row], expected, atol=1e-5)


def test_each_statistic_enters_less_its_typical_value_and_in_its_typical_spread():
    net = built()
    entering = []
    net.join.register_forward_pre_hook(lambda _, inputs: entering.append(inputs[0]))
    batch = batch_of(40, 23)
    net.eval()(batch)
    got = functionals(net, batch)
    typical = [(0.0, 0.6), (0.7, 0.2), (1.2, 0.7), (-1.0, 0.65), (1.5, 0.3)]  # mean, deviation, highest, lowest, slope
    for place, (centre, spread) in enumerate(typical):
        rows = slice(7 * place, 7 * place + 7)
        assert torch.allclose(entering[0][:, rows], (got[:, rows] - centre) / spread, atol=1e-5)
    assert torch.allclose(entering[0][:, 35], (got[:, 35] - 1.0) / 0.3, atol=1e-5)


def test_neither_padding_nor_neighbours_matter():
    net = built().eval()
    batch = batch_of(50, 20, 1)
    batch["frames"][1, 20:] = 1e3
    out = net(batch).embedding
    assert out.shape == (3, net.spec.dim)
    for row, length in enumerate((50, 20, 1)):
        alone = net({"frames": batch["frames"][row : row + 1, :length]}).embedding
        assert torch.allclose(alone[0], out[row], atol=1e-5)


def test_a_row_turned_round_in_time_has_the_same_statistics():
    net = built(smooth=0.0)
    batch = batch_of(30)
    turned = {**batch, "frames": batch["frames"].flip(1)}
    assert torch.allclose(functionals(net, batch), functionals(net, turned), atol=1e-5)


def test_louder_rows_are_told_apart():
    net = built()
    head = nn.Linear(net.spec.dim, 2)
    batch = batch_of(40, 40, 20, 20)
    batch["frames"][::2] += 1.0
    optimiser = torch.optim.Adam([*net.parameters(), *head.parameters()], lr=1e-2)
    targets = torch.tensor([0, 1, 0, 1])
    for _ in range(60):
        loss = nn.functional.cross_entropy(head(net(batch).embedding), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert head(net.eval()(batch).embedding).argmax(dim=1).tolist() == targets.tolist()


def test_one_frame_gives_gradients_without_nan():
    net = built().train()
    net(batch_of(1)).embedding.sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in net.parameters())


class Exported(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, frames, mask):
        return self.net({"frames": frames, "mask": mask}).embedding


def test_it_is_exported_for_any_batch_and_length():
    net = built().eval()
    free = {0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO}
    program = torch.export.export(Exported(net), tuple(batch_of(40, 30).values()), dynamic_shapes=(free, free)).module()
    other = batch_of(25, 9, 12)
    assert torch.allclose(program(other["frames"], other["mask"]), net(other).embedding, atol=1e-5)


def test_raw_sound_and_a_negative_time_are_refused():
    with pytest.raises(ComponentError, match="add log_mel or db_spectrogram"):
        Functionals(options.Functionals(), InputSpec(shapes={"values": (None,), "mask": (None,)}, rate=Fraction(16000)))
    with pytest.raises(ValueError, match="0 or longer"):
        options.Functionals(smooth=-1.0)
