"""Randomness is addressed, not consumed: a draw depends on where it is used, never on what was drawn before."""

from __future__ import annotations

import hashlib
import json
import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def _digest(address: tuple[int | str, ...]) -> bytes:
    plain = [part if isinstance(part, str) else operator.index(part) for part in address]
    return hashlib.sha256(json.dumps(plain).encode()).digest()


def generator(*address: int | str) -> np.random.Generator:
    """A generator of its own for an address such as ``(seed, epoch, step, "clip", id)``.

    The same address always gives the same draws, whatever the number of processes and workers. Philox
    (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011), keyed by a hash of the address.

    Args:
        address: Whole numbers and strings; ``1`` and ``"1"`` are different addresses.
    """
    return np.random.Generator(np.random.Philox(key=int.from_bytes(_digest(address)[:16], "little")))


def torch_seed(*address: int | str) -> int:
    """A seed for ``torch.manual_seed``, 0 to 2**63 - 1, that depends on the address only."""
    return int.from_bytes(_digest(address)[16:24], "little") >> 1


def hashed(items: NDArray[np.integer[Any]], *address: int | str) -> NDArray[np.uint64]:
    """64 random bits for each item, from the address and the item alone: draws by the thousand at once.

    SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014) of the items, keyed by
    a hash of the address.

    Args:
        items: Whole numbers of any shape.
        address: As for ``generator``.
    """
    key = np.uint64(int.from_bytes(_digest(address)[24:], "little"))
    with np.errstate(over="ignore"):
        bits = items.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + key
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: NDArray[np.uint64] = bits ^ (bits >> np.uint64(31))
    return mixed


def below(bits: NDArray[np.uint64], limits: NDArray[np.integer[Any]] | int) -> NDArray[np.int64]:
    """Whole numbers in 0 .. limit - 1 (0 where the limit is 0) from random bits; limits lie below 2**31.

    The highest bits times the limit: off from uniform by less than limit / 2**32.
    """
    top = (bits >> np.uint64(32)).astype(np.uint64)
    drawn: NDArray[np.int64] = ((top * np.asarray(limits, np.uint64)) >> np.uint64(32)).astype(np.int64)
    return drawn
