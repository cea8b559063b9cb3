"""Options, in a light module of their own: a config is checked without importing torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PulseGRU:
    """Sizes of the network.

    Args:
        hidden: Features of the recurrent layer.
        dropout: Of the embedding.
    """

    hidden: int = 16
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.hidden < 1:
            raise ValueError(f"hidden is at least 1, not {self.hidden}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is from 0 to below 1, not {self.dropout}")
