"""Options that import torch."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Options:
    size: int = torch.tensor(3).item()  # type: ignore[assignment]
