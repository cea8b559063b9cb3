"""Faces and pictures for Fusion: sampling by time, face crops, augmentations and 3D-convolutional encoders."""
