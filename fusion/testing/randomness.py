"""The global generators of random numbers: kept as they are, and watched."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: What checks are run with, so that they find the same every time.
SEED = 20
_UNLIKELY = 987_654_321


@contextmanager
def undisturbed(seed: int = SEED) -> Iterator[None]:
    """Within: settled global generators, one thread and no warnings; afterwards all is as it was before."""
    import numpy as np

    python, numpy = random.getstate(), np.random.get_state()
    torch: Any = sys.modules.get("torch")
    state = None if torch is None else (torch.random.get_rng_state(), torch.get_num_threads())
    if torch is not None:
        torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seed_all(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
            if state is not None:
                torch.random.set_rng_state(state[0])
                torch.set_num_threads(state[1])


def seed_all(seed: int) -> None:
    """Seed the global generators of Python and NumPy, and torch's where it is loaded."""
    import numpy as np

    random.seed(seed)
    np.random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def touched(action: Callable[[], object], *, torch: bool = True) -> list[str]:
    """Whose global state an action changes: any of ``random``, ``numpy.random``, ``torch``.

    Args:
        action: What is done.
        torch: Whether torch's own generator is watched, too: building networks draws from it.
    """
    import numpy as np

    seed_all(_UNLIKELY)  # so that seeding anew shows, also with a seed that was used before
    loaded: Any = sys.modules.get("torch") if torch else None
    python, numpy = random.getstate(), np.random.get_state(legacy=False)["state"]
    state = None if loaded is None else loaded.random.get_rng_state()
    numpy = {key: np.array(value) for key, value in numpy.items()}
    action()
    after = np.random.get_state(legacy=False)["state"]
    found = []
    if random.getstate() != python:
        found.append("random")
    if any(not np.array_equal(value, after[key]) for key, value in numpy.items()):
        found.append("numpy.random")
    if state is not None and not loaded.equal(state, loaded.random.get_rng_state()):
        found.append("torch")
    return found
