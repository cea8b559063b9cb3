"""Words for Fusion: tokenising, vocabulary, LSTM and transformer encoders."""
