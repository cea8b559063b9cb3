"""What contrastive pretraining offers to Fusion through the same hooks as any plugin."""
