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
