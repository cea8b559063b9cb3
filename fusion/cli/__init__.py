"""The program ``fusion``."""
