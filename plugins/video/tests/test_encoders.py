"""What all encoders of pictures promise."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from fusion_video.backbones import X3D, SlowR50
from fusion_video.cnn3d import CNN3D
from fusion_video.encoder_options import CNN3D as CNN3DOptions
from fusion_video.encoder_options import X3D as X3DOptions
from fusion_video.encoder_options import SlowR50 as SlowR50Options
from fusion_video.masked import segment_pool
from torch import nn

from fusion.contract import ComponentError, InputSpec

ENCODERS = {
    "cnn3d": (CNN3D, CNN3DOptions(widths=(4, 8, 8, 12), groups=4, hidden=16, embedding=12, stride=2, step=1)),
    "cnn3d in steps": (
        CNN3D,
        CNN3DOptions(widths=(4, 8, 8, 12), groups=4, pools=(1, 2, 2), pooling=("max", "deviation"), segments=3),
    ),
    "x3d": (X3D, X3DOptions(width=1.0, depth=0.5, embedding=12)),
    "slow_r50": (SlowR50, SlowR50Options(width=8, embedding=12)),
}


def encoder(name, channels=3, seed=0) -> nn.Module:
    torch.manual_seed(seed)
    made, options = ENCODERS[name]
    return made(options, InputSpec({"frames": (None, channels, 100, 60), "mask": (None,)}, rate=Fraction(20, 3)))


def batch(rows, steps, size=(100, 60), channels=3, seed=0):
    numbers = torch.Generator().manual_seed(seed)
    return {
        "frames": torch.rand(rows, steps, channels, *size, generator=numbers),
        "mask": torch.ones(rows, steps, dtype=torch.bool),
    }


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize(("steps", "size"), [(5, (100, 60)), (2, (224, 224)), (1, (100, 60)), (1, (224, 224))])
def test_sizes_and_a_single_frame(name, steps, size):
    network = encoder(name).eval()
    with torch.no_grad():
        output = network(batch(2, steps, size))
    assert output.embedding.shape == (2, network.spec.dim)
    assert output.sequence.shape[2] == network.spec.sequence
    assert output.mask.shape == output.times.shape == output.sequence.shape[:2]
    assert output.times[0, 0] == 0
    assert torch.isfinite(output.embedding).all()


@pytest.mark.parametrize("name", ENCODERS)
def test_neither_neighbours_nor_padding_nor_masked_pictures_change_an_answer(name):
    network = encoder(name).eval()
    several = batch(3, 7)
    several["mask"][1, 4:] = False
    several["mask"][1, 2] = False
    several["mask"][2, 0] = False
    alone = {"frames": several["frames"][1:2, :4].clone(), "mask": several["mask"][1:2, :4]}
    alone["frames"][0, 2] = 5.0
    with torch.no_grad():
        together, single = network(several), network(alone)
    torch.testing.assert_close(together.embedding[1:2], single.embedding, atol=1e-5, rtol=0)
    steps = single.sequence.shape[1]
    torch.testing.assert_close(together.mask[1, :steps], single.mask[0])
    torch.testing.assert_close(
        together.sequence[1, :steps][single.mask[0]], single.sequence[0][single.mask[0]], atol=1e-5, rtol=0
    )
    assert not together.mask[1, steps:].any()


@pytest.mark.parametrize("name", ENCODERS)
def test_times_are_those_of_the_frames(name):
    with torch.no_grad():
        output = encoder(name).eval()(batch(1, 8, (40, 32)))
    steps = output.times[0, 1:] - output.times[0, :-1]
    torch.testing.assert_close(steps, torch.full_like(steps, 8 / len(output.times[0]) * 0.15))


@pytest.mark.parametrize("name", ENCODERS)
def test_gradients_reach_every_parameter(name):
    network = encoder(name).train()
    network(batch(2, 3)).embedding.square().sum().backward()
    without = [key for key, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    assert not without


@pytest.mark.parametrize("name", ENCODERS)
def test_the_same_seed_gives_the_same_answer(name):
    rows = batch(2, 2)
    with torch.no_grad():
        first, second, other = (encoder(name, seed=seed).eval()(rows).embedding for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", ENCODERS)
def test_training_changes_no_statistics_and_works_with_one_row(name):
    network = encoder(name).train()
    before = {key: value.clone() for key, value in network.named_buffers()}
    with torch.no_grad():
        network(batch(1, 2))
    assert all(torch.equal(value, before[key]) for key, value in network.named_buffers())


@pytest.mark.parametrize("name", ENCODERS)
def test_an_order_of_pictures_matters(name):
    network, rows = encoder(name).eval(), batch(1, 6, (40, 32))
    turned = {**rows, "frames": rows["frames"].flip(1)}
    with torch.no_grad():
        assert not torch.allclose(network(rows).embedding, network(turned).embedding, atol=1e-6)


def test_backbones_take_grey_and_refuse_stacked_views():
    output = encoder("x3d", channels=1).eval()(batch(1, 2, channels=1))
    assert torch.isfinite(output.embedding).all()
    with pytest.raises(ComponentError, match="one or three channels, not 6; give the modality video a single view"):
        encoder("slow_r50", channels=6)
    assert encoder("cnn3d", channels=6)(batch(1, 2, channels=6)).embedding.shape == (1, 12)


def test_cnn3d_is_exported_for_any_number_of_rows():
    class Plain(nn.Module):
        def __init__(self, network: nn.Module) -> None:
            super().__init__()
            self.network = network

        def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            output = self.network({"frames": frames, "mask": mask})
            return output.embedding, output.sequence

    network = encoder("cnn3d").eval()
    assert network.spec.exportable
    rows = batch(3, 20)
    rows["mask"][1, 11:] = False
    sizes = {0: torch.export.Dim("rows", min=1, max=64)}
    program = torch.export.export(Plain(network), (rows["frames"], rows["mask"]), dynamic_shapes=(sizes, sizes))
    embedding, sequence = program.module()(rows["frames"][1:2], rows["mask"][1:2])
    expected = network({key: value[1:2] for key, value in rows.items()})
    torch.testing.assert_close(embedding, expected.embedding, atol=1e-5, rtol=0)
    torch.testing.assert_close(sequence, expected.sequence, atol=1e-5, rtol=0)


def test_slow_r50_has_its_published_size():
    network = SlowR50(SlowR50Options(), InputSpec({"frames": (None, 3, 224, 224)}))
    assert network.width == 2048
    # 32.45 million with the head of 400 classes (0.82), which is cut off.
    assert sum(value.numel() for value in network.blocks.parameters()) == pytest.approx(31.63e6, rel=0.01)
    with torch.no_grad():
        assert network.eval()(batch(1, 1)).embedding.shape == (1, 256)


def test_segments_keep_the_order_in_time():
    sequence = torch.tensor([[[1.0], [2.0], [3.0], [4.0], [9.0]]])
    mask = torch.tensor([[True, True, True, True, False]])
    assert segment_pool(sequence, mask, ("mean",), 2).tolist() == [[1.5, 3.5]]
    assert segment_pool(sequence.flip(1), mask.flip(1), ("mean",), 1).tolist() == [[2.5]]
    assert segment_pool(sequence[:, :1], mask[:, :1], ("mean",), 2).tolist() == [[1.0, 0.0]]
