"""How much of a score is leakage: the same systems by a paper's protocol and with whole speakers apart."""
