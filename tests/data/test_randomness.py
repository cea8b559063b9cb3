from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.data.randomness import below, generator, hashed, torch_seed

ADDRESSES = st.lists(st.integers(-(2**70), 2**70) | st.text(max_size=8), max_size=4)


@given(address=ADDRESSES)
@settings(max_examples=30, deadline=None)
def test_the_address_alone_decides(address: list[int | str]) -> None:
    first = generator(*address).integers(2**62, size=4)
    generator("between").normal(size=10)
    assert np.array_equal(generator(*address).integers(2**62, size=4), first)
    assert 0 <= torch_seed(*address) == torch_seed(*address) < 2**63


@given(first=ADDRESSES, second=ADDRESSES)
@settings(max_examples=30, deadline=None)
def test_other_addresses_draw_otherwise(first: list[int | str], second: list[int | str]) -> None:
    same = [(type(part), part) for part in first] == [(type(part), part) for part in second]
    assert (generator(*first).integers(2**62) == generator(*second).integers(2**62)) == same
    assert (torch_seed(*first) == torch_seed(*second)) == same


def test_draws_are_the_same_on_every_machine() -> None:
    """Runs that go on after an upgrade depend on it."""
    assert generator(0, "window", 3).integers(1000, size=5).tolist() == [990, 815, 723, 504, 12]
    assert torch_seed(0, 1) == 4833013481102407362


def test_numpy_numbers_are_numbers_and_others_are_refused() -> None:
    assert torch_seed(np.int64(3)) == torch_seed(3)  # type: ignore[arg-type]
    assert torch_seed("3") != torch_seed(3)
    with pytest.raises(TypeError):
        generator(0.5)  # type: ignore[arg-type]


def test_hashed_draws_depend_on_item_and_address_alone() -> None:
    items = np.arange(1000)
    first = hashed(items, 0, "pretrain", 1)
    assert np.array_equal(hashed(items[400:410], 0, "pretrain", 1), first[400:410])
    assert (hashed(items, 0, "pretrain", 2) != first).all()
    assert len(set(first.tolist())) == 1000
    assert hashed(np.arange(3), 7).tolist() == [3377925289386679801, 18083151026797003344, 7476816451416374954], (
        "runs that go on after an upgrade depend on it"
    )


def test_hashed_draws_are_even() -> None:
    limits = np.full(60_000, 6)
    drawn = below(hashed(np.arange(60_000), 0, "even"), limits)
    counts = np.bincount(drawn, minlength=6)
    assert counts.sum() == 60_000
    assert np.abs(counts - 10_000).max() < 400
    assert np.abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.02
    assert below(hashed(np.arange(5), 0), 0).tolist() == [0] * 5
    assert below(np.array([2**64 - 1], np.uint64), np.array([2**31 - 1])).tolist() == [2**31 - 2]
