"""Randomness is addressed, not consumed: a draw depends on where it is used, never on what was drawn before."""

from __future__ import annotations

import hashlib
import json
import operator

import numpy as np


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
