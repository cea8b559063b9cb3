"""The feature store: per clip and stream, arrays indexed by time, in immutable files named by what decided them."""
