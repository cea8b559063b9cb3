from __future__ import annotations

import pytest
import torch
from fusion_text.lstm import LSTM
from fusion_text.options import LSTM as Options
from torch import nn

from fusion.contract import InputSpec

SPEC = InputSpec({"tokens": (None,), "mask": (None,)}, size=30)
FORMS = {
    "attention": Options(width=8, hidden=6, embedding=5),
    "mean": Options(width=8, hidden=6, embedding=5, pooling="mean", bidirectional=False),
    "convolution": Options(width=8, hidden=6, embedding=5, convolution=3, layers=2),
}


def encoder(form: str, seed: int = 0) -> LSTM:
    torch.manual_seed(seed)
    return LSTM(FORMS[form], SPEC)


def batch(lengths):
    numbers = torch.Generator().manual_seed(1)
    steps = max(lengths)
    mask = torch.arange(steps)[None] < torch.tensor(lengths)[:, None]
    return {"tokens": torch.randint(1, 30, (len(lengths), steps), generator=numbers) * mask, "mask": mask}


@pytest.mark.parametrize("form", FORMS)
def test_neither_neighbours_nor_padding_change_an_answer(form):
    network = encoder(form).eval()
    several = batch([9, 1, 4])
    together = network(several)
    assert together.embedding.shape == (3, network.spec.dim)
    assert together.sequence.shape == (3, 9, network.spec.sequence)
    for row, length in enumerate((9, 1, 4)):
        alone = network({key: value[row : row + 1, :length] for key, value in several.items()})
        torch.testing.assert_close(together.embedding[row], alone.embedding[0], atol=1e-5, rtol=0)
        torch.testing.assert_close(together.sequence[row, :length], alone.sequence[0], atol=1e-5, rtol=0)
        torch.testing.assert_close(together.attention[row, :length], alone.attention[0], atol=1e-5, rtol=0)
        assert not together.sequence[row, length:].any()
    torch.testing.assert_close(together.attention.sum(1), torch.ones(3))


def test_it_equals_torchs_own_packed_bidirectional_lstm():
    network = encoder("attention").eval()
    rows = batch([5, 3])
    own = nn.LSTM(8, 6, batch_first=True, bidirectional=True)
    own.load_state_dict(
        {
            **network.forwards[0].state_dict(),
            **{f"{key}_reverse": value for key, value in network.backwards[0].state_dict().items()},
        }
    )
    packed = nn.utils.rnn.pack_padded_sequence(network.symbols(rows["tokens"]), torch.tensor([5, 3]), batch_first=True)
    expected, _ = nn.utils.rnn.pad_packed_sequence(own(packed)[0], batch_first=True)
    torch.testing.assert_close(network(rows).sequence, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("form", FORMS)
def test_gradients_reach_every_parameter_and_the_order_of_words_matters(form):
    network = encoder(form)
    network.train()(batch([6, 3])).embedding.square().sum().backward()
    assert [key for key, value in network.named_parameters() if value.grad is None or not value.grad.any()] == []
    rows = batch([6])
    turned = {**rows, "tokens": rows["tokens"].flip(1)}
    assert not torch.allclose(network.eval()(rows).embedding, network(turned).embedding)


def test_the_same_seed_gives_the_same_answer():
    rows = batch([6, 3])
    first, second, other = (encoder("attention", seed).eval()(rows).embedding for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


# torch.export puts an LSTM's flattened weights aside and says so.
@pytest.mark.filterwarnings("ignore:The tensor attributes .*_flat_weights:UserWarning")
@pytest.mark.parametrize("form", ["convolution"])
def test_it_is_exported_for_any_number_of_rows(form):
    class Plain(nn.Module):
        def __init__(self, network: nn.Module) -> None:
            super().__init__()
            self.network = network

        def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return self.network({"tokens": tokens, "mask": mask}).embedding

    network, rows = encoder(form).eval(), batch([8, 3, 5])
    assert network.spec.exportable
    sizes = {0: torch.export.Dim("rows", min=1, max=64)}
    program = torch.export.export(Plain(network), (rows["tokens"], rows["mask"]), dynamic_shapes=(sizes, sizes))
    answer = program.module()(rows["tokens"][1:2], rows["mask"][1:2])
    expected = network({key: value[1:2, :3] for key, value in rows.items()}).embedding
    torch.testing.assert_close(answer, expected, atol=1e-5, rtol=0)


def test_a_convolution_has_a_middle():
    with pytest.raises(ValueError, match="4 words wide has no middle"):
        Options(convolution=4)
