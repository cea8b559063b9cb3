"""Contrastive pretraining of streams against each other."""
