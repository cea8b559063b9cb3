"""A pulse as a modality of Fusion."""
