from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.data.randomness import generator
from fusion.training.tasks import MIX_BLOCK, balanced_chances, class_weights, hide, mixed, partners

SETTINGS = settings(max_examples=40, deadline=None)


@given(
    rows=st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=12),
    chance=st.floats(0, 0.999),
    seed=st.integers(0, 1000),
)
@SETTINGS
def test_hiding_streams_never_hides_all_nor_shows_absent_ones(rows: list[list[bool]], chance: float, seed: int) -> None:
    present = torch.tensor(rows)
    shown = hide(present, chance, generator(seed))
    assert not (shown & ~present).any()
    assert torch.equal(shown.any(dim=1), present.any(dim=1))
    assert torch.equal(shown, hide(present, chance, generator(seed)))
    half = len(rows) // 2
    assert torch.equal(shown[half:], hide(present[half:], chance, generator(seed), first=half))


def test_hiding_hides_as_often_as_asked() -> None:
    present = torch.ones(20000, 3, dtype=torch.bool)
    shown = hide(present, 0.3, generator(0))
    # all three are drawn away with 0.027; one of them is then brought back
    assert float(shown.float().mean()) == pytest.approx(0.7 + 0.027 / 3, abs=0.01)
    assert torch.equal(hide(present, 0.0, generator(0)), present)
    assert hide(present[:, :1], 0.9, generator(0)).all()


def test_mixup_blends_inputs_masks_and_targets_alike() -> None:
    frames = torch.arange(12.0).reshape(3, 4)
    mask = torch.tensor([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]], dtype=torch.bool)
    targets = torch.eye(3)
    tensors = {"frames": frames, "mask": mask, "place": torch.arange(3)}
    share, partner = 0.3, torch.tensor([2, 0, 1])
    blended, labels = mixed(tensors, targets, ("frames",), share, partner)
    assert torch.allclose(blended["frames"], share * frames + (1 - share) * frames[partner])
    assert torch.equal(blended["mask"], mask | mask[partner])
    assert torch.equal(blended["place"], tensors["place"])
    assert torch.allclose(labels, share * targets + (1 - share) * targets[partner])
    assert torch.equal(frames, torch.arange(12.0).reshape(3, 4)), "the given batch stays as it is"
    again, _ = mixed(tensors, targets, ("values", "frames"), share, partner)
    assert torch.equal(again["frames"], blended["frames"]), "a key that the batch lacks is passed over"
    for keys in ((), ("values",)):
        same, untouched = mixed(tensors, targets, keys, share, partner)
        assert same is tensors
        assert untouched is targets


@given(present=st.lists(st.booleans(), min_size=3 * MIX_BLOCK, max_size=3 * MIX_BLOCK), seed=st.integers(0, 1000))
@SETTINGS
def test_partners_are_others_of_the_same_block(present: list[bool], seed: int) -> None:
    places = np.flatnonzero(present)
    draws = generator(seed).random(len(present))
    partner = partners(places, draws).numpy()
    assert sorted(partner) == list(range(len(places))), "every row is one row's partner"
    blocks = places // MIX_BLOCK
    assert (blocks == blocks[partner]).all()
    alone = np.array([np.count_nonzero(blocks == block) == 1 for block in blocks], dtype=bool)
    assert ((partner == np.arange(len(places))) == alone).all()
    # the second block as a process that has nothing else sees it
    own = places[blocks == 1] - MIX_BLOCK
    seen = partners(own, draws[MIX_BLOCK : 2 * MIX_BLOCK]).numpy()
    assert (own[seen] + MIX_BLOCK == places[partner[blocks == 1]]).all()


def test_class_weights_by_hand() -> None:
    targets = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=np.float32)
    weights = class_weights(targets).numpy()
    np.testing.assert_allclose(weights, [4 / (2 * 3), 4 / (2 * 1), 0.0])
    assert (targets @ weights).mean() == pytest.approx(1.0)


def test_balanced_chances_draw_every_class_equally_often() -> None:
    targets = np.array([[1, 0]] * 9 + [[0, 1]] * 3, dtype=np.float32)
    chances = balanced_chances(targets)
    assert chances[:9].sum() == pytest.approx(chances[9:].sum())
