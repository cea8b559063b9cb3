"""The modality ``audio`` for Fusion: sound transforms, spectrograms, and networks that listen."""
